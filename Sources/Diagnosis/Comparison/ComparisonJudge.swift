// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Follows each packet from point to point, and counts.
struct ComparisonJudge {
    /// A packet that went past one point of a leg only.
    struct Unmatched: BitwiseCopyable {
        var row: UInt32
        var from: UInt8
        var to: UInt8
    }

    let captures: [ComparedCapture]
    let conversations: FlowUnion
    let shifts: SequenceShifts
    let join: PacketJoin
    let time: SharedTime
    let ways: HostPaths
    let points: Int
    /// By from × points + to.
    var legs: [LegCounters?]
    var missed: [Int]
    /// Packets that did not arrive at `to`, and that came from nowhere: not at `from`.
    var vanished: [Unmatched] = []
    var appeared: [Unmatched] = []
    /// The packets that arrived after the end of the destination's own capture.
    private var late: [Unmatched] = []
    /// Duplicates of one packet without an answer that show a broken connection.
    private static let repeats = 3
    /// The first and last common time of each point's capture; `nil` where times cannot be compared.
    private let windows: [(first: UInt64, last: UInt64)?]
    /// For captures without times: by point × points + other, the first and last of the point's packets that the other
    /// saw.
    private var sharedRanges: [(first: Int, last: Int)?]

    init(_ captures: [ComparedCapture], seed: UInt64) {
        self.captures = captures
        points = captures.count
        conversations = FlowUnion(captures, seed: seed)
        shifts = SequenceShifts(captures, conversations)
        let ignoresBareSequence = captures.contains { !$0.hasAllSequenceNumbers }
        var join = PacketJoin(
            captures,
            captures.indices.map { [conversations, shifts] in
                captures[$0].packetKeys(
                    $0, conversations, shifts, ignoresBareSequence: ignoresBareSequence, seed: seed)
            })
        let shared = Self.shared(join)
        var time = SharedTime(captures, join, conversations, shared: shared)
        let hasCopies = join.hasCopies && !captures.indices.allSatisfy { time.isSeparable(0, $0) }
        join.align(captures) { point, packet in time.common(captures[point].packets[Int(packet)].time, of: point) }
        if hasCopies || time.estimates.contains(where: { $0 == nil }) {
            // Now that the copies are told apart they tell of the clocks as well.
            time = SharedTime(captures, join, conversations, shared: Self.shared(join))
        }
        self.join = join
        self.time = time
        ways = HostPaths(captures, join, conversations, time, seed: seed)
        legs = [LegCounters?](repeating: nil, count: points * points)
        missed = [Int](repeating: 0, count: points)
        windows = captures.indices.map { point in
            guard let first = time.common(captures[point].firstTime, of: point),
                let last = time.common(captures[point].lastTime, of: point), captures[point].hasTimes
            else { return nil }
            return (first, last)
        }
        sharedRanges = []
        if windows.contains(where: { $0 == nil }) { findSharedRanges() }
        for row in 0..<join.count { follow(row) }
        decideLate()
    }

    /// Packets that two points share, by point × points + point.
    private static func shared(_ join: PacketJoin) -> [Int] {
        var shared = [Int](repeating: 0, count: join.points * join.points)
        for row in 0..<join.count {
            for point in 0..<join.points where join.packet(row, at: point) != nil {
                for other in 0..<join.points where join.packet(row, at: other) != nil {
                    shared[point * join.points + other] += 1
                }
            }
        }
        return shared
    }

    private mutating func findSharedRanges() {
        sharedRanges = [(first: Int, last: Int)?](repeating: nil, count: points * points)
        for row in 0..<join.count {
            for point in 0..<points {
                guard let packet = join.packet(row, at: point) else { continue }
                for other in 0..<points where join.packet(row, at: other) != nil {
                    let range = sharedRanges[point * points + other]
                    sharedRanges[point * points + other] = (
                        min(range?.first ?? packet, packet), max(range?.last ?? packet, packet)
                    )
                }
            }
        }
    }

    func packet(_ row: Int, at point: Int) -> ComparedPacket? {
        join.packet(row, at: point).map { captures[point].packets[$0] }
    }

