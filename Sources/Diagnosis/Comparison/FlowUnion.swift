// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The flows of several points that belong to one connection, also across address and port translation.
///
/// A *direction* of a conversation is its number << 1, and 1 for packets from the high end of its key. Flows of one
/// five-tuple are one conversation; so are flows of several five-tuples whose connections open with the same random
/// numbers.
struct FlowUnion {
    /// More five-tuples than this with one opening are a scanner's constant, not one translated connection.
    private static let translations = 4
    /// Openings of one number that are looked at: more are a flood.
    private static let marks = 256
    /// A packet leaves a translator within this time, ns.
    private static let translationTime: UInt64 = 1_000_000_000

    /// By capture and flow: the direction that the low end's packets have.
    private(set) var ofFlow: [[UInt32]]
    /// By conversation: its key, as the first point that saw it has it.
    private(set) var keys: [FlowKey] = []
    /// By conversation: the one that it was found to be the same as << 1, and 1 where their ends are the other way
    /// round.
    private var parents: [UInt32] = []

    init(_ captures: [ComparedCapture], seed: UInt64) {
        ofFlow = captures.map { [UInt32](repeating: 0, count: $0.flows.count) }
        number(captures, seed: seed)
        mergeByOpenings(captures, seed: seed)
        resolve(captures)
        if mergeLonely(captures, seed: seed) { resolve(captures) }
    }

    var count: Int { keys.count }

    /// The direction of a packet of capture `capture`.
    @inline(__always)
    func direction(of packet: ComparedPacket, in capture: Int) -> UInt32 {
        ofFlow[capture][packet.flow] ^ (packet.direction & 1)
    }

    /// The five-tuple of a direction's packets.
    func fiveTuple(of direction: UInt32) -> FiveTuple {
        keys[Int(direction >> 1)].fiveTuple(fromHigh: direction & 1 == 1)
    }

    private mutating func number(_ captures: [ComparedCapture], seed: UInt64) {
        var index = HashIndex(minimumCapacity: captures.map(\.flows.count).max() ?? 0)
        for (capture, content) in captures.enumerated() {
            for (flow, entry) in content.flows.enumerated() {
                let key = entry.key.plain
                let found = keys.withUnsafeBufferPointer { keys in
                    index.find(key.hash(seed: seed)) { keys[$0].isSame(as: key) }
                }
                if let found {
                    ofFlow[capture][flow] = UInt32(found) << 1
                    continue
                }
                ofFlow[capture][flow] = UInt32(keys.count) << 1
                keys.append(key)
                keys.withUnsafeBufferPointer { keys in
                    index.insert(keys.count - 1) { keys[$0].hash(seed: seed) }
                }
            }
        }
        parents = (0..<keys.count).map { UInt32($0) << 1 }
    }

    /// The first of those that are the same, << 1, and 1 where the ends are the other way round.
    private mutating func root(_ conversation: Int) -> UInt32 {
        var node = conversation
        var parity: UInt32 = 0
        while Int(parents[node] >> 1) != node {
            parity ^= parents[node] & 1
            node = Int(parents[node] >> 1)
        }
        // The way is short: whoever is asked for points to the first directly afterwards.
        parents[conversation] = UInt32(node) << 1 | parity
        return UInt32(node) << 1 | parity
    }

    /// Makes two directions the same one.
    ///
    /// The conversation that was seen first stays.
    private mutating func merge(_ left: UInt32, _ right: UInt32) {
        let first = root(Int(left >> 1)) ^ (left & 1)
        let second = root(Int(right >> 1)) ^ (right & 1)
        guard first >> 1 != second >> 1 else { return }
        let (older, newer) = first < second ? (first, second) : (second, first)
        parents[Int(newer >> 1)] = older ^ (newer & 1)
    }

    private mutating func resolve(_ captures: [ComparedCapture]) {
        for capture in captures.indices {
            for flow in ofFlow[capture].indices {
                let direction = ofFlow[capture][flow]
                ofFlow[capture][flow] = root(Int(direction >> 1)) ^ (direction & 1)
            }
        }
    }
}

// MARK: - Translated addresses

extension FlowUnion {
    private struct Mark {
        var key: UInt64
        var direction: UInt32
        var capture: UInt32
        /// By the capture's clock, ns.
        var time: UInt64 = 0
    }

