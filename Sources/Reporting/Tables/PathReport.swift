// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import FoundationEssentials
internal import Packets

/// The ways between clients and servers, as a table for people and as JSON for machines.
package enum PathReport {
    /// `path` as an object: a line of JSON Lines, or an element of a list.
    package static func write(_ path: PathSummary, to writer: inout JSONWriter) {
        writer.object { json in
            json.member("clients", "\(path.network)/\(path.length)")
            json.member("server", path.server.description)
            json.member("server_name", path.serverDevice?.name)
            json.member("server_owner", path.serverDevice?.owner)
            json.member("ways", path.symmetry.rawValue)
            write(path.there, as: "there", to: &json)
            write(path.back, as: "back", to: &json)
            json.member("connections", path.connections)
            json.member("worked", path.worked)
            json.member("retransmissions", path.retransmissions)
            json.member("round_trip_seconds", path.roundTrip, digits: 6)
            if !path.failingPorts.isEmpty {
                json.member("failing_ports") { json in
                    json.array { json in
                        for port in path.failingPorts { json.raw("\(port)") }
                    }
                }
            }
            json.member("first_seen", Timestamp.text(path.firstSeen))
            json.member("last_seen", Timestamp.text(path.lastSeen))
        }
    }

    private static func write(_ way: PathSummary.Way?, as name: String, to json: inout JSONWriter) {
        guard let way else { return }
        json.member(name) { json in
            json.object { json in
                json.member("interface", way.interface)
                json.member("direction", way.isOutgoing ? "out" : "in")
                json.member("from_mac", way.from)
                json.member("from_name", way.fromDevice?.name)
                json.member("to_mac", way.to)
                json.member("to_name", way.toDevice?.name)
                json.member("connections", way.connections)
            }
        }
    }

    /// `path` as one line, its line feed included.
    package static func line(_ path: PathSummary) -> String {
        var writer = JSONWriter()
        write(path, to: &writer)
        writer.endLine()
        return writer.text
    }

    /// A line a path.
    package static func text(_ paths: [PathSummary], style: TableStyle = TableStyle()) -> String {
        guard !paths.isEmpty else { return "No connection was seen opening.\n" }
        var table = Table(
            [
                .init("CLIENTS"), .init("SERVER"), .init("WAYS"), .init("OPENED", isRight: true, rank: 3),
                .init("ESTABLISHED", isRight: true, rank: 2), .init("RETRANS", isRight: true, rank: 4),
                .init("RTT", isRight: true, rank: 5), .init("FORWARD", least: 12, rank: 6),
                .init("RETURN", least: 12, rank: 1),
            ], drawing: style.drawing, privacy: style.privacy)
        for path in paths {
            table.add([
                "\(path.network)/\(path.length)", server(path), label(path.symmetry), "\(path.connections)",
                "\(path.worked)", "\(path.retransmissions)",
                path.roundTrip.map { DecimalText.format($0 * 1000, digits: 1) + " ms" } ?? "-", text(path.there),
                text(path.back),
            ])
        }
        return table.text(width: style.width)
    }

    package static func csv(_ paths: [PathSummary]) -> String {
        let ways = ["there", "back"].flatMap { way in
            ["interface", "direction", "from_mac", "to_mac", "connections"].map { "\(way)_\($0)" }
        }
        var csv = CSVWriter(
            ["clients", "server", "ways"] + ways + [
                "connections", "worked", "retransmissions", "round_trip_seconds", "failing_ports", "first_seen",
                "last_seen", "server_name", "server_owner", "there_from_name", "there_to_name", "back_from_name",
                "back_to_name",
            ])
        for path in paths {
            csv.field("\(path.network)/\(path.length)")
            csv.field(path.server.description)
            csv.field(path.symmetry.rawValue)
            for way in [path.there, path.back] {
                csv.field(way?.interface)
                csv.field(way.map { $0.isOutgoing ? "out" : "in" })
                csv.field(way?.from)
                csv.field(way?.to)
                csv.field(way?.connections)
            }
            csv.field(path.connections)
            csv.field(path.worked)
            csv.field(path.retransmissions)
            csv.field(path.roundTrip, digits: 6)
            csv.field(path.failingPorts.map(String.init).joined(separator: " "))
            csv.field(Timestamp.text(path.firstSeen))
            csv.field(Timestamp.text(path.lastSeen))
            csv.field(path.serverDevice?.name)
            csv.field(path.serverDevice?.owner)
            for way in [path.there, path.back] {
                csv.field(way?.fromDevice?.name)
                csv.field(way?.toDevice?.name)
            }
            csv.endRow()
        }
        return csv.text
    }

    /// The server by its name with the address behind, or by the address.
    package static func server(_ path: PathSummary) -> String {
        path.serverDevice.map { "\($0.name) (\(path.server))" } ?? path.server.description
    }

    private static func called(_ mac: String?, _ device: KnownDevice?) -> String? {
        mac.map { mac in device.map { "\($0.name) (\(mac))" } ?? mac }
    }

    package static func label(_ symmetry: PathSummary.Symmetry) -> String {
        switch symmetry {
        case .same: "same"
        case .different: "two ways"
        case .oneWay: "one direction"
        case .unknown: "-"
        }
    }

    package static func text(_ way: PathSummary.Way?) -> String {
        guard let way else { return "not seen" }
        let place = way.interface.map { "\($0) " } ?? ""
        let (from, to) = (called(way.from, way.fromDevice), called(way.to, way.toDevice))
        if let from, let to { return "\(place)\(from) > \(to)" }
        let nextHop = way.isOutgoing ? to : from
        let hop = nextHop.map { "\(way.isOutgoing ? "to" : "from") \($0)" } ?? (way.isOutgoing ? "out" : "in")
        return place + hop
    }
}

