// SPDX-License-Identifier: Apache-2.0

/// One time for all points: each clock as compared with one that shares most packets with it.
struct SharedTime {
    /// More samples than this of two points make an estimate no better.
    private static let samples = 1 << 16
    /// The assumed maximum time in flight if nothing was measured, in ns.
    private static let unknownMargin: UInt64 = 20_000_000
    private static let smallestMargin: UInt64 = 10_000_000

    /// By point: the point that its clock was compared with; `nil` for the one whose time all are told in, and for
    /// points that share no packet or tell no time.
    private(set) var references: [Int?]
    /// By point: how far its clock is ahead of its reference's.
    private(set) var estimates: [ClockEstimate?]
    /// Packets closer than this (ns) to the beginning or end of a capture may have missed it.
    private(set) var margin: UInt64 = smallestMargin

    /// - `shared`: Packets that two points share, by point × points + point.
    init(_ captures: [ComparedCapture], _ join: PacketJoin, _ conversations: FlowUnion, shared: [Int]) {
        let points = captures.count
        references = [Int?](repeating: nil, count: points)
        estimates = [ClockEstimate?](repeating: nil, count: points)
        var isPlaced = [Bool](repeating: false, count: points)
        guard let root = (0..<points).first(where: { captures[$0].hasTimes }) else { return }
        isPlaced[root] = true
        estimates[root] = .same
        // The next point is the one that shares most with any that has its place (Prim's tree).
        while true {
            var best: (from: Int, point: Int, count: Int)?
            for from in 0..<points where isPlaced[from] {
                for point in 0..<points where !isPlaced[point] && captures[point].hasTimes {
                    let count = shared[from * points + point]
                    if count > best?.count ?? 0 { best = (from, point, count) }
                }
            }
            guard let best else { break }
            isPlaced[best.point] = true
            let samples = Self.samples(captures, join, conversations, of: best.point, against: best.from)
            guard let estimate = ClockEstimate(samples) else { continue }
            references[best.point] = best.from
            estimates[best.point] = estimate
            margin += estimate.isSeparable ? 2 * estimate.delay : Self.unknownMargin
        }
    }

    /// A point's time as the common clock tells it; `nil` where its clock could not be compared.
    @inline(__always)
    func common(_ time: UInt64, of point: Int) -> UInt64? {
        guard time != 0, var estimate = estimates[point] else { return nil }
        var time = time
        var point = point
        while let reference = references[point] {
            time = estimate.other(time)
            point = reference
            guard let next = estimates[point] else { return nil }
            estimate = next
        }
        return time
    }

    /// True where the delay between two points could be told from the offset of their clocks.
    func isSeparable(_ left: Int, _ right: Int) -> Bool {
        // The clocks between them: those on one's way to the common clock and not on the other's.
        let (first, second) = (chain(left), chain(right))
        return Set(first).symmetricDifference(second).allSatisfy { estimates[$0]?.isSeparable ?? false }
    }

    private func chain(_ point: Int) -> [Int] {
        var chain: [Int] = []
        var point = point
        while let reference = references[point] {
            chain.append(point)
            point = reference
        }
        return chain
    }

    private static func samples(
        _ captures: [ComparedCapture], _ join: PacketJoin, _ conversations: FlowUnion, of point: Int,
        against reference: Int
    ) -> [ClockSample] {
        let downstream = Self.directions(captures, join, conversations, of: point, against: reference)
        var samples: [ClockSample] = []
        var step = 1
        var next = 0
        for row in 0..<join.count {
            guard let here = join.packet(row, at: point), let there = join.packet(row, at: reference) else { continue }
            if next > 0 {
                next -= 1
                continue
            }
            next = step - 1
            let packet = captures[point].packets[here]
            let other = captures[reference].packets[there]
            let direction = conversations.direction(of: packet, in: point)
            let way: ClockSample.Way
            if packet.ttl != other.ttl, packet.ttl != 0, other.ttl != 0 {
                way = packet.ttl < other.ttl ? .there : .back
            } else if let isThere = downstream[direction] ?? downstream[direction ^ 1].map({ !$0 }) {
                way = isThere ? .there : .back
            } else {
                way = direction & 1 == 0 ? .one : .two
            }
            samples.append(
                ClockSample(
                    time: other.time, difference: Int64(bitPattern: packet.time &- other.time), way: way))
            guard samples.count == Self.samples else { continue }
            // Rows are in no order of time: every other one is as good a choice.
            step *= 2
            samples = stride(from: 0, to: samples.count, by: 2).map { samples[$0] }
        }
        return samples
    }

    /// By direction of a conversation: true where its packets lose TTL from the reference on, false where they do the
    /// other way.
    private static func directions(
        _ captures: [ComparedCapture], _ join: PacketJoin, _ conversations: FlowUnion, of point: Int,
        against reference: Int
    ) -> [UInt32: Bool] {
        var directions: [UInt32: Bool] = [:]
        var newest: UInt32?
        for row in 0..<join.count where directions.count < samples {
            guard let here = join.packet(row, at: point), let there = join.packet(row, at: reference) else { continue }
            let packet = captures[point].packets[here]
            let other = captures[reference].packets[there]
            guard packet.ttl != other.ttl, packet.ttl != 0, other.ttl != 0, packet.kind != .rst else { continue }
            let direction = conversations.direction(of: packet, in: point)
            if direction != newest { directions[direction] = packet.ttl < other.ttl }
            newest = direction
        }
        return directions
    }
}
