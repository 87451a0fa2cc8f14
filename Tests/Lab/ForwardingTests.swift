// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Tests of a watched firewall: packets that it drops, and packets that others lose.
@Suite("Lab, what a firewall drops", .serialized, .enabled(if: Requirements.areMet, "\(Requirements.reason)"))
struct ForwardingTests {
    private static let port = 8000

    /// Sends some data to the server's port 8000, for as long as it takes to repeat it a few times.
    private func send(_ topology: Topology, to address: String, seconds: Int = 5) throws {
        try topology.client.run(
            ["sh", "-c", "printf '%3000s' x | nc -n -w \(seconds) \(address) \(Self.port)"], timeout: 20)
    }

    private func watch(_ topology: Topology, hook: Watcher.Hook = .tc) throws -> Watcher {
        try Watcher(in: topology.firewall, interfaces: [Topology.clientSide, Topology.serverSide], hook: hook)
    }

    private func dropped(_ watcher: Watcher, atMost seconds: Double = 8) throws -> [ReportedFinding] {
        _ = try watcher.wait(atMost: seconds) { $0.contains { $0.cause == "dropped_here" } ? true : nil }
        return try watcher.stop().filter { $0.cause == "dropped_here" }
    }

    private func text(_ finding: ReportedFinding, _ name: String) -> String {
        finding.evidence?.first { $0.name == name }?.text ?? ""
    }

    @Test(
        "Connection tracking that sees one direction only drops what follows the SYN",
        arguments: [false, true], Watcher.Hook.allCases)
    func oneDirection(ipv6: Bool, hook: Watcher.Hook) throws {
        try Topology.with(policy: .accept, ipv6: ipv6) { topology in
            let address = ipv6 ? Topology.serverAddressIPv6 : Topology.serverAddress
            // What is not tracked is as if it had taken another way.
            try topology.firewall.loadRules(
                """
                table inet oneway {
                    chain prerouting {
                        type filter hook prerouting priority raw;
                        \(ipv6 ? "ip6" : "ip") saddr \(address) notrack
                    }
                    chain forward {
                        type filter hook forward priority filter;
                        ct state invalid drop
                    }
                }
                """)
            let server = try topology.server.listen(on: Self.port)
            let watcher = try watch(topology, hook: hook)
            try send(topology, to: address)
            let findings = try dropped(watcher)
            withExtendedLifetime(server) {}
            #expect(findings.count == 1)
            let finding = try #require(findings.first)
            #expect(finding.dst == address && finding.dstPort == Self.port)
            #expect(finding.summary?.contains("never saw the SYN-ACK") == true)
            #expect(finding.advice?.contains("notrack") == true)
            #expect(text(finding, "conntrack_state").contains("SYN_SENT, without a packet of the reply"))
            #expect(text(finding, "left_before").contains(Topology.serverSide))
            #expect(text(finding, "kernel_drop").contains("NETFILTER_DROP"))
            #expect(text(finding, "conntrack_counter").contains("invalid +"))
        }
    }

    @Test("A rule drops the SYN, and the finding says so")
    func rule() throws {
        try Topology.with(policy: .drop) { topology in
            let watcher = try watch(topology)
            try topology.client.run(["nc", "-n", "-z", "-w", "5", Topology.serverAddress, "22"])
            let findings = try dropped(watcher)
            #expect(findings.count == 1)
            let finding = try #require(findings.first)
            #expect(finding.summary?.contains("Why: a packet filter rule drops it") == true)
            #expect(try #require(finding.confidence) > 0.99)
        }
    }

    @Test("Reverse path filtering drops what is routed back by another interface")
    func reversePath() throws {
        try Topology.with(policy: .accept) { topology in
            try topology.firewall.set("net.ipv4.conf.\(Topology.clientSide).rp_filter", to: "1")
            try topology.firewall.require(["ip", "route", "replace", "10.1.0.0/24", "via", "10.3.0.2"])
            let watcher = try watch(topology)
            try topology.client.run(["nc", "-n", "-z", "-w", "5", Topology.serverAddress, "\(Self.port)"])
            let findings = try dropped(watcher)
            #expect(findings.count == 1)
            let finding = try #require(findings.first)
            #expect(finding.summary?.contains("rp_filter") == true)
            #expect(text(finding, "kernel_drop").contains("IP_RPFILTER"))
        }
    }

    @Test("Behind a masquerade a rule drops the data")
    func masqueraded() throws {
        try Topology.with(policy: .accept, translation: .masquerade) { topology in
            try topology.firewall.loadRules(
                """
                table inet data {
                    chain forward {
                        type filter hook forward priority filter;
                        tcp dport \(Self.port) tcp flags & psh == psh drop
                    }
                }
                """)
            let server = try topology.server.listen(on: Self.port)
            let watcher = try watch(topology)
            try send(topology, to: Topology.serverAddress)
            let findings = try dropped(watcher)
            withExtendedLifetime(server) {}
            #expect(findings.count == 1)
            let finding = try #require(findings.first)
            #expect(finding.src == Topology.clientAddress)
            #expect(finding.summary?.hasPrefix("This machine dropped the client's data") == true)
            #expect(text(finding, "conntrack_state").contains("it is translated"))
        }
    }

    @Test(
        "What the next router drops is not this machine's doing, whether it gets better or not",
        arguments: [Topology.Translation.none, .masquerade], [false, true])
    func droppedBehind(translation: Topology.Translation, isCured: Bool) throws {
        try Topology.with(policy: .accept, translation: translation) { topology in
            try topology.firewall.loadRules(
                """
                table inet strict {
                    chain forward {
                        type filter hook forward priority filter;
                        ct state invalid drop
                    }
                }
                """)
            try topology.farRouter.loadRules(
                """
                table inet data {
                    chain forward {
                        type filter hook forward priority filter;
                        tcp dport \(Self.port) tcp flags & psh == psh drop
                    }
                }
                """)
            let server = try topology.server.listen(on: Self.port)
            let watcher = try Watcher(
                in: topology.firewall, interfaces: [Topology.clientSide, Topology.serverSide], hook: .tc, http: true)
            let client = try topology.client.start([
                "sh", "-c", "printf '%3000s' x | nc -n -w 5 \(Topology.serverAddress) \(Self.port)",
            ])
            _ = try watcher.wait(atMost: 1.5) { _ in nil as Bool? }
            if isCured { try topology.farRouter.require(["nft", "flush", "ruleset"]) }
            _ = try client.wait(timeout: 20)
            let ledger = try JSONDecoder().decode(ReportedLedger.self, from: watcher.get("/api/v1/ledger"))
            let findings = try watcher.stop()
            withExtendedLifetime(server) {}
            // It was in focus: forwarded data is not recorded on its way out otherwise.
            let out = ledger.items.first { $0.interface == Topology.serverSide && $0.direction == "out" }
            #expect(try #require(out?.count.recorded["bulk"]) > 0)
            #expect(findings.filter { $0.cause == "dropped_here" }.map(\.words) == [])
        }
    }
}
