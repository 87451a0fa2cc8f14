// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// `rstwho probe` through real routers and firewalls: one of each kind at every hop, told apart by the port that they
/// care about.
@Suite("Lab: probing", .serialized, .enabled(if: Requirements.areMet, "\(Requirements.reason)"))
struct ProbeTests {
    /// The output of `rstwho probe --format json`.
    private struct Report: Decodable {
        struct Piece: Decodable {
            var name: String
            var weight: Double
        }

        struct Hop: Decodable {
            var hop: Int
            var addresses: [String]
        }

        var state: String
        var sender: String
        var hop: Int?
        var possibleHops: [Int]?
        var address: String?
        var hostHop: Int?
        var confidence: Double?
        var unreachable: String?
        var evidence: [Piece]
        var hops: [Hop]
        var packets: Int
        var unmatched: Int
        var complete: Bool
        var summary: String
    }

    /// The machines between client and server, by hop, with their addresses towards the client.
    private static let addresses = ["10.1.0.254", "10.2.0.2", "10.3.0.2"]
    private static let addressesIPv6 = ["fd00:1::254", "fd00:2::2", "fd00:3::2"]

    private static func rules(chain: String, _ hop: Int) -> String {
        """
        table inet probed {
            chain \(chain) {
                type filter hook \(chain) priority filter; policy accept;
                tcp dport 221\(hop) reject with tcp reset
                tcp dport 222\(hop) drop
                tcp dport 223\(hop) reject with icmpx admin-prohibited
            }
        }

        """
    }

    /// A lab in which each machine rejects tcp/221N with a reset, drops 222N and prohibits 223N, N being its hop; 0 is
    /// the client.
    private func withFirewalls(_ body: (Topology) throws -> Void) throws {
        try Topology.with(policy: .accept, ipv6: true) { topology in
            try topology.client.loadRules(Self.rules(chain: "output", 0))
            for (index, router) in [topology.nearRouter, topology.firewall, topology.farRouter].enumerated() {
                try router.loadRules(Self.rules(chain: "forward", index + 1))
            }
            try topology.server.loadRules(Self.rules(chain: "input", 4))
            let listener = try topology.server.listen(on: 80)
            try withExtendedLifetime(listener) { try body(topology) }
        }
    }

    private func probe(_ topology: Topology, _ target: String) throws -> (report: Report, status: Int32) {
        guard let answer = try probe(topology, [target]).first else { throw LabError("no answer") }
        return answer
    }

