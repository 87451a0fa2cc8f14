// SPDX-License-Identifier: Apache-2.0
package import Explanation
internal import Fleet
package import Packets

/// The statements that select records, as one text for all supported versions of ClickHouse.
///
/// They select rows and never judge. Each answer has one row for each record as far as one server can tell; the reader
/// counts each record once. A statement's alias never has the name of a column, and there are no joins.
package struct StoreStatements: Sendable {
    /// A span of time, ns since 1970, both ends included.
    package typealias Span = ClosedRange<UInt64>

    package var dialect: Dialect
    package var database: String
    /// `nil` for all realms.
    package var realm: String?

    package init(dialect: Dialect, database: String, realm: String?) {
        self.dialect = dialect
        self.database = database
        self.realm = realm
    }

    private static let reporter = "realm, agent, site, machine, schema, at"
    private static let finding =
        "'finding' AS record, \(reporter), id, revision, kind, src, dst, src_port, dst_port, service_port, packet_key, "
        + "client_isn, sender, cause, stage, hop, host_hop, confidence, origin, device, owner, expected, problem, "
        + "interface, count, clock_offset_us"
    private static let sighting =
        "'sighting' AS record, \(reporter), client_isn, packet_key, packet, why, low, high, low_port, high_port, "
        + "from_low, from_client, ttl, hop, interface, direction, clock_offset_us"
    private static let agent =
        "'agent' AS record, \(reporter), version, boot, complete, last, hash_key, addresses, seen, recorded, shed, "
        + "refused, lost, lost_resets, connections, kept_share, sampled_share, spool_bytes, spool_seconds, "
        + "dropped_findings, dropped_sightings, dropped_agents, dropped_hosts, clock_offset_us, clock_error_us"
    private static let host =
        "'host' AS record, \(reporter), address, hop, initial_ttl, ttl, packets, first_seen, last_seen"

    // MARK: Findings

    /// Findings that fulfil a condition, the newest revision of each, the newest first.
    ///
    /// - `isWhole`: with the finding's own JSON, which is most of its size.
    package func findings(_ condition: String, _ span: Span, isWhole: Bool, limit: Int) -> String {
        // PREWHERE: the JSON is read for the rows of the answer alone, which 18.16 does not find out by itself.
        "SELECT \(Self.finding), \(isWhole ? "line" : "'' AS line") FROM \(database).findings "
            + "PREWHERE \(all([time(span), condition])) "
            + "ORDER BY at DESC, revision DESC LIMIT 1 BY realm, agent, id LIMIT \(limit) FORMAT JSONEachRow"
    }

    /// The condition that a finding is of a connection.
    package func isFinding(of pattern: Question.FlowPattern) -> String {
        guard let destination = pattern.destination else {
            return any([
                all([isEqual("src", pattern.source.address), port("src_port", pattern.source.port)]),
                all([isEqual("dst", pattern.source.address), port("dst_port", pattern.source.port)]),
            ])
        }
        let forward = [
            isEqual("src", pattern.source.address), port("src_port", pattern.source.port),
            isEqual("dst", destination.address), port("dst_port", destination.port),
        ]
        let back = [
            isEqual("src", destination.address), port("src_port", destination.port),
            isEqual("dst", pattern.source.address), port("dst_port", pattern.source.port),
        ]
        return all([isPair(pattern.source.address, destination.address), any([all(forward), all(back)])])
    }

    /// The keys of the packets that findings which fulfil a condition are about, one a line.
    package func packetKeys(_ condition: String, _ span: Span, limit: Int) -> String {
        "SELECT DISTINCT packet_key FROM \(database).findings WHERE \(all([time(span), condition])) "
            + "LIMIT \(limit) FORMAT TabSeparated"
    }

    /// The condition that findings are resets.
    package var isReset: String { "kind = 'reset'" }

    /// The condition that a reset's sender is somebody else than the host in whose name it came.
    package func isSentBy(_ senders: [String], not isNegated: Bool = false) -> String {
        "sender \(isNegated ? "NOT " : "")IN (\(senders.map(Self.quoted).joined(separator: ", ")))"
    }

    /// The condition that findings are resets, or problems of a path.
    package var isResetOrPathProblem: String { "(kind = 'reset' OR (kind = 'path' AND problem = 1))" }

    /// The condition that findings are about a path between hosts.
    package func isPathFinding(of addresses: [IPAddress]) -> String { all(["kind = 'path'", isBetween(addresses)]) }

    // MARK: Sightings

    package func sightings(_ condition: String, _ span: Span, limit: Int) -> String {
        "SELECT \(Self.sighting) FROM \(database).sightings PREWHERE \(all([time(span), condition])) "
            + "ORDER BY at DESC LIMIT \(limit) FORMAT JSONEachRow"
    }

    /// The condition that a sighting is of a connection.
    package func isSighting(of pattern: Question.FlowPattern) -> String {
        guard let destination = pattern.destination else {
            return any([
                all([isEqual("low", pattern.source.address), port("low_port", pattern.source.port)]),
                all([isEqual("high", pattern.source.address), port("high_port", pattern.source.port)]),
            ])
        }
        let isInOrder = pattern.source.address <= destination.address
        let (low, high) = isInOrder ? (pattern.source, destination) : (destination, pattern.source)
        var ways = [all([port("low_port", low.port), port("high_port", high.port)])]
        // Two ports of one address: the connection may go either way.
        if low.address == high.address { ways.append(all([port("low_port", high.port), port("high_port", low.port)])) }
        return all([isPair(low.address, high.address), any(ways)])
    }

    /// The condition that a record is of the same connections under other addresses: by the client's initial sequence
    /// number or a packet's key, which address translation leaves alone.
    package func isOf(connections: [UInt32], packets: [String]) -> String {
        var ways: [String] = []
        if !connections.isEmpty {
            ways.append("client_isn IN (\(connections.map(String.init).joined(separator: ", ")))")
        }
        if !packets.isEmpty { ways.append("packet_key IN (\(packets.map(Self.quoted).joined(separator: ", ")))") }
        return any(ways)
    }

    /// The condition that both ends of a record are among some addresses.
    package func isBetween(_ addresses: [IPAddress]) -> String {
        let list = addresses.map { Self.quoted(FleetRecord.text($0)) }.joined(separator: ", ")
        return "low IN (\(list)) AND high IN (\(list))"
    }

    // MARK: Agents and hosts

    /// Rows of agents in a span.
    ///
    /// - `names`: `nil` for all agents.
    package func agents(_ span: Span, names: [String]? = nil, limit: Int) -> String {
        let isNamed = names.map { "agent IN (\($0.map(Self.quoted).joined(separator: ", ")))" } ?? ""
        return "SELECT \(Self.agent) FROM \(database).agents WHERE \(all([time(span), isNamed])) "
            + "ORDER BY at DESC LIMIT \(limit) FORMAT JSONEachRow"
    }

    /// The newest row of each agent in a span.
    package func newestAgents(_ span: Span, limit: Int) -> String {
        // The newest times come from three columns; the others are read for those rows alone.
        let newest = "SELECT realm, agent, max(at) FROM \(database).agents WHERE \(time(span)) GROUP BY realm, agent"
        return "SELECT \(Self.agent) FROM \(database).agents WHERE \(time(span)) AND (realm, agent, at) IN (\(newest)) "
            + "LIMIT 1 BY realm, agent LIMIT \(limit) FORMAT JSONEachRow"
    }

    /// The newest distances of some hosts from each agent.
    package func hosts(_ condition: String, _ span: Span, limit: Int) -> String {
        "SELECT \(Self.host) FROM \(database).hosts WHERE \(all([time(span), condition])) "
            + "ORDER BY at DESC LIMIT 1 BY realm, agent, address LIMIT \(limit) FORMAT JSONEachRow"
    }

    package func isHost(in prefix: IPPrefix) -> String { isInside("address", prefix) }

    package func isHost(among addresses: [IPAddress]) -> String {
        "address IN (\(addresses.map { Self.quoted(FleetRecord.text($0)) }.joined(separator: ", ")))"
    }

    // MARK: Parts

    /// The condition that an address column is inside a prefix.
    func isInside(_ column: String, _ prefix: IPPrefix) -> String {
        let bounds = prefix.bounds
        guard bounds.lowerBound != bounds.upperBound else { return isEqual(column, bounds.lowerBound) }
        return dialect.isBetween(
            column, FleetRecord.text(bounds.lowerBound), FleetRecord.text(bounds.upperBound))
    }

    /// The condition that a text names an address of a prefix.
    func isMentioned(in column: String, _ prefix: IPPrefix) -> String {
        let bounds = prefix.bounds
        let isIPv4 = bounds.lowerBound.isIPv4 && bounds.upperBound.isIPv4
        let pattern = isIPv4 ? "[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+" : "[0-9A-Fa-f]*:[0-9A-Fa-f:.]+"
        let number = dialect.number(isIPv4 ? "concat('::ffff:', word)" : "word")
        let (low, high) = (FleetRecord.text(bounds.lowerBound), FleetRecord.text(bounds.upperBound))
        let isInside = "\(number) >= IPv6StringToNum('\(low)') AND \(number) <= IPv6StringToNum('\(high)')"
        return "arrayExists(word -> \(isInside), extractAll(\(column), '\(pattern)'))"
    }

    private func isEqual(_ column: String, _ address: IPAddress) -> String {
        "\(column) = \(Self.quoted(FleetRecord.text(address)))"
    }

    private func port(_ column: String, _ port: UInt16?) -> String { port.map { "\(column) = \($0)" } ?? "" }

    private func isPair(_ one: IPAddress, _ other: IPAddress) -> String {
        all([isEqual("low", min(one, other)), isEqual("high", max(one, other))])
    }

    /// The condition on the time, for the partitions as well, and on the realm.
    private func time(_ span: Span) -> String {
        let seconds = { (time: UInt64) in min(time / 1_000_000_000, UInt64(UInt32.max)) }
        let isOfRealm = realm.map { "realm = \(Self.quoted($0))" } ?? ""
        return all([
            isOfRealm, "time >= toDateTime(\(seconds(span.lowerBound)))",
            "time <= toDateTime(\(seconds(span.upperBound)))", "at >= \(span.lowerBound)", "at <= \(span.upperBound)",
        ])
    }

    func all(_ conditions: [String]) -> String {
        let given = conditions.filter { !$0.isEmpty }
        return given.isEmpty ? "1" : given.joined(separator: " AND ")
    }

    func any(_ conditions: [String]) -> String {
        let given = conditions.filter { !$0.isEmpty }
        return given.isEmpty ? "0" : "(" + given.map { "(\($0))" }.joined(separator: " OR ") + ")"
    }

    /// A text as a literal.
    static func quoted(_ text: String) -> String {
        var result = "'"
        for scalar in text.unicodeScalars {
            switch scalar {
            case "'": result += "\\'"
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\0": result += "\\0"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "'"
    }
}
