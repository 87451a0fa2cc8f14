// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Past which points the packets of one host to another come, and in which order: by how much of their TTL is gone.
struct HostPaths {
    /// The packets of a path that one point saw.
    private struct Sighting: BitwiseCopyable {
        var packets: UInt32 = 0
        /// The commonest number of routers so far (Boyer and Moore's majority vote): a traceroute must not move it.
        var decrements: UInt8 = 0
        var votes: Int32 = 0
        /// Packets that came in and went out again.
        var forwarded: UInt32 = 0
        /// Sum of how much later (ms) than at the mean of all points the packets came.
        var lag: Float = 0

        @inline(__always)
        mutating func add(_ distance: Int) {
            let distance = UInt8(truncatingIfNeeded: distance)
            packets &+= 1
            if votes == 0 {
                decrements = distance
                votes = 1
            } else {
                votes &+= distance == decrements ? 1 : -1
            }
        }
    }

    struct Path {
        var source: IPAddress
        var destination: IPAddress
        /// The points in the order in which its packets pass them.
        var points: [Int] = []
        /// The number of the way back.
        var back: Int?
    }

    private static let unknown = UInt32.max

    private(set) var ways: [Path] = []
    private let points: Int
    private var sightings: [Sighting] = []
    /// By direction of a conversation.
    private var ofDirection: [UInt32]

    init(
        _ captures: [ComparedCapture], _ join: PacketJoin, _ conversations: FlowUnion, _ time: SharedTime,
        seed: UInt64
    ) {
        points = captures.count
        ofDirection = [UInt32](repeating: Self.unknown, count: conversations.count * 2)
        var index = HashIndex()
        let hasLag = (1..<max(1, points)).allSatisfy { time.isSeparable(0, $0) }
        var times = [UInt64?](repeating: nil, count: points)
        for row in 0..<join.count {
            var way: Int?
            var present = 0
            for point in 0..<points {
                times[point] = nil
                guard let found = join.packet(row, at: point) else { continue }
                let packet = captures[point].packets[found]
                let direction = conversations.direction(of: packet, in: point)
                let its = way ?? number(of: direction, conversations, &index, seed: seed)
                way = its
                // What somebody forges shows no way.
                guard packet.kind != .rst else { break }
                if packet.ttl != 0 { sightings[its * points + point].add(HopDistance(ttl: packet.ttl).decrements) }
                if packet.ttl != 0, packet.lastTTL < packet.ttl {
                    sightings[its * points + point].forwarded &+= 1
                }
                if hasLag { times[point] = time.common(packet.time, of: point) }
                present += 1
            }
            if hasLag, present > 1, let way { addLag(times, way: way) }
        }
        order()
    }

    /// The number of a direction's way; `nil` where no packet of it came.
    func number(of direction: UInt32) -> Int? {
        let number = ofDirection[Int(direction)]
        return number == Self.unknown ? nil : Int(number)
    }

    /// The number of the way back from where a direction leads.
    func back(from direction: UInt32) -> Int? {
        number(of: direction).flatMap { ways[$0].back } ?? number(of: direction ^ 1)
    }

    /// Packets of a way that a point saw.
    func packets(_ way: Int, at point: Int) -> Int { Int(sightings[way * points + point].packets) }

    /// Routers between a way's source and a point.
    func decrements(_ way: Int, at point: Int) -> Int { Int(sightings[way * points + point].decrements) }

    /// True where a point is the machine that a way's packets come from: they have lost nothing yet, and none was
    /// forwarded.
    func isAtSource(_ way: Int, _ point: Int) -> Bool {
        packets(way, at: point) > 0 && decrements(way, at: point) == 0
            && sightings[way * points + point].forwarded == 0
    }

