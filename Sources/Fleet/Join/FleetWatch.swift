// SPDX-License-Identifier: Apache-2.0
package import Packets

/// Whether an agent's silence about a packet means that the packet did not pass it.
package struct FleetWatch: Sendable {
    /// Why an agent's silence proves nothing.
    package enum Doubt: Sendable, Equatable {
        /// No row of the agent itself is there.
        case noStatus
        /// Its rows do not cover the moment: it did not run, or started later.
        case notRunning
        /// Another run of the agent was there before the moment than after it.
        case restarted
        /// It has not shipped up to the moment; seconds that are missing.
        case behind(UInt64)
        /// It dropped records of that kind around the moment.
        case dropped(UInt64)
        /// Its capture lost packets around the moment.
        case lost(UInt64)
        /// It gave up flows under load then; the part that it kept.
        case shedding(Double)
        /// It hashes flows with another key, so that it samples other flows.
        case otherKey
        /// It samples fewer flows, and this need not be one of them.
        case samplesLess
        /// Records are missing: a part of the store did not answer, or there were too many.
        case recordsMissing
    }

    /// The longest time between two rows of an agent that runs, ns: three intervals.
    private static let longestGap: UInt64 = 180_000_000_000

    private let rows: [FleetData.AgentKey: [FleetAgent]]
    private let clocks: FleetClocks
    private let isPartial: Bool

    /// - `isPartial`: records may be missing, so that no agent's silence proves anything.
    package init(rows: [FleetData.AgentKey: [FleetAgent]], clocks: FleetClocks, isPartial: Bool = false) {
        self.rows = rows
        self.clocks = clocks
        self.isPartial = isPartial
    }

    /// The agents that have rows.
    package var agents: [FleetData.AgentKey] { rows.keys.sorted() }

    /// The newest row of an agent.
    package func newest(_ agent: FleetData.AgentKey) -> FleetAgent? { rows[agent]?.last }

    /// True where an address is one of the agent's machine.
    package func owns(_ agent: FleetData.AgentKey, _ address: IPAddress) -> Bool {
        newest(agent)?.addresses.contains(address) == true
    }

    /// The agent's row at or before a moment (ns since 1970, by the reference's clock) and the first that covers it.
    func around(_ agent: FleetData.AgentKey, _ moment: UInt64) -> (before: FleetAgent?, after: FleetAgent?) {
        guard let rows = rows[agent] else { return (nil, nil) }
        let time = clocks.agentTime(moment, of: agent)
        return (rows.last { $0.time <= time }, rows.first { $0.complete > time })
    }

    /// Why the agent's silence about a reset at a moment proves nothing; `nil` where it does.
    package func doubtOfReset(_ agent: FleetData.AgentKey, at moment: UInt64) -> Doubt? {
        presence(agent, moment) { before, after in
            let lost = after.lostResets &- before.lostResets
            if after.lostResets > before.lostResets { return .lost(lost) }
            return dropped(before, after, [.finding, .sighting])
        }
    }

    /// Why the agent's silence about a packet of a handshake proves nothing; `nil` where it does.
    ///
    /// - `knowsFlow`: it reported another packet of the connection, so it keeps and reports this flow.
    /// - `reporters`: the agents that reported the flow because they sample it.
    package func doubt(
        _ agent: FleetData.AgentKey, at moment: UInt64, knowsFlow: Bool, sampledBy reporters: [FleetData.AgentKey]
    ) -> Doubt? {
        presence(agent, moment) { before, after in
            if after.lost > before.lost { return .lost(after.lost - before.lost) }
            if let doubt = dropped(before, after, [.sighting]) { return doubt }
            guard !knowsFlow else { return nil }
            let kept = min(before.keptShare, after.keptShare)
            if kept < 1 { return .shedding(kept) }
            let sampled = min(before.sampledShare, after.sampledShare)
            if sampled >= 1 { return nil }
            let comparable = reporters.filter { newest($0)?.hashKey == after.hashKey && after.hashKey != 0 }
            guard !comparable.isEmpty else { return .otherKey }
            // Shares are nested: who samples more reports all that the other does.
            return comparable.contains { newest($0).map { $0.sampledShare <= sampled } ?? false } ? nil : .samplesLess
        }
    }

    private func presence(
        _ agent: FleetData.AgentKey, _ moment: UInt64, _ rest: (FleetAgent, FleetAgent) -> Doubt?
    ) -> Doubt? {
        guard let newest = newest(agent) else { return .noStatus }
        let (before, after) = around(agent, moment)
        let time = clocks.agentTime(moment, of: agent)
        guard let before else { return .notRunning }
        guard let after else {
            return newest.isLast || before.isLast ? .notRunning : .behind((time - newest.complete) / 1_000_000_000)
        }
        guard before.boot == after.boot, !before.isLast else { return before.isLast ? .notRunning : .restarted }
        guard time - before.time <= Self.longestGap, after.time - min(time, after.time) <= Self.longestGap else {
            return .notRunning
        }
        return rest(before, after) ?? (isPartial ? .recordsMissing : nil)
    }

    private func dropped(_ before: FleetAgent, _ after: FleetAgent, _ kinds: [FleetRecord.Kind]) -> Doubt? {
        let count = kinds.reduce(UInt64(0)) { sum, kind in
            let (old, new) = (before.dropped[kind] ?? 0, after.dropped[kind] ?? 0)
            return sum + (new > old ? new - old : 0)
        }
        return count > 0 ? .dropped(count) : nil
    }
}

extension FleetWatch.Doubt {
    /// The reason as the end of a sentence that begins with the agent's name.
    package var text: String {
        switch self {
        case .noStatus: "has sent no status"
        case .notRunning: "was not running then"
        case .restarted: "was restarted around that moment"
        case .behind(let seconds): "is \(seconds) s behind that moment"
        case .dropped(let count): "dropped \(count) record\(count == 1 ? "" : "s") around that moment"
        case .lost(let count): "lost \(count) packet\(count == 1 ? "" : "s") around that moment"
        case .shedding(let share): "processed only \(Int(share * 100)) % of the connections under load"
        case .otherKey: "has another capture.hash_key and samples other connections: not comparable"
        case .samplesLess: "samples fewer connections, and need not have reported this one"
        case .recordsMissing: "may have a record among those that are missing here"
        }
    }

    /// The name in JSON.
    package var name: String {
        switch self {
        case .noStatus: "no_status"
        case .notRunning: "not_running"
        case .restarted: "restarted"
        case .behind: "behind"
        case .dropped: "dropped"
        case .lost: "lost"
        case .shedding: "shedding"
        case .otherKey: "other_key"
        case .samplesLess: "samples_less"
        case .recordsMissing: "records_missing"
        }
    }
}
