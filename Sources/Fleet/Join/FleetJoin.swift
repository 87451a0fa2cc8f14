// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
package import Explanation
internal import Packets
internal import Reporting

/// Joins what the agents of a fleet saw: records of several agents in, conclusions with evidence out.
///
/// Pure: no I/O and no clock. Order and duplicates of records make no difference.
package struct FleetJoin: Sendable {
    /// Packets of the same hosts within this time tell which agents are on their path, ns.
    private static let pathWindow: UInt64 = 3_600_000_000_000

    let findings: [FleetFinding]
    let sightings: [FleetSighting]
    let hosts: [FleetHost]
    package let clocks: FleetClocks
    package let watch: FleetWatch

    /// - `realm`: the address space that is asked about; records of others are not looked at.
    package init(_ data: FleetData, realm: String) {
        findings = data.findings.filter { $0.reporter.realm == realm }
        sightings = data.sightings.filter { $0.reporter.realm == realm }
        hosts = data.hosts.filter { $0.reporter.realm == realm }
        clocks = FleetClocks(sightings)
        watch = FleetWatch(
            rows: data.agentRows.filter { $0.key.realm == realm }, clocks: clocks, isPartial: data.isPartial)
    }

    /// The connections that match, the newest last; of attempts with one conclusion at the same places the newest
    /// stands for all.
    package func traces(_ pattern: Question.FlowPattern, since: UInt64 = 0, until: UInt64 = .max) -> [FleetTrace] {
        let attempts = AttemptCollector(clocks: clocks).attempts(
            findings, sightings, matching: pattern, since: since, until: until)
        var traces: [FleetTrace] = []
        let tuples = attempts.flatMap { $0.sightings.map(\.fiveTuple) + $0.findings.map(\.fiveTuple) }
        let addresses = Set(tuples.flatMap { [$0.source, $0.destination] })
        let around = sightings.filter { addresses.contains($0.source) || addresses.contains($0.destination) }
        for attempt in attempts {
            guard let trace = trace(attempt, around, pattern) else { continue }
            let same = traces.firstIndex {
                $0.verdict == trace.verdict && $0.connection.destination == trace.connection.destination
                    && $0.connection.source == trace.connection.source
                    && $0.connection.destinationPort == trace.connection.destinationPort
            }
            var newest = trace
            if let same { newest.alike = traces.remove(at: same).alike + 1 }
            traces.append(newest)
        }
        return traces
    }

    private func trace(
        _ attempt: FleetAttempt, _ around: [FleetSighting], _ pattern: Question.FlowPattern
    ) -> FleetTrace? {
        let nearby = around.filter {
            let time = clocks.time($0.time, of: FleetData.AgentKey($0.reporter))
            return max(time, attempt.time) - min(time, attempt.time) <= Self.pathWindow
        }
        let path = FleetPath(
            attempt, nearby: nearby, hosts: hosts, agents: watch.agents, owns: { watch.owns($0, $1) })
        guard let connection = connection(attempt, path, pattern) else { return nil }
        var trace = FleetTrace(
            realm: attempt.realm, connection: connection, clientISN: attempt.clientISN, time: attempt.time,
            verdict: .undetermined, confidence: 0, evidence: [], views: [], path: path, clocks: clocks)
        trace.views = path.stops.map { view($0, attempt) }
        let judge = FleetJudge(attempt: attempt, path: path, watch: watch, clocks: clocks, findings: findings)
        if !judge.resets.isEmpty { judge.judgeReset(&trace) } else { judge.judgeLoss(&trace) }
        return trace
    }

    /// The connection's five-tuple with the client first: as it was asked if a record has it, else as nearest to the
    /// client.
    private func connection(
        _ attempt: FleetAttempt, _ path: FleetPath, _ pattern: Question.FlowPattern
    ) -> FiveTuple? {
        let tuples =
            attempt.sightings.map { $0.isFromClient ? $0.fiveTuple : $0.fiveTuple.reversed }
            + attempt.findings.map { $0.isFromServer ? $0.fiveTuple.reversed : $0.fiveTuple }
        return tuples.first { pattern.matches($0) } ?? tuples.first
    }

    private func view(_ stop: FleetPath.Stop, _ attempt: FleetAttempt) -> FleetTrace.View {
        var view = FleetTrace.View(stop)
        for sighting in attempt.sightings where FleetData.AgentKey(sighting.reporter) == stop.agent {
            view.seen[sighting.packet, default: []].append(clocks.time(sighting.time, of: stop.agent))
            view.tuple = view.tuple ?? (sighting.isFromClient ? sighting.fiveTuple : sighting.fiveTuple.reversed)
        }
        for finding in attempt.findings where FleetData.AgentKey(finding.reporter) == stop.agent {
            if view.seen[.reset] == nil { view.seen[.reset] = [clocks.time(finding.time, of: stop.agent)] }
            view.findingID = finding.id
            view.tuple = view.tuple ?? (finding.isFromServer ? finding.fiveTuple.reversed : finding.fiveTuple)
        }
        return view
    }
}
