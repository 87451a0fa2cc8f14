// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Makes findings of what vanished: one for each leg, pair of hosts, service and direction where something swallows
/// packets, and one for each leg that loses some.
struct LegGapFindings {
    /// Findings at the most; what comes then is counted with the last of its leg.
    private static let capacity = 1000

    private struct Key: Hashable {
        var from: Int
        var to: Int
        var way: Int
        var transport: TransportProtocol
        var isFromClient: Bool
        /// The kind of the first packet that did not arrive.
        var kind: PacketKind
    }

    /// One kind of packet of one service.
    private struct Service: Hashable {
        var leg: Int
        var way: Int
        var port: UInt16
        var kind: PacketKind
    }

    private struct Group {
        var slots: [Int] = []
        var swallowed = Comparison.Tally()
        var passed = Comparison.Tally()
        /// The least likely of its connections.
        var probability = 1.0
        var ports: Set<UInt16> = []
    }

    /// Packets of one way that passed a leg: those that its first point saw once, and those that it saw come in and go
    /// out.
    private struct Duplicates {
        var once = 0
        var twice = 0
    }

    private let judge: ComparisonJudge
    private let vanished: VanishJudge
    private var clients: [UInt32: Bool] = [:]
    /// By leg (from × points + to) and way.
    private var copies: [Int: [Int: Duplicates]] = [:]
    private(set) var findings: [Finding] = []

    /// - `rejected`: FlowUnion that were refused by a reset on the way: that their packets end there is no
    ///   riddle.
    init(
        _ judge: ComparisonJudge, _ vanished: VanishJudge, _ legs: [Comparison.Leg], rejected: Set<UInt32>
    ) {
        self.judge = judge
        self.vanished = vanished
        findClients()
        let slots = vanished.slots
        var rates: [Int: Double] = [:]
        var tries: [Int: Int] = [:]
        for slot in slots {
            tries[leg(of: slot), default: 0] += 1
            rates[leg(of: slot), default: 1] += Double(slot.lost.count)
        }
        for (leg, lost) in rates {
            let passed = judge.legs[leg]?.leg.passed.total ?? 0
            rates[leg] = lost / (Double(passed) + lost + 1)
        }
        let services = swallowedServices(rates)
        var groups: [Key: Group] = [:]
        var lostOnLegs: [Int: [UInt32]] = [:]
        for (number, slot) in slots.enumerated() {
            let leg = leg(of: slot)
            lostOnLegs[leg, default: []] += slot.lost
            guard !slot.swallowed.isEmpty, !rejected.contains(slot.direction >> 1) else { continue }
            let rate = rates[leg] ?? 0.5
            let isSwallowed =
                VanishJudge.isBeyondChance(rate: rate, count: slot.swallowed.count, tries: tries[leg] ?? 1)
                || kinds(of: slot).contains { services.contains(service(of: slot, $0)) }
            guard isSwallowed, let key = key(of: slot), groups[key] != nil || groups.count < Self.capacity else {
                lostOnLegs[leg, default: []] += slot.swallowed
                continue
            }
            var group = groups[key] ?? Group()
            group.slots.append(number)
            for row in slot.swallowed {
                if let (_, packet) = judge.anyPacket(Int(row)) { group.swallowed[packet.kind] += 1 }
            }
            for (kind, count) in slot.passed.kinds { group.passed[kind] += count }
            group.ports.insert(port(of: slot))
            let probability = VanishJudge.probability(
                rate: rate, count: slot.swallowed.count, tries: tries[leg] ?? 1)
            group.probability = min(group.probability, probability)
            groups[key] = group
        }
        if !groups.isEmpty { countCopies(of: groups.keys) }
        for (key, group) in groups.sorted(by: { first(of: $0.value) < first(of: $1.value) }) {
            findings.append(finding(key, group))
        }
        for (leg, rows) in lostOnLegs.sorted(by: { $0.key < $1.key }) where !rows.isEmpty {
            if let finding = loss(leg, rows) { findings.append(finding) }
        }
    }

    private func first(of group: Group) -> UInt32 {
        group.slots.compactMap { vanished.slots[$0].swallowed.first }.min() ?? 0
    }

    /// Finds the end of each connection that opened it.
    private mutating func findClients() {
        var wanted: Set<UInt32> = []
        for slot in vanished.slots { wanted.insert(slot.direction >> 1) }
        for (capture, content) in judge.captures.enumerated() {
            for opening in content.openings {
                let direction =
                    judge.conversations.ofFlow[capture][Int(opening.direction >> 1)] ^ opening.direction & 1
                guard wanted.contains(direction >> 1) else { continue }
                clients[direction >> 1] = (direction & 1 == 1) != opening.isSYNACK
            }
        }
    }

    /// True where a direction's packets come from the side that opened the connection, or from the higher port.
    private func isFromClient(_ direction: UInt32) -> Bool {
        if let clientIsHigh = clients[direction >> 1] { return clientIsHigh == (direction & 1 == 1) }
        let tuple = judge.conversations.fiveTuple(of: direction)
        return tuple.sourcePort >= tuple.destinationPort
    }