extension PathReport {
    /// Reads the list that an agent sent.
    ///
    /// `nil` where it is none, or has a value that none has.
    package static func decode(_ json: [UInt8]) -> [PathSummary]? {
        guard let items = (try? JSONDecoder().decode(WireList.self, from: Data(json)))?.items else { return nil }
        let paths = items.compactMap(\.path)
        return paths.count == items.count ? paths : nil
    }

    private struct WireList: Decodable {
        var items: [WirePathSummary]
    }
}

/// One direction of a path as it stands in JSON.
struct WireWay: Decodable {
    var interface: String?
    var direction: String
    var from_mac: String?
    var from_name: String?
    var to_mac: String?
    var to_name: String?
    var connections: Int

    var way: PathSummary.Way {
        var way = PathSummary.Way(
            interface: interface, isOutgoing: direction == "out", from: from_mac, to: to_mac,
            connections: connections)
        way.fromDevice = KnownDevice(from_name, owner: nil, isExpected: nil)
        way.toDevice = KnownDevice(to_name, owner: nil, isExpected: nil)
        return way
    }
}

/// A path as it stands in JSON.
package struct WirePathSummary: Decodable {
    var clients: String
    var server: String
    var server_name: String?
    var server_owner: String?
    var ways: String
    var there: WireWay?
    var back: WireWay?
    var connections: Int
    var worked: Int
    var retransmissions: Int
    var round_trip_seconds: Double?
    var failing_ports: [UInt16]?
    var first_seen: String
    var last_seen: String

    package var path: PathSummary? {
        let parts = clients.split(separator: "/")
        guard parts.count == 2, let network = IPAddress(parts[0]), let length = Int(parts[1]),
            (0...128).contains(length), let server = IPAddress(server),
            let symmetry = PathSummary.Symmetry(rawValue: ways), let first = Timestamp.read(first_seen),
            let last = Timestamp.read(last_seen),
            [connections, worked, retransmissions, there?.connections ?? 0, back?.connections ?? 0]
                .allSatisfy((0...WireBounds.count.upperBound).contains),
            round_trip_seconds.map(WireBounds.seconds.contains) ?? true
        else { return nil }
        var path = PathSummary(network: network, length: length, server: server, firstSeen: first, lastSeen: last)
        path.serverDevice = KnownDevice(server_name, owner: server_owner, isExpected: nil)
        path.there = there?.way
        path.back = back?.way
        path.symmetry = symmetry
        path.connections = connections
        path.worked = worked
        path.retransmissions = retransmissions
        path.roundTrip = round_trip_seconds
        path.failingPorts = failing_ports ?? []
        return path
    }
}
