// SPDX-License-Identifier: Apache-2.0

/// The flows that are given up under load: of bulk and of handshakes the part 2^-level with the lowest hashes is kept.
///
/// The level of handshakes is never above that of bulk, so that a flow whose bulk is kept has its handshake as well
/// (`bpf/shedding.h`). Resets and ICMP errors have no level: they are never shed.
package struct SheddingLevels: Sendable, Hashable {
    /// One flow of 1,024: what is too much then is not a matter of flows.
    package static let maximum = 10
    package static let none = SheddingLevels(bulk: 0, handshake: 0)

    package let bulk: Int
    package let handshake: Int

    /// Levels beyond the bounds are brought inside; the level of handshakes raises that of bulk.
    package init(bulk: Int, handshake: Int) {
        self.handshake = min(max(handshake, 0), Self.maximum)
        self.bulk = min(max(bulk, self.handshake), Self.maximum)
    }

    /// The levels at which one flow of `count` is kept whole and nothing of the others; `nil` if it is no power of two
    /// from 1 to 1,024.
    package init?(keepingOneOf count: Int) {
        guard count > 0, count & (count - 1) == 0, count <= 1 << Self.maximum else { return nil }
        self.init(bulk: count.trailingZeroBitCount, handshake: count.trailingZeroBitCount)
    }

    package func level(_ packetClass: PacketClass) -> Int {
        switch packetClass {
        case .bulk: bulk
        case .handshake: handshake
        case .icmp, .reset: 0
        }
    }

    /// The part of flows that is kept, 1 for all.
    package func keptShare(_ packetClass: PacketClass) -> Double { 1 / Double(UInt64(1) << level(packetClass)) }

    /// The part of flows that is given up: 0 for none, 0.75 where one of four is kept.
    package func ratio(_ packetClass: PacketClass) -> Double { 1 - keptShare(packetClass) }

    /// The part of the hashes that the kernel sheds, from the top, in 2^-32 (`struct packet_shedding`).
    package func cut(_ packetClass: PacketClass) -> UInt32 { ~(UInt32.max >> level(packetClass)) }

    /// True where a flow with that hash (`FiveTuple.flowHash`) is given up.
    package func sheds(_ packetClass: PacketClass, hash: UInt32) -> Bool { hash > ~cut(packetClass) }

    /// The first level at which a flow with that hash is given up; `nil` where even the highest one keeps it.
    package static func firstLevel(sheddingHash hash: UInt32) -> Int? {
        let level = hash.leadingZeroBitCount + 1
        return level <= maximum ? level : nil
    }
}
