// SPDX-License-Identifier: Apache-2.0
package import Packets

/// A name resolution block (draft-ietf-opsawg-pcapng, 4.5): names that Wireshark shows in the place of addresses.
package enum NameBlock {
    /// Names of a block at most; what exceeds that is left out.
    package static let limit = 10_000
    /// Bytes of a name at most.
    private static let nameLimit = 255

    /// The block's bytes; `nil` where there are no names.
    package static func bytes(_ names: [(address: IPAddress, name: String)], isSwapped: Bool) -> [UInt8]? {
        guard !names.isEmpty else { return nil }
        var body: [UInt8] = []
        for (address, name) in names.prefix(limit) {
            // A name ends with a byte 0, so it holds none.
            let text = Array(name.utf8.filter { $0 >= 0x20 && $0 != 0x7f }.prefix(nameLimit))
            let high = withUnsafeBytes(of: address.high.bigEndian) { Array($0) }
            let low = withUnsafeBytes(of: address.low.bigEndian) { Array($0) }
            let value = (address.isIPv4 ? Array(low.suffix(4)) : high + low) + text + [0]
            PcapngOption.append(address.isIPv4 ? 1 : 2, value, isSwapped: isSwapped, to: &body)
        }
        PcapngOption.append(0 as UInt32, isSwapped: isSwapped, to: &body)
        var block: [UInt8] = []
        PcapngOption.append(4 as UInt32, isSwapped: isSwapped, to: &block)
        PcapngOption.append(UInt32(body.count + 12), isSwapped: isSwapped, to: &block)
        block += body
        PcapngOption.append(UInt32(body.count + 12), isSwapped: isSwapped, to: &block)
        return block
    }
}
