// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Tests of a server that watches itself: the part of it that sent each reset.
///
/// Everything looks the same on the wire or nearly so; the kernel's own word decides.
@Suite("Lab, on the server itself", .serialized, .enabled(if: Requirements.areMet, "\(Requirements.reason)"))
struct OwnResetTests {
    /// The evidence of a finding, which other tests have no need of.
    private struct Evidenced: Decodable {
        struct Piece: Decodable {
            var name: String
            var text: String
        }

        var srcPort: Int
        var evidence: [Piece]
        var advice: String
    }

    /// False on a kernel that does not tell of resets without a socket (before 6.10): only the application's are known
    /// there.
    private static let kernelGivesReasons: Bool = {
        let release = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)) ?? ""
        let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        let hasBTF = access("/sys/kernel/btf/vmlinux", R_OK) == 0
        return hasBTF && numbers.count == 2 && (numbers[0], numbers[1]) >= (6, 10)
    }()
    private static let needsReasons: Comment = "needs Linux 6.10 or later with BTF"

    private func connect(_ topology: Topology, _ address: String, _ port: Int) throws {
        try topology.client.run(["nc", "-n", "-z", "-w", "3", address, "\(port)"])
    }

    @Test(
        "A closed port is the kernel's, a rejected one the packet filter's, an abort the application's",
        .enabled(if: kernelGivesReasons, needsReasons), arguments: [false, true])
    func parts(ipv6: Bool) throws {
        let address = ipv6 ? Topology.serverAddressIPv6 : Topology.serverAddress
        try Topology.with(policy: .accept, ipv6: ipv6) { topology in
            try topology.server.loadRules(
                """
                table inet own {
                    chain input {
                        type filter hook input priority filter; policy accept;
                        tcp dport 24 counter reject with tcp reset
                    }
                }
                """)
            let watcher = try Watcher(in: topology.server, interfaces: [Topology.clientSide], hook: .tc)
            try connect(topology, address, 23)
            try connect(topology, address, 24)
            try abort(topology, address, 25)
            try watcher.waitForResets(3)
            let live = try watcher.stop()
            #expect(live.resets(from: 23).map(\.sender) == ["host_kernel"])
            #expect(live.resets(from: 23).map(\.cause) == ["port_closed"])
            #expect(live.resets(from: 24).map(\.sender) == ["host_firewall"])
            #expect(live.resets(from: 24).map(\.cause) == ["rejected"])
            #expect(live.resets(from: 25).map(\.sender) == ["host_application"])
            #expect(live.resets(from: 25).map(\.cause) == ["aborted"])
            #expect(live.filter { $0.kind == "reset" }.allSatisfy { $0.hop == 0 })

            let evidenced = try watcher.decoded(Evidenced.self)
            let words = evidenced.flatMap { finding in
                finding.evidence.filter { $0.name == "kernel_event" }.map { (finding.srcPort, $0.text) }
            }
            #expect(words.map(\.0).sorted() == [23, 24, 25])
            let rule = "chain inet own input, handle 2: tcp dport 24 counter reject with tcp reset"
            #expect(evidenced.first { $0.srcPort == 24 }?.advice.contains(rule) == true)
            #expect(!evidenced.contains { $0.srcPort != 24 && $0.advice.contains("handle") })
            #expect(words.contains { $0.0 == 25 && $0.1.contains("nc (process ") && $0.1.contains("data unread") })
        }
    }

    /// Nothing but the address tells a router's own reset from one in a host's name.
    @Test("An address that the machine gets while it is watched is its own, and no longer when it has gone")
    func movingAddress() throws {
        let address = "10.4.0.77"
        try Topology.with(policy: .accept) { topology in
            try topology.firewall.loadRules(
                """
                table inet own {
                    chain forward {
                        type filter hook forward priority filter; policy accept;
                        tcp dport 25 reject with tcp reset
                    }
                }
                """)
            let watcher = try Watcher(in: topology.firewall, interfaces: [Topology.clientSide], hook: .tc)
            // A reset is judged by the addresses of the time that it is read, which may be after the next change.
            try connect(topology, address, 25)
            try watcher.waitForResets(1)
            try topology.firewall.address("\(address)/32", on: "lo")
            try connect(topology, address, 25)
            try watcher.waitForResets(2)
            try topology.firewall.require(["ip", "address", "delete", "\(address)/32", "dev", "lo"])
            try connect(topology, address, 25)
            try watcher.waitForResets(3)
            let live = try watcher.stop().resets(from: 25)
            #expect(live.map { $0.sender == "this_machine" } == [true, false, true], "\(live.map(\.essence))")
            #expect(live.map { $0.sender?.hasPrefix("host") } == [false, true, false], "\(live.map(\.essence))")
            #expect(live.allSatisfy { $0.hop == 0 && $0.src == address })
        }
    }

    /// A server that is killed with data unread.
    private func abort(_ topology: Topology, _ address: String, _ port: Int) throws {
        let listener = try topology.server.listen(on: port)
        let client = try topology.client.start(["sh", "-c", "(sleep 1; echo data; sleep 3) | nc -n \(address) \(port)"])
        try listener.waitForStandardError("Connection received", timeout: 5)
        listener.send(SIGSTOP)
        usleep(1_500_000)
        listener.send(SIGKILL)
        _ = try listener.wait(timeout: 5)
        _ = try client.wait(timeout: 10)
    }

    /// Sends ACKs from `argv[1]` port 8080 to `argv[2]` port 40003, with sequence numbers all around: those above the
    /// window are invalid to connection tracking, those below it are taken for late copies.
    private static let strayACKs = """
        import socket, struct, sys
        source, destination = (socket.inet_aton(address) for address in sys.argv[1:3])
        def segment(number, checksum):
            return struct.pack("!HHIIBBHHH", 8080, 40003, number << 29, 456, 0x50, 0x10, 512, checksum, 0)
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        for number in range(8):
            pseudo = source + destination + struct.pack("!HH", 6, 20)
            total = sum(struct.unpack("!16H", pseudo + segment(number, 0)))
            while total >> 16:
                total = (total & 0xffff) + (total >> 16)
            raw.sendto(segment(number, ~total & 0xffff), (sys.argv[2], 0))
        """

    @Test(
        "On a router: a reset for a connection that it translates, and the rule of one that it rejects",
        .enabled(if: Requirements.has("python3"), "needs python3"))
    func router() throws {
        let outside = "10.3.0.1"
        try Topology.with(policy: .accept, translation: .masquerade) { topology in
            try topology.firewall.loadRules(
                """
                table inet own {
                    chain forward {
                        type filter hook forward priority filter; policy accept;
                        tcp dport 24 counter reject with tcp reset
                        tcp dport 25 counter reject with tcp reset
                    }
                }
                """)
            let watcher = try Watcher(
                in: topology.firewall, interfaces: [Topology.clientSide, Topology.serverSide], hook: .tc)
            let listener = try topology.server.listen(on: 8080)
            let client = try topology.client.start(
                ["sh", "-c", "sleep 3 | nc -n -p 40003 \(Topology.serverAddress) 8080"])
            try listener.waitForStandardError("Connection received", timeout: 5)
            try topology.server.require(["python3", "-c", Self.strayACKs, Topology.serverAddress, outside])
            try connect(topology, Topology.serverAddress, 25)
            try watcher.waitForResets(2)
            let live = try watcher.stop()
            let strays = live.resets(from: 40003)
            #expect(!strays.isEmpty)
            #expect(strays.allSatisfy { $0.cause == "untranslated" }, "\(strays.map(\.essence))")
            #expect(strays.contains { $0.stage == "data" }, "\(strays.map(\.essence))")
            #expect(strays.allSatisfy { $0.src == outside && $0.sender?.hasPrefix("host") == true })
            #expect(live.resets(from: 25).map(\.sender) == ["this_machine"])
            let evidenced = try watcher.decoded(Evidenced.self)
            #expect(evidenced.first { $0.srcPort == 40003 }?.advice.contains("nf_conntrack_tcp_be_liberal") == true)
            let rule = "chain inet own forward, handle 3: tcp dport 25 counter reject with tcp reset"
            #expect(evidenced.first { $0.srcPort == 25 }?.advice.contains(rule) == true)
            listener.send(SIGKILL)
            _ = try client.wait(timeout: 10)
        }
    }
}
