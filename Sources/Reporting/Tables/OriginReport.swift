// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import FoundationEssentials
internal import Packets

/// Devices that send resets for others, as a table for people and as JSON for machines.
package enum OriginReport {
    /// `origin` as an object: a line of JSON Lines, or an element of a list.
    package static func write(_ origin: Origin, to writer: inout JSONWriter) {
        writer.object { json in
            json.member("id", origin.id)
            json.member("name", origin.device?.name)
            json.member("owner", origin.device?.owner)
            json.member("expected", origin.device?.isExpected == true ? true : nil)
            json.member("sender", (origin.isThisMachine ? Finding.Sender.thisMachine : .middlebox).rawValue)
            json.member("hop", origin.hop)
            if !origin.hopAlternatives.isEmpty {
                json.member("hop_alternatives") { json in
                    json.array { json in
                        for hop in origin.hopAlternatives { json.raw("\(hop)") }
                    }
                }
            }
            json.member("initial_ttl", origin.initialTTL)
            json.member("address", origin.address?.description)
            json.member("interface", origin.interface)
            json.member("next_hop_mac", origin.nextHopMAC)
            json.member("numbering", origin.numbering.rawValue)
            json.member("window", origin.hasWindow)
            json.member("resets", origin.resets)
            json.member("first_seen", origin.firstSeen.map(Timestamp.text))
            json.member("last_seen", origin.lastSeen.map(Timestamp.text))
            json.member("idle_timer_seconds", origin.idleTimer, digits: 1)
            json.member("causes") { json in
                json.array { json in
                    for cause in origin.causes.map(\.rawValue).sorted() { json.string(cause) }
                }
            }
            json.member("hosts") { json in
                json.array { json in
                    for host in origin.hosts.sorted() { json.string(host.description) }
                }
            }
            json.member("ports") { json in
                json.array { json in
                    for port in origin.ports.sorted() { json.raw("\(port)") }
                }
            }
        }
    }

    /// `origin` as one line, its line feed included.
    package static func line(_ origin: Origin) -> String {
        var writer = JSONWriter()
        write(origin, to: &writer)
        writer.endLine()
        return writer.text
    }

    /// A paragraph a device: who it is, for whom it speaks, since when.
    package static func text(_ origins: [Origin], style: TableStyle = TableStyle()) -> String {
        guard !origins.isEmpty else { return "No device was seen that resets connections between others.\n" }
        return style.privacy.apply(to: Self.title + origins.map { text($0, style) }.joined(separator: "\n"))
    }

    package static func csv(_ origins: [Origin]) -> String {
        var csv = CSVWriter([
            "id", "sender", "hop", "initial_ttl", "address", "interface", "next_hop_mac", "numbering", "window",
            "resets",
            "first_seen", "last_seen", "idle_timer_seconds", "causes", "hosts", "ports", "name", "owner", "expected",
        ])
        for origin in origins {
            csv.field(origin.id)
            csv.field((origin.isThisMachine ? Finding.Sender.thisMachine : .middlebox).rawValue)
            csv.field(origin.hop)
            csv.field(origin.initialTTL)
            csv.field(origin.address?.description)
            csv.field(origin.interface)
            csv.field(origin.nextHopMAC)
            csv.field(origin.numbering.rawValue)
            csv.field(origin.hasWindow)
            csv.field(origin.resets)
            csv.field(origin.firstSeen.map(Timestamp.text))
            csv.field(origin.lastSeen.map(Timestamp.text))
            csv.field(origin.idleTimer, digits: 1)
            csv.field(origin.causes.map(\.rawValue).sorted().joined(separator: " "))
            csv.field(origin.hosts.sorted().map(\.description).joined(separator: " "))
            csv.field(origin.ports.sorted().map(String.init).joined(separator: " "))
            csv.field(origin.device?.name)
            csv.field(origin.device?.owner)
            csv.field(origin.device?.isExpected ?? false)
            csv.endRow()
        }
        return csv.text
    }

    /// Returns a short description of the device.
    package static func device(_ origin: Origin) -> String {
        guard !origin.isThisMachine else { return "this machine" }
        guard let hop = origin.hop else { return origin.device?.name ?? "device at a hop that is not known" }
        if let device = origin.device { return "\(device.name) at hop \(hop)" }
        return (["device at hop \(hop)"] + origin.hopAlternatives.map { "hop \($0) if it started from 32" })
            .joined(separator: ", or ")
    }

    /// `3 resets for 2 hosts`.
    package static func work(_ origin: Origin) -> String {
        "\(origin.resets) \(origin.resets == 1 ? "reset" : "resets") for \(origin.hosts.count) "
            + (origin.hosts.count == 1 ? "host" : "hosts")
    }

    private static let title = "Devices that reset connections between others: firewalls, balancers, NATs\n\n"

    private static func text(_ origin: Origin, _ style: TableStyle) -> String {
        let address = origin.address.map { " (\($0))" } ?? ""
        let count = origin.resets == 1 ? "1 reset" : "\(origin.resets) resets"
        let causes =
            origin.causes.isEmpty ? "" : " (" + origin.causes.map(\.rawValue).sorted().joined(separator: ", ") + ")"
        let owner = origin.device?.owner.map { ", owner \($0)" } ?? ""
        let expected = origin.device?.isExpected == true ? ", expected" : ""
        var lines = ["\(origin.id)  \(device(origin))\(address)\(owner)\(expected): \(count)\(causes)"]
        lines.append("    for \(list(origin.hosts.sorted().map(\.description), of: "hosts"))")
        lines.append("    on \(list(origin.ports.sorted().map { "tcp/\($0)" }, of: "ports"))")
        if let first = origin.firstSeen, let last = origin.lastSeen {
            lines.append("    since \(style.zonedTime(first)), last \(style.zonedTime(last))")
        }
        if let timer = origin.idleTimer {
            let known = KnownTimers.resetting(after: timer).map(\.device)
            let like = known.isEmpty ? "" : ", which equals the default of \(known.joined(separator: " or "))"
            lines.append("    ends connections after about \(DecimalText.whole(timer)) s of silence\(like)")
        }
        var marks = ["initial TTL \(origin.initialTTL)"]
        if origin.numbering != .none { marks.append("IP-ID \(origin.numbering.rawValue)") }
        if origin.hasWindow { marks.append("with a window") }
        if let interface = origin.interface { marks.append("on \(interface)") }
        if let address = origin.nextHopMAC { marks.append("next hop \(address)") }
        lines.append("    recognised by \(marks.joined(separator: ", "))")
        return lines.map { TextLayout.wrapped($0, width: style.width, drawing: style.drawing) }.joined()
    }

    private static func list(_ names: [String], of kind: String) -> String {
        let shown = 8
        guard names.count > shown else { return names.joined(separator: ", ") }
        let count = names.count >= Origin.bound ? "\(Origin.bound) or more" : "\(names.count)"
        return "\(count) \(kind): \(names.prefix(shown).joined(separator: ", ")) and others"
    }
}

