// SPDX-License-Identifier: Apache-2.0
import CPacket
import Capture
import Fixtures
import Packets
import Testing

/// A router of its own in one namespace: packets that it forwards, and packets that it makes.
@Suite(.serialized, .enabled(if: LiveRequirements.areMet, LiveRequirements.reason))
struct LiveForwardingTests {
    /// 10.1.0.254 on `in`, 10.4.0.254 on `out`; the ends `in-far` and `out-far` have no addresses.
    private static func makeRouter() throws -> (inFar: Int32, outFar: Int32, mac: MACAddress) {
        try command("ip link set lo up")
        let incoming = try makePair("in", "in-far")
        let outgoing = try makePair("out", "out-far")
        try command("sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.in.rp_filter=0")
        try command("sysctl -q -w net.ipv4.conf.out.rp_filter=0")
        // Before the neighbours, which a new address of the interface's own takes with it.
        try command("ip link set in address 02:00:00:00:00:02")
        try command("ip address add 10.1.0.254/24 dev in")
        try command("ip address add 10.4.0.254/24 dev out")
        try command("ip neighbour add 10.1.0.1 lladdr 02:00:00:00:00:01 dev in nud permanent")
        try command("ip neighbour add 10.4.0.2 lladdr 02:00:00:00:00:03 dev out nud permanent")
        return (incoming.right, outgoing.right, .here)
    }

    @Test(
        "a forwarded reset or SYN is recorded on its way out, other forwarded packets are skipped",
        arguments: AttachWay.allCases)
    func forwarded(_ way: AttachWay) async throws {
        try await inNamespace {
            let router = try Self.makeRouter()
            let run = try CaptureRun(way.options(["in", "out"]))
            let there = Ethernet(destination: router.mac).ipv4(.client, .server, ttl: 64)
            try there.tcp(40000, 22, seq: 1, flags: [.syn]).send(to: router.inFar)
            try there.tcp(40000, 22, seq: 2, flags: [.psh, .ack]).payload("data").send(to: router.inFar, count: 2)
            try there.udp(40000, 53).payload("query").send(to: router.inFar)
            try there.tcp(40000, 22, seq: 3, flags: [.rst]).send(to: router.inFar)
            #expect(run.waits { $0.kept.count == 7 })
            _ = run.stop()
            let kept = run.kept
            #expect(kept.filter { $0.record.interfaceSlot == 0 && $0.record.direction == .ingress }.count == 5)
            let out = kept.filter { $0.record.interfaceSlot == 1 }
            #expect(out.map(\.record.packetClass) == [.handshake, .reset])
            #expect(out.allSatisfy { $0.record.direction == .egress && $0.record.ttl == 63 })
            let ledger = run.capture.ledger
            #expect(ledger.isBalanced)
            #expect(ledger.rows.map(\.count.seen) == [5, 0, 0, 5])
            #expect(ledger.rows.map(\.count.skipped) == [0, 0, 0, 3])
        }
    }

    @Test(
        "a flow in focus is recorded on its way in and out, another is not", arguments: AttachWay.allCases)
    func focused(_ way: AttachWay) async throws {
        try await inNamespace {
            let router = try Self.makeRouter()
            let flow = FiveTuple(
                source: .server, sourcePort: 22, destination: .client, destinationPort: 40000)
            let run = try CaptureRun(way.options(["in", "out"]), focus: [flow])
            let there = Ethernet(destination: router.mac).ipv4(.client, .server, ttl: 64)
            for port in [40000, 40001] as [UInt16] {
                try there.tcp(port, 22, seq: 1, flags: [.ack]).send(to: router.inFar)
                try there.tcp(port, 22, seq: 1, flags: [.psh, .ack]).payload("data").send(to: router.inFar, count: 2)
                try there.tcp(port, 22, seq: 5, flags: [.fin, .ack]).send(to: router.inFar)
            }
            #expect(run.waits { $0.kept.count == 12 && $0.capture.ledger.rows[3].count.seen == 8 })
            _ = run.stop()
            let out = run.kept.filter { $0.record.interfaceSlot == 1 }
            #expect(out.map(\.record.src_port) == [40000, 40000, 40000, 40000])
            #expect(out.map(\.record.seq) == [1, 1, 1, 5])
            #expect(out.allSatisfy { $0.record.direction == .egress && $0.record.ttl == 63 })
            let ledger = run.capture.ledger
            #expect(ledger.isBalanced)
            #expect(ledger.rows.map(\.count.seen) == [8, 0, 0, 8])
            #expect(ledger.rows.map(\.count.skipped) == [0, 0, 0, 4])
        }
    }

