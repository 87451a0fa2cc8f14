// SPDX-License-Identifier: Apache-2.0
import CPacket
import Capture
import Fixtures
import Foundation
import Glibc
import LiveSupport
import Packets
import Testing

extension FrameBuilder {
    /// Hands `count` copies to an interface.
    func send(to interface: Int32, count: UInt32 = 1) throws {
        let bytes = bytes
        let sent = live_send(interface, bytes, UInt32(bytes.count), count)
        guard sent == Int32(count) else { throw LiveError("sending to interface \(interface): \(sent)") }
    }
}

/// The attachment of the BPF programs in a test: every hook and both kinds of TC.
enum AttachWay: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case tcx, clsact, xdp, xdpGeneric

    func options(_ interfaces: [String]) -> LiveCapture.Options {
        var options = LiveCapture.Options(interfaces: interfaces)
        options.ringBytes = 1 << 20
        // Tests of shedding ask for it.
        options.shedding.most = 0
        options.allowsTCX = self != .clsact
        options.hook = self == .xdp ? .xdp : self == .xdpGeneric ? .xdpGeneric : .tc
        return options
    }

    var ingress: AttachMechanism {
        switch self {
        case .tcx: .tcx
        case .clsact: .clsact
        case .xdp: .xdp
        case .xdpGeneric: .xdpGeneric
        }
    }

    var testDescription: String { rawValue }
}

@Suite(.serialized, .enabled(if: LiveRequirements.areMet, LiveRequirements.reason))
struct LiveCaptureTests {
    private let reset = Ethernet().ipv4(ttl: 61).tcp(flags: [.rst, .ack])
    private let data = Ethernet().ipv4(ttl: 61).tcp(flags: [.psh, .ack]).payload("secret")

    @Test("packets are recorded on their way in and out, resets with their headers", arguments: AttachWay.allCases)
    func directions(_ way: AttachWay) async throws {
        try await inNamespace { [reset, data] in
            let pair = try makePair("near", "far")
            let run = try CaptureRun(way.options(["near"]))
            #expect(run.capture.attachments.map(\.ingress) == [way.ingress])
            try reset.send(to: pair.right)
            try data.send(to: pair.right, count: 3)
            try reset.send(to: pair.left)
            #expect(run.waits { $0.kept.count == 5 })
            guard case .success(.stopped) = run.stop() else {
                Issue.record("it did not end well")
                return
            }
            let kept = run.kept
            try #require(kept.count == 5)
            #expect(kept.map(\.record.direction).filter { $0 == .ingress }.count == 4)
            #expect(kept.map(\.record.direction).filter { $0 == .egressMadeHere }.count == 1)
            for packet in kept {
                #expect(packet.record.ttl == 61)
                #expect(packet.record.interfaceSlot == 0)
                let isReset = packet.record.packetClass == .reset
                #expect(packet.headers == (isReset ? Array(reset.bytes.prefix(54)) : nil))
                #expect(packet.wireLength == (isReset ? UInt32(reset.bytes.count) : 0))
                // Within a second of now.
                #expect(abs(Date.now.timeIntervalSince1970 - Double(packet.time) / 1e9) < 10)
            }
            #expect(run.disorder == 0)
            let ledger = run.capture.ledger
            #expect(ledger.isBalanced)
            #expect(ledger.allConsumed == 5)
            #expect(ledger.rows.map(\.count.seen) == [4, 1])
            #expect(ledger.total.recorded(.reset) == 2)
            #expect(ledger.total.recorded(.bulk) == 3)
        }
    }

    @Test("a VLAN tag is in the record wherever the kernel keeps it", arguments: AttachWay.allCases)
    func tags(_ way: AttachWay) async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            let run = try CaptureRun(way.options(["near"]))
            let plain = Ethernet().ipv4().tcp(flags: [.rst])
            let tagged = Ethernet().vlan(100).ipv4().tcp(flags: [.rst])
            try plain.send(to: pair.right)
            try tagged.send(to: pair.right)
            #expect(run.waits { $0.kept.count == 2 })
            _ = run.stop()
            let kept = run.kept
            try #require(kept.count == 2)
            #expect(kept.map(\.record.domain) == [0, 100])
            #expect(kept[0].vlan == 0)
            // Native XDP sees the bytes as they came; before TC the kernel takes the tag out of them.
            let isInBytes = kept[1].vlan == 0
            #expect(isInBytes == (way == .xdp) || way == .xdpGeneric)
            #expect(kept[1].headers == Array((isInBytes ? tagged : plain).bytes.prefix(isInBytes ? 58 : 54)))
            if !isInBytes { #expect(kept[1].vlan == 0x1064) }
        }
    }

    @Test("interfaces without a link header are read from the IP header on")
    func linkless() async throws {
        try await inNamespace {
            try command("ip tuntap add dev tun0 mode tun")
            try command("sysctl -q -w net.ipv6.conf.all.disable_ipv6=1")
            try command("ip link set tun0 up")
            let run = try CaptureRun(AttachWay.tcx.options(["tun0"]))
            let bare = FrameBuilder.bareIP.ipv4(ttl: 9).tcp(flags: [.rst])
            // Nobody holds the other end: the packet is seen on its way out and then dropped.
            _ = live_send(Int32(if_nametoindex("tun0")), bare.bytes, UInt32(bare.bytes.count), 1)
            #expect(run.waits { $0.kept.count == 1 })
            _ = run.stop()
            #expect(run.kept.map(\.record.ttl) == [9])
            #expect(run.kept.first?.headers == bare.bytes)
            #expect(run.capture.ledger.isBalanced)
        }
    }
}