extension OriginReport {
    /// Reads the list that an agent sent.
    ///
    /// `nil` where it is none, or has a value that none has.
    package static func decode(_ json: [UInt8]) -> [Origin]? {
        guard let items = (try? JSONDecoder().decode(WireList.self, from: Data(json)))?.items else { return nil }
        let origins = items.compactMap(\.origin)
        return origins.count == items.count ? origins : nil
    }

    private struct WireList: Decodable {
        var items: [WireOrigin]
    }

}

/// A device as it stands in JSON.
package struct WireOrigin: Decodable {
    var id: String
    var name: String?
    var owner: String?
    var expected: Bool?
    var sender: String
    var hop: Int?
    var initial_ttl: UInt8
    var address: String?
    var interface: String?
    var next_hop_mac: String?
    var numbering: String
    var window: Bool
    var resets: UInt64
    var first_seen: String?
    var last_seen: String?
    var idle_timer_seconds: Double?
    /// The name that 0.1 used.
    var idle_timer: Double?
    var causes: [String]
    var hosts: [String]
    var ports: [UInt16]

    package var origin: Origin? {
        let timer = idle_timer_seconds ?? idle_timer
        guard hop.map(WireBounds.hop.contains) ?? true, timer.map(WireBounds.seconds.contains) ?? true else {
            return nil
        }
        var origin = Origin(
            id: id, isThisMachine: sender == Finding.Sender.thisMachine.rawValue, hop: hop, initialTTL: initial_ttl,
            hasWindow: window, interface: interface, nextHopMAC: next_hop_mac)
        origin.device = KnownDevice(name, owner: owner, isExpected: expected)
        origin.address = address.flatMap { IPAddress($0) }
        origin.numbering = Origin.Numbering(rawValue: numbering) ?? .none
        origin.resets = resets
        origin.firstSeen = first_seen.flatMap { Timestamp.read($0) }
        origin.lastSeen = last_seen.flatMap { Timestamp.read($0) }
        origin.idleGaps = timer.map { [$0, $0, $0] } ?? []
        origin.causes = Set(causes.compactMap { Finding.Cause(rawValue: $0) })
        origin.hosts = Set(hosts.compactMap { IPAddress($0) })
        origin.ports = Set(ports)
        return origin
    }
}