    /// A SYN keeps its sequence number and timestamp through a translation, a SYN-ACK what it acknowledges as well.
    private mutating func mergeByOpenings(_ captures: [ComparedCapture], seed: UInt64) {
        // A conversation that all points saw under its own addresses need not be looked for, but may be what another
        // one is.
        let seenBy = points(captures)
        let all = UInt32(truncatingIfNeeded: (1 << UInt64(captures.count)) - 1)
        func forEachMark(_ body: (Mark, _ isKnown: Bool) -> Void) {
            for (capture, content) in captures.enumerated() {
                for opening in content.openings where opening.seq != 0 {
                    let direction = ofFlow[capture][Int(opening.direction >> 1)] ^ opening.direction & 1
                    var hash = TableHash(seed: seed)
                    hash.combine(UInt64(opening.seq) << 32 | UInt64(opening.ack))
                    hash.combine(UInt64(opening.timestamp) << 1 | (opening.isSYNACK ? 1 : 0))
                    body(
                        Mark(
                            key: hash.value, direction: direction, capture: UInt32(capture),
                            time: content.packets[Int(opening.packet)].time), seenBy[Int(direction >> 1)] == all)
                }
            }
        }
        var wanted: Set<UInt64> = []
        forEachMark { mark, isKnown in if !isKnown { wanted.insert(mark.key) } }
        guard !wanted.isEmpty else { return }
        var marks: [Mark] = []
        forEachMark { mark, _ in if wanted.contains(mark.key) { marks.append(mark) } }
        mergeEqual(&marks) { left, right in left.sharesEnd(with: right) }
    }

    /// By conversation: the points that saw it, a bit each.
    private func points(_ captures: [ComparedCapture]) -> [UInt32] {
        var seenBy = [UInt32](repeating: 0, count: keys.count)
        for (capture, directions) in ofFlow.enumerated() {
            for direction in directions { seenBy[Int(direction >> 1)] |= 1 << UInt32(capture) }
        }
        return seenBy
    }

    /// FlowUnion that only one point saw, and that are nowhere by their opening: their connection opened before the
    /// capture began, or its numbers are changed as well as its addresses.
    ///
    /// Returns whether any were found to be the same.
    private mutating func mergeLonely(_ captures: [ComparedCapture], seed: UInt64) -> Bool {
        let seenBy = points(captures)
        let lonely = seenBy.map { $0 != 0 && $0 & ($0 - 1) == 0 }
        var captureMask: UInt32 = 0
        for (conversation, isLonely) in lonely.enumerated() where isLonely { captureMask |= seenBy[conversation] }
        guard captureMask & (captureMask &- 1) != 0 else { return false }
        let before = parents
        mergeByTimestamps(captures, lonely, seed: seed)
        mergeByData(captures, lonely, seed: seed)
        mergeByIdentification(captures, lonely, seed: seed)
        return parents != before
    }

    /// A SYN whose sequence number was changed too still has its timestamp, and one of its ends.
    private mutating func mergeByTimestamps(_ captures: [ComparedCapture], _ lonely: [Bool], seed: UInt64) {
        for isDestination in [true, false] {
            var marks: [Mark] = []
            for (capture, content) in captures.enumerated() {
                for opening in content.openings where opening.timestamp != 0 && !opening.isSYNACK {
                    let flow = Int(opening.direction >> 1)
                    let direction = ofFlow[capture][flow] ^ opening.direction & 1
                    guard lonely[Int(direction >> 1)] else { continue }
                    let isHigh = (opening.direction & 1 == 1) != isDestination
                    let address = content.flows[flow].key.address(isHigh: isHigh)
                    var hash = TableHash(seed: seed)
                    hash.combine(address)
                    hash.combine(
                        UInt64(opening.timestamp) << 16 | UInt64(content.flows[flow].key.port(isHigh: isHigh)))
                    marks.append(Mark(key: hash.value, direction: direction, capture: UInt32(capture)))
                }
            }
            mergeEqual(&marks) { left, right in left.sharesEnd(with: right) }
        }
    }

    /// Segments with data keep their numbers and lengths: two that agree make two directions the same.
    private mutating func mergeByData(_ captures: [ComparedCapture], _ lonely: [Bool], seed: UInt64) {
        let samples: UInt8 = 8
        var marks: [Mark] = []
        for (capture, content) in captures.enumerated() {
            var taken = [UInt8](repeating: 0, count: content.flows.count)
            for packet in content.packets where packet.kind == .data && taken[packet.flow] < samples {
                let direction = direction(of: packet, in: capture)
                guard lonely[Int(direction >> 1)] else { continue }
                taken[packet.flow] += 1
                var hash = TableHash(seed: seed)
                hash.combine(UInt64(packet.seq) << 32 | UInt64(packet.ack))
                hash.combine(UInt64(packet.payload))
                marks.append(Mark(key: hash.value, direction: direction, capture: UInt32(capture)))
            }
        }
        mergeVoted(&marks, least: 2) { _, _ in true }
    }

