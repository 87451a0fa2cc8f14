// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The account of every packet.
///
/// All counts only grow.
///
/// Two identities hold exactly once traffic and drain are at rest, and within what is on its way at any other time:
/// seen = recorded + skipped + shed + refused + lost, and recorded = consumed + in ring.
package struct Ledger: Sendable, Equatable {
    /// The counts of one direction of one interface, or the sum of several.
    package struct Count: Sendable, Equatable {
        /// Packets that reached the BPF programs.
        package var seen: UInt64 = 0
        /// The same with each GRO or GSO packet counted as the packets on the wire.
        package var segments: UInt64 = 0
        /// Not even looked at, because another packet was being looked at on the same CPU, which happens where the
        /// kernel preempts what handles packets (PREEMPT_RT).
        ///
        /// Lost, of no known class.
        package var missed: UInt64 = 0
        /// Not even looked at, because the agent had not renewed its lease in time.
        ///
        /// Lost, of no known class.
        package var idle: UInt64 = 0
        /// Forwarded packets on their way out, which were recorded on their way in.
        package var skipped: UInt64 = 0
        /// Handed to user space, by `PacketClass`.
        package var recorded = [UInt64](repeating: 0, count: PacketClass.allCases.count)
        /// Of flows that were given up under load, by `PacketClass`: bulk and handshakes only.
        package var shed = [UInt64](repeating: 0, count: PacketClass.allCases.count)
        /// Refused by the parser, by `RefusalReason`.
        ///
        /// The first is unused.
        package var refused = [UInt64](repeating: 0, count: RefusalReason.allCases.count + 1)
        /// Parsed, but not handed to user space: by `PacketClass`, then by `LossReason`.
        package var lost = [[UInt64]](
            repeating: [UInt64](repeating: 0, count: LossReason.allCases.count), count: PacketClass.allCases.count)

        package init() {}

        package func recorded(_ packetClass: PacketClass) -> UInt64 { recorded[Int(packetClass.rawValue)] }
        package func shed(_ packetClass: PacketClass) -> UInt64 { shed[Int(packetClass.rawValue)] }
        package func refused(_ reason: RefusalReason) -> UInt64 { refused[Int(reason.rawValue)] }
        package func lost(_ packetClass: PacketClass, _ reason: LossReason) -> UInt64 {
            lost[Int(packetClass.rawValue)][Int(reason.rawValue)]
        }

        package var allRecorded: UInt64 { recorded.reduce(0, &+) }
        package var allShed: UInt64 { shed.reduce(0, &+) }
        package var allRefused: UInt64 { refused.reduce(0, &+) }
        package var allLost: UInt64 { lost.reduce(missed &+ idle) { $0 &+ $1.reduce(0, &+) } }

        /// Every packet that was seen ended in one place.
        package var isBalanced: Bool { seen == allRecorded &+ skipped &+ allShed &+ allRefused &+ allLost }

        package static func += (sum: inout Count, other: Count) {
            sum.seen &+= other.seen
            sum.segments &+= other.segments
            sum.missed &+= other.missed
            sum.idle &+= other.idle
            sum.skipped &+= other.skipped
            for index in sum.recorded.indices { sum.recorded[index] &+= other.recorded[index] }
            for index in sum.shed.indices { sum.shed[index] &+= other.shed[index] }
            for index in sum.refused.indices { sum.refused[index] &+= other.refused[index] }
            for row in sum.lost.indices {
                for index in sum.lost[row].indices { sum.lost[row][index] &+= other.lost[row][index] }
            }
        }
    }

    /// One interface's counts.
    package struct Row: Sendable, Equatable {
        /// The interface's number in records.
        package var slot: UInt8
        package var interface: String
        package var way: PacketWay
        package var count: Count

        package init(slot: UInt8, interface: String, way: PacketWay, count: Count) {
            self.slot = slot
            self.interface = interface
            self.way = way
            self.count = count
        }
    }

    /// Two for each interface, ingress first.
    package var rows: [Row] = []
    /// Records that user space took out of the rings, by `PacketClass`.
    package var consumed = [UInt64](repeating: 0, count: PacketClass.allCases.count)
    /// Records that waited in the rings when the counters were read.
    package var inRing: UInt64 = 0
    /// Bytes that waited in the fullest ring when it was last looked at.
    package var ringUsedBytes = 0
    /// Bytes of one CPU's ring.
    package var ringSizeBytes = 0
    /// The time (ns) for which nothing was looked at, because this process stood still longer than the lease.
    package var blindTime: UInt64 = 0
    /// The shedding levels when the counters were read.
    package var shedding = SheddingLevels.none

    package init() {}

    /// The sum of all rows.
    package var total: Count {
        rows.reduce(into: Count()) { $0 += $1.count }
    }

    package func consumed(_ packetClass: PacketClass) -> UInt64 { consumed[Int(packetClass.rawValue)] }
    package var allConsumed: UInt64 { consumed.reduce(0, &+) }

    /// Both identities hold, the first for each row.
    package var isBalanced: Bool {
        rows.allSatisfy(\.count.isBalanced) && total.allRecorded == allConsumed &+ inRing
    }
}
