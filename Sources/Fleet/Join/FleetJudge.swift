// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// Draws the conclusion about one attempt, with its evidence.
struct FleetJudge {
    let attempt: FleetAttempt
    let path: FleetPath
    let watch: FleetWatch
    let clocks: FleetClocks
    /// All findings of the realm: what an agent says of a route counts for each of its connections.
    let findings: [FleetFinding]

    /// The resets of the attempt: one for each key, the earliest first.
    var resets: [FleetSighting.Packet: [String]] {
        let keys =
            attempt.findings.map(\.packetKey) + attempt.sightings.filter { $0.packet == .reset }.map(\.packetKey)
        return keys.isEmpty ? [:] : [.reset: keys]
    }

    // MARK: Resets

    /// One agent's view of a reset.
    private struct Seer {
        var agent: FleetData.AgentKey
        var hop: Int
        var time: UInt64
        var finding: FleetFinding?
    }

    func judgeReset(_ trace: inout FleetTrace) {
        let seers = seers()
        guard let first = seers.min(by: { ($0.time, $0.agent) < ($1.time, $1.agent) }) else { return }
        let isFromServer =
            attempt.findings.first?.isFromServer
            ?? attempt.sightings.first { $0.packet == .reset }.map { !$0.isFromClient } ?? true
        trace.reset = seers.compactMap(\.finding).first
        for seer in seers {
            trace.evidence.append(
                FleetEvidence(
                    .seen, agent: seer.agent.name,
                    seer.hop == 0
                        ? "\(seer.agent.name) saw the RST leave its machine"
                        : seer.hop > 0
                            ? "\(seer.agent.name) saw the RST, sent \(Self.hops(seer.hop)) away"
                            : "\(seer.agent.name) saw the RST"))
        }
        noteDistances(seers, &trace)
        if judgeOwn(seers, &trace) { return }
        judgeByPlaces(seers, first, isFromServer: isFromServer, &trace)
    }

    private func seers() -> [Seer] {
        var seers: [FleetData.AgentKey: Seer] = [:]
        for sighting in attempt.sightings where sighting.packet == .reset {
            let agent = FleetData.AgentKey(sighting.reporter)
            let time = clocks.time(sighting.time, of: agent)
            var seer = seers[agent] ?? Seer(agent: agent, hop: sighting.hop, time: time)
            seer.time = min(seer.time, time)
            if sighting.hop >= 0 { seer.hop = seer.hop < 0 ? sighting.hop : min(seer.hop, sighting.hop) }
            seers[agent] = seer
        }
        for finding in attempt.findings {
            let agent = FleetData.AgentKey(finding.reporter)
            var seer = seers[agent] ?? Seer(agent: agent, hop: finding.hop, time: clocks.time(finding.time, of: agent))
            if seer.hop < 0 { seer.hop = finding.hop }
            if seer.finding.map({ $0.revision < finding.revision || !$0.isProblem }) ?? true { seer.finding = finding }
            seers[agent] = seer
        }
        return seers.values.sorted {
            (path.index(of: $0.agent) ?? .max, $0.agent) < (path.index(of: $1.agent) ?? .max, $1.agent)
        }
    }

    /// An agent whose own machine made the reset settles the question.
    private func judgeOwn(_ seers: [Seer], _ trace: inout FleetTrace) -> Bool {
        let made = seers.first { $0.finding?.sender == Finding.Sender.thisMachine.rawValue }
        if let made, let finding = made.finding {
            trace.verdict = .madeBy(agent: made.agent.name)
            trace.best = finding
            trace.evidence.insert(
                FleetEvidence(
                    .madeHere, agent: made.agent.name,
                    "\(made.agent.name): its own machine made the RST, with an address that is not its own"), at: 0)
            trace.confidence = FleetTrace.confidence(trace.evidence)
            return true
        }
        let host = seers.first { seer in
            guard let finding = seer.finding, finding.sender.hasPrefix("host") else { return false }
            return seer.hop == 0 || watch.owns(seer.agent, finding.source)
        }
        guard let host, let finding = host.finding else { return false }
        trace.verdict = .madeByHost(agent: host.agent.name)
        trace.best = finding
        trace.evidence.insert(
            FleetEvidence(
                .madeHere, agent: host.agent.name,
                "\(host.agent.name) runs on \(finding.source) and says that it sent the RST itself"), at: 0)
        trace.confidence = FleetTrace.confidence(trace.evidence)
        return true
    }

