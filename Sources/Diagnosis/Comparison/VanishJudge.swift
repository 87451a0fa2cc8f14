// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Tells packets that something swallows from packets that were lost by chance, and both from those that a capture
/// missed.
///
/// Chance: with a loss rate p of the leg (packets that were lost and came later, among all), k packets of one
/// connection that never come have the probability p^k. Something swallows them where that is below `chance` even for
/// the number of connections looked at.
struct VanishJudge {
    private static let chance = 0.05
    /// The fate of a packet at a leg's first point.
    struct Event {
        var slot: UInt32
        /// Its number at the leg's first point: the order.
        var number: UInt32
        var row: UInt32
        var hasPassed: Bool
    }

    /// One direction of one conversation on one leg.
    struct Slot {
        var direction: UInt32
        var from: Int
        var to: Int
        var passed = Comparison.Tally()
        /// Packets that did not arrive and never came later.
        var swallowed: [UInt32] = []
        /// Packets that did not arrive, and came when they were sent again, or later ones did.
        var lost: [UInt32] = []
        var largestPassed = 0
    }

    private let judge: ComparisonJudge
    private(set) var slots: [Slot] = []
    /// Packets that the leg's second point missed: the receiver has acknowledged them.
    private(set) var unseen: [ComparisonJudge.Unmatched] = []
    private var highestAck: [UInt32: UInt32] = [:]

    /// - `strays`: Packets that vanished on TCP, UDP or ICMP legs.
    init(_ judge: ComparisonJudge, _ strays: [ComparisonJudge.Unmatched]) {
        self.judge = judge
        guard !strays.isEmpty else { return }
        var events: [Event] = []
        var index: [UInt64: UInt32] = [:]
        var slotsOf: [UInt32: [UInt32]] = [:]
        for stray in strays {
            guard let (point, packet) = judge.anyPacket(Int(stray.row)) else { continue }
            let direction = judge.conversations.direction(of: packet, in: point)
            let key = UInt64(direction) << 16 | UInt64(stray.from) << 8 | UInt64(stray.to)
            let slot = index[key] ?? UInt32(slots.count)
            if index[key] == nil {
                index[key] = slot
                slotsOf[direction, default: []].append(slot)
                slots.append(Slot(direction: direction, from: Int(stray.from), to: Int(stray.to)))
            }
            let number = judge.join.packet(Int(stray.row), at: Int(stray.from)) ?? 0
            events.append(Event(slot: slot, number: UInt32(number), row: stray.row, hasPassed: false))
        }
        addPassed(to: &events, slotsOf)
        events.sort { ($0.slot, $0.number) < ($1.slot, $1.number) }
        var start = 0
        while start < events.count {
            var end = start + 1
            while end < events.count, events[end].slot == events[start].slot { end += 1 }
            decide(events[start..<end])
            start = end
        }
    }

    /// Adds the packets that did arrive in directions with losses, and the acknowledgements of their receivers.
    private mutating func addPassed(to events: inout [Event], _ slotsOf: [UInt32: [UInt32]]) {
        let join = judge.join
        for row in 0..<join.count {
            guard let (point, packet) = judge.anyPacket(row) else { continue }
            let direction = judge.conversations.direction(of: packet, in: point)
            if packet.kind.isTCP, packet.flags & 0x10 != 0, packet.kind != .rst, slotsOf[direction ^ 1] != nil {
                let shift =
                    judge.shifts.isEmpty(point)
                    ? 0
                    : judge.shifts.amount(
                        point, flowDirection: judge.captures[point].opposite(of: packet),
                        packet: join.packet(row, at: point) ?? 0)
                let ack = packet.ack &- shift
                if highestAck[direction ^ 1].map({ SequenceNumber.isAfter(ack, $0) }) ?? true {
                    highestAck[direction ^ 1] = ack
                }
            }
            guard let slots = slotsOf[direction] else { continue }
            for slot in slots {
                let (from, to) = (self.slots[Int(slot)].from, self.slots[Int(slot)].to)
                guard let number = join.packet(row, at: from), join.packet(row, at: to) != nil else { continue }
                self.slots[Int(slot)].passed[packet.kind] += 1
                self.slots[Int(slot)].largestPassed = max(self.slots[Int(slot)].largestPassed, Int(packet.payload))
                events.append(Event(slot: slot, number: UInt32(number), row: UInt32(row), hasPassed: true))
            }
        }
    }