    private func leg(of slot: VanishJudge.Slot) -> Int { slot.from * judge.points + slot.to }

    private func kinds(of slot: VanishJudge.Slot) -> Set<PacketKind> {
        Set(slot.swallowed.compactMap { judge.anyPacket(Int($0))?.packet.kind })
    }

    private func port(of slot: VanishJudge.Slot) -> UInt16 {
        let tuple = judge.conversations.fiveTuple(of: slot.direction)
        guard tuple.transport == .tcp || tuple.transport == .udp else { return 0 }
        return isFromClient(slot.direction) ? tuple.destinationPort : tuple.sourcePort
    }

    private func service(of slot: VanishJudge.Slot, _ kind: PacketKind) -> Service {
        Service(leg: leg(of: slot), way: judge.ways.number(of: slot.direction) ?? -1, port: port(of: slot), kind: kind)
    }

    private func key(of slot: VanishJudge.Slot) -> Key? {
        guard let first = earliest(slot.swallowed, at: slot.from) else { return nil }
        return Key(
            from: slot.from, to: slot.to, way: judge.ways.number(of: slot.direction) ?? -1,
            transport: judge.conversations.fiveTuple(of: slot.direction).transport,
            isFromClient: isFromClient(slot.direction), kind: first.packet.kind)
    }

    /// Services of which no packet of some kind came, and too many did not for chance, if only one of each connection.
    private func swallowedServices(_ rates: [Int: Double]) -> Set<Service> {
        var counts: [Service: (swallowed: Int, passed: Int)] = [:]
        for slot in vanished.slots {
            for row in slot.swallowed {
                guard let kind = judge.anyPacket(Int(row))?.packet.kind else { continue }
                counts[service(of: slot, kind), default: (0, 0)].swallowed += 1
            }
        }
        counts = counts.filter { $0.value.swallowed > 1 }
        guard !counts.isEmpty else { return [] }
        let legs = Set(counts.keys.map(\.leg))
        let ways = Set(counts.keys.map(\.way))
        for row in 0..<judge.join.count {
            guard let (point, packet) = judge.anyPacket(row) else { continue }
            let direction = judge.conversations.direction(of: packet, in: point)
            let way = judge.ways.number(of: direction) ?? -1
            guard ways.contains(way) else { continue }
            let tuple = judge.conversations.fiveTuple(of: direction)
            for leg in legs {
                guard judge.join.packet(row, at: leg / judge.points) != nil,
                    judge.join.packet(row, at: leg % judge.points) != nil
                else { continue }
                // Which of the two is the service is what the connections that lost something say.
                for port in Set([tuple.sourcePort, tuple.destinationPort, 0]) {
                    counts[Service(leg: leg, way: way, port: port, kind: packet.kind)]?.passed += 1
                }
            }
        }
        return Set(
            counts.filter { service, count in
                count.passed == 0
                    && VanishJudge.isBeyondChance(
                        rate: rates[service.leg] ?? 0.5, count: count.swallowed, tries: counts.count)
            }.keys)
    }

    // MARK: Findings

    private func name(_ point: Int) -> String { judge.captures[point].name }

    /// The earliest of some packets at a point.
    private func earliest(_ rows: [UInt32], at point: Int) -> (row: UInt32, packet: ComparedPacket)? {
        rows.compactMap { row in judge.join.packet(Int(row), at: point).map { (row, $0) } }
            .min { $0.1 < $1.1 }
            .map { ($0.0, judge.captures[point].packets[$0.1]) }
    }

    private func finding(_ key: Key, _ group: Group) -> Finding {
        let rows = group.slots.flatMap { vanished.slots[$0].swallowed }
        let first = earliest(rows, at: key.from)
        let kind = first?.packet.kind ?? .data
        let direction = vanished.slots[group.slots[0]].direction
        let tuple = judge.conversations.fiveTuple(of: direction)
        var crossing = Finding.LegGap(
            from: name(key.from), to: name(key.to), source: tuple.source, destination: tuple.destination,
            firstKind: kind, isFromClient: key.isFromClient)
        crossing.lost = group.swallowed
        crossing.passed = group.passed
        crossing.services = group.ports.count
        crossing.isInside = isInside(key, rows)
        addWays(to: &crossing, key, direction: direction)
        let sizes = rows.compactMap { judge.packet(Int($0), at: key.from) }.filter { $0.kind == .data }.map(\.payload)
        let largest = group.slots.map { vanished.slots[$0].largestPassed }.max() ?? 0
        // Only a size that a link may be too small for.
        if let smallest = sizes.min(), sizes.count == rows.count, Int(smallest) > largest, smallest >= 500, largest > 0
        {
            crossing.smallestLost = Int(smallest)
            crossing.largestPassed = largest
        }
        var finding = make(.droppedBetween, crossing, first, at: key.from)
        finding.count = group.slots.count
        finding.confidence = 1 - max(0.001, min(group.probability, 0.5))
        return finding
    }

