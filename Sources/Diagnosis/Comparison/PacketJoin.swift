// SPDX-License-Identifier: Apache-2.0

/// The packets of several points that are one and the same.
///
/// A packet is known by its conversation and direction, sequence and acknowledgement numbers, flags and payload length;
/// the n-th copy (a retransmission) at one point is the n-th at another, or by IP-ID and time where one point saw
/// fewer.
struct PacketJoin {
    static let absent = UInt32.max

    let points: Int
    /// A row for each packet: its number in each capture, or `absent`.
    private(set) var rows: [UInt32] = []
    /// By row: equal for copies of one packet.
    private(set) var groups: [UInt32] = []
    /// Duplicates that are not aligned yet: by group the number at each point, then the packets.
    private var waiting: [UInt32] = []
    private var nextGroup: UInt32 = 0

    var count: Int { groups.count }

    /// True while there are copies that are not aligned.
    var hasCopies: Bool { !waiting.isEmpty }

    /// The number of packet `row` in capture `point`, or `nil`.
    @inline(__always)
    func packet(_ row: Int, at point: Int) -> Int? {
        let number = rows[row * points + point]
        return number == Self.absent ? nil : Int(number)
    }

    /// Finds the packets that are one.
    ///
    /// Duplicates that one point saw more often than another wait for `align`.
    init(_ captures: [ComparedCapture], _ keys: [[PacketKey]]) {
        points = captures.count
        let total = keys.reduce(0) { $0 + $1.count }
        rows.reserveCapacity(total / 2 * points)
        groups.reserveCapacity(total / 2)
        var heads = [Int](repeating: 0, count: points)
        var ends = heads
        var copies = [[UInt32]](repeating: [], count: points)
        while true {
            var key: UInt64?
            for point in 0..<points where heads[point] < keys[point].count {
                let candidate = keys[point][heads[point]].key
                if key.map({ candidate < $0 }) ?? true { key = candidate }
            }
            guard let key else { break }
            var isSimple = true
            for point in 0..<points {
                var end = heads[point]
                while end < keys[point].count, keys[point][end].key == key { end += 1 }
                ends[point] = end
                if end - heads[point] > 1 { isSimple = false }
            }
            if isSimple {
                for point in 0..<points {
                    rows.append(ends[point] > heads[point] ? keys[point][heads[point]].packet : Self.absent)
                }
                groups.append(nextGroup)
                nextGroup += 1
            } else {
                for point in 0..<points {
                    copies[point].removeAll(keepingCapacity: true)
                    for index in heads[point]..<ends[point] { copies[point].append(keys[point][index].packet) }
                    captures[point].foldCopies(&copies[point])
                }
                add(copies)
            }
            swap(&heads, &ends)
        }
    }

    private mutating func add(_ copies: [[UInt32]]) {
        if copies.allSatisfy({ $0.count <= 1 }) {
            for point in 0..<points { rows.append(copies[point].first ?? Self.absent) }
            groups.append(nextGroup)
            nextGroup += 1
            return
        }
        for point in 0..<points { waiting.append(UInt32(copies[point].count)) }
        for point in 0..<points { waiting.append(contentsOf: copies[point]) }
    }

    /// Tells which copy is which, now that the clocks can be compared.
    ///
    /// - `time`: The time of a packet of a capture by a clock that all share; `nil` where there is none.
    mutating func align(_ captures: [ComparedCapture], time: (_ point: Int, _ packet: UInt32) -> UInt64?) {
        var position = 0
        var table: [[UInt32]] = []
        while position < waiting.count {
            let counts = waiting[position..<position + points].map { Int($0) }
            position += points
            table.removeAll(keepingCapacity: true)
            for point in 0..<points {
                let found = Array(waiting[position..<position + counts[point]])
                position += counts[point]
                guard !found.isEmpty else { continue }
                let aligner = CopyAligner(captures: captures, points: points, point: point)
                table = aligner.merge(table, found, time: time)
            }
            for row in table {
                rows.append(contentsOf: row)
                groups.append(nextGroup)
            }
            nextGroup += 1
        }
        waiting = []
    }
}

/// The identity of a packet, and its number in the capture.
struct PacketKey: BitwiseCopyable {
    var key: UInt64
    var packet: UInt32
}

extension ComparedCapture {
    /// A packet goes out again within this time (ns): address resolution may hold it back.
    private static var forwardTime: UInt64 { 1_000_000_000 }
    /// Equal packets within this time (ns) are one that a mirror port gave twice.
    private static var mirrorTime: UInt64 { 10_000_000 }
    /// Nobody sends a segment again within this (ns): the shortest probe waits for 2 ms and more (RFC 8985).
    private static var resendTime: UInt64 { 1_000_000 }

