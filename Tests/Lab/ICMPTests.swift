// SPDX-License-Identifier: Apache-2.0
import Testing

/// A firewall that says by ICMP what it refuses, live and from the file of the same traffic.
@Suite("Lab, ICMP errors", .serialized, .enabled(if: Requirements.areMet, "\(Requirements.reason)"))
struct ICMPTests {
    /// An `icmp_error` as it is printed.
    private struct Printed: Decodable {
        struct ICMP: Decodable {
            struct Quoted: Decodable {
                let src: String
                let dst: String
                let dstPort: Int
            }

            let reason: String
            let from: String
            let hop: Int
            let quoted: Quoted
        }

        let kind: String
        let icmp: ICMP?
    }

    private static let refusal = """
        table inet refusal {
            chain forward {
                type filter hook forward priority filter; policy accept;
                meta nfproto ipv4 tcp dport 22 reject with icmp type admin-prohibited
                meta nfproto ipv6 tcp dport 22 reject with icmpv6 type admin-prohibited
            }
        }
        """

    @Test("Who refuses, from which hop, why, and whose packet; a connection that works is none", arguments: [4, 6])
    func refused(version: Int) throws {
        let (server, client, firewall) =
            version == 4
            ? (Topology.serverAddress, Topology.clientAddress, Topology.firewallAddress)
            : (Topology.serverAddressIPv6, Topology.clientAddressIPv6, "fd00:2::2")
        try Topology.with(policy: .accept, ipv6: version == 6) { topology in
            try topology.firewall.loadRules(Self.refusal)
            let listener = try topology.server.listen(on: 8080)
            try withExtendedLifetime(listener) {
                let recorder = try Recorder(in: topology.client, interface: Topology.clientSide)
                let watcher = try Watcher(in: topology.client, interfaces: [Topology.clientSide], hook: .tc)
                try topology.client.require(["nc", "-n", "-z", "-w", "3", server, "8080"])
                #expect(try topology.client.run(["nc", "-n", "-z", "-w", "2", server, "22"]).status == 1)
                _ = try watcher.wait(atMost: 6) { $0.contains { $0.kind == "icmp_error" } ? true : nil }
                let live = try watcher.stop().filter { $0.kind == "icmp_error" }
                try recorder.stop()
                let file = try recorder.findings(in: topology.client).filter { $0.kind == "icmp_error" }

                #expect(Set(live.map(\.dstPort)) == [22])
                #expect(live.essences == file.essences)
                let printed = try watcher.decoded(Printed.self).filter { $0.kind == "icmp_error" }
                let error = try #require(printed.first?.icmp)
                #expect(error.reason == "admin_prohibited")
                #expect(error.from == firewall)
                #expect(error.hop == 2)
                #expect(error.quoted.src == client)
                #expect(error.quoted.dst == server)
                #expect(error.quoted.dstPort == 22)
            }
        }
    }
}