    /// The first point that saw it, in the order of the captures, and what it saw.
    func anyPacket(_ row: Int) -> (point: Int, packet: ComparedPacket)? {
        for point in 0..<points {
            if let packet = packet(row, at: point) { return (point, packet) }
        }
        return nil
    }

    /// The points that a packet should pass, in order; empty for what neighbours say to each other (RFC 4861), which
    /// passes nothing.
    func expectedPoints(of direction: UInt32) -> [Int] {
        if let way = ways.number(of: direction), ways.ways[way].isLocal { return [] }
        let there = ways.number(of: direction).map { ways.ways[$0].points } ?? []
        guard there.isEmpty else { return there }
        // Nothing but resets came from there: by the way that leads to it.
        return ways.back(from: direction).map { ways.ways[$0].points.reversed() } ?? []
    }

    private mutating func follow(_ row: Int) {
        guard let (first, packet) = anyPacket(row) else { return }
        let expected = expectedPoints(of: conversations.direction(of: packet, in: first))
        var last: Int?
        var between: [Int] = []
        var before: [Int] = []
        for point in expected {
            guard join.packet(row, at: point) != nil else {
                if last == nil { before.append(point) } else { between.append(point) }
                continue
            }
            if let last {
                if between.isEmpty {
                    pass(row, from: last, to: point)
                } else {
                    for other in between { missed[other] += 1 }
                    between.removeAll(keepingCapacity: true)
                }
            } else if !before.isEmpty {
                comeFromNowhere(row, at: point, before)
            }
            last = point
        }
        guard let last, let next = between.first else { return }
        if let to = between.first(where: { covers($0, row, seenAt: last, isBehind: true) }) {
            vanished.append(Unmatched(row: UInt32(row), from: UInt8(last), to: UInt8(to)))
        } else if between.count == 1, next == expected.last, isLate(row, at: last, for: next) {
            late.append(Unmatched(row: UInt32(row), from: UInt8(last), to: UInt8(next)))
        } else {
            touch(last, next) { $0.leg.outside += 1 }
        }
    }

    /// True for what came after the end of a capture at its destination's own machine.
    private func isLate(_ row: Int, at point: Int, for last: Int) -> Bool {
        guard let packet = packet(row, at: point), let window = windows[last],
            let time = time.common(packet.time, of: point), time + self.time.margin > window.last, packet.kind.isTCP
        else { return false }
        let direction = conversations.direction(of: packet, in: point)
        return ways.back(from: direction).map {
            ways.packets($0, at: last) > 0 && ways.decrements($0, at: last) == 0
        } ?? false
    }

    /// A connection that goes on sending the same without any answer is broken, whatever a capture of its other end
    /// that has ended would have shown.
    private mutating func decideLate() {
        guard !late.isEmpty else { return }
        var copies: [UInt32: Int] = [:]
        var begins: [UInt32: UInt64] = [:]
        var answered: [UInt32: UInt64] = [:]
        func key(_ stray: Unmatched) -> (direction: UInt32, time: UInt64)? {
            guard let packet = packet(Int(stray.row), at: Int(stray.from)),
                let time = time.common(packet.time, of: Int(stray.from))
            else { return nil }
            return (conversations.direction(of: packet, in: Int(stray.from)), time)
        }
        for stray in late {
            guard let (direction, time) = key(stray) else { continue }
            copies[join.groups[Int(stray.row)], default: 0] += 1
            begins[direction] = min(begins[direction] ?? time, time)
        }
        for row in 0..<join.count {
            guard let (point, packet) = anyPacket(row) else { continue }
            let direction = conversations.direction(of: packet, in: point) ^ 1
            guard begins[direction] != nil, let time = time.common(packet.time, of: point) else { continue }
            answered[direction] = max(answered[direction] ?? 0, time)
        }
        // Which directions repeat something in vain.
        var broken: Set<UInt32> = []
        for stray in late where copies[join.groups[Int(stray.row)], default: 0] >= Self.repeats {
            guard let (direction, _) = key(stray) else { continue }
            if answered[direction, default: 0] < begins[direction, default: 0] { broken.insert(direction) }
        }
        for stray in late {
            if let (direction, _) = key(stray), broken.contains(direction) {
                vanished.append(stray)
            } else {
                touch(Int(stray.from), Int(stray.to)) { $0.leg.outside += 1 }
            }
        }
        late = []
    }

