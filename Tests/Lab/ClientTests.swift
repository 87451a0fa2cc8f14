// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

/// Tests of the client's view, live and from the tcpdump of the same traffic.
@Suite("Lab, on the client", .serialized, .enabled(if: Requirements.areMet, "\(Requirements.reason)"))
struct ClientTests {
    /// Runs `traffic` beside an agent and a tcpdump, and returns what each of them found in the end.
    ///
    /// Waits for `resets` of them, or where none is expected for as long as one would have taken.
    private func observe(
        _ topology: Topology, hook: Watcher.Hook, resets: Int, traffic: () throws -> Void
    ) throws -> (live: [ReportedFinding], file: [ReportedFinding]) {
        let recorder = try Recorder(in: topology.client, interface: Topology.clientSide)
        let watcher = try Watcher(in: topology.client, interfaces: [Topology.clientSide], hook: hook)
        try traffic()
        if resets == 0 {
            usleep(3_000_000)
        } else {
            try watcher.waitForResets(resets)
        }
        let live = try watcher.stop()
        try recorder.stop()
        return (live, try recorder.findings(in: topology.client))
    }

    @Test("The firewall's reset is not the server's", arguments: Watcher.Hook.allCases)
    func rejected(hook: Watcher.Hook) throws {
        try Topology.with { topology in
            let (live, file) = try observe(topology, hook: hook, resets: 2) {
                try topology.tryEverything(server: Topology.serverAddress)
            }
            live.expectFoundingCase(server: Topology.serverAddress)
            #expect(live.essences == file.essences)
        }
    }

    @Test("The firewall's reset is not the server's over IPv6", arguments: Watcher.Hook.allCases)
    func rejectedIPv6(hook: Watcher.Hook) throws {
        try Topology.with(ipv6: true) { topology in
            let (live, file) = try observe(topology, hook: hook, resets: 2) {
                try topology.tryEverything(server: Topology.serverAddressIPv6)
            }
            live.expectFoundingCase(server: Topology.serverAddressIPv6)
            #expect(live.essences == file.essences)
        }
    }

    @Test("On a silent link one attempt is reported, and a later ping settles it", arguments: Watcher.Hook.allCases)
    func settledLater(hook: Watcher.Hook) throws {
        try Topology.with { topology in
            let recorder = try Recorder(in: topology.client, interface: Topology.clientSide)
            let watcher = try Watcher(in: topology.client, interfaces: [Topology.clientSide], hook: hook)
            try topology.ssh(Topology.serverAddress)

            // Two seconds of settling, and a little; no packet comes to move time on.
            let first = try #require(try watcher.wait(atMost: 5) { $0.resets(from: 22).first })
            #expect(first.sender == "undetermined")
            #expect(first.cause == "unknown")
            #expect(first.revision == 0)

            try topology.ping(Topology.serverAddress)
            let second = try #require(
                try watcher.wait(atMost: 5) { $0.resets(from: 22).first { $0.sender != "undetermined" } })
            #expect(second.id == first.id)
            #expect(second.revision == 1)
            #expect(second.sender == "middlebox")
            #expect(second.hop == 2)
            #expect(second.hostHop == 4)
            #expect(second.cause == "rejected")

            let live = try watcher.stop()
            try recorder.stop()
            #expect(live.essences == (try recorder.findings(in: topology.client)).essences)
        }
    }

    @Test("A terminal that hangs up loses no finding", arguments: [SIGHUP, SIGTERM])
    func hangup(signal: Int32) throws {
        try Topology.with { topology in
            let watcher = try Watcher(in: topology.client, interfaces: [Topology.clientSide], hook: .tc)
            try topology.ping(Topology.serverAddress)
            try topology.ssh(Topology.serverAddress)
            #expect(try watcher.stop(by: signal).resets(from: 22).first?.sender == "middlebox")
        }
    }

    @Test("A firewall that drops sends no reset, and none is reported", arguments: Watcher.Hook.allCases)
    func dropped(hook: Watcher.Hook) throws {
        try Topology.with(policy: .drop) { topology in
            let (live, file) = try observe(topology, hook: hook, resets: 0) {
                try topology.ping(Topology.serverAddress)
                try topology.client.run(["nc", "-n", "-z", "-w", "1", Topology.serverAddress, "22"])
                // Time goes on in the recording as it does live, however long a loaded machine takes: what follows from
                // the silence follows in both.
                usleep(10_000_000)
                try topology.ping(Topology.serverAddress)
            }
            #expect(!live.contains { $0.kind == "reset" })
            #expect(live.essences == file.essences)
        }
    }
}
