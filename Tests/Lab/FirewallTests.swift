// SPDX-License-Identifier: Apache-2.0
import Testing

/// Tests of the firewall's view: its own reset is its own, a forwarded one is not, translated or not.
@Suite("Lab, on the firewall", .serialized, .enabled(if: Requirements.areMet, "\(Requirements.reason)"))
struct FirewallTests {
    /// Pings the server, tries its port 22, which is rejected here, and a closed port at `closed`.
    private func observe(
        translation: Topology.Translation, hook: Watcher.Hook, closed: (address: String, port: Int)
    ) throws -> (live: [ReportedFinding], file: [ReportedFinding]) {
        try Topology.with(translation: translation) { topology in
            // Only `any` tells the direction of each packet (SLL2).
            let recorder = try Recorder(in: topology.firewall, interface: "any")
            let watcher = try Watcher(
                in: topology.firewall, interfaces: [Topology.clientSide, Topology.serverSide], hook: hook)
            try topology.ping(Topology.serverAddress)
            try topology.ssh(Topology.serverAddress)
            try topology.client.run(["nc", "-n", "-z", "-w", "3", closed.address, "\(closed.port)"])
            try watcher.waitForResets(2)
            let live = try watcher.stop()
            try recorder.stop()
            return (live, try recorder.findings(in: topology.firewall))
        }
    }

    @Test("Its own reset is this machine's, the server's that it forwards is not", arguments: Watcher.Hook.allCases)
    func routed(hook: Watcher.Hook) throws {
        let (live, file) = try observe(translation: .none, hook: hook, closed: (Topology.serverAddress, 23))
        live.expectOwnReset()
        live.expectClosedPort(hop: 2)
        #expect(live.essences == file.essences)
    }

    @Test("Behind a masquerade nothing else is this machine's", arguments: Watcher.Hook.allCases)
    func masqueraded(hook: Watcher.Hook) throws {
        let (live, file) = try observe(translation: .masquerade, hook: hook, closed: (Topology.serverAddress, 23))
        live.expectOwnReset()
        let forwarded = live.resets(from: 23)
        #expect(!forwarded.isEmpty)
        #expect(!forwarded.contains { $0.sender == "this_machine" || $0.sender == "middlebox" })
        #expect(live.essences == file.essences)
    }

    @Test("A reset translated to the firewall's own address is not its own", arguments: Watcher.Hook.allCases)
    func destinationTranslated(hook: Watcher.Hook) throws {
        let (live, file) = try observe(translation: .destination, hook: hook, closed: (Topology.firewallAddress, 2323))
        live.expectOwnReset()
        let forwarded = live.resets(from: 23) + live.resets(from: 2323)
        #expect(!forwarded.isEmpty)
        #expect(!forwarded.contains { $0.sender == "this_machine" || $0.sender == "middlebox" })
        #expect(live.essences == file.essences)
    }
}
