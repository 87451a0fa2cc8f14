// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Every packet is accounted for, however many there are.
@Suite("Lab, the ledger", .serialized, .enabled(if: Requirements.areMet, "\(Requirements.reason)"))
struct LedgerTests {
    /// Frames of a run; `make test-all` sends ten times as many.
    private static let sent = ProcessInfo.processInfo.environment["RSTWHO_TEST_ALL"] == nil ? 1_200_000 : 12_000_000

    /// Packets that the interface itself has counted on their way in.
    private func arrived(_ namespace: Namespace, _ interface: String) throws -> Int {
        let text = try namespace.run(["cat", "/sys/class/net/\(interface)/statistics/rx_packets"]).standardOutput
        return try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    @Test("A million forwarded packets of all classes are accounted for exactly", arguments: Watcher.Hook.allCases)
    func million(hook: Watcher.Hook) throws {
        try Topology.with { topology in
            // Nobody answers there, and nobody complains.
            try topology.firewall.route("10.4.9.0/24", via: "10.3.0.2")
            try Namespace.host(["ip", "-n", topology.farRouter.name, "route", "add", "blackhole", "10.4.9.0/24"])
            try topology.ping(Topology.serverAddress)
            let watcher = try Watcher(
                in: topology.firewall, interfaces: [Topology.clientSide, Topology.serverSide], hook: hook, http: true)
            let before = try watcher.restingLedger()
            let arrivedBefore = try arrived(topology.firewall, Topology.clientSide)

            let address = try topology.firewall.run(["cat", "/sys/class/net/\(Topology.clientSide)/address"])
            try topology.nearRouter.require(
                [
                    Requirements.built("lab-traffic"), Topology.serverSide,
                    address.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines), "10.4.9.1", "\(Self.sent)",
                ], timeout: 240)
            let after = try watcher.restingLedger()
            let arrivedAfter = try arrived(topology.firewall, Topology.clientSide)
            _ = try watcher.stop()

            #expect(after.total.seen >= 1_000_000)
            #expect(after.total.accounted == after.total.seen)
            for row in after.items {
                #expect(row.count.accounted == row.count.seen, "\(row.interface) \(row.direction)")
            }
            #expect(after.total.allRecorded == after.allConsumed + after.inRing)
            #expect(after.allConsumed == after.observed + after.rejected)

            // What the interface says is what was seen.
            let ingress = try #require(after.row(Topology.clientSide, "in")).count
            let ingressBefore = try #require(before.row(Topology.clientSide, "in")).count
            #expect(ingress.seen - ingressBefore.seen == arrivedAfter - arrivedBefore)
            #expect(arrivedAfter - arrivedBefore >= 1_000_000)
            // ARP and later fragments are refused for their reasons, a 64th each; forwarded packets are not recorded
            // twice.
            #expect(ingress.refused["not_ip", default: 0] >= 1_000_000 / 64)
            #expect(ingress.refused["later_fragment", default: 0] >= 1_000_000 / 64)
            #expect(try #require(after.row(Topology.serverSide, "out")).count.skipped > 900_000)
            // A flood hides no reset.
            #expect(ingress.recorded["reset", default: 0] >= 1_000_000 / 64)
            #expect(after.total.lost["reset", default: [:]].values.allSatisfy { $0 == 0 })
        }
    }
}
