// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// The differences between a span of time and the one before it.
package struct FleetChanges: Sendable {
    /// A count of resets or path findings of a site that moved.
    package struct Count: Sendable {
        package var site: String
        package var realm: String
        /// `reset` or `path`.
        package var kind: String
        package var sender: String
        package var cause: String
        package var now = 0
        package var before = 0

        /// The change in standard deviations of what was before, as counts of rare events vary.
        package var sigma: Double { (Double(now) - Double(before)) / (Double(before) + 1).squareRoot() }
    }

    /// Something about an agent.
    package struct AgentChange: Sendable, Equatable {
        package var agent: String
        package var realm: String
        package var text: String
        /// `silent`, `restarted`, `upgraded`, `new`.
        package var name: String
    }

    package private(set) var counts: [Count] = []
    package private(set) var newOrigins: [FleetOrigins.Origin] = []
    package private(set) var agents: [AgentChange] = []
    package let since: UInt64
    package let until: UInt64

    private struct Key: Hashable {
        var site, realm, kind, sender, cause: String
    }

    /// - `since`: the beginning of the span, ns since 1970; the span before it has the same length.
    /// - `until`: its end.
    /// - `least`: sigmas that are a change.
    package init(_ data: FleetData, realm: String?, since: UInt64, until: UInt64, least: Double = 3) {
        self.since = since
        self.until = until
        let length = until > since ? until - since : 0
        let start = since > length ? since - length : 0
        let resets = FleetResets(data.findings, realm: realm)
        var counts: [Key: Count] = [:]
        func count(_ key: Key, _ time: UInt64) {
            guard time >= start, time < until else { return }
            let empty = Count(site: key.site, realm: key.realm, kind: key.kind, sender: key.sender, cause: key.cause)
            if time >= since { counts[key, default: empty].now += 1 } else { counts[key, default: empty].before += 1 }
        }
        for reset in resets.all {
            // Each site that saw it, once; the best verdict counts for all.
            for site in reset.sites {
                count(
                    Key(
                        site: site, realm: reset.best.reporter.realm, kind: Finding.Kind.reset.rawValue,
                        sender: reset.best.sender, cause: reset.best.cause), reset.time)
            }
        }
        for finding in data.findings where finding.kind == Finding.Kind.path.rawValue && finding.isProblem {
            guard realm == nil || finding.reporter.realm == realm else { continue }
            count(
                Key(
                    site: finding.reporter.site, realm: finding.reporter.realm, kind: finding.kind, sender: "",
                    cause: finding.cause), finding.time)
        }
        self.counts = counts.values.filter { abs($0.sigma) >= least }.sorted {
            ($1.sigma.magnitude, $0.realm, $0.site, $0.kind, $0.sender, $0.cause)
                < ($0.sigma.magnitude, $1.realm, $1.site, $1.kind, $1.sender, $1.cause)
        }
        newOrigins = FleetOrigins(resets).all.filter { $0.first >= since && $0.first < until && !$0.isExpected }
        noteAgents(data, realm)
    }

    private mutating func noteAgents(_ data: FleetData, _ realm: String?) {
        for (agent, rows) in data.agentRows.sorted(by: { $0.key < $1.key }) {
            guard realm == nil || agent.realm == realm, let newest = rows.last(where: { $0.time < until }) else {
                continue
            }
            let before = rows.last { $0.time < since }
            func note(_ name: String, _ text: String) {
                agents.append(AgentChange(agent: agent.name, realm: agent.realm, text: text, name: name))
            }
            guard let before else {
                note("new", "is new")
                continue
            }
            if newest.time < since || until - newest.time > 180_000_000_000 {
                note("silent", newest.isLast ? "has ended" : "fell silent")
            }
            if newest.boot != before.boot { note("restarted", "was restarted") }
            if newest.version != before.version {
                note("upgraded", "runs \(newest.version) instead of \(before.version)")
            }
        }
    }

    package var isEmpty: Bool { counts.isEmpty && newOrigins.isEmpty && agents.isEmpty }
}
