// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Explanation
internal import Fleet
internal import Packets

extension RecordSelector {
    private static let second: UInt64 = 1_000_000_000
    /// Records of one packet lie this close together, whatever the agents' clocks show.
    private static let window = 120 * second
    /// Packets of the same hosts within this time tell which agents are on their path.
    private static let pathWindow = 3600 * second
    /// The time within which an agent's row says that it was awake, with a row more on each side.
    private static let statusWindow = 300 * second
    /// An agent's newest row is looked for this far back, ns.
    private static let memory = 30 * 86_400 * second
    /// Hosts are reported at least half-hourly; what is older than the table keeps is gone anyway.
    private static let hostMemory = 30 * 86_400 * second
    /// Elements of one list in a statement: a statement has at most 256 KiB.
    private static let listSize = 5000
    /// The same for keys, which have 20 bytes each.
    private static let keyListSize = 12_000

    /// Selects what a question needs.
    ///
    /// - `span`: the times asked about, ns since 1970.
    /// - `limit`: records of a kind at most.
    package func answer(
        _ question: StoreQuestion, realm: String?, span: ClosedRange<UInt64>, limit: Int
    ) async {
        switch question {
        case .trace(let patterns):
            await trace(patterns, realm, Self.wider(span, by: Self.window), limit)
        case .resets:
            await select(limit: limit, realm) {
                $0.findings($0.isReset, span, isWhole: false, limit: limit)
            }
        case .origins: await origins(realm, span, limit)
        case .hosts(let prefix):
            let memory = Self.wider(span, by: Self.hostMemory)
            await select(limit: limit, realm) { $0.hosts($0.isHost(in: prefix), memory, limit: limit) }
        case .changed: await changed(realm, span, limit)
        case .agents: await agents(realm, span, limit)
        }
    }

    private static func wider(_ span: ClosedRange<UInt64>, by margin: UInt64) -> ClosedRange<UInt64> {
        (span.lowerBound - min(margin, span.lowerBound))...(span.upperBound + min(margin, .max - span.upperBound))
    }

    // MARK: Trace

    private func trace(
        _ patterns: [Question.FlowPattern], _ realm: String?, _ span: ClosedRange<UInt64>, _ limit: Int
    ) async {
        async let findings = select(limit: limit, keeps: true, realm) { statements in
            statements.findings(
                statements.any(patterns.map { statements.all([statements.isReset, statements.isFinding(of: $0)]) }),
                span, isWhole: true, limit: limit)
        }
        async let sightings = select(limit: limit, keeps: true, realm) { statements in
            statements.sightings(statements.any(patterns.map { statements.isSighting(of: $0) }), span, limit: limit)
        }
        var records = await findings + sightings
        guard let asked = Self.span(records) else {
            // The answer says whether agents run that could have seen it.
            await select(limit: limit, realm) { $0.newestAgents(span, limit: limit) }
            return
        }
        records += await translated(records, realm, Self.wider(asked, by: Self.window), limit)
        let addresses = Self.addresses(records)
        guard addresses.count <= Self.listSize, let whole = Self.span(records) else { return }
        let around = Self.wider(whole, by: Self.pathWindow)
        async let nearby = select(limit: limit, keeps: true, realm) {
            $0.sightings($0.isBetween(addresses), around, limit: limit)
        }
        let minutes = Self.wider(whole, by: 600 * Self.second)
        async let paths = select(limit: limit, realm) {
            $0.findings($0.isPathFinding(of: addresses), minutes, isWhole: true, limit: limit)
        }
        async let hosts = select(limit: limit, keeps: true, realm) {
            $0.hosts($0.isHost(among: addresses), Self.wider(whole, by: Self.hostMemory), limit: limit)
        }
        records += await nearby + hosts + paths
        await statuses(records, addresses, realm, whole, limit)
    }

    /// The same connections under other addresses.
    private func translated(
        _ records: [FleetRecord], _ realm: String?, _ span: ClosedRange<UInt64>, _ limit: Int
    ) async -> [FleetRecord] {
        var connections: Set<UInt32> = []
        var packets: Set<String> = []
        for record in records {
            switch record {
            case .finding(let finding):
                if finding.clientISN != 0 { connections.insert(finding.clientISN) }
                if !finding.packetKey.isEmpty { packets.insert(finding.packetKey) }
            case .sighting(let sighting):
                if sighting.clientISN != 0 { connections.insert(sighting.clientISN) }
                // The keys of handshakes are as rare as the numbers; that of a reset joins what has no number.
                if sighting.packet == .reset { packets.insert(sighting.packetKey) }
            default: break
            }
        }
        let numbers = Array(connections.sorted().prefix(Self.listSize))
        let keys = Array(packets.sorted().prefix(Self.listSize))
        guard !numbers.isEmpty || !keys.isEmpty else { return [] }
        async let findings = select(limit: limit, keeps: true, realm) {
            $0.findings(
                $0.all([$0.isReset, $0.isOf(connections: numbers, packets: keys)]), span, isWhole: true, limit: limit)
        }
        async let sightings = select(limit: limit, keeps: true, realm) {
            $0.sightings($0.isOf(connections: numbers, packets: keys), span, limit: limit)
        }
        return await findings + sightings
    }

