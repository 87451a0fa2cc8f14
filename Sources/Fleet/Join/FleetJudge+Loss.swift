// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// The place where a packet of an opening was lost.
extension FleetJudge {
    func judgeLoss(_ trace: inout FleetTrace) {
        for packet in [FleetSighting.Packet.syn, .synACK, .ack] {
            let seen = attempt.sightings.filter { $0.packet == packet && $0.reason != .deviceLog }
            // What follows proves that it arrived, wherever it was not seen.
            guard !seen.isEmpty, !isAnswered(packet) else { continue }
            judge(packet, seen, &trace)
            return
        }
        trace.verdict = trace.views.contains { !$0.seen.isEmpty } ? .delivered : .undetermined
        noteDrop(.ack, after: nil, &trace)
        trace.confidence = 0
    }

    /// True where what its receiver answered was seen, and the packet was not sent again after that.
    private func isAnswered(_ packet: FleetSighting.Packet) -> Bool {
        switch packet {
        case .syn: return attempt.sightings.contains { $0.packet == .synACK }
        case .synACK: return attempt.sightings.contains { $0.packet == .ack }
        case .ack:
            // The server repeats its SYN-ACK until it has the acknowledgement.
            let answers = attempt.sightings.filter { $0.packet == .synACK }
            let repeated = Dictionary(grouping: answers) { FleetData.AgentKey($0.reporter) }.values
                .contains { Self.transmissions($0) > 1 }
            return !repeated
        case .reset: return true
        }
    }

    /// Transmissions among an agent's sightings: one packet on two interfaces is one.
    private static func transmissions(_ sightings: [FleetSighting]) -> Int {
        let byInterface = Dictionary(grouping: sightings) { "\($0.interface) \($0.isLeaving)" }
        return byInterface.values.map(\.count).max() ?? 0
    }

    private func judge(_ packet: FleetSighting.Packet, _ seen: [FleetSighting], _ trace: inout FleetTrace) {
        let isFromClient = packet != .synACK
        let along = isFromClient ? path.stops : path.stops.reversed()
        let saw = Set(seen.map { FleetData.AgentKey($0.reporter) })
        guard let last = along.lastIndex(where: { saw.contains($0.agent) }) else { return }
        let lastName = along[last].agent.name
        let sampledBy = attempt.sightings.filter { $0.reason == .sampled }.map { FleetData.AgentKey($0.reporter) }
        // Of several transmissions the last is the one that would have been answered latest.
        let moment = seen.map { clocks.time($0.time, of: FleetData.AgentKey($0.reporter)) }.max() ?? attempt.time
        for agent in along where saw.contains(agent.agent) {
            trace.evidence.append(
                FleetEvidence(.seen, agent: agent.agent.name, "\(agent.agent.name) saw the \(packet.text)"))
        }
        var next: String?
        for stop in along[(last + 1)...] {
            let knowsFlow = attempt.sightings.contains { FleetData.AgentKey($0.reporter) == stop.agent }
            if let doubt = watch.doubt(stop.agent, at: moment, knowsFlow: knowsFlow, sampledBy: sampledBy) {
                set(doubt, of: stop.agent, &trace)
                continue
            }
            let isHost = isFromClient ? stop.isServer : stop.isClient
            guard isHost || stop.sees(fromClient: isFromClient) else { continue }
            let name = stop.agent.name
            trace.evidence.append(
                isHost
                    ? FleetEvidence(
                        .notDelivered, agent: name,
                        "\(name) runs on the host that the \(packet.text) was for and did not see it")
                    : FleetEvidence(
                        .notSeenFarther, agent: name,
                        "\(name) sees packets of this direction between these hosts, was awake, and did not see the "
                            + packet.text))
            next = next ?? name
        }
        trace.verdict =
            next.map { .lostBetween(packet, after: lastName, before: $0) } ?? .lostBeyond(packet, after: lastName)
        noteDrop(packet, after: lastName, &trace)
        trace.confidence = next == nil && trace.best == nil ? 0 : FleetTrace.confidence(trace.evidence)
        if trace.best == nil { trace.best = pathFindings().first }
    }

    /// Names the machine that dropped the packet itself: an agent that watches both of its sides settles the question.
    private func noteDrop(_ packet: FleetSighting.Packet, after last: String?, _ trace: inout FleetTrace) {
        let dropped = pathFindings().filter { $0.cause == Finding.PathCause.droppedHere.rawValue }
        guard let finding = dropped.last(where: { last == nil || $0.reporter.agent == last }) ?? dropped.last,
            path.index(of: FleetData.AgentKey(finding.reporter)) != nil
        else { return }
        let name = finding.reporter.agent
        trace.verdict = .droppedBy(agent: name)
        trace.best = finding
        trace.evidence.insert(
            FleetEvidence(
                .droppedHere, agent: name, "\(name) got the packets and did not send them on: it watches both sides"),
            at: 0)
        trace.confidence = FleetTrace.confidence(trace.evidence)
    }

    /// Path findings about these hosts, within ten minutes.
    private func pathFindings() -> [FleetFinding] {
        findings.filter { finding in
            guard finding.kind == Finding.Kind.path.rawValue, finding.reporter.realm == attempt.realm else {
                return false
            }
            let time = clocks.time(finding.time, of: FleetData.AgentKey(finding.reporter))
            guard max(time, attempt.time) - min(time, attempt.time) <= 600_000_000_000 else { return false }
            return path.clients.contains(finding.source) && path.servers.contains(finding.destination)
                && attempt.sightings.contains { sighting in
                    let port = sighting.isFromClient ? sighting.destinationPort : sighting.sourcePort
                    return port == finding.destinationPort
                }
        }
    }
}
