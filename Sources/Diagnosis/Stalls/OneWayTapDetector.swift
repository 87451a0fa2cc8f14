// SPDX-License-Identifier: Apache-2.0

/// Connections that came past in both directions, and in one only.
struct OneWayTapDetector {
    /// Packets of one direction without one of the other.
    static let alone: UInt16 = 4
    /// So many connections of one direction, and so large a part of all, are the tap's doing.
    private static let least: UInt64 = 16
    private static let share = 0.9
    /// At the end of a capture without a connection of both directions these are enough.
    private static let leastAtEnd: UInt64 = 4

    private(set) var oneWay: UInt64 = 0
    private(set) var twoWay: UInt64 = 0
    /// It was said, and not again.
    private(set) var isSaid = false

    /// Counts what a packet says of its flow: after it was counted.
    ///
    /// True where it makes it one of a single direction.
    @inline(__always)
    mutating func count(_ side: inout FlowSide, other: inout FlowSide) -> Bool {
        if side.packets == 1, other.packets > 0 {
            twoWay += 1
            if other.isAlone {
                oneWay -= 1
                other.isAlone = false
            }
        } else if side.packets == Self.alone, other.packets == 0, side.hasAck {
            oneWay += 1
            side.isAlone = true
            return true
        }
        return false
    }

    /// Counts a connection of which one direction arrives and the other was seen leaving: this machine translates it.
    mutating func countTranslated() { twoWay += 1 }

    /// Takes back that a flow shows one direction only: packets of the other one leave here.
    mutating func noteLeft(other: inout FlowSide) {
        guard other.isAlone else { return }
        other.isAlone = false
        oneWay -= 1
        twoWay += 1
    }

    /// True where nearly all connections show one direction only.
    var isOneWay: Bool {
        oneWay >= Self.least && Double(oneWay) >= Self.share * Double(oneWay + twoWay)
    }

    /// True once: where it is to be said now.
    mutating func say(atEnd: Bool = false) -> Bool {
        guard !isSaid, isOneWay || (atEnd && twoWay == 0 && oneWay >= Self.leastAtEnd) else { return false }
        isSaid = true
        return true
    }
}
