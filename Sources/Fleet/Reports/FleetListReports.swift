// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
package import Packets
package import Reporting

extension FleetResets.Reset {
    /// The sender in words.
    package var who: String {
        if let madeBy { return madeBy }
        if !best.device.isEmpty { return best.device }
        switch Finding.Sender(rawValue: best.sender) {
        case .middlebox:
            return hopsBeforeHost.map { "a device \(FleetJudge.hops($0)) before the host" } ?? "a device on the path"
        case .undetermined, nil: return "undetermined"
        default: return "the host"
        }
    }

    package var line: String {
        var writer = JSONWriter()
        writer.object { json in
            json.member("kind", "fleet_reset")
            json.member("realm", best.reporter.realm)
            json.member("time", Timestamp.text(time))
            json.member("src", best.source.description)
            json.member("src_port", best.sourcePort)
            json.member("dst", best.destination.description)
            json.member("dst_port", best.destinationPort)
            json.member("sender", best.sender)
            json.member("made_by", madeBy)
            json.member("who", who)
            json.member("hops_before_host", hopsBeforeHost)
            json.member("cause", best.cause)
            json.member("stage", best.stage)
            json.member("confidence", best.confidence, digits: 3)
            json.member("problem", isProblem)
            json.member("packet_key", best.packetKey)
            json.member("finding", best.id)
            json.member("finding_agent", best.reporter.agent)
            json.member("agents") { $0.array { json in for agent in agents { json.string(agent) } } }
        }
        writer.endLine()
        return writer.text
    }
}

extension FleetResets {
    /// The newest `limit` resets as a table; the first line answers.
    package func text(limit: Int, _ style: TableStyle) -> String {
        guard let newest = all.first else { return "No agent reported a reset.\n" }
        let foreign = all.count { $0.isProblem }
        var text =
            "\(all.count) \(all.count == 1 ? "reset" : "resets"), \(foreign) of them not sent by the host; "
            + "the newest at \(style.clock.text(newest.time)).\n"
        text +=
            "Next: `rstwho fleet trace \"\(newest.best.destination):\(newest.best.destinationPort) > "
            + "\(newest.best.source):\(newest.best.sourcePort)\"` explains it.\n\n"
        var table = Table(
            [
                .init(style.title("time")), .init("reset in the name of", least: 12), .init("towards", least: 12),
                .init("sent by", least: 12), .init("cause", rank: 2), .init("seen by", least: 8, rank: 1),
            ], drawing: style.drawing, privacy: style.privacy)
        for reset in all.prefix(limit) {
            table.add([
                style.clock.text(reset.time), "\(reset.best.source):\(reset.best.sourcePort)",
                "\(reset.best.destination):\(reset.best.destinationPort)", reset.who, reset.best.cause,
                reset.agents.joined(separator: ", "),
            ])
        }
        return style.privacy.apply(to: text) + table.text(width: style.width)
    }
}

extension FleetOrigins {
    package func text(_ style: TableStyle) -> String {
        guard let first = all.first else { return "No device was seen that resets connections of others.\n" }
        var text =
            "\(all.count) \(all.count == 1 ? "device resets" : "devices reset") connections of others; "
            + "\(first.name) most often (\(first.resets)).\n"
        text +=
            first.isAgent
            ? "Next: on \(first.name) `rstwho origins` and `nft list ruleset` name its rules.\n\n"
            : "Next: name it in the agents' file of devices, and ask its owner; `rstwho fleet resets` lists its resets.\n\n"
        var table = Table(
            [
                .init("device", least: 16), .init("owner", rank: 4), .init("resets", isRight: true),
                .init("seen by", isRight: true), .init("hosts", isRight: true, rank: 3),
                .init("ports", least: 6, rank: 2),
                .init("causes", least: 8, rank: 1), .init(style.title("since")), .init(style.title("last")),
            ], drawing: style.drawing, privacy: style.privacy)
        for origin in all {
            table.add([
                origin.name, origin.owner, "\(origin.resets)", "\(origin.agents.count)", "\(origin.hosts.count)",
                origin.ports.sorted().prefix(8).map(String.init).joined(separator: ","),
                origin.causes.sorted().joined(separator: ", "), style.clock.text(origin.first),
                style.clock.text(origin.last),
            ])
        }
        return style.privacy.apply(to: text) + table.text(width: style.width)
    }

    package var lines: String {
        all.map { origin in
            var writer = JSONWriter()
            writer.object { json in
                json.member("kind", "fleet_origin")
                json.member("realm", origin.realm)
                json.member("name", origin.name)
                json.member("owner", origin.owner.isEmpty ? nil : origin.owner)
                json.member("agent", origin.isAgent)
                json.member("expected", origin.isExpected ? true : nil)
                json.member("resets", origin.resets)
                json.member("agents") {
                    $0.array { json in for agent in origin.agents.sorted() { json.string(agent) } }
                }
                json.member("hosts") { json in
                    json.array { json in for host in origin.hosts.sorted() { json.string(host.description) } }
                }
                json.member("ports") { json in
                    json.array { json in for port in origin.ports.sorted() { json.raw("\(port)") } }
                }
                json.member("causes") {
                    $0.array { json in for cause in origin.causes.sorted() { json.string(cause) } }
                }
                json.member("first_seen", Timestamp.text(origin.first))
                json.member("last_seen", Timestamp.text(origin.last))
            }
            writer.endLine()
            return writer.text
        }.joined()
    }
}

/// The distances of one address from every agent.
package struct FleetHosts: Sendable {
    package let address: String
    package let hosts: [FleetHost]

    package init(_ data: FleetData, prefix: IPPrefix, realm: String?) {
        address = prefix.description
        hosts = data.hosts.filter { prefix.contains($0.address) && (realm == nil || $0.reporter.realm == realm) }
            .sorted { ($0.address, $0.hop, $0.reporter.agent) < ($1.address, $1.hop, $1.reporter.agent) }
    }

    package func text(_ style: TableStyle) -> String {
        guard let nearest = hosts.first(where: { $0.hop >= 0 }) ?? hosts.first else {
            return style.privacy.apply(to: "No agent knows \(address).\n")
                + "Next: `rstwho fleet agents` shows whether the agents near it run.\n"
        }
        var text =
            nearest.hop == 0
            ? "\(nearest.address) is an address of \(nearest.reporter.agent)'s machine.\n"
            : "\(nearest.reporter.agent) is nearest to \(nearest.address): \(FleetJudge.hops(nearest.hop)).\n"
        text += "Next: on \(nearest.reporter.agent) `rstwho explain \(nearest.address)`.\n\n"
        var table = Table(
            [
                .init("address", least: 8), .init("agent", least: 8), .init("realm", rank: 3),
                .init("hop", isRight: true), .init("ttl", isRight: true, rank: 2),
                .init("packets", isRight: true, rank: 1), .init(style.title("last seen")),
            ], drawing: style.drawing, privacy: style.privacy)
        for host in hosts {
            table.add([
                host.address.description, host.reporter.agent, host.reporter.realm,
                host.hop < 0 ? "-" : "\(host.hop)", host.ttl == 0 ? "-" : "\(host.ttl)", "\(host.packets)",
                style.clock.text(host.lastSeen),
            ])
        }
        return style.privacy.apply(to: text) + table.text(width: style.width)
    }

    package var lines: String { hosts.map { FleetRecord.host($0).line }.joined() }
}
