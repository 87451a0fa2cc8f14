// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
package import Packets

/// The agents on the path of one connection, in order from the client to the server.
package struct FleetPath: Sendable {
    /// An agent on the path, or one that stands on an end.
    package struct Stop: Sendable {
        package var agent: FleetData.AgentKey
        /// The client's hop as this agent counts it, by packets from the client: 0 on the client itself.
        package var hopFromClient: Int?
        /// The server's hop as this agent counts it: 0 on the server itself.
        package var hopFromServer: Int?
        /// The agent's machine has the client's or the server's address.
        package var isClient = false
        package var isServer = false
        /// It saw packets of that direction between these hosts, in this attempt or another one within the hour.
        package var seesForward = false
        package var seesReturn = false
        /// Devices without an agent between the stop before and this one, as far as hops tell.
        package var unseenBefore = 0

        package func sees(fromClient: Bool) -> Bool { fromClient ? seesForward || isServer : seesReturn || isClient }
    }

    package private(set) var stops: [Stop] = []
    /// Agents see different directions: the two directions take different paths.
    package private(set) var isAsymmetric = false
    package private(set) var clients: Set<IPAddress> = []
    package private(set) var servers: Set<IPAddress> = []

    /// - `nearby`: sightings of the same realm within the hour.
    /// - `hosts`: the agents' distances to hosts.
    /// - `owns`: whether an address is one of an agent's machine.
    init(
        _ attempt: FleetAttempt, nearby: [FleetSighting], hosts: [FleetHost],
        agents: [FleetData.AgentKey], owns: (FleetData.AgentKey, IPAddress) -> Bool
    ) {
        for sighting in attempt.sightings {
            clients.insert(sighting.isFromClient ? sighting.source : sighting.destination)
            servers.insert(sighting.isFromClient ? sighting.destination : sighting.source)
        }
        for finding in attempt.findings {
            clients.insert(finding.isFromServer ? finding.destination : finding.source)
            servers.insert(finding.isFromServer ? finding.source : finding.destination)
        }
        var byAgent: [FleetData.AgentKey: Stop] = [:]
        func change(_ agent: FleetData.AgentKey, _ body: (inout Stop) -> Void) {
            body(&byAgent[agent, default: Stop(agent: agent)])
        }
        for sighting in attempt.sightings { note(sighting, change) }
        for finding in attempt.findings {
            change(FleetData.AgentKey(finding.reporter)) { stop in
                // The host's distance is that of its own packets, which the reset need not be.
                guard finding.hostHop >= 0 else { return }
                if finding.isFromServer, stop.hopFromServer == nil { stop.hopFromServer = finding.hostHop }
                if !finding.isFromServer, stop.hopFromClient == nil { stop.hopFromClient = finding.hostHop }
            }
        }
        for sighting in nearby where isOfPair(sighting) { note(sighting, change) }
        for agent in agents where agent.realm == attempt.realm {
            if clients.contains(where: { owns(agent, $0) }) {
                change(agent) { ($0.isClient, $0.hopFromClient) = (true, 0) }
            }
            if servers.contains(where: { owns(agent, $0) }) {
                change(agent) { ($0.isServer, $0.hopFromServer) = (true, 0) }
            }
        }
        for host in hosts where host.hop >= 0 {
            let agent = FleetData.AgentKey(host.reporter)
            guard byAgent[agent] != nil else { continue }
            change(agent) { stop in
                if clients.contains(host.address), stop.hopFromClient == nil { stop.hopFromClient = host.hop }
                if servers.contains(host.address), stop.hopFromServer == nil { stop.hopFromServer = host.hop }
            }
        }
        order(Array(byAgent.values))
    }

    private func isOfPair(_ sighting: FleetSighting) -> Bool {
        let (client, server) =
            sighting.isFromClient
            ? (sighting.source, sighting.destination) : (sighting.destination, sighting.source)
        return clients.contains(client) && servers.contains(server)
    }

    private func note(
        _ sighting: FleetSighting, _ change: (FleetData.AgentKey, (inout Stop) -> Void) -> Void
    ) {
        change(FleetData.AgentKey(sighting.reporter)) { stop in
            // A reset need not come from the host in whose name it is: it tells neither direction nor distance.
            guard sighting.packet != .reset, sighting.reason != .deviceLog else { return }
            if sighting.isFromClient { stop.seesForward = true } else { stop.seesReturn = true }
            guard sighting.hop >= 0 else { return }
            if sighting.isFromClient {
                stop.hopFromClient = min(stop.hopFromClient ?? sighting.hop, sighting.hop)
            } else {
                stop.hopFromServer = min(stop.hopFromServer ?? sighting.hop, sighting.hop)
            }
        }
    }

    private mutating func order(_ unordered: [Stop]) {
        let lengths = unordered.compactMap { stop in
            stop.hopFromClient.flatMap { one in stop.hopFromServer.map { one + $0 } }
        }
        let length = lengths.sorted().dropFirst(lengths.count / 2).first
        let place = { (stop: Stop) -> Int in
            if stop.isClient { return -1 }
            if stop.isServer { return .max }
            if let hop = stop.hopFromClient { return hop }
            if let hop = stop.hopFromServer, let length { return length - hop }
            // Between what is near the client and the server itself, in the order of the return direction.
            return stop.hopFromServer.map { 1_000_000 - $0 } ?? 999
        }
        stops = unordered.sorted { (place($0), $0.agent) < (place($1), $1.agent) }
        for index in stops.indices.dropFirst() {
            let (before, here) = (stops[index - 1], stops[index])
            if let one = before.hopFromClient, let other = here.hopFromClient, other > one {
                stops[index].unseenBefore = other - one - 1
            } else if let one = before.hopFromServer, let other = here.hopFromServer, one > other {
                stops[index].unseenBefore = one - other - 1
            }
        }
        let forward = stops.contains { $0.seesForward && !$0.seesReturn && !$0.isClient && !$0.isServer }
        let back = stops.contains { $0.seesReturn && !$0.seesForward && !$0.isClient && !$0.isServer }
        isAsymmetric = forward && stops.contains { $0.seesReturn } || back && stops.contains { $0.seesForward }
    }

    /// The place of an agent; `nil` where it is not on the path.
    package func index(of agent: FleetData.AgentKey) -> Int? { stops.firstIndex { $0.agent == agent } }
}
