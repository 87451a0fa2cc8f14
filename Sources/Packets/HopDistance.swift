// SPDX-License-Identifier: Apache-2.0

/// The distance of a packet's origin, derived from its TTL (or IPv6 hop limit).
///
/// Hosts start from 64, 128 or 255 and every router takes one off, so the initial TTL is guessed as the smallest of the
/// three that is not below what arrived (Jin, Wang, Shin: Hop-Count Filtering, CCS 2003). Two packets with different
/// initial TTLs have come equally far if their distances are equal: 59 (64 − 5) and 123 (128 − 5).
@usableFromInline package struct HopDistance: Hashable, Sendable {
    /// The TTL as it arrived.
    @usableFromInline package var ttl: UInt8
    /// True where the packet was seen leaving this machine: then no router of its own stands between here and `ttl`.
    @usableFromInline package var isEgress: Bool

    @inlinable package init(ttl: UInt8, isEgress: Bool = false) {
        self.ttl = ttl
        self.isEgress = isEgress
    }

    /// The TTL that the sender most likely started from: 64, 128 or 255.
    @inlinable package var initialTTL: UInt8 { ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255 }

    /// The number of routers that decremented the TTL: 0 for a neighbour or this machine.
    @inlinable package var decrements: Int { Int(initialTTL) - Int(ttl) }

    /// The sender's hop: 1 for the neighbour, 0 for this machine.
    @inlinable package var hop: Int { isEgress ? decrements : decrements + 1 }
}

extension HopDistance: CustomStringConvertible {
    /// `61 (64-3)`.
    @usableFromInline package var description: String { "\(ttl) (\(initialTTL)-\(decrements))" }
}