    private mutating func comeFromNowhere(_ row: Int, at point: Int, _ before: [Int]) {
        // A reset may be seen earlier at a point that its source's other packets do not pass: by its TTL that is where
        // it was.
        var place = point
        if let packet = packet(row, at: point), packet.kind == .rst {
            for other in 0..<points where other != place {
                guard let seen = self.packet(row, at: other), let now = self.packet(row, at: place) else { continue }
                guard seen.ttl != 0, now.ttl != 0 else { continue }
                if HopDistance(ttl: seen.ttl).decrements < HopDistance(ttl: now.ttl).decrements { place = other }
            }
        }
        guard let from = before.last(where: { covers($0, row, seenAt: point, isBehind: false) }) else { return }
        appeared.append(Unmatched(row: UInt32(row), from: UInt8(from), to: UInt8(place)))
    }

    mutating func touch(_ from: Int, _ to: Int, _ change: (inout LegCounters) -> Void) {
        let index = from * points + to
        if legs[index] == nil { legs[index] = LegCounters(from: from, to: to) }
        if var leg = legs[index].take() {
            change(&leg)
            legs[index] = leg
        }
    }

    private mutating func pass(_ row: Int, from: Int, to: Int) {
        guard let here = join.packet(row, at: from), let there = join.packet(row, at: to) else { return }
        let (first, second) = (captures[from].packets[here], captures[to].packets[there])
        var delay: Int64?
        if let start = time.common(first.time, of: from), let end = time.common(second.time, of: to) {
            delay = Int64(bitPattern: end &- start)
        }
        let direction = conversations.direction(of: second, in: to)
        var shift: UInt32 = 0
        if first.seq != second.seq, first.kind.isTCP {
            shift =
                shifts.amount(to, flowDirection: second.direction, packet: there)
                &- shifts.amount(from, flowDirection: first.direction, packet: here)
        }
        let (before, after) = (captures[from].flows[first.flow].key.plain, captures[to].flows[second.flow].key.plain)
        let isTranslated = !before.isSame(as: after)
        var options: (UInt16, UInt16)?
        if first.kind == .syn || first.kind == .synACK, let before = captures[from].options(of: here),
            let after = captures[to].options(of: there)
        {
            options = (before, after)
        }
        touch(from, to) { leg in
            leg.add(first, second, delay: delay)
            if let options { leg.addOptions(options.0, options.1) }
            if shift != 0 { leg.addShift(shift, direction: direction) }
            if isTranslated {
                leg.addTranslation(
                    before.fiveTuple(fromHigh: first.direction & 1 == 1),
                    after.fiveTuple(fromHigh: second.direction & 1 == 1), direction: direction)
            }
        }
    }

    /// True where a point captured when a packet that another saw should have passed it, before or behind the other.
    func covers(_ point: Int, _ row: Int, seenAt other: Int, isBehind: Bool) -> Bool {
        guard let number = join.packet(row, at: other) else { return false }
        if let window = windows[point],
            let time = time.common(captures[other].packets[number].time, of: other)
        {
            guard time >= window.first, time <= window.last else { return false }
            // It passes a point behind a little later, and passed one before a little earlier. What is no reset is
            // compared only while both surely captured.
            let (isPastBegin, isBeforeEnd) = (
                time - window.first >= self.time.margin, window.last - time >= self.time.margin
            )
            if isBehind { return isBeforeEnd }
            return isPastBegin && (isBeforeEnd || captures[other].packets[number].kind == .rst)
        }
        guard !sharedRanges.isEmpty, let range = sharedRanges[other * points + point] else { return false }
        return number > range.first && number < range.last
    }
}