    /// Probes several targets at once: most of the time is waiting.
    private func probe(_ topology: Topology, _ targets: [String]) throws -> [(report: Report, status: Int32)] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return
            try targets
            .map { try topology.client.start([Requirements.built("rstwho"), "probe", $0, "--format", "json"]) }
            .map { child in
                let status = try child.wait(timeout: 70)
                let output = try Data(contentsOf: child.standardOutput)
                guard !output.isEmpty else {
                    throw LabError(
                        "probe: \(String(decoding: try Data(contentsOf: child.standardError), as: UTF8.self))")
                }
                return (try decoder.decode(Report.self, from: output), status)
            }
    }

    /// Several probes at once draw more errors than a router sends to one address in a second.
    private func unlimitErrors(_ topology: Topology) throws {
        for router in [topology.nearRouter, topology.firewall, topology.farRouter, topology.server] {
            try router.set("net.ipv4.icmp_ratelimit", to: "0")
            try router.set("net.ipv6.icmp.ratelimit", to: "0")
        }
    }

    private func server(isIPv6: Bool, _ port: Int) -> String {
        isIPv6 ? "[\(Topology.serverAddressIPv6)]:\(port)" : "\(Topology.serverAddress):\(port)"
    }

    @Test("Rejected at each hop: the hop and the address of the device, and not the host's", arguments: [false, true])
    func rejected(isIPv6: Bool) throws {
        let addresses = isIPv6 ? Self.addressesIPv6 : Self.addresses
        try withFirewalls { topology in
            for hop in 1...3 {
                let (report, status) = try probe(topology, server(isIPv6: isIPv6, 2210 + hop))
                #expect(report.state == "rejected", "hop \(hop)")
                #expect(report.sender == "middlebox")
                #expect(report.hop == hop)
                #expect(report.address == addresses[hop - 1])
                #expect(report.hostHop == 4)
                #expect(report.hops.flatMap(\.addresses) == addresses)
                #expect(report.evidence.contains { $0.name == "active_trace" } == (hop < 3))
                #expect(status == 1)
                #expect(report.complete)
            }
            // The host's own filter, and its closed port, are the host's.
            for port in [2214, 81] {
                let (report, status) = try probe(topology, server(isIPv6: isIPv6, port))
                #expect(report.state == "closed")
                #expect(report.sender == "host")
                #expect(report.hop == 4)
                #expect(status == 0)
            }
        }
    }

    @Test("Open, filtered, prohibited: each told apart, with the place", arguments: [false, true])
    func toldApart(isIPv6: Bool) throws {
        let addresses = isIPv6 ? Self.addressesIPv6 : Self.addresses
        try withFirewalls { topology in
            let (open, status) = try probe(topology, server(isIPv6: isIPv6, 80))
            #expect(open.state == "open")
            #expect(open.sender == "host")
            #expect(open.hop == 4)
            #expect(status == 0)

            try unlimitErrors(topology)
            let silent = try probe(topology, (1...4).map { server(isIPv6: isIPv6, 2220 + $0) })
            for (hop, (dropped, status)) in zip(1...4, silent) {
                #expect(dropped.state == "filtered", "hop \(hop)")
                #expect(dropped.sender == (hop < 3 ? "middlebox" : "undetermined"))
                #expect(dropped.possibleHops == (hop < 3 ? [hop, hop + 1] : [3, 4]))
                #expect(status == 1)
            }
            let told = try probe(topology, (1...4).map { server(isIPv6: isIPv6, 2230 + $0) })
            for (hop, (prohibited, status)) in zip(1...4, told) {
                #expect(prohibited.state == "prohibited", "hop \(hop)")
                #expect(prohibited.sender == (hop < 4 ? "middlebox" : "host"))
                #expect(prohibited.hop == hop)
                #expect(prohibited.address == (hop < 4 ? addresses[hop - 1] : nil))
                #expect(status == (hop < 4 ? 1 : 0))
            }
        }
    }

    @Test("This machine's own packet filter is named as that", arguments: [false, true])
    func ownFilter(isIPv6: Bool) throws {
        try withFirewalls { topology in
            let (rejected, status) = try probe(topology, server(isIPv6: isIPv6, 2210))
            #expect(rejected.state == "rejected")
            #expect(rejected.sender == "this_machine")
            #expect(rejected.hop == 0)
            #expect(status == 1)
            let (dropped, droppedStatus) = try probe(topology, server(isIPv6: isIPv6, 2220))
            #expect(dropped.state == "filtered")
            #expect(dropped.sender == "this_machine")
            #expect(droppedStatus == 1)
        }
    }

    @Test("A host that is not there, and one that answers nothing")
    func absent() throws {
        try withFirewalls { topology in
            try topology.server.loadRules(
                """
                table inet mute {
                    chain input { type filter hook input priority filter - 1; policy drop; }
                    chain output { type filter hook output priority filter - 1; policy drop; }
                }

                """)
            try unlimitErrors(topology)
            let answers = try probe(
                topology, ["10.4.0.77:22", server(isIPv6: false, 80), server(isIPv6: false, 2211)])
            let (absent, mute, rejected) = (answers[0], answers[1], answers[2])
            #expect(absent.report.state == "unreachable")
            #expect(absent.report.sender == "middlebox")
            #expect(absent.report.address == "10.3.0.2")
            #expect(absent.report.unreachable == "host")
            #expect(absent.status == 69)
            #expect(mute.report.state == "silent")
            #expect(mute.report.sender == "undetermined")
            #expect(mute.status == 69)
            // What is rejected before it is still told: other packets went farther.
            #expect(rejected.report.state == "rejected")
            #expect(rejected.report.hop == 1)
            #expect(rejected.status == 1)
        }
    }

    @Test("The host keeps nothing of it: no half-open connection, no accepted one, and no other packet than announced")
    func leavesNothing() throws {
        try withFirewalls { topology in
            let recorder = try Recorder(in: topology.client, interface: Topology.clientSide)
            let (report, _) = try probe(topology, server(isIPv6: false, 80))
            let half = try topology.server.run(["ss", "-Htan", "state", "syn-recv"])
            #expect(half.standardOutput.isEmpty)
            let open = try topology.server.run(["ss", "-Htan", "state", "established"])
            #expect(open.standardOutput.isEmpty)
            try recorder.stop()
            #expect(report.packets <= 30)
            #expect(report.unmatched == 0)
            // What rstwho sees of its own probing accuses nobody.
            #expect(try !recorder.findings(in: topology.client).contains { $0.sender == "middlebox" })
        }
    }

    @Test("Two ways to the host, one of them shorter: a closed port accuses nobody, a firewall on one is found")
    func balanced() throws {
        try Topology.with(policy: .accept) { topology in
            // A second link from the first router to the last: two ways of equal cost, two hops and one.
            try topology.nearRouter.connect("eth2", to: topology.farRouter, "eth2")
            try topology.nearRouter.address("10.9.0.1/24", on: "eth2")
            try topology.farRouter.address("10.9.0.2/24", on: "eth2")
            try topology.nearRouter.require(["ip", "route", "del", "10.4.0.0/24"])
            try topology.nearRouter.require([
                "ip", "route", "add", "10.4.0.0/24", "nexthop", "via", "10.2.0.2", "nexthop", "via", "10.9.0.2",
            ])
            try topology.nearRouter.set("net.ipv4.fib_multipath_hash_policy", to: "1")
            for (report, status) in try probe(topology, (81...86).map { server(isIPv6: false, $0) }) {
                #expect(report.sender != "middlebox", "\(report.summary)")
                #expect(status == 0)
            }
            try topology.nearRouter.loadRules(Self.rules(chain: "forward", 1))
            let (report, status) = try probe(topology, server(isIPv6: false, 2211))
            #expect(report.state == "rejected")
            #expect(report.hop == 1)
            #expect(status == 1)
        }
    }

    @Test("A translator in front of the host accuses nobody")
    func translated() throws {
        try Topology.with(policy: .accept, translation: .destination) { topology in
            let (report, status) = try probe(topology, "\(Topology.firewallAddress):2323")
            #expect(report.state == "closed")
            #expect(report.sender == "host")
            #expect(report.evidence.contains { $0.name == "behind_translator" })
            #expect(status == 0)
        }
    }

    @Test("Without the privilege it says what is missing")
    func unprivileged() throws {
        try Topology.with { topology in
            let output = try topology.client.run([
                "setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps", "-all", "--bounding-set", "-net_raw",
                Requirements.built("rstwho"), "probe", server(isIPv6: false, 22),
            ])
            #expect(output.status == 77)
            #expect(output.standardError.contains("CAP_NET_RAW"))
            #expect(output.standardOutput.isEmpty)
        }
    }
}
