// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Packets

extension FleetRecord {
    /// Reads a line of JSON.
    ///
    /// Members that this version does not know are ignored, and what is absent has the value of an older agent.
    ///
    /// - Returns: `nil` where it is no record, or a value is none that a record has.
    package static func decode(_ line: some StringProtocol) -> FleetRecord? {
        guard let wire = try? JSONDecoder().decode(WireFleetRecord.self, from: Data(line.utf8)) else { return nil }
        return wire.record
    }
}

/// A record as it stands in JSON; the members of all four kinds.
///
/// ClickHouse writes 64-bit integers in quotes where its setting asks for that, and empty strings and zeros where a
/// record had no such member.
private struct WireFleetRecord: Decodable {
    /// An integer, in quotes or not.
    struct Number: Decodable {
        var value: Int64
        var unsigned: UInt64

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(UInt64.self) {
                unsigned = number
            } else if let number = try? container.decode(Int64.self) {
                (value, unsigned) = (number, 0)
                return
            } else {
                let text = try container.decode(String.self)
                guard let number = UInt64(text) else {
                    guard let number = Int64(text) else {
                        throw DecodingError.dataCorruptedError(in: container, debugDescription: "no integer")
                    }
                    (value, unsigned) = (number, 0)
                    return
                }
                unsigned = number
            }
            value = Int64(clamping: unsigned)
        }
    }

    var record: FleetRecord? {
        guard let agent, !agent.isEmpty, agent.utf8.count <= Self.nameLimit, (realm ?? "").utf8.count <= Self.nameLimit
        else { return nil }
        let reporter = FleetReporter(realm: realm ?? "", agent: agent, site: site ?? "", machine: machine ?? "")
        switch kindName.flatMap(FleetRecord.Kind.init) {
        case .finding: return finding(reporter).map { .finding($0) }
        case .sighting: return sighting(reporter).map { .sighting($0) }
        case .agent: return agentRecord(reporter).map { .agent($0) }
        case .host: return host(reporter).map { .host($0) }
        case nil: return nil
        }
    }

    private static let nameLimit = 255

    private func finding(_ reporter: FleetReporter) -> FleetFinding? {
        guard let id, id.utf8.count <= 64, let source = src.flatMap({ IPAddress($0) }),
            let destination = dst.flatMap({ IPAddress($0) }), let kind, let line
        else { return nil }
        var finding = FleetFinding(
            reporter: reporter, id: id, source: source, destination: destination, kind: kind, line: line)
        finding.revision = Int(clamping: revision?.value ?? 0)
        finding.time = at?.unsigned ?? 0
        finding.sourcePort = src_port ?? 0
        finding.destinationPort = dst_port ?? 0
        finding.servicePort = service_port ?? 0
        finding.packetKey = packet_key ?? ""
        finding.clientISN = client_isn ?? 0
        finding.sender = sender ?? ""
        finding.cause = cause ?? ""
        finding.stage = stage ?? ""
        guard let hop = Self.hop(hop), let hostHop = Self.hop(host_hop) else { return nil }
        (finding.hop, finding.hostHop) = (hop, hostHop)
        finding.confidence = min(max(confidence ?? 0, 0), 1)
        finding.origin = origin ?? ""
        finding.device = device ?? ""
        finding.owner = owner ?? ""
        finding.isExpected = expected == 1
        finding.isProblem = problem == 1
        finding.interface = interface ?? ""
        finding.count = max(1, Int(clamping: count?.value ?? 1))
        finding.clockOffset = clock_offset_us ?? 0
        return finding
    }

    private func sighting(_ reporter: FleetReporter) -> FleetSighting? {
        guard let time = at?.unsigned, let packet = packet.flatMap(FleetSighting.Packet.init),
            let reason = why.flatMap(FleetSighting.Reason.init), let low = low.flatMap({ IPAddress($0) }),
            let high = high.flatMap({ IPAddress($0) }), let low_port, let high_port, let packet_key,
            let hop = Self.hop(hop)
        else { return nil }
        let up = FiveTuple(source: low, sourcePort: low_port, destination: high, destinationPort: high_port)
        var sighting = FleetSighting(
            reporter: reporter, time: time, packet: packet, reason: reason, tuple: from_low == 0 ? up.reversed : up,
            isFromClient: from_client == 1, clientISN: client_isn ?? 0, packetKey: packet_key, ttl: ttl ?? 0, hop: hop)
        sighting.interface = interface ?? ""
        sighting.isLeaving = direction == "out"
        sighting.clockOffset = clock_offset_us ?? 0
        return sighting
    }

    private func agentRecord(_ reporter: FleetReporter) -> FleetAgent? {
        guard let time = at?.unsigned else { return nil }
        var agent = FleetAgent(reporter: reporter, time: time, version: version ?? "", boot: boot?.unsigned ?? 0)
        agent.schema = schema ?? 0
        agent.complete = complete?.unsigned ?? time
        agent.isLast = last == 1
        agent.hashKey = hash_key ?? 0
        agent.addresses = (addresses ?? []).prefix(64).compactMap { IPAddress($0) }
        agent.seen = seen?.unsigned ?? 0
        agent.recorded = recorded?.unsigned ?? 0
        agent.shed = shed?.unsigned ?? 0
        agent.refused = refused?.unsigned ?? 0
        agent.lost = lost?.unsigned ?? 0
        agent.lostResets = lost_resets?.unsigned ?? 0
        agent.connections = connections?.unsigned ?? 0
        agent.keptShare = min(max(kept_share ?? 1, 0), 1)
        agent.sampledShare = min(max(sampled_share ?? 0, 0), 1)
        agent.spoolBytes = spool_bytes?.unsigned ?? 0
        agent.spoolSeconds = spool_seconds?.unsigned ?? 0
        agent.dropped = [
            .finding: dropped_findings?.unsigned ?? 0, .sighting: dropped_sightings?.unsigned ?? 0,
            .agent: dropped_agents?.unsigned ?? 0, .host: dropped_hosts?.unsigned ?? 0,
        ]
        agent.clockOffset = clock_offset_us ?? 0
        agent.clockError = clock_error_us ?? 0
        return agent
    }

    private func host(_ reporter: FleetReporter) -> FleetHost? {
        guard let time = at?.unsigned, let address = address.flatMap({ IPAddress($0) }), let hop = Self.hop(hop) else {
            return nil
        }
        var host = FleetHost(reporter: reporter, time: time, address: address, hop: hop)
        host.initialTTL = initial_ttl ?? 0
        host.ttl = ttl ?? 0
        host.packets = packets?.unsigned ?? 0
        host.firstSeen = first_seen?.unsigned ?? time
        host.lastSeen = last_seen?.unsigned ?? time
        return host
    }

    /// A hop within its bounds; -1 where it is not known, `nil` for what is none.
    private static func hop(_ hop: Int?) -> Int? {
        guard let hop else { return -1 }
        return (-1...256).contains(hop) ? hop : nil
    }

    var kindName: String?
    var schema: Int?
    var realm, agent, site, machine: String?
    var at, revision, count, boot, complete: Number?
    var id, kind, src, dst, packet_key, sender, cause, stage, origin, device, owner, interface, line: String?
    var src_port, dst_port, service_port, low_port, high_port: UInt16?
    var client_isn, hash_key: UInt32?
    var hop, host_hop, expected, problem, from_low, from_client, last: Int?
    var confidence, kept_share, sampled_share: Double?
    var clock_offset_us, clock_error_us: Int32?
    var packet, why, low, high, direction, version, address: String?
    var ttl, initial_ttl: UInt8?
    var addresses: [String]?
    var seen, recorded, shed, refused, lost, lost_resets, connections, spool_bytes, spool_seconds: Number?
    var dropped_findings, dropped_sightings, dropped_agents, dropped_hosts: Number?
    var packets, first_seen, last_seen: Number?

    enum CodingKeys: String, CodingKey {
        case kindName = "record"
        case schema, realm, agent, site, machine, at, revision, count, boot, complete, id, kind, src, dst, packet_key
        case sender, cause, stage, origin, device, owner, interface, line, src_port, dst_port, service_port, low_port
        case high_port, client_isn, hash_key, hop, host_hop, expected, problem, from_low, from_client, last, confidence
        case kept_share, sampled_share, clock_offset_us, clock_error_us, packet, why, low, high, direction, version
        case address, ttl, initial_ttl, addresses, seen, recorded, shed, refused, lost, lost_resets, connections
        case spool_bytes, spool_seconds, dropped_findings, dropped_sightings, dropped_agents, dropped_hosts, packets
        case first_seen, last_seen
    }
}
