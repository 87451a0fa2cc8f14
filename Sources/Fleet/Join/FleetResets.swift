// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
package import Packets

/// The resets of a fleet: one that several agents saw counts once.
package struct FleetResets: Sendable {
    /// One reset and everything that agents say of it.
    package struct Reset: Sendable {
        /// Of the agent nearest to the sender, or of the one that sent it.
        package var best: FleetFinding
        package var findings: [FleetFinding]
        /// The agent whose machine made it, where one says so.
        package var madeBy: String?
        package var time: UInt64

        package var agents: [String] { Set(findings.map(\.reporter.agent)).sorted() }
        package var sites: [String] { Set(findings.map(\.reporter.site)).sorted() }

        /// The hops between its sender and the host in whose name it came; `nil` where no agent knows both.
        package var hopsBeforeHost: Int? {
            guard best.hop >= 0, best.hostHop >= 0 else { return nil }
            return best.hostHop - best.hop
        }

        /// True where its host did not send it and the operator does not expect that.
        package var isProblem: Bool { best.isProblem }
    }

    /// Findings of one packet lie this close together, ns.
    private static let window: UInt64 = 120_000_000_000

    package private(set) var all: [Reset] = []

    private struct Key: Hashable {
        var realm: String
        var packet: String
        var ports: UInt32
    }

    /// - `realm`: `nil` for all realms; they are not joined with each other.
    package init(_ findings: [FleetFinding], realm: String?) {
        let resets = findings.filter { $0.isReset && (realm == nil || $0.reporter.realm == realm) }
        // The packet's key has no addresses, so that translation does not matter; one port of two stays the same.
        let groups = Dictionary(grouping: resets) { finding in
            Key(realm: finding.reporter.realm, packet: finding.packetKey, ports: UInt32(finding.servicePort))
        }
        for group in groups.values {
            var rest = group.sorted { ($0.time, $0.id, $0.reporter.agent) < ($1.time, $1.id, $1.reporter.agent) }
            while let first = rest.first {
                var seen: Set<String> = []
                let together = rest.filter { finding in
                    // An agent sees one packet once; what it sees again is another one with the same key.
                    finding.time - min(first.time, finding.time) <= Self.window && Self.isSame(first, finding)
                        && seen.insert(finding.reporter.agent).inserted
                }
                let ids = Set(together.map { "\($0.reporter.agent) \($0.id)" })
                rest.removeAll { ids.contains("\($0.reporter.agent) \($0.id)") }
                all.append(Self.reset(together))
            }
        }
        all.sort { ($0.time, $0.best.id) > ($1.time, $1.best.id) }
    }

    /// True where two findings of one key can be of one packet: one end is the same.
    private static func isSame(_ one: FleetFinding, _ other: FleetFinding) -> Bool {
        (one.source == other.source && one.sourcePort == other.sourcePort)
            || (one.destination == other.destination && one.destinationPort == other.destinationPort)
            || (one.clientISN != 0 && one.clientISN == other.clientISN)
    }

    private static func reset(_ findings: [FleetFinding]) -> Reset {
        let own = findings.first { $0.sender == Finding.Sender.thisMachine.rawValue }
        let host = findings.first { $0.sender.hasPrefix("host") && $0.hop == 0 }
        let nearest = findings.filter { $0.hop >= 0 }.min { ($0.hop, $0.reporter.agent) < ($1.hop, $1.reporter.agent) }
        let best = own ?? host ?? nearest ?? findings[0]
        return Reset(
            best: best, findings: findings, madeBy: own?.reporter.agent,
            time: findings.map(\.time).min() ?? best.time)
    }
}

/// The devices that reset connections of others, over all agents.
package struct FleetOrigins: Sendable {
    package struct Origin: Sendable {
        package var realm: String
        /// The agent or the operator's name of the device, else its place.
        package var name: String
        package var owner: String
        /// True where the device has an agent, which says so itself.
        package var isAgent: Bool
        package var isExpected: Bool
        package var resets = 0
        package var agents: Set<String> = []
        package var hosts: Set<IPAddress> = []
        package var ports: Set<UInt16> = []
        package var causes: Set<String> = []
        package var first = UInt64.max
        package var last: UInt64 = 0
    }

    package private(set) var all: [Origin] = []

    private struct Key: Hashable {
        var realm: String
        var name: String
    }

    package init(_ resets: FleetResets) {
        var origins: [Key: Origin] = [:]
        for reset in resets.all {
            let sender = Finding.Sender(rawValue: reset.best.sender)
            guard sender?.isForeign == true else { continue }
            let named = reset.findings.first { !$0.device.isEmpty }
            let name = reset.madeBy ?? named?.device ?? Self.place(reset)
            let key = Key(realm: reset.best.reporter.realm, name: name)
            var origin =
                origins[key]
                ?? Origin(
                    realm: key.realm, name: name, owner: named?.owner ?? "", isAgent: reset.madeBy != nil,
                    isExpected: named?.isExpected ?? false)
            origin.resets += reset.findings.map(\.count).max() ?? 1
            origin.agents.formUnion(reset.agents)
            origin.hosts.insert(reset.best.source)
            origin.ports.insert(reset.best.servicePort)
            if !reset.best.cause.isEmpty { origin.causes.insert(reset.best.cause) }
            origin.first = min(origin.first, reset.time)
            origin.last = max(origin.last, reset.time)
            origins[key] = origin
        }
        all = origins.values.sorted { ($1.resets, $0.realm, $0.name) < ($0.resets, $1.realm, $1.name) }
    }

    /// A device without a name is called after its place: the same number of hops before a host from every side.
    private static func place(_ reset: FleetResets.Reset) -> String {
        guard let hops = reset.hopsBeforeHost else { return "a device before \(reset.best.source)" }
        return hops == 0
            ? "a device at the distance of \(reset.best.source)"
            : "a device \(FleetJudge.hops(hops)) before \(reset.best.source)"
    }
}
