// SPDX-License-Identifier: Apache-2.0
internal import Packets

extension FleetRecord {
    /// Reads a line of JSON.
    ///
    /// Members that this version does not know are ignored, and what is absent has the value of an older agent.
    ///
    /// - Returns: `nil` where it is no record, or a value is none that a record has.
    package static func decode(_ line: some StringProtocol) -> FleetRecord? {
        var text = String(line)
        var wire = WireFleetRecord()
        guard text.withUTF8({ bytes in FlatJSON.read(bytes) { wire.set($0, $1) } }) else { return nil }
        return wire.record
    }
}

/// A record as it stands in JSON; the members of all four kinds.
///
/// ClickHouse writes 64-bit integers in quotes where its setting asks for that, and empty strings and zeros where a
/// record had no such member.
private struct WireFleetRecord {
    /// An integer, in quotes or not.
    struct Number {
        var value: Int64
        var unsigned: UInt64

        init?(_ value: FlatJSON.Value) {
            switch value {
            case .integer(false, let magnitude): (self.value, unsigned) = (Int64(clamping: magnitude), magnitude)
            case .integer(true, let magnitude):
                guard magnitude <= UInt64(Int64.max) + 1 else { return nil }
                (self.value, unsigned) = (magnitude > UInt64(Int64.max) ? .min : -Int64(magnitude), 0)
            case .text(let text):
                if let number = UInt64(text) {
                    (self.value, unsigned) = (Int64(clamping: number), number)
                } else if let number = Int64(text) {
                    (self.value, unsigned) = (number, 0)
                } else {
                    return nil
                }
            default: return nil
            }
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

    // MARK: Members

    private typealias Setter = @Sendable (inout WireFleetRecord, FlatJSON.Value) -> Bool
    private typealias Path<Value> = any (WritableKeyPath<WireFleetRecord, Value?> & Sendable)

    /// Takes a member's value; false where the member cannot have it.
    mutating func set(_ name: String, _ value: FlatJSON.Value) -> Bool {
        guard value != .null, let setter = Self.setters[name] else { return true }
        return setter(&self, value)
    }

    private static let setters: [String: Setter] = [
        "record": text(\.kindName), "schema": integer(\.schema), "realm": text(\.realm), "agent": text(\.agent),
        "site": text(\.site), "machine": text(\.machine), "at": number(\.at), "revision": number(\.revision),
        "count": number(\.count), "boot": number(\.boot), "complete": number(\.complete), "id": text(\.id),
        "kind": text(\.kind), "src": text(\.src), "dst": text(\.dst), "packet_key": text(\.packet_key),
        "sender": text(\.sender), "cause": text(\.cause), "stage": text(\.stage), "origin": text(\.origin),
        "device": text(\.device), "owner": text(\.owner), "interface": text(\.interface), "line": text(\.line),
        "src_port": integer(\.src_port), "dst_port": integer(\.dst_port), "service_port": integer(\.service_port),
        "low_port": integer(\.low_port), "high_port": integer(\.high_port), "client_isn": integer(\.client_isn),
        "hash_key": integer(\.hash_key), "hop": integer(\.hop), "host_hop": integer(\.host_hop),
        "expected": integer(\.expected), "problem": integer(\.problem), "from_low": integer(\.from_low),
        "from_client": integer(\.from_client), "last": integer(\.last), "confidence": real(\.confidence),
        "kept_share": real(\.kept_share), "sampled_share": real(\.sampled_share),
        "clock_offset_us": integer(\.clock_offset_us), "clock_error_us": integer(\.clock_error_us),
        "packet": text(\.packet), "why": text(\.why), "low": text(\.low), "high": text(\.high),
        "direction": text(\.direction), "version": text(\.version), "address": text(\.address),
        "ttl": integer(\.ttl), "initial_ttl": integer(\.initial_ttl), "addresses": texts(\.addresses),
        "seen": number(\.seen), "recorded": number(\.recorded), "shed": number(\.shed), "refused": number(\.refused),
        "lost": number(\.lost), "lost_resets": number(\.lost_resets), "connections": number(\.connections),
        "spool_bytes": number(\.spool_bytes), "spool_seconds": number(\.spool_seconds),
        "dropped_findings": number(\.dropped_findings), "dropped_sightings": number(\.dropped_sightings),
        "dropped_agents": number(\.dropped_agents), "dropped_hosts": number(\.dropped_hosts),
        "packets": number(\.packets), "first_seen": number(\.first_seen), "last_seen": number(\.last_seen),
    ]

    private static func text(_ path: Path<String>) -> Setter {
        { record, value in
            guard case .text(let text) = value else { return false }
            record[keyPath: path] = text
            return true
        }
    }

    private static func texts(_ path: Path<[String]>) -> Setter {
        { record, value in
            guard case .texts(let texts) = value else { return false }
            record[keyPath: path] = texts
            return true
        }
    }

    private static func number(_ path: Path<Number>) -> Setter {
        { record, value in
            guard let number = Number(value) else { return false }
            record[keyPath: path] = number
            return true
        }
    }

    private static func integer<Integer: FixedWidthInteger & Sendable>(_ path: Path<Integer>) -> Setter {
        { record, value in
            guard case .integer = value, let number = Number(value) else { return false }
            let exact = number.value < 0 ? Integer(exactly: number.value) : Integer(exactly: number.unsigned)
            guard let exact else { return false }
            record[keyPath: path] = exact
            return true
        }
    }

    private static func real(_ path: Path<Double>) -> Setter {
        { record, value in
            switch value {
            case .real(let real): record[keyPath: path] = real
            case .integer(let isNegative, let magnitude):
                record[keyPath: path] = isNegative ? -Double(magnitude) : Double(magnitude)
            default: return false
            }
            return true
        }
    }
}
