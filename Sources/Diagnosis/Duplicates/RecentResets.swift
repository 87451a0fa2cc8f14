// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The newest resets, for recognising copies: one packet seen twice by a mirror port, or on two interfaces of a router.
///
/// A fixed table of 1024 places by the packet's own content; a newer reset overwrites an older one in its place.
struct RecentResets {
    private static let places = 1024
    /// Duplicates come within 10 ms.
    private static let window: UInt64 = 10_000_000
    /// Duplicates of a mirror port come within 100 µs, where nothing else of the connection tells.
    private static let mirrorWindow: UInt64 = 100_000

    private struct Sighting {
        var record: PacketRecord
        var time: UInt64
        var answered: UInt64
        /// Equal resets of the very same time that came before it.
        var occurrence: UInt64
        /// Equal resets that were told so far, this one included.
        var told: UInt32 = 1
    }

    private var sightings: [Sighting?] = Array(repeating: nil, count: places)
    /// The newest that arrived, by what a machine that changes sequence numbers (SYN proxy, NAT of numbers) leaves
    /// alone.
    private var arrivals: [Sighting?] = Array(repeating: nil, count: places)

    /// `nil` where the packet was seen a moment ago: same sequence numbers, flags, length and IP-ID, TTL equal or one
    /// apart, between the same ends.
    ///
    /// A packet on its way out counts as a copy of the one that arrived whatever its addresses have been translated to.
    ///
    /// A kernel answers each late segment with the same reset and IP-ID 0: such resets count as often as segments of
    /// the other direction can have drawn them, unless other packets of this capture come twice, too. Where a capture
    /// has no packet of that direction (a filter for resets), the time between them decides.
    ///
    /// - `answered`: A number that changes with each packet seen in the flow's other direction, which its low 32 bits
    ///   count.
    /// - `isDuplicating`: Other packets have just been seen twice.
    ///
    /// Returns How many equal resets, which are no copies, were seen at the very same time before.
    mutating func occurrence(of record: PacketRecord, answered: UInt64, time: UInt64, isDuplicating: Bool = false)
        -> UInt64?
    {
        if isRenumbered(record, time: time, answered: answered) { return nil }
        var hash = StableHash()
        hash.combine(record.seq)
        hash.combine(record.ack)
        hash.combine(record.flags)
        hash.combine(record.payload_length)
        hash.combine(record.identification)
        let place = Int(truncatingIfNeeded: hash.value % UInt64(Self.places))
        var occurrence: UInt64 = 0
        var told: UInt32 = 1
        if let earlier = sightings[place], time &- earlier.time <= Self.window,
            Self.isSamePacket(earlier.record, record)
        {
            let isSameView =
                earlier.record.ttl == record.ttl && earlier.record.link_hash == record.link_hash
                && earlier.record.interface == record.interface
            let hasIdentification = !record.isIPv6 && record.identification != 0
            if hasIdentification || !isSameView { return nil }
            let draws = UInt32(truncatingIfNeeded: answered)
            let isUnanswered = draws == 0 && time &- earlier.time > Self.mirrorWindow
            if earlier.answered == answered, isDuplicating || (earlier.told >= draws && !isUnanswered) {
                return nil
            }
            if earlier.time == time { occurrence = earlier.occurrence + 1 }
            told = earlier.told &+ 1
        }
        sightings[place] = Sighting(
            record: record, time: time, answered: answered, occurrence: occurrence, told: told)
        return occurrence
    }

    /// True where it leaves after one that has just arrived and differs in its numbers only: a machine that answers
    /// SYNs for a host counts its connections in other numbers than the host.
    private mutating func isRenumbered(_ record: PacketRecord, time: UInt64, answered: UInt64) -> Bool {
        var hash = StableHash()
        hash.combine(record.src_low ^ record.dst_low)
        hash.combine(UInt64(record.src_port) << 16 | UInt64(record.dst_port))
        hash.combine(record.flags)
        hash.combine(record.identification)
        let place = Int(truncatingIfNeeded: hash.value % UInt64(Self.places))
        guard record.direction != .ingress else {
            arrivals[place] = Sighting(record: record, time: time, answered: answered, occurrence: 0)
            return false
        }
        guard let earlier = arrivals[place], time &- earlier.time <= Self.window else { return false }
        let first = earlier.record
        return first.fiveTuple == record.fiveTuple && first.flags == record.flags && first.ttl == record.ttl &+ 1
            && first.payload_length == record.payload_length && first.identification == record.identification
            && (first.seq == record.seq || first.ack == record.ack)
    }

    private static func isSamePacket(_ earlier: PacketRecord, _ later: PacketRecord) -> Bool {
        guard earlier.seq == later.seq, earlier.ack == later.ack, earlier.flags == later.flags,
            earlier.payload_length == later.payload_length, earlier.identification == later.identification
        else { return false }
        // Routed it has lost one, and may have been translated; bridged, or in a tunnel, it is the same packet.
        if later.direction != .ingress, earlier.direction == .ingress,
            earlier.ttl == later.ttl &+ 1 || (earlier.ttl == later.ttl && later.tunnel != .none)
        {
            return true
        }
        // One more, too: a capture of several interfaces is not always in order.
        return abs(Int(earlier.ttl) - Int(later.ttl)) <= 1 && earlier.fiveTuple == later.fiveTuple
    }
}
