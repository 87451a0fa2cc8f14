// SPDX-License-Identifier: Apache-2.0

/// The flags byte of a TCP header (RFC 9293, 3.1; ECE and CWR from RFC 3168), as on the wire.
@usableFromInline package struct TCPFlags: OptionSet, Hashable, Sendable {
    @usableFromInline package var rawValue: UInt8

    @inlinable package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    @inlinable package static var fin: TCPFlags { TCPFlags(rawValue: 0x01) }
    @inlinable package static var syn: TCPFlags { TCPFlags(rawValue: 0x02) }
    @inlinable package static var rst: TCPFlags { TCPFlags(rawValue: 0x04) }
    @inlinable package static var psh: TCPFlags { TCPFlags(rawValue: 0x08) }
    @inlinable package static var ack: TCPFlags { TCPFlags(rawValue: 0x10) }
    @inlinable package static var urg: TCPFlags { TCPFlags(rawValue: 0x20) }
    @inlinable package static var ece: TCPFlags { TCPFlags(rawValue: 0x40) }
    @inlinable package static var cwr: TCPFlags { TCPFlags(rawValue: 0x80) }
}

extension TCPFlags: CustomStringConvertible {
    private static let letters: StaticString = "FSRPAUEC"

    /// The letters of `FSRPAUEC` that are set, in that order.
    @usableFromInline package var description: String {
        String(unsafeUninitializedCapacity: UInt8.bitWidth) { text in
            var count = 0
            for bit in 0..<UInt8.bitWidth where rawValue & 1 << bit != 0 {
                text[count] = Self.letters.utf8Start[bit]
                count += 1
            }
            return count
        }
    }
}
