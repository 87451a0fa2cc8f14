// SPDX-License-Identifier: Apache-2.0
internal import Packets

extension Comparison {
    /// Compares what several points saw.
    ///
    /// - Parameters:
    ///   - captures: at most `capacity`; in the order along the path where that is known, else in any.
    ///   - resets: by capture, what the engine says of the resets in it, by frame.
    ///   - seed: seeds tables; any number that who wrote the captures does not know.
    package init(_ captures: [ComparedCapture], resets: [[UInt64: Finding]], seed: UInt64) {
        var judge = ComparisonJudge(captures, seed: seed)
        let resegmented = Resegmentation(judge)
        var appearing: [ComparisonJudge.Unmatched] = []
        let translated = TranslatedDatagrams(judge)
        for (index, stray) in judge.appeared.enumerated() {
            guard !resegmented.appeared.contains(index),
                !translated.contains(stray.row, seenAt: stray.to, not: stray.from)
            else { continue }
            appearing.append(stray)
            guard let (_, packet) = judge.anyPacket(Int(stray.row)) else { continue }
            judge.touch(Int(stray.from), Int(stray.to)) { $0.leg.appeared[packet.kind] += 1 }
        }
        var vanishing: [ComparisonJudge.Unmatched] = []
        for (index, stray) in judge.vanished.enumerated() {
            guard resegmented.vanished.contains(index) else {
                if translated.contains(stray.row, seenAt: stray.from, not: stray.to) {
                    judge.touch(Int(stray.from), Int(stray.to)) { $0.leg.unfollowed += 1 }
                } else {
                    vanishing.append(stray)
                }
                continue
            }
            guard let (_, packet) = judge.anyPacket(Int(stray.row)) else { continue }
            judge.touch(Int(stray.from), Int(stray.to)) {
                $0.leg.passed[packet.kind] += 1
                $0.leg.resegmented += 1
            }
        }
        let vanished = VanishJudge(judge, vanishing)
        for stray in vanished.unseen { judge.missed[Int(stray.to)] += 1 }
        for slot in vanished.slots {
            for row in slot.swallowed + slot.lost {
                guard let (_, packet) = judge.anyPacket(Int(row)) else { continue }
                judge.touch(slot.from, slot.to) { $0.leg.vanished[packet.kind] += 1 }
            }
        }
        legs = judge.legs.compactMap { tally in
            tally?.result(isSeparable: judge.time.isSeparable(tally?.leg.from ?? 0, tally?.leg.to ?? 0))
        }
        points = Self.points(judge)
        routes = Self.routes(judge)
        var forged = ForgedResets(judge, appearing, resets)
        furtherResets = forged.further
        findings = LegGapFindings(judge, vanished, legs, rejected: forged.conversations).findings
        findings += forged.takeFindings()
        findings.sort { ($0.time ?? 0, $0.id) < ($1.time ?? 0, $1.id) }
    }

    private static func points(_ judge: ComparisonJudge) -> [Point] {
        judge.captures.indices.map { number in
            let capture = judge.captures[number]
            var point = Point(name: capture.name)
            point.packets = capture.packetCount
            point.missed = judge.missed[number]
            point.local = capture.localPackets
            if capture.hasTimes, capture.packetCount > 0 {
                point.firstTime = capture.firstTime
                point.lastTime = capture.lastTime
            }
            if let reference = judge.time.references[number] {
                point.reference = reference
                point.clock = judge.time.estimates[number]
            }
            for row in 0..<judge.join.count where judge.join.packet(row, at: number) != nil {
                let isShared = judge.captures.indices.contains {
                    $0 != number && judge.join.packet(row, at: $0) != nil
                }
                if isShared { point.shared += 1 }
            }
            return point
        }
    }

    /// The orders of points that the ways of packets have, the one with most packets first.
    private static func routes(_ judge: ComparisonJudge) -> [Route] {
        var index: [[Int]: Int] = [:]
        var routes: [Route] = []
        var most: [Int] = []
        for (number, way) in judge.ways.ways.enumerated() where way.points.count > 1 {
            let packets = judge.ways.packets(number, at: way.points[0])
            if let known = index[way.points] {
                routes[known].packets += packets
                routes[known].pairs += 1
                guard packets > most[known] else { continue }
                most[known] = packets
                routes[known].source = way.source
                routes[known].destination = way.destination
                routes[known].hops = hops(judge, number)
            } else {
                index[way.points] = routes.count
                most.append(packets)
                routes.append(
                    Route(
                        points: way.points, hops: hops(judge, number), packets: packets, source: way.source,
                        destination: way.destination))
            }
        }
        let directions = judge.clientDirections
        for route in routes.indices {
            let votes = directions.filter { direction in
                judge.ways.number(of: direction).map { judge.ways.ways[$0].points == routes[route].points } ?? false
            }.count
            let against = directions.filter { direction in
                judge.ways.number(of: direction ^ 1).map { judge.ways.ways[$0].points == routes[route].points } ?? false
            }.count
            if votes > 0, against == 0 { routes[route].isFromClient = true }
            if votes == 0, against > 0 { routes[route].isFromClient = false }
        }
        return routes.sorted { ($1.packets, $0.points.count) < ($0.packets, $1.points.count) }
    }

    private static func hops(_ judge: ComparisonJudge, _ way: Int) -> [Int] {
        let points = judge.ways.ways[way].points
        return zip(points, points.dropFirst()).map { first, second in
            judge.ways.packets(way, at: second) == 0
                ? 0 : judge.ways.decrements(way, at: second) - judge.ways.decrements(way, at: first)
        }
    }
}

extension ComparisonJudge {
    /// The directions in which somebody opened a connection: a sample.
    var clientDirections: [UInt32] {
        var directions: Set<UInt32> = []
        for (capture, content) in captures.enumerated() {
            for opening in content.openings where !opening.isSYNACK && directions.count < 4096 {
                directions.insert(conversations.ofFlow[capture][Int(opening.direction >> 1)] ^ opening.direction & 1)
            }
        }
        return directions.sorted()
    }
}