    /// Compares the agents that saw the reset with those, nearer to the host in whose name it came, that did not.
    private func judgeByPlaces(
        _ seers: [Seer], _ first: Seer, isFromServer: Bool, _ trace: inout FleetTrace
    ) {
        // From the reset's receiver to the host in whose name it came.
        let towards = isFromServer ? path.stops : path.stops.reversed()
        let saw = Set(seers.map(\.agent))
        guard let nearest = towards.lastIndex(where: { saw.contains($0.agent) }) else { return }
        let nearestName = towards[nearest].agent.name
        let nearestSeer = seers.first { $0.agent == towards[nearest].agent }
        trace.best = nearestSeer?.finding ?? trace.reset
        var farther: String?
        for stop in towards[(nearest + 1)...] {
            let name = stop.agent.name
            if let doubt = watch.doubtOfReset(stop.agent, at: first.time) {
                set(doubt, of: stop.agent, &trace)
                continue
            }
            let isHost = isFromServer ? stop.isServer : stop.isClient
            let seesDirection = stop.sees(fromClient: !isFromServer)
            let seesOther = stop.sees(fromClient: isFromServer)
            guard isHost || seesDirection || seesOther else { continue }
            if isHost {
                trace.evidence.append(
                    FleetEvidence(
                        .hostSilent, agent: name, "\(name) runs on the host itself and saw no such RST leave"))
            } else if seesDirection {
                trace.evidence.append(
                    FleetEvidence(
                        .notSeenNearer, agent: name,
                        "\(name) sees packets of this direction between these hosts, was awake, and saw no such RST"))
            } else {
                trace.evidence.append(
                    FleetEvidence(
                        .notSeenOtherDirection, agent: name,
                        "\(name) sees the other direction only and saw no such RST: it could have gone around"))
            }
            farther = farther ?? name
        }
        noteVerdicts(seers, &trace)
        if let farther {
            trace.verdict = .madeBetween(saw: nearestName, sawNot: farther)
            trace.confidence = FleetTrace.confidence(trace.evidence)
        } else {
            trace.verdict = .madeBeyond(agent: nearestName)
            trace.confidence = trace.best?.confidence ?? 0
        }
    }

    /// The agents' distances between sender and host: equal from every side, whatever the agent's own place.
    private func noteDistances(_ seers: [Seer], _ trace: inout FleetTrace) {
        let opinions = seers.compactMap { seer -> (String, Int)? in
            guard let finding = seer.finding, finding.hostHop >= 0, seer.hop >= 0 else { return nil }
            return (seer.agent.name, finding.hostHop - seer.hop)
        }
        guard opinions.count > 1 else { return }
        let distances = Set(opinions.map(\.1))
        if distances.count == 1, let distance = distances.first {
            trace.evidence.append(
                FleetEvidence(
                    .hopsAgree,
                    distance == 0
                        ? "All agents put the sender at the host's own distance"
                        : "All agents put the sender \(Self.hops(distance)) before the host"))
        } else {
            let said = opinions.map { "\($0.0): \($0.1)" }.joined(separator: ", ")
            trace.evidence.append(
                FleetEvidence(.hopsDiffer, "The agents differ in the hops between sender and host (\(said))"))
        }
    }

    private func noteVerdicts(_ seers: [Seer], _ trace: inout FleetTrace) {
        for seer in seers {
            guard let finding = seer.finding, finding.sender != "undetermined", !finding.sender.isEmpty else {
                continue
            }
            trace.evidence.append(
                FleetEvidence(
                    .verdict, agent: seer.agent.name,
                    "\(seer.agent.name) alone concludes: sender \(finding.sender), cause \(finding.cause)"))
        }
    }

    func set(_ doubt: FleetWatch.Doubt, of agent: FleetData.AgentKey, _ trace: inout FleetTrace) {
        guard let index = trace.views.firstIndex(where: { $0.stop.agent == agent }) else { return }
        trace.views[index].doubt = doubt
    }

    static func hops(_ count: Int) -> String { count == 1 ? "1 hop" : "\(count) hops" }
}
