// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import FoundationEssentials
internal import Packets

/// The list of hosts, as a table for people and as JSON and CSV for machines.
package enum HostReport {
    /// `host` as an object: a line of JSON Lines, or an element of a list.
    package static func write(_ host: HostSummary, to writer: inout JSONWriter) {
        writer.object { json in
            json.member("address", host.address.description)
            json.member("name", host.device?.name)
            json.member("owner", host.device?.owner)
            json.member("vlan", host.domain == 0 ? nil : host.domain)
            json.member("hop", host.hop)
            json.member("ttl", host.ttl)
            json.member("initial_ttl", host.initialTTL)
            json.member("local", host.isLocal)
            json.member("shared", host.isShared)
            json.member("samples") { json in
                json.object { json in
                    for (kind, count) in host.samples { json.member(label(kind), count) }
                }
            }
            json.member("ttls") { json in
                json.array { json in
                    for (ttl, packets) in host.ttls {
                        json.object { json in
                            json.member("ttl", ttl)
                            json.member("packets", packets)
                        }
                    }
                }
            }
            json.member("first_seen", Timestamp.text(host.firstSeen))
            json.member("last_seen", Timestamp.text(host.lastSeen))
        }
    }

    /// `host` as one line, its line feed included.
    package static func line(_ host: HostSummary) -> String {
        var writer = JSONWriter()
        write(host, to: &writer)
        writer.endLine()
        return writer.text
    }

    /// A line a host.
    package static func text(_ hosts: [HostSummary], style: TableStyle = TableStyle()) -> String {
        guard !hosts.isEmpty else { return "No such host was seen.\n" }
        var table = Table(
            [
                .init("ADDRESS"), .init("NAME", least: 6, rank: 3), .init("VLAN", isRight: true, rank: 3),
                .init("HOP", isRight: true),
                .init("TTL"), .init("PACKETS", isRight: true, rank: 2), .init("KNOWN BY", least: 8, rank: 4),
                .init("REMARK", least: 6, rank: 1), .init("FIRST SEEN", rank: 6),
                .init(style.title("LAST SEEN"), rank: 5),
            ], drawing: style.drawing, privacy: style.privacy)
        for host in hosts {
            table.add([
                host.address.description, host.device?.name ?? "", host.domain == 0 ? "" : "\(host.domain)",
                host.hop.map(String.init) ?? "-",
                distance(host), "\(proving(host))", knownBy(host), remark(host), style.time(host.firstSeen),
                style.time(host.lastSeen),
            ])
        }
        return table.text(width: style.width)
    }

    package static func csv(_ hosts: [HostSummary]) -> String {
        let kinds = FingerprintClass.allCases
        var csv = CSVWriter(
            ["address", "vlan", "hop", "ttl", "initial_ttl", "local", "shared"] + kinds.map { "samples_" + label($0) }
                + ["ttls", "first_seen", "last_seen", "name", "owner"])
        for host in hosts {
            csv.field(host.address.description)
            csv.field(host.domain == 0 ? nil : host.domain)
            csv.field(host.hop)
            csv.field(host.ttl)
            csv.field(host.initialTTL)
            csv.field(host.isLocal)
            csv.field(host.isShared)
            for kind in kinds { csv.field(host.samples.first { $0.class == kind }?.count) }
            csv.field(host.ttls.map { "\($0.ttl):\($0.packets)" }.joined(separator: " "))
            csv.field(Timestamp.text(host.firstSeen))
            csv.field(Timestamp.text(host.lastSeen))
            csv.field(host.device?.name)
            csv.field(host.device?.owner)
            csv.endRow()
        }
        return csv.text
    }

    /// Its name with the address behind, or the address.
    package static func called(_ host: HostSummary) -> String {
        host.device.map { "\($0.name) (\(host.address))" } ?? host.address.description
    }

    package static func distance(_ host: HostSummary) -> String {
        host.ttl.map { HopDistance(ttl: $0).description } ?? "-"
    }

    /// Packets that prove life and so its distance.
    package static func proving(_ host: HostSummary) -> Int {
        host.samples.reduce(0) { $1.class == .unproven ? $0 : $0 + $1.count }
    }

    private static func knownBy(_ host: HostSummary) -> String {
        host.samples.filter { $0.count > 0 }.map { "\(label($0.class)) \($0.count)" }.joined(separator: ", ")
    }

    static func remark(_ host: HostSummary) -> String {
        [host.isLocal ? "this machine" : nil, host.isShared ? "several distances" : nil].compactMap { $0 }
            .joined(separator: ", ")
    }

    static func label(_ kind: FingerprintClass) -> String {
        switch kind {
        case .echo: "echo"
        case .tcp: "tcp"
        case .udp: "udp"
        case .unproven: "unproven"
        }
    }
}

extension HostReport {
    /// Reads the list that an agent sent.
    ///
    /// `nil` where it is none, or has a value that none has.
    package static func decode(_ json: [UInt8]) -> [HostSummary]? {
        guard let items = (try? JSONDecoder().decode(WireList.self, from: Data(json)))?.items else { return nil }
        let hosts = items.compactMap(\.host)
        return hosts.count == items.count ? hosts : nil
    }

    private struct WireList: Decodable {
        var items: [WireHost]
    }
}

/// A host as it stands in JSON.
package struct WireHost: Decodable {
    struct TTL: Decodable {
        var ttl: UInt8
        var packets: Int
    }

    var address: String
    var name: String?
    var owner: String?
    var vlan: UInt16?
    var hop: Int?
    var ttl: UInt8?
    var initial_ttl: UInt8?
    var local: Bool
    var shared: Bool
    var samples: [String: Int]
    var ttls: [TTL]?
    var first_seen: String
    var last_seen: String

    package var host: HostSummary? {
        guard let address = IPAddress(address), hop.map(WireBounds.hop.contains) ?? true,
            samples.values.allSatisfy(WireBounds.samples.contains),
            (ttls ?? []).allSatisfy({ WireBounds.samples.contains($0.packets) }),
            let first = Timestamp.read(first_seen), let last = Timestamp.read(last_seen)
        else { return nil }
        var host = HostSummary(address: address, domain: vlan ?? 0, firstSeen: first, lastSeen: last)
        host.device = KnownDevice(name, owner: owner, isExpected: nil)
        host.hop = hop
        host.ttl = ttl
        host.initialTTL = initial_ttl
        host.isLocal = local
        host.isShared = shared
        host.samples = FingerprintClass.allCases.map { ($0, samples[HostReport.label($0)] ?? 0) }
        host.ttls = (ttls ?? []).map { ($0.ttl, $0.packets) }
        return host
    }
}
