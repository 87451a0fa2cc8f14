// SPDX-License-Identifier: Apache-2.0
package import Reporting

/// The agents of a fleet, and which of them cannot be trusted now.
package struct FleetAgents: Sendable {
    /// A reason to look at an agent.
    package enum Complaint: Sendable, Equatable {
        case silent(seconds: UInt64)
        case ended
        case behind(seconds: UInt64)
        case shedding(share: Double)
        case losing(packets: UInt64)
        case dropping(records: UInt64)
        case clock(milliseconds: Int64)
        case unsynchronised
        case schema(Int)
        case otherKey
        case cloned(machines: Int)

        package var name: String {
            switch self {
            case .silent: "silent"
            case .ended: "ended"
            case .behind: "behind"
            case .shedding: "shedding"
            case .losing: "losing"
            case .dropping: "dropping"
            case .clock: "clock"
            case .unsynchronised: "clock_unsynchronised"
            case .schema: "schema"
            case .otherKey: "other_key"
            case .cloned: "cloned"
            }
        }

        package var text: String {
            switch self {
            case .silent(let seconds): "silent for \(seconds) s"
            case .ended: "ended in order"
            case .behind(let seconds): "\(seconds) s behind"
            case .shedding(let share): "processes only \(Int(share * 100)) % of the flows"
            case .losing(let packets): "lost \(packets) packets"
            case .dropping(let records): "dropped \(records) records"
            case .clock(let milliseconds): "clock is off by \(milliseconds) ms"
            case .unsynchronised: "clock is not synchronised"
            case .schema(let schema): "writes schema \(schema), this program knows \(FleetRecord.schema)"
            case .otherKey: "another capture.hash_key: not comparable"
            case .cloned(let machines): "\(machines) machines use this name"
            }
        }

        /// False for what is to be known and does not make the agent's silence worthless.
        package var isProblem: Bool {
            switch self {
            case .ended, .unsynchronised: false
            default: true
            }
        }
    }

    package struct Item: Sendable {
        package var row: FleetAgent
        package var complaints: [Complaint]
    }

    package private(set) var items: [Item] = []

    /// The window in which losses and drops count, ns.
    private static let window: UInt64 = 3_600_000_000_000
    /// An agent that says nothing for three of its intervals is silent.
    private static let silence: UInt64 = 180_000_000_000

    /// - `now`: ns since 1970; for lines from elsewhere the newest record's time.
    package init(_ data: FleetData, realm: String?, now: UInt64) {
        let join = Dictionary(grouping: data.sightings) { $0.reporter.realm }.mapValues { FleetClocks($0) }
        let rows = data.agentRows.filter { realm == nil || $0.key.realm == realm }
        let keys = Dictionary(grouping: rows.values.compactMap(\.last).map(\.hashKey).filter { $0 != 0 }) { $0 }
        let common = keys.max { ($0.value.count, $1.key) < ($1.value.count, $0.key) }?.key
        for (agent, rows) in rows {
            guard let newest = rows.last else { continue }
            var complaints: [Complaint] = []
            let age = now > newest.time ? now - newest.time : 0
            if newest.isLast {
                complaints.append(.ended)
            } else if age > Self.silence {
                complaints.append(.silent(seconds: age / 1_000_000_000))
            }
            if newest.spoolSeconds > 60 { complaints.append(.behind(seconds: newest.spoolSeconds)) }
            if newest.keptShare < 1 { complaints.append(.shedding(share: newest.keptShare)) }
            let recent = rows.filter { $0.boot == newest.boot && now - min(now, $0.time) <= Self.window }
            if let oldest = recent.first {
                if newest.lost > oldest.lost { complaints.append(.losing(packets: newest.lost - oldest.lost)) }
                let dropped = FleetRecord.Kind.allCases.reduce(UInt64(0)) { sum, kind in
                    let (old, new) = (oldest.dropped[kind] ?? 0, newest.dropped[kind] ?? 0)
                    return sum + (new > old ? new - old : 0)
                }
                if dropped > 0 { complaints.append(.dropping(records: dropped)) }
            }
            let offset = join[agent.realm]?.offsets[agent]?.nanoseconds ?? Int64(newest.clockOffset) * 1000
            if offset.magnitude > 50_000_000 { complaints.append(.clock(milliseconds: offset / 1_000_000)) }
            if newest.clockError < 0 { complaints.append(.unsynchronised) }
            if newest.schema != FleetRecord.schema { complaints.append(.schema(newest.schema)) }
            if newest.hashKey != 0, let common, newest.hashKey != common { complaints.append(.otherKey) }
            let machines = Set(recent.map(\.reporter.machine).filter { !$0.isEmpty })
            if machines.count > 1 { complaints.append(.cloned(machines: machines.count)) }
            items.append(Item(row: newest, complaints: complaints))
        }
        items.sort { left, right in
            let order = { (item: Item) in
                (item.complaints.contains(where: \.isProblem) ? 0 : 1, item.row.reporter.realm, item.row.reporter.agent)
            }
            return order(left) < order(right)
        }
    }

    package var isProblem: Bool { items.contains { $0.complaints.contains(where: \.isProblem) } }

    package func text(_ style: TableStyle) -> String {
        guard !items.isEmpty else { return "No agent has sent its status.\n" }
        let bad = items.count { $0.complaints.contains(where: \.isProblem) }
        var text =
            bad == 0
            ? "All \(items.count) agents can be trusted.\n"
            : "\(bad) of \(items.count) agents cannot be trusted now: their silence proves nothing.\n"
        if bad > 0 {
            text += "Next: on each of them `systemctl status rstwho` and `journalctl -u rstwho -n 20`.\n"
        }
        var table = Table(
            [
                .init("agent", least: 8), .init("site", rank: 3), .init("realm", rank: 2),
                .init(style.title("last status")), .init("version", rank: 4),
                .init("connections", isRight: true, rank: 5),
                .init("remarks", least: 20),
            ], drawing: style.drawing, privacy: style.privacy)
        for item in items {
            table.add([
                item.row.reporter.agent, item.row.reporter.site, item.row.reporter.realm,
                style.clock.text(item.row.time), item.row.version, "\(item.row.connections)",
                item.complaints.map(\.text).joined(separator: "; "),
            ])
        }
        return text + "\n" + table.text(width: style.width)
    }

    package var lines: String {
        items.map { item in
            var writer = JSONWriter()
            writer.object { json in
                json.member("kind", "fleet_agent")
                json.member("realm", item.row.reporter.realm)
                json.member("agent", item.row.reporter.agent)
                json.member("site", item.row.reporter.site)
                json.member("time", Timestamp.text(item.row.time))
                json.member("version", item.row.version)
                json.member("schema", item.row.schema)
                json.member("problem", item.complaints.contains(where: \.isProblem))
                json.member("complaints") { json in
                    json.array { json in for complaint in item.complaints { json.string(complaint.name) } }
                }
                json.member("remarks", item.complaints.map(\.text).joined(separator: "; "))
            }
            writer.endLine()
            return writer.text
        }.joined()
    }
}