    private func loss(_ leg: Int, _ rows: [UInt32]) -> Finding? {
        let (from, to) = (leg / judge.points, leg % judge.points)
        guard let first = earliest(rows, at: from) else { return nil }
        let direction = judge.conversations.direction(of: first.packet, in: from)
        let tuple = judge.conversations.fiveTuple(of: direction)
        var crossing = Finding.LegGap(
            from: name(from), to: name(to), source: tuple.source, destination: tuple.destination,
            firstKind: first.packet.kind, isFromClient: isFromClient(direction))
        for row in rows {
            if let packet = judge.packet(Int(row), at: from) { crossing.lost[packet.kind] += 1 }
        }
        let final = Set(vanished.slots.lazy.filter { self.leg(of: $0) == leg }.flatMap(\.swallowed))
        crossing.neverCame = rows.count { final.contains($0) }
        crossing.passed = judge.legs[leg]?.leg.passed ?? Comparison.Tally()
        var finding = make(.loss, crossing, first, at: from)
        finding.count =
            Set(
                rows.compactMap { row in
                    judge.packet(Int(row), at: from).map { judge.conversations.direction(of: $0, in: from) >> 1 }
                }
            ).count
        return finding
    }

    private func make(
        _ cause: Finding.PathCause, _ crossing: Finding.LegGap, _ first: (row: UInt32, packet: ComparedPacket)?,
        at point: Int
    ) -> Finding {
        var path = Finding.Path(cause: cause)
        path.crossing = crossing
        let packet = first?.packet
        var tuple = packet.map { packet in
            judge.captures[point].flows[packet.flow].key.fiveTuple(fromHigh: packet.direction & 1 == 1)
        }
        if !crossing.isFromClient { tuple = tuple?.reversed }
        let none = FiveTuple(
            source: IPAddress(v4: 0), sourcePort: 0, destination: IPAddress(v4: 0), destinationPort: 0)
        let record = packet.map { PacketRecord($0, tuple ?? none) } ?? PacketRecord()
        var finding = Finding(
            id: FindingIdentity.id(
                record, time: packet?.time ?? 0, occurrence: cause == .loss ? .max : UInt64(packet?.frame ?? 0)),
            fiveTuple: tuple ?? none, details: .path(path))
        finding.time = packet.flatMap { $0.time == 0 ? nil : $0.time }
        finding.frame = packet.map { UInt64($0.frame) }
        finding.file = name(point)
        return finding
    }

    /// Whether the first point is a machine that forwards, and captures both what comes in and what goes out.
    private func isInside(_ key: Key, _ rows: [UInt32]) -> Bool {
        guard rows.allSatisfy({ judge.packet(Int($0), at: key.from)?.copies == 0 }), key.way >= 0 else { return false }
        let copies = copies[key.from * judge.points + key.to]?[key.way] ?? Duplicates()
        return copies.twice > 0 && copies.once * 10 <= copies.twice
    }

    /// Counts the packets that passed, once for all findings.
    private mutating func countCopies(of keys: some Sequence<Key>) {
        let legs = Set(keys.map { $0.from * judge.points + $0.to })
        for row in 0..<judge.join.count {
            for leg in legs {
                let (from, to) = leg.quotientAndRemainder(dividingBy: judge.points)
                guard let packet = judge.packet(row, at: from), judge.join.packet(row, at: to) != nil,
                    let way = judge.ways.number(of: judge.conversations.direction(of: packet, in: from))
                else { continue }
                if packet.copies > 0 {
                    copies[leg, default: [:]][way, default: Duplicates()].twice += 1
                } else {
                    copies[leg, default: [:]][way, default: Duplicates()].once += 1
                }
            }
        }
    }

    private func addWays(to crossing: inout Finding.LegGap, _ key: Key, direction: UInt32) {
        let there = judge.expectedPoints(of: direction)
        let back = judge.ways.back(from: direction).map { judge.ways.ways[$0].points } ?? []
        crossing.there = there.map(name)
        crossing.back = back.map(name)
        // Without replies nothing is known of their way.
        guard back.count > 1 else { return }
        let oneWay = there.filter { !back.contains($0) }
        crossing.bypassed = [key.from, key.to].first { oneWay.contains($0) }.map(name) ?? oneWay.first.map(name)
    }
}

extension PacketRecord {
    /// Creates the record that identifies a compared packet.
    init(_ packet: ComparedPacket, _ tuple: FiveTuple) {
        self.init()
        src_high = tuple.source.high
        src_low = tuple.source.low
        dst_high = tuple.destination.high
        dst_low = tuple.destination.low
        src_port = tuple.sourcePort
        dst_port = tuple.destinationPort
        seq = packet.seq
        ack = packet.ack
        flags = packet.flags
        id = packet.identification
    }
}