    /// The rows of the agents that can be on the path, around the moments, and the newest of every agent.
    private func statuses(
        _ records: [FleetRecord], _ addresses: [IPAddress], _ realm: String?, _ span: ClosedRange<UInt64>, _ limit: Int
    ) async {
        let memory = (span.lowerBound - min(Self.memory, span.lowerBound))...UInt64.max
        let newest = await select(limit: limit, keeps: true, realm) { $0.newestAgents(memory, limit: limit) }
        var names = Set(records.map(\.reporter.agent))
        for case .agent(let agent) in newest where !Set(agent.addresses).isDisjoint(with: addresses) {
            names.insert(agent.reporter.agent)
        }
        let list = Array(names.sorted().prefix(Self.listSize))
        let around = Self.wider(span, by: Self.statusWindow)
        await select(limit: limit, realm) { $0.agents(around, names: list, limit: limit) }
    }

    private static func span(_ records: [FleetRecord]) -> ClosedRange<UInt64>? {
        let times = records.compactMap { record -> UInt64? in
            switch record {
            case .finding(let finding): finding.time
            case .sighting(let sighting): sighting.time
            default: nil
            }
        }
        guard let first = times.min(), let last = times.max() else { return nil }
        return first...last
    }

    private static func addresses(_ records: [FleetRecord]) -> [IPAddress] {
        var addresses: Set<IPAddress> = []
        for record in records {
            switch record {
            case .finding(let finding): addresses.formUnion([finding.source, finding.destination])
            case .sighting(let sighting): addresses.formUnion([sighting.source, sighting.destination])
            default: break
            }
        }
        return addresses.sorted()
    }

    // MARK: Lists

    /// The resets that somebody else than the host sent, and everything that agents say of the same packets: another
    /// shard may hold what the host's own agent says.
    private func origins(_ realm: String?, _ span: ClosedRange<UInt64>, _ limit: Int) async {
        let senders = Finding.Sender.allCases.filter(\.isForeign).map(\.rawValue)
        await select(limit: limit, realm) {
            $0.findings($0.all([$0.isReset, $0.isSentBy(senders)]), span, isWhole: false, limit: limit)
        }
        let keys = await lines(limit: limit, realm) {
            $0.packetKeys($0.all([$0.isReset, $0.isSentBy(senders)]), span, limit: limit)
        }
        let sorted = keys.sorted()
        for start in stride(from: 0, to: sorted.count, by: Self.keyListSize) {
            let part = Array(sorted[start..<min(start + Self.keyListSize, sorted.count)])
            await select(limit: limit, realm) {
                $0.findings(
                    $0.all([$0.isReset, $0.isSentBy(senders, not: true), $0.isOf(connections: [], packets: part)]),
                    Self.wider(span, by: Self.window), isWhole: false, limit: limit)
            }
        }
    }

    private func changed(_ realm: String?, _ span: ClosedRange<UInt64>, _ limit: Int) async {
        let length = span.upperBound - span.lowerBound
        let start = span.lowerBound - min(length, span.lowerBound)
        await select(limit: limit, realm) {
            $0.findings($0.isResetOrPathProblem, start...span.upperBound, isWhole: false, limit: limit)
        }
        let memory = start - min(Self.memory, start)
        await select(limit: limit, realm) {
            $0.newestAgents(memory...(span.lowerBound - min(1, span.lowerBound)), limit: limit)
        }
        await select(limit: limit, realm) { $0.newestAgents(span, limit: limit) }
    }

    private func agents(_ realm: String?, _ span: ClosedRange<UInt64>, _ limit: Int) async {
        let end = span.upperBound
        await select(limit: limit, realm) {
            $0.newestAgents((end - min(Self.memory, end))...end, limit: limit)
        }
        // Losses count for an hour; clocks are compared by packets that two agents saw.
        let hour = (end - min(Self.pathWindow, end))...end
        await select(limit: limit, realm) { $0.agents(hour, limit: limit) }
        let few = min(limit, 50_000)
        await select(limit: .max, realm) { $0.sightings("", hour, limit: few) }
    }
}
