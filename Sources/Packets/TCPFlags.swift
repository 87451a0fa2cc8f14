// SPDX-License-Identifier: Apache-2.0

/// The flags byte of a TCP header (RFC 9293, 3.1; ECE and CWR from RFC 3168), as on the wire.
package struct TCPFlags: OptionSet, Hashable, Sendable {
    package var rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    package static let fin = TCPFlags(rawValue: 0x01)
    package static let syn = TCPFlags(rawValue: 0x02)
    package static let rst = TCPFlags(rawValue: 0x04)
    package static let psh = TCPFlags(rawValue: 0x08)
    package static let ack = TCPFlags(rawValue: 0x10)
    package static let urg = TCPFlags(rawValue: 0x20)
    package static let ece = TCPFlags(rawValue: 0x40)
    package static let cwr = TCPFlags(rawValue: 0x80)
}

extension TCPFlags: CustomStringConvertible {
    private static let letters: [Character] = ["F", "S", "R", "P", "A", "U", "E", "C"]

    /// The letters of `FSRPAUEC` that are set, in that order.
    package var description: String {
        String(Self.letters.enumerated().lazy.filter { rawValue & (1 << $0.offset) != 0 }.map(\.element))
    }
}
