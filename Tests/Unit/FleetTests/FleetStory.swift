// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Explanation
import Fleet
import Packets
import Reporting
import Testing

/// Records as the agents of a small network would write them: a client, routers and a server in a row.
///
///     c (0) ── r1 (1) ── r2 (2) ── s (3)      hops from the client
struct FleetStory {
    static let client = IPAddress(v4: 0x0a01_0001)
    static let server = IPAddress(v4: 0x0a04_0002)
    static let start: UInt64 = 1_796_000_000_000_000_000
    static let second: UInt64 = 1_000_000_000

    var realm = ""
    var agents = ["c", "r1", "r2", "s"]
    /// The lead of an agent's clock, ns.
    var leads: [String: Int64] = [:]
    /// An agent's address of the client, where that is translated.
    var clients: [String: IPAddress] = [:]
    var isn: UInt32 = 1_000
    var port: UInt16 = 50_992
    var rows: [FleetRecord] = []

    private func reporter(_ agent: String) -> FleetReporter {
        FleetReporter(realm: realm, agent: agent, site: "lab", machine: "m-\(agent)")
    }

    private func clock(_ agent: String, _ time: UInt64) -> UInt64 {
        time &+ UInt64(bitPattern: leads[agent] ?? 0)
    }

    private func hop(_ agent: String, fromClient: Bool) -> Int {
        let place = agents.firstIndex(of: agent) ?? 0
        return fromClient ? place : agents.count - 1 - place
    }

    private func tuple(_ agent: String, fromClient: Bool) -> FiveTuple {
        let there = FiveTuple(
            source: clients[agent] ?? Self.client, sourcePort: port, destination: Self.server, destinationPort: 22)
        return fromClient ? there : there.reversed
    }

    /// A packet as some agents see it, 1 ms apart on the way.
    mutating func packet(
        _ packet: FleetSighting.Packet, at offset: UInt64, by seen: [String], key: String? = nil,
        fromClient: Bool? = nil, hop: Int? = nil, reason: FleetSighting.Reason = .sampled
    ) {
        let isFromClient = fromClient ?? (packet == .syn || packet == .ack)
        for agent in seen {
            let distance = self.hop(agent, fromClient: isFromClient)
            let delay = UInt64(distance) * 1_000_000
            rows.append(
                .sighting(
                    FleetSighting(
                        reporter: reporter(agent), time: clock(agent, Self.start + offset + delay), packet: packet,
                        reason: reason, tuple: tuple(agent, fromClient: isFromClient), isFromClient: isFromClient,
                        clientISN: isn, packetKey: key ?? "\(packet.rawValue)-\(isn)-\(offset)", ttl: 60,
                        hop: hop ?? distance)))
        }
    }

    /// A reset's finding by one agent.
    mutating func reset(
        by agent: String, at offset: UInt64, sender: Finding.Sender, hop: Int, hostHop: Int?, key: String = "feed",
        revision: Int = 0, isn: UInt32? = nil
    ) {
        var reset = Finding.Reset(
            flags: [.rst, .ack], ttl: 62, seq: 0, ack: self.isn &+ 1, sender: sender, hop: hop, cause: .rejected,
            stage: .syn, packetKey: key)
        reset.hostHop = hostHop
        var finding = Finding(
            id: "01JABCDEFGHJKMNPQRSTV\(agent.uppercased())\(offset / 1_000_000)",
            fiveTuple: tuple(agent, fromClient: false), details: .reset(reset))
        finding.time = clock(agent, Self.start + offset)
        finding.revision = revision
        finding.confidence = 0.97
        rows.append(
            .finding(FleetFinding(finding, by: reporter(agent), clientISN: isn ?? self.isn)))
    }

    /// A path finding by one agent.
    mutating func path(by agent: String, at offset: UInt64, _ cause: Finding.PathCause) {
        var finding = Finding(
            id: "01JPATHDEFGHJKMNPQRST\(agent.uppercased())", fiveTuple: tuple(agent, fromClient: true),
            details: .path(Finding.Path(cause: cause)))
        finding.time = clock(agent, Self.start + offset)
        rows.append(.finding(FleetFinding(finding, by: reporter(agent))))
    }

    /// The rows of an agent that runs from a minute before to ten minutes after.
    mutating func status(
        of names: [String]? = nil, from first: Int = -1, until last: Int = 10,
        _ change: (inout FleetAgent, Int) -> Void = { _, _ in }
    ) {
        for agent in names ?? agents {
            for minute in first...last {
                let time = clock(agent, Self.start &+ UInt64(bitPattern: Int64(minute) * 60 * Int64(Self.second)))
                var row = FleetAgent(reporter: reporter(agent), time: time, version: "0.1.0", boot: 7)
                row.hashKey = 99
                if agent == agents.first { row.addresses = [Self.client] }
                if agent == agents.last { row.addresses = [Self.server] }
                change(&row, minute)
                rows.append(.agent(row))
            }
        }
    }

    var data: FleetData {
        var data = FleetData()
        for row in rows { data.add(line: row.line) }
        return data
    }

    func traces(_ question: String = "10.1.0.1 > 10.4.0.2") throws -> [FleetTrace] {
        guard case .flows(let patterns) = try Question(parsing: question) else { return [] }
        return FleetJoin(data, realm: realm).traces(patterns[0])
    }
}