    /// Duplicates that may wait to go out at once.
    private static var waiting: Int { 8 }

    /// Takes packets out of `copies` (in the capture's order) that are one that was seen before at this point.
    func foldCopies(_ copies: inout [UInt32]) {
        guard copies.count > 1 else { return }
        var kept = 0
        // From here on there may be some that did not go out again yet.
        var open = 0
        for index in copies.indices.dropFirst() {
            let packet = packets[Int(copies[index])]
            while open < kept, !couldStillLeave(packets[Int(copies[open])], at: packet.time) { open += 1 }
            let candidates = open...min(kept, open + Self.waiting)
            if let before = candidates.first(where: { isForwarded(packet, packets[Int(copies[$0])]) }) {
                noteDuplicate(of: Int(copies[before]), ttl: packet.ttl)
            } else if isMirrored(packet, packets[Int(copies[kept])]) {
                noteDuplicate(of: Int(copies[kept]), ttl: packet.ttl)
            } else {
                kept += 1
                copies[kept] = copies[index]
            }
        }
        copies.removeLast(copies.count - kept - 1)
    }

    private func couldStillLeave(_ packet: ComparedPacket, at time: UInt64) -> Bool {
        // Seen again with the same TTL it has not left: bridge ports show it more than once.
        (packet.copies == 0 || packet.lastTTL == packet.ttl)
            && (time < packet.time || time - packet.time <= Self.forwardTime)
    }

    /// True where `packet` is `before` on its way out of a machine that captures on several interfaces or on its only
    /// one.
    private func isForwarded(_ packet: ComparedPacket, _ before: ComparedPacket) -> Bool {
        guard couldStillLeave(before, at: packet.time), packet.identification == before.identification,
            packet.ttl <= before.ttl, before.ttl - packet.ttl <= 4
        else { return false }
        return packet.ttl < before.ttl || packet.interface != before.interface
    }

    private func isMirrored(_ packet: ComparedPacket, _ before: ComparedPacket) -> Bool {
        guard packet.time != 0, packet.time >= before.time, packet.time - before.time <= Self.mirrorTime,
            packet.identification == before.identification, packet.ttl <= before.ttl,
            packet.ttl &+ 1 >= before.lastTTL
        else { return false }
        // An acknowledgement may come twice for good reason.
        let isNumbered = packet.identification != 0 && flows[packet.flow].key.isIPv4
        return isNumbered
            || (packet.kind != .ack && packet.kind != .udp && packet.time - before.time <= Self.resendTime)
    }

    /// Returns the identity of each packet, sorted.
    ///
    /// - `ignoresBareSequence`: True where a point does not tell the sequence numbers of segments without
    ///   payload.
    func packetKeys(
        _ capture: Int, _ conversations: FlowUnion, _ shifts: SequenceShifts, ignoresBareSequence: Bool,
        seed: UInt64
    ) -> [PacketKey] {
        let isShifted = !shifts.isEmpty(capture)
        var keys = [PacketKey](unsafeUninitializedCapacity: packets.count) { buffer, count in
            for (number, packet) in packets.enumerated() {
                var seq = packet.seq
                var ack = packet.ack
                let kind = packet.kind
                if isShifted, kind.isTCP {
                    seq &-= shifts.amount(capture, flowDirection: packet.direction, packet: number)
                    // Without the flag the field means nothing, and nobody translates it.
                    if packet.flags & 0x10 != 0 {
                        ack &-= shifts.amount(capture, flowDirection: opposite(of: packet), packet: number)
                    }
                }
                if ignoresBareSequence, kind == .ack { seq = 0 }
                var hash = TableHash(seed: seed)
                hash.combine(UInt64(conversations.direction(of: packet, in: capture)) << 32 | UInt64(packet.payload))
                hash.combine(UInt64(seq) << 32 | UInt64(ack))
                // F, S, R and A: what carries data is marked with P by one stack and not by the next, and ECN is
                // rewritten.
                let extra = kind == .udp ? UInt64(packet.identification) : UInt64(packet.flags & 0x17)
                hash.combine(extra << 8 | UInt64(packet.kindValue))
                buffer[number] = PacketKey(key: hash.value, packet: UInt32(truncatingIfNeeded: number))
            }
            count = packets.count
        }
        keys.sort { $0.key != $1.key ? $0.key < $1.key : $0.packet < $1.packet }
        return keys
    }
}
