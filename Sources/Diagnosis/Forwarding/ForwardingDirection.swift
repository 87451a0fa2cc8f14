// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// One direction of a focused flow, joined: which of its packets arrived here, and which of those left again.
///
/// Packets are matched by sequence range, never one by one: receive offload merges several into one, so that what
/// arrived in three leaves as one. A packet without a length is matched by its numbers.
struct ForwardingDirection {
    /// The time (ns) that a packet may take from arrival to departure: longer than the kernel queues one, except for
    /// address resolution, and long enough that losses of the capture itself are known by then.
    static let wait: UInt64 = 400_000_000
    /// Packets that wait to leave at once; what exceeds that is not looked at.
    private static let capacity = 32
    /// Packets that did not leave, as far as they are kept; more are counted.
    private static let missingCapacity = 8

    /// A packet on its way through.
    struct Arrival {
        var record: PacketRecord
        /// ns since 1970.
        var time: UInt64
        /// The part of its sequence range that has not left yet.
        var start: UInt32
        var end: UInt32
        /// Why the kernel dropped it; `nil` where it did not say that it did.
        var drop: DropTrace?

        init(_ record: PacketRecord, time: UInt64) {
            self.record = record
            self.time = time
            start = record.seq
            end = record.sequenceEnd
        }
    }

    /// As its packets arrive, and as they leave: different where addresses are translated.
    let arrival: FiveTuple
    let departure: FiveTuple
    private(set) var pending: [Arrival] = []
    /// Packets that arrived and did not leave, since one did; the first ones.
    private(set) var missing: [Arrival] = []
    private(set) var missingCount = 0
    private(set) var lastMissing: UInt64 = 0
    /// Packets that left again.
    private(set) var passed = 0
    /// Something left that is no packet that arrived: another device's numbers, or this machine's own.
    ///
    /// Nothing can be concluded from what is missing.
    private(set) var hasForeignNumbers = false
    private var overflowed = false
    private var drops: [DropTrace] = []
    private var early: EgressReordering

    init(arrival: FiveTuple, departure: FiveTuple, clockStep: ClockStep) {
        self.arrival = arrival
        self.departure = departure
        early = EgressReordering(clockStep)
    }

    mutating func arrived(_ record: PacketRecord, time: UInt64) {
        guard pending.count < Self.capacity else {
            overflowed = true
            return
        }
        guard !early.isBlind(at: time) else { return }
        var packet = Arrival(record, time: time)
        if early.take(&packet) {
            passed += 1
        } else {
            pending.append(packet)
        }
    }

    /// - `since`: when all packets of the flow began to be seen on both ways; `nil` where they are not yet.
    mutating func left(_ record: PacketRecord, time: UInt64, since: UInt64?) {
        let start = record.seq
        let end = record.sequenceEnd
        var isKnown = false
        for index in pending.indices.reversed() where pending[index].isCovered(from: start, to: end, by: record) {
            isKnown = true
            if pending[index].subtract(from: start, to: end) { pending.remove(at: index) }
        }
        // It was only held, or it was sent again and got through: the way is open.
        if missing.contains(where: { $0.isOvertaken(from: start, to: end, by: record) }) {
            missing = []
            missingCount = 0
            isKnown = true
        }
        if isKnown { passed += 1 }
        let isForeign = early.add(record, time: time, isKnown: isKnown)
        if let since, isForeign, !overflowed, time > since &+ Self.wait { hasForeignNumbers = true }
    }

    /// Packets may have left unseen.
    mutating func forget() {
        pending = []
        missing = []
        missingCount = 0
    }

    /// Takes what the kernel said of a packet of this direction.
    mutating func dropped(_ trace: DropTrace) {
        if drops.count >= Self.capacity { drops.removeFirst() }
        drops.append(trace)
    }

    /// Moves packets that had their time to those that are missing.
    mutating func settle(now: UInt64) {
        while let first = pending.first, now >= first.time, now - first.time >= Self.wait {
            var arrival = pending.removeFirst()
            if let index = drops.firstIndex(where: { $0.concerns(arrival) }) { arrival.drop = drops.remove(at: index) }
            missingCount += 1
            lastMissing = arrival.time
            if missing.count < Self.missingCapacity { missing.append(arrival) }
        }
        if pending.isEmpty { overflowed = false }
    }

    /// True where so much is missing that it is no coincidence: packets sent at several times, none of which left.
    var isSuspicious: Bool {
        guard let first = missing.first, missingCount >= 2 else { return false }
        return lastMissing - first.time >= 10_000_000
    }

    /// True where the sender repeats itself for a second and more: nobody told it better.
    var isStubborn: Bool {
        guard let first = missing.first, missingCount >= 3 else { return false }
        return lastMissing - first.time >= 1_000_000_000
    }

    /// Why the kernel dropped them, as it said of the newest that it spoke of.
    var drop: DropTrace? { missing.last { $0.drop != nil }?.drop }
}

extension ForwardingDirection.Arrival {
    /// True where a leaving packet is this one, or has a part of it.
    func isCovered(from start: UInt32, to end: UInt32, by record: PacketRecord) -> Bool {
        if self.start == self.end {
            return record.seq == self.record.seq && record.ack == self.record.ack && start == end
        }
        return SequenceNumber.isAfter(end, self.start) && SequenceNumber.isAfter(self.end, start)
    }

    /// Takes off what has left.
    ///
    /// True where nothing remains.
    mutating func subtract(from start: UInt32, to end: UInt32) -> Bool {
        if !SequenceNumber.isAfter(start, self.start) { self.start = end }
        if !SequenceNumber.isAfter(self.end, end) { self.end = start }
        return !SequenceNumber.isAfter(self.end, self.start)
    }

    /// True where a leaving packet has what this one had.
    fileprivate func isOvertaken(from start: UInt32, to end: UInt32, by record: PacketRecord) -> Bool {
        guard self.record.seq == self.record.sequenceEnd else { return isCovered(from: start, to: end, by: record) }
        return record.tcpFlags.contains(.ack) && !SequenceNumber.isAfter(self.record.ack, record.ack)
    }
}

extension DropTrace {
    /// True where the kernel spoke of this packet: GRO may have merged it with others.
    fileprivate func concerns(_ arrival: ForwardingDirection.Arrival) -> Bool {
        guard time &+ 1_000_000 >= arrival.time, time < arrival.time &+ ForwardingDirection.wait else { return false }
        let record = arrival.record
        if record.seq == seq { return record.payload_length > 0 || record.ack == ack }
        return !SequenceNumber.isAfter(record.seq, seq) && SequenceNumber.isAfter(record.sequenceEnd, seq)
    }
}

extension PacketRecord {
    /// The sequence number behind the segment; SYN and FIN count one each (RFC 9293, 3.4).
    var sequenceEnd: UInt32 {
        seq &+ UInt32(payload_length) &+ (tcpFlags.contains(.syn) ? 1 : 0) &+ (tcpFlags.contains(.fin) ? 1 : 0)
    }
}
