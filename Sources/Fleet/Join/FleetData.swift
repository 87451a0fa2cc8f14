// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The records that a question is answered from: of each record one, however often it was sent.
///
/// Bounded: beyond `capacity` records are counted and left out, and the answer says so.
package struct FleetData: Sendable {
    /// An agent, by realm and name.
    package struct AgentKey: Hashable, Comparable, Sendable {
        package var realm: String
        package var name: String

        package init(_ reporter: FleetReporter) {
            (realm, name) = (reporter.realm, reporter.agent)
        }

        package init(realm: String, name: String) {
            (self.realm, self.name) = (realm, name)
        }

        package static func < (left: AgentKey, right: AgentKey) -> Bool {
            (left.realm, left.name) < (right.realm, right.name)
        }
    }

    private struct FindingKey: Hashable {
        var agent: AgentKey
        var id: String
    }

    private struct AgentRowKey: Hashable {
        var agent: AgentKey
        var machine: String
        var time: UInt64
    }

    private struct HostKey: Hashable {
        var agent: AgentKey
        var address: IPAddress
    }

    private var newestFindings: [FindingKey: FleetFinding] = [:]
    private var allSightings: Set<FleetSighting> = []
    private var allAgents: [AgentRowKey: FleetAgent] = [:]
    private var newestHosts: [HostKey: FleetHost] = [:]
    private let capacity: Int

    /// Lines that were no records of the fleet.
    package private(set) var unread = 0
    /// Records that found no room.
    package private(set) var left = 0
    /// Records that were there already.
    package private(set) var duplicates = 0
    /// Notes of stores about records that are missing.
    package private(set) var notes: [FleetSourceNote] = []

    /// - Parameter capacity: records that are kept at most; each takes about 1 KB.
    package init(capacity: Int = 2_000_000) {
        self.capacity = capacity
    }

    /// True where a record that is not there may have been left out: silence then proves nothing.
    package var isPartial: Bool { left > 0 || notes.contains(where: \.isPartial) }

    package var count: Int { newestFindings.count + allSightings.count + allAgents.count + newestHosts.count }

    /// Adds a line; an empty one is nothing.
    package mutating func add(line: some StringProtocol) {
        guard line.contains(where: { !$0.isWhitespace }) else { return }
        guard let record = FleetRecord.decode(line) else {
            if let note = FleetSourceNote.decode(line) { notes.append(note) } else { unread += 1 }
            return
        }
        add(record)
    }

    package mutating func add(_ record: FleetRecord) {
        guard count < capacity else {
            left += 1
            return
        }
        let agent = AgentKey(record.reporter)
        switch record {
        case .finding(let finding):
            let key = FindingKey(agent: agent, id: finding.id)
            if let known = newestFindings[key] {
                duplicates += 1
                guard known.revision < finding.revision else { return }
            }
            newestFindings[key] = finding
        case .sighting(let sighting):
            if !allSightings.insert(sighting).inserted { duplicates += 1 }
        case .agent(let row):
            let key = AgentRowKey(agent: agent, machine: row.reporter.machine, time: row.time)
            if allAgents.updateValue(row, forKey: key) != nil { duplicates += 1 }
        case .host(let host):
            let key = HostKey(agent: agent, address: host.address)
            if let known = newestHosts[key], known.time >= host.time { return }
            newestHosts[key] = host
        }
    }

    /// The newest revision of each finding, by time.
    package var findings: [FleetFinding] {
        newestFindings.values.sorted { ($0.time, $0.id, $0.reporter.agent) < ($1.time, $1.id, $1.reporter.agent) }
    }

    package var sightings: [FleetSighting] {
        allSightings.sorted {
            ($0.time, $0.packetKey, $0.reporter.agent, $0.interface)
                < ($1.time, $1.packetKey, $1.reporter.agent, $1.interface)
        }
    }

    /// The agents' own rows by time.
    package var agentRows: [AgentKey: [FleetAgent]] {
        Dictionary(grouping: allAgents.values) { AgentKey($0.reporter) }.mapValues { rows in
            rows.sorted { ($0.time, $0.reporter.machine) < ($1.time, $1.reporter.machine) }
        }
    }

    package var hosts: [FleetHost] {
        newestHosts.values.sorted { ($0.address, $0.reporter.agent) < ($1.address, $1.reporter.agent) }
    }

    /// The realms that records have.
    package var realms: Set<String> {
        var realms = Set(newestFindings.keys.map(\.agent.realm))
        realms.formUnion(allSightings.lazy.map(\.reporter.realm))
        realms.formUnion(allAgents.keys.lazy.map(\.agent.realm))
        realms.formUnion(newestHosts.keys.lazy.map(\.agent.realm))
        return realms
    }

    /// The time of the newest record, ns since 1970: "now" where the lines come from somewhere else.
    package var newest: UInt64 {
        let times = [
            newestFindings.values.lazy.map(\.time).max(), allSightings.lazy.map(\.time).max(),
            allAgents.keys.lazy.map(\.time).max(), newestHosts.values.lazy.map(\.time).max(),
        ]
        return times.compactMap { $0 }.max() ?? 0
    }
}
