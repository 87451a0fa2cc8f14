// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// An IPv4 or IPv6 address.
///
/// IPv4 is held IPv4-mapped (`::ffff:a.b.c.d`), as the packet record has it.
@usableFromInline package struct IPAddress: Hashable, Sendable, BitwiseCopyable {
    /// The upper 64 bits in host byte order.
    @usableFromInline package var high: UInt64
    /// The lower 64 bits in host byte order.
    @usableFromInline package var low: UInt64

    @inlinable package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// An IPv4 address from its four octets, the first in the most significant byte.
    package init(v4 octets: UInt32) {
        self.init(high: 0, low: 0xffff_0000_0000 | UInt64(octets))
    }

    /// Reads dotted IPv4 or RFC 4291 IPv6 text.
    ///
    /// `nil` if `text` is neither. A zone (`%eth0`) is not accepted.
    package init?(_ text: some StringProtocol) {
        let text = String(text)
        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            self.init(v4: UInt32(bigEndian: v4.s_addr))
        } else if inet_pton(AF_INET6, text, &v6) == 1 {
            let halves = withUnsafeBytes(of: &v6) { bytes in
                (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            }
            self.init(high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1))
        } else {
            return nil
        }
    }

    /// True for IPv4, which is held IPv4-mapped.
    @inlinable package var isIPv4: Bool { high == 0 && low >> 32 == 0xffff }

    /// True for 0.0.0.0 and ::, which a sender without an address uses.
    @inlinable package var isUnspecified: Bool { isIPv4 ? low & 0xffff_ffff == 0 : high == 0 && low == 0 }

    /// True for 127.0.0.0/8 and ::1.
    @inlinable package var isLoopback: Bool { isIPv4 ? low >> 24 & 0xff == 127 : high == 0 && low == 1 }
}

extension IPAddress: Comparable {
    @inlinable package static func < (left: IPAddress, right: IPAddress) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted for IPv4, RFC 5952 for IPv6.
    @usableFromInline package var description: String {
        if isIPv4 {
            let octets = UInt32(truncatingIfNeeded: low)
            return "\(octets >> 24).\(octets >> 16 & 255).\(octets >> 8 & 255).\(octets & 255)"
        }
        var bytes = (high.bigEndian, low.bigEndian)
        return withUnsafeBytes(of: &bytes) { source in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
                // Cannot fail: the family is known and the buffer has the size that the header names.
                _ = inet_ntop(AF_INET6, source.baseAddress, text.baseAddress, socklen_t(INET6_ADDRSTRLEN))
                return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
        }
    }
}