    /// Echoes and datagrams keep their IP-ID, length and (of an echo) sequence number, and one of their ends.
    private mutating func mergeByIdentification(_ captures: [ComparedCapture], _ lonely: [Bool], seed: UInt64) {
        let samples: UInt8 = 8
        var marks: [Mark] = []
        for (capture, content) in captures.enumerated() {
            var taken = [UInt8](repeating: 0, count: content.flows.count)
            for packet in content.packets {
                guard Self.isConnectionless(packet.kind), taken[packet.flow] < samples else { continue }
                let direction = direction(of: packet, in: capture)
                guard lonely[Int(direction >> 1)] else { continue }
                taken[packet.flow] += 1
                let isIPv4 = content.flows[packet.flow].key.isIPv4
                let key = content.flows[packet.flow].key
                // Without an IP-ID an echo is known by its identifier, which translators keep where they can.
                let isNumbered = isIPv4 && packet.identification != 0
                guard isNumbered || packet.kind != .udp else { continue }
                var hash = TableHash(seed: seed)
                hash.combine(UInt64(packet.kindValue) << 48 | UInt64(packet.payload) << 32 | UInt64(packet.seq))
                hash.combine(isNumbered ? UInt64(packet.identification) : 1 << 32 | UInt64(key.lowPort))
                marks.append(
                    Mark(key: hash.value, direction: direction, capture: UInt32(capture), time: packet.time))
            }
        }
        // Two numbers that agree are no chance; of a flow with one packet there is only one.
        mergeVoted(&marks, least: 2) { $0.sharesEnd(with: $1) }
        mergeVoted(&marks, least: 1) { $0.sharesEnd(with: $1) }
    }

    private static func isConnectionless(_ kind: PacketKind) -> Bool {
        kind == .udp || kind == .echoRequest || kind == .echoReply
    }

    /// Merges two directions of which `least` marks are equal, and which no other packet has.
    private mutating func mergeVoted(
        _ marks: inout [Mark], least: Int, _ isPlausible: (FlowKey, FlowKey) -> Bool
    ) {
        marks.sort { ($0.key, $0.capture, $0.direction) < ($1.key, $1.capture, $1.direction) }
        var votes: [UInt64] = []
        let keys = keys
        forEachRun(of: marks) { run in
            guard run.count == 2, let first = run.first, let last = run.last, first.capture != last.capture,
                isPlausible(keys[Int(first.direction >> 1)], keys[Int(last.direction >> 1)])
            else { return }
            votes.append(UInt64(first.direction) << 32 | UInt64(last.direction))
        }
        votes.sort()
        var start = 0
        while start < votes.count {
            var end = start + 1
            while end < votes.count, votes[end] == votes[start] { end += 1 }
            if end - start >= least {
                merge(UInt32(truncatingIfNeeded: votes[start] >> 32), UInt32(truncatingIfNeeded: votes[start]))
            }
            start = end
        }
    }

    private mutating func mergeEqual(_ marks: inout [Mark], _ isPlausible: (FlowKey, FlowKey) -> Bool) {
        marks.sort { ($0.key, $0.capture, $0.direction) < ($1.key, $1.capture, $1.direction) }
        var pairs: [(UInt32, UInt32)] = []
        let keys = keys
        forEachRun(of: marks) { run in
            guard run.count > 1 else { return }
            guard run.count <= Self.marks else { return }
            var others: [UInt32] = []
            let first = run[run.startIndex].direction
            for mark in run where mark.direction != first && !others.contains(mark.direction) {
                others.append(mark.direction)
                if others.count >= Self.translations { return }
            }
            for other in others
            where isPlausible(keys[Int(first >> 1)], keys[Int(other >> 1)]) && !areApart(first, other, in: run) {
                pairs.append((first, other))
            }
        }
        for (left, right) in pairs { merge(left, right) }
    }

    /// True where one point saw both, and not as one packet that came in and went out again: a later connection with
    /// the same number.
    private func areApart(_ first: UInt32, _ other: UInt32, in run: ArraySlice<Mark>) -> Bool {
        for left in run where left.direction == first {
            for right in run where right.direction == other && right.capture == left.capture {
                let elapsed = left.time > right.time ? left.time - right.time : right.time - left.time
                if elapsed > Self.translationTime { return true }
            }
        }
        return false
    }

    /// Calls `body` with each run of equal keys.
    private func forEachRun(of marks: [Mark], _ body: (ArraySlice<Mark>) -> Void) {
        var start = 0
        while start < marks.count {
            var end = start + 1
            while end < marks.count, marks[end].key == marks[start].key { end += 1 }
            body(marks[start..<end])
            start = end
        }
    }
}

extension FlowKey {
    /// A translation of addresses changes one end; the other stays, and so does the protocol.
    fileprivate func sharesEnd(with other: FlowKey) -> Bool {
        guard transport == other.transport else { return false }
        let ends = [address(isHigh: false), address(isHigh: true)]
        return ends.contains(other.address(isHigh: false)) || ends.contains(other.address(isHigh: true))
    }
}