    private mutating func number(
        of direction: UInt32, _ conversations: FlowUnion, _ index: inout HashIndex, seed: UInt64
    ) -> Int {
        let known = ofDirection[Int(direction)]
        if known != Self.unknown { return Int(known) }
        let key = conversations.keys[Int(direction >> 1)]
        let source = key.address(isHigh: direction & 1 == 1)
        let destination = key.address(isHigh: direction & 1 == 0)
        func hash(_ source: IPAddress, _ destination: IPAddress) -> UInt64 {
            var hash = TableHash(seed: seed)
            hash.combine(source)
            hash.combine(destination)
            return hash.value
        }
        let found = ways.withUnsafeBufferPointer { ways in
            index.find(hash(source, destination)) {
                ways[$0].source == source && ways[$0].destination == destination
            }
        }
        let number = found ?? ways.count
        if found == nil {
            ways.append(Path(source: source, destination: destination))
            sightings.append(contentsOf: repeatElement(Sighting(), count: points))
            ways.withUnsafeBufferPointer { ways in
                index.insert(number) { hash(ways[$0].source, ways[$0].destination) }
            }
        }
        ofDirection[Int(direction)] = UInt32(number)
        return number
    }

    private mutating func findWaysBack() {
        for direction in ofDirection.indices {
            let (there, back) = (ofDirection[direction], ofDirection[direction ^ 1])
            if there != Self.unknown, back != Self.unknown { ways[Int(there)].back = Int(back) }
        }
    }

    private mutating func addLag(_ times: [UInt64?], way: Int) {
        guard let base = times.lazy.compactMap({ $0 }).first else { return }
        var sum = 0.0
        var count = 0.0
        for time in times {
            guard let time else { continue }
            sum += Double(Int64(bitPattern: time &- base))
            count += 1
        }
        for (point, time) in times.enumerated() {
            guard let time else { continue }
            let lag = Double(Int64(bitPattern: time &- base)) - sum / count
            sightings[way * points + point].lag += Float(lag / 1e6)
        }
    }

    private mutating func order() {
        findWaysBack()
        // The point at which a host's own packets have lost nothing yet: it is there.
        var places: [IPAddress: UInt32] = [:]
        // Where any of a host's packets is forwarded, the host is not.
        var routers: [IPAddress: UInt32] = [:]
        for way in ways.indices {
            for point in 0..<points where sightings[way * points + point].forwarded > 0 {
                routers[ways[way].source, default: 0] |= 1 << UInt32(point)
            }
        }
        var isLonely = false
        for way in ways.indices {
            ways[way].points = (0..<points).filter { packets(way, at: $0) > 0 }.sorted { left, right in
                let (first, second) = (sightings[way * points + left], sightings[way * points + right])
                if first.decrements != second.decrements { return first.decrements < second.decrements }
                // No router between them in this direction: then there may be one in the other.
                if let back = ways[way].back {
                    let (there, here) = (sightings[back * points + left], sightings[back * points + right])
                    if there.packets > 0, here.packets > 0, there.decrements != here.decrements {
                        return there.decrements > here.decrements
                    }
                }
                let lags = (first.lag / Float(first.packets), second.lag / Float(second.packets))
                return lags.0 != lags.1 ? lags.0 < lags.1 : left < right
            }
            if ways[way].points.count == 1 { isLonely = true }
        }
        guard isLonely else { return }
        // A neighbour may see a host's packets before any router does as well: the host is where they come past first.
        for way in ways.indices {
            guard let first = ways[way].points.first, isAtSource(way, first),
                routers[ways[way].source, default: 0] & 1 << UInt32(first) == 0
            else { continue }
            places[ways[way].source, default: 0] |= 1 << UInt32(first)
        }
        // Nothing of a way arrives anywhere else: where its destination is, it should have.
        for way in ways.indices where ways[way].points.count == 1 {
            let place = places[ways[way].destination, default: 0]
            let arrived = 1 << UInt32(ways[way].points[0])
            if place.nonzeroBitCount == 1, place != arrived { ways[way].points.append(place.trailingZeroBitCount) }
        }
    }
}

extension HostPaths.Path {
    /// True where one end is an address of one link only.
    var isLocal: Bool { source.isLinkLocalV6 || destination.isLinkLocalV6 || destination.isMulticast }

    /// Whether its packets pass the first of two points before the second.
    func passes(_ first: Int, before second: Int) -> Bool {
        guard let left = points.firstIndex(of: first), let right = points.firstIndex(of: second) else { return false }
        return left < right
    }
}