    private func packet(_ event: Event) -> ComparedPacket {
        judge.captures[slots[Int(event.slot)].from].packets[Int(event.number)]
    }

    /// A packet's sequence number as the first point has it, whatever was done to it.
    private func seq(_ packet: ComparedPacket, number: UInt32, at point: Int) -> UInt32 {
        guard !judge.shifts.isEmpty(point) else { return packet.seq }
        return packet.seq &- judge.shifts.amount(point, flowDirection: packet.direction, packet: Int(number))
    }

    private mutating func decide(_ events: ArraySlice<Event>) {
        guard let first = events.first else { return }
        let slot = Int(first.slot)
        let from = slots[slot].from
        var passedGroups: Set<UInt32> = []
        var lastPassed: UInt32?
        var lastAck: UInt32?
        var data: [UInt32] = []
        for event in events where event.hasPassed {
            passedGroups.insert(judge.join.groups[Int(event.row)])
            let packet = packet(event)
            guard packet.kind.isTCP, packet.kind != .rst else { continue }
            lastPassed = event.number
            if packet.flags & 0x10 != 0 { lastAck = event.number }
            if packet.payload > 0 { data.append(seq(packet, number: event.number, at: from)) }
        }
        data.sort()
        for event in events where !event.hasPassed {
            let packet = packet(event)
            let row = event.row
            if passedGroups.contains(judge.join.groups[Int(row)]) {
                slots[slot].lost.append(row)
                continue
            }
            switch packet.kind {
            case .ack where lastAck.map({ $0 > event.number }) ?? false:
                slots[slot].lost.append(row)
            case .data, .fin, .syn, .synACK:
                let start = seq(packet, number: event.number, at: from)
                let end = start &+ (packet.nextSeq &- packet.seq)
                let isAcknowledged =
                    highestAck[slots[slot].direction].map { !SequenceNumber.isAfter(end, $0) } ?? false
                if packet.payload > 0, overlaps(data, start, end) {
                    slots[slot].lost.append(row)
                } else if isAcknowledged || (packet.flags & 0x02 != 0 && lastPassed.map { $0 > event.number } ?? false)
                {
                    unseen.append(
                        ComparisonJudge.Unmatched(row: row, from: UInt8(from), to: UInt8(slots[slot].to)))
                } else {
                    slots[slot].swallowed.append(row)
                }
            default: slots[slot].swallowed.append(row)
            }
        }
    }

    /// True where a segment that passed begins within the range or so shortly before that it may reach into it.
    private func overlaps(_ starts: [UInt32], _ start: UInt32, _ end: UInt32) -> Bool {
        var (low, high) = (0, starts.count)
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] < start { low = middle + 1 } else { high = middle }
        }
        guard low < starts.count else { return false }
        return starts[low] &- start < end &- start
    }

    /// True where chance does not explain that so many packets of one slot never came.
    ///
    /// - `rate`: Packets of the leg that were lost, of all.
    /// - `count`: Packets that never came.
    /// - `tries`: Connections that it could have happened to.
    static func isBeyondChance(rate: Double, count: Int, tries: Int) -> Bool {
        count >= 2 && probability(rate: rate, count: count, tries: tries) < chance
    }

    /// The probability that chance does it somewhere, at most 1.
    static func probability(rate: Double, count: Int, tries: Int) -> Double {
        var probability = Double(max(1, tries))
        for _ in 0..<min(count, 64) { probability *= rate }
        return min(1, probability)
    }
}
