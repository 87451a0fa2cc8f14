// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Packets

extension IPAddress {
    /// The 16 bytes of the address in network order: they sort as addresses do.
    var data: Data {
        Data(withUnsafeBytes(of: high.bigEndian, Array.init) + withUnsafeBytes(of: low.bigEndian, Array.init))
    }

    /// The reverse of `data`; `nil` where there are not 16 bytes.
    init?(data: Data) {
        guard data.count == 16 else { return nil }
        func number(_ bytes: Data) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(high: number(data.prefix(8)), low: number(data.suffix(8)))
    }
}
