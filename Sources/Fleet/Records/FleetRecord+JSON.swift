// SPDX-License-Identifier: Apache-2.0
package import Packets
internal import Reporting

extension FleetRecord {
    /// The record as one line of JSON, its line feed included.
    ///
    /// Times are integers (ns since 1970), addresses are IPv6 text with IPv4 mapped (`::ffff:10.4.0.2`), truth values
    /// are 0 and 1: what ClickHouse's JSONEachRow reads into columns of those names as it is.
    package var line: String {
        var writer = JSONWriter(capacity: 512)
        write(to: &writer)
        writer.endLine()
        return writer.text
    }

    func write(to writer: inout JSONWriter) {
        writer.object { json in
            json.member("record", kind.rawValue)
            if case .agent(let agent) = self {
                json.member("schema", agent.schema)
            } else {
                json.member("schema", Self.schema)
            }
            json.member("realm", reporter.realm)
            json.member("agent", reporter.agent)
            json.member("site", reporter.site)
            json.member("machine", reporter.machine)
            switch self {
            case .finding(let finding): Self.write(finding, to: &json)
            case .sighting(let sighting): Self.write(sighting, to: &json)
            case .agent(let agent): Self.write(agent, to: &json)
            case .host(let host): Self.write(host, to: &json)
            }
        }
    }

    private static func write(_ finding: FleetFinding, to json: inout JSONWriter) {
        json.member("at", finding.time)
        json.member("id", finding.id)
        json.member("revision", finding.revision)
        json.member("kind", finding.kind)
        let (low, high) = ordered(finding.source, finding.destination)
        json.member("low", low)
        json.member("high", high)
        json.member("src", text(finding.source))
        json.member("dst", text(finding.destination))
        json.member("src_port", finding.sourcePort)
        json.member("dst_port", finding.destinationPort)
        json.member("service_port", finding.servicePort)
        json.member("packet_key", finding.packetKey)
        json.member("client_isn", finding.clientISN)
        json.member("sender", finding.sender)
        json.member("cause", finding.cause)
        json.member("stage", finding.stage)
        json.member("hop", finding.hop)
        json.member("host_hop", finding.hostHop)
        json.member("confidence", finding.confidence, digits: 3)
        json.member("origin", finding.origin)
        json.member("device", finding.device)
        json.member("owner", finding.owner)
        json.member("expected", finding.isExpected ? 1 : 0)
        json.member("problem", finding.isProblem ? 1 : 0)
        json.member("interface", finding.interface)
        json.member("count", finding.count)
        json.member("clock_offset_us", finding.clockOffset)
        json.member("line", finding.line)
    }

    private static func write(_ sighting: FleetSighting, to json: inout JSONWriter) {
        json.member("at", sighting.time)
        json.member("client_isn", sighting.clientISN)
        json.member("packet_key", sighting.packetKey)
        json.member("packet", sighting.packet.rawValue)
        json.member("why", sighting.reason.rawValue)
        let isFromLow = sighting.source <= sighting.destination
        let (low, high) = ordered(sighting.source, sighting.destination)
        json.member("low", low)
        json.member("high", high)
        json.member("low_port", isFromLow ? sighting.sourcePort : sighting.destinationPort)
        json.member("high_port", isFromLow ? sighting.destinationPort : sighting.sourcePort)
        json.member("from_low", isFromLow ? 1 : 0)
        json.member("from_client", sighting.isFromClient ? 1 : 0)
        json.member("ttl", sighting.ttl)
        json.member("hop", sighting.hop)
        json.member("interface", sighting.interface)
        json.member("direction", sighting.isLeaving ? "out" : "in")
        json.member("clock_offset_us", sighting.clockOffset)
    }

    private static func write(_ agent: FleetAgent, to json: inout JSONWriter) {
        json.member("at", agent.time)
        json.member("version", agent.version)
        json.member("boot", agent.boot)
        json.member("complete", agent.complete)
        json.member("last", agent.isLast ? 1 : 0)
        json.member("hash_key", agent.hashKey)
        json.member("addresses") { json in
            json.array { json in for address in agent.addresses { json.string(text(address)) } }
        }
        json.member("seen", agent.seen)
        json.member("recorded", agent.recorded)
        json.member("shed", agent.shed)
        json.member("refused", agent.refused)
        json.member("lost", agent.lost)
        json.member("lost_resets", agent.lostResets)
        json.member("connections", agent.connections)
        json.member("kept_share", agent.keptShare, digits: 6)
        json.member("sampled_share", agent.sampledShare, digits: 6)
        json.member("spool_bytes", agent.spoolBytes)
        json.member("spool_seconds", agent.spoolSeconds)
        for kind in Kind.allCases { json.member("dropped_\(kind.table)", agent.dropped[kind] ?? 0) }
        json.member("clock_offset_us", agent.clockOffset)
        json.member("clock_error_us", agent.clockError)
    }

    private static func write(_ host: FleetHost, to json: inout JSONWriter) {
        json.member("at", host.time)
        json.member("address", text(host.address))
        json.member("hop", host.hop)
        json.member("initial_ttl", host.initialTTL)
        json.member("ttl", host.ttl)
        json.member("packets", host.packets)
        json.member("first_seen", host.firstSeen)
        json.member("last_seen", host.lastSeen)
    }

    /// The two ends in the order of their numbers, so that both directions of a connection have one key.
    static func ordered(_ one: IPAddress, _ other: IPAddress) -> (low: String, high: String) {
        one <= other ? (text(one), text(other)) : (text(other), text(one))
    }

    /// An address in the one form that text and address columns agree on.
    package static func text(_ address: IPAddress) -> String {
        address.isIPv4 ? "::ffff:\(address)" : address.description
    }
}