    @Test("focus ends when the last of the flows that share it is taken out")
    func unfocused() async throws {
        try await inNamespace {
            let router = try Self.makeRouter()
            let flow = FiveTuple(
                source: .client, sourcePort: 40000, destination: .server, destinationPort: 22)
            let run = try CaptureRun(AttachWay.tcx.options(["in", "out"]), focus: [flow, flow.reversed])
            let data = Ethernet(destination: router.mac).ipv4(.client, .server, ttl: 64).tcp(40000, 22, flags: [.ack])
            var expected = 0
            for (index, wanted) in [2, 2, 1].enumerated() {
                // The map has one writer: the capture's thread writes only when the engine asks it to.
                if index > 0 { run.capture.focus(flow, isOn: false) }
                try data.send(to: router.inFar)
                expected += wanted
                #expect(run.waits { $0.kept.count == expected })
            }
            #expect(run.waits { $0.capture.ledger.rows[3].count.skipped == 1 })
            _ = run.stop()
            #expect(run.capture.ledger.isBalanced)
        }
    }

    @Test("a reset that this machine makes is told from one that it forwards, with and without NAT")
    func madeHere() async throws {
        try await inNamespace {
            let router = try Self.makeRouter()
            try command("nft add table ip nat")
            try command("nft add chain ip nat post { type nat hook postrouting priority 100 ; }")
            try command("nft add rule ip nat post oifname out masquerade")
            try command("nft add table ip filter")
            try command("nft add chain ip filter forward { type filter hook forward priority 0 ; }")
            try command("nft add rule ip filter forward tcp dport 23 reject with tcp reset")
            let run = try CaptureRun(AttachWay.tcx.options(["in", "out"]))
            let there = Ethernet(destination: router.mac)
            // A closed port of the router's own, a rejected one behind it, and a flow that passes translated.
            try there.ipv4(.client, IPAddress(v4: 0x0a01_00fe)).tcp(40001, 9, seq: 1, flags: [.syn]).send(
                to: router.inFar)
            try there.ipv4(.client, .server).tcp(40002, 23, seq: 1, flags: [.syn]).send(to: router.inFar)
            try there.ipv4(.client, .server).tcp(40003, 22, seq: 1, flags: [.syn]).send(to: router.inFar)
            #expect(run.waits { $0.capture.ledger.rows[3].count.seen == 1 })
            try there.ipv4(.client, .server).tcp(40003, 22, seq: 2, flags: [.rst]).send(to: router.inFar)
            #expect(run.waits { $0.kept.count == 8 })
            _ = run.stop()
            let resets = run.kept.filter { $0.record.direction != .ingress && $0.record.packetClass == .reset }
            let madeHere = resets.filter { $0.record.direction == .egressMadeHere }
            #expect(Set(madeHere.map(\.record.source)) == [IPAddress(v4: 0x0a01_00fe), .server])
            #expect(madeHere.allSatisfy { $0.record.interfaceSlot == 0 })
            let forwarded = resets.filter { $0.record.direction == .egress }
            #expect(forwarded.map(\.record.source) == [IPAddress(v4: 0x0a04_00fe)])
            #expect(forwarded.map(\.record.interfaceSlot) == [1])
            #expect(run.capture.ledger.isBalanced)
        }
    }

    @Test("connection tracking tells which connection a reply belongs to before its translation")
    func originalOfReply() async throws {
        try await inNamespace {
            let router = try Self.makeRouter()
            #expect(
                ConnectionTracking.original(
                    ofReply: FiveTuple(
                        source: .server, sourcePort: 22, destination: IPAddress(v4: 0x0a04_00fe), destinationPort: 40003
                    ))
                    == nil)
            try command("nft add table ip nat")
            try command("nft add chain ip nat post { type nat hook postrouting priority 100 ; }")
            try command("nft add rule ip nat post oifname out masquerade")
            let run = try CaptureRun(AttachWay.tcx.options(["in", "out"]))
            let there = Ethernet(destination: router.mac).ipv4(.client, .server, ttl: 64)
            try there.tcp(40003, 22, seq: 1, flags: [.syn]).send(to: router.inFar)
            #expect(run.waits { $0.capture.ledger.rows[3].count.seen == 1 })
            _ = run.stop()
            let reply = FiveTuple(
                source: .server, sourcePort: 22, destination: IPAddress(v4: 0x0a04_00fe), destinationPort: 40003)
            #expect(ConnectionTracking.isThere)
            #expect(
                ConnectionTracking.original(ofReply: reply)
                    == FiveTuple(source: .client, sourcePort: 40003, destination: .server, destinationPort: 22))
            var other = reply
            other.destinationPort = 40004
            #expect(ConnectionTracking.original(ofReply: other) == nil)
        }
    }
}
