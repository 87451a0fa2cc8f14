// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Resets that leave this machine")
struct ThisMachineTests {
    private static let egress = UInt8(PACKET_INTERFACE_EGRESS)
    private static let madeHere = UInt8(PACKET_INTERFACE_EGRESS | PACKET_INTERFACE_MADE_HERE)

    private func live(local: Set<IPAddress> = []) -> Engine.Options {
        var options = Engine.Options()
        options.egressIsMarked = true
        options.localAddresses = local
        return options
    }

    @Test("Made here in another's name, proved by the kernel: given at once")
    func madeHere() {
        var story = Story(live(), isLive: true)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 64, interface: Self.madeHere)
        let findings = story.findings(isFinished: false)
        #expect(findings.map(\.reset?.sender) == [.thisMachine])
        #expect(findings.map(\.reset?.hop) == [0])
        #expect(findings.map(\.reset?.cause) == [.rejected])
    }

    @Test("Made here with an address of this machine: the host's own")
    func ownAddress() {
        var story = Story(live(local: [.server]), isLive: true)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 64, interface: Self.madeHere)
        let findings = story.findings(isFinished: false)
        #expect(findings.map(\.reset?.sender) == [.host])
        #expect(findings.map(\.reset?.hop) == [0])
        #expect(findings.map(\.reset?.cause) == [.portClosed])
    }

    @Test("A forwarded reset is told once, and is not this machine's")
    func forwarded() {
        var story = Story(live())
        story.ping(4, ttl: 63, interface: 1)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 63, interface: 1)
        story.server([.rst, .ack], ack: 1001, ttl: 62, interface: Self.egress)
        let findings = story.findings()
        #expect(findings.map(\.reset?.sender) == [.host])
        #expect(story.statistics().rejected == 1)
    }

    @Test("A forwarded reset whose addresses were translated is told once")
    func forwardedTranslated() {
        var story = Story(live())
        story.ping(4, ttl: 63, interface: 1)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 63, interface: 1)
        story.add(
            Ethernet().ipv4(IPAddress(v4: 0xc000_0201), .client, ttl: 62, identification: 0)
                .tcp(22, 50992, ack: 1001, flags: [.rst, .ack]), interface: Self.egress)
        #expect(story.findings().map(\.reset?.sender) == [.host])
    }

    @Test("A reset seen only on its way out, forwarded, is judged by where it was on arrival")
    func forwardedOnly() {
        var story = Story(live())
        story.ping(4, ttl: 62, interface: 1)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 63, interface: Self.egress)
        let findings = story.findings()
        #expect(findings.map(\.reset?.sender) == [.middlebox])
        #expect(findings.map(\.reset?.hop) == [1])
        #expect(findings.map(\.reset?.hostHop) == [3])
    }

    @Test("Forwarded, and yet with a whole initial TTL: a BPF program or a bridge port, never a device at the 0th hop")
    func forwardedWhole() throws {
        for baseline in [0, 4] {
            var story = Story(live())
            story.ping(baseline, ttl: 62)
            story.client(.syn)
            story.server([.rst, .ack], ack: 1001, ttl: 64, interface: Self.egress)
            let finding = try story.finding()
            #expect(finding.reset?.sender == .undetermined)
            #expect(finding.reset?.hop == nil)
            #expect(finding.evidence.contains(.leftUndiminished))
        }
    }

    @Test("What has arrived with a whole initial TTL came from a neighbour, whichever way it leaves")
    func arrivedWhole() throws {
        var story = Story(live())
        story.ping(4, ttl: 62, interface: 1)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 64, interface: 1)
        story.server([.rst, .ack], ack: 1001, ttl: 63, interface: Self.egress)
        #expect(try story.finding().reset?.sender == .middlebox)
        #expect(try story.finding().reset?.hop == 1)
    }

    @Test("From a file of all interfaces: left with a whole initial TTL, and the host is elsewhere")
    func leftUndiminished() {
        var story = Story()
        story.ping(4, ttl: 63)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 64, interface: Self.egress)
        let findings = story.findings()
        #expect(findings.map(\.reset?.sender) == [.thisMachine])
        #expect(findings.map(\.reset?.hostHop) == [2])
    }

    @Test("From a file of all interfaces: a host whose own packets leave with a whole initial TTL is this machine")
    func leftUndiminishedOwn() {
        var story = Story()
        for sequence in 0..<4 as Range<UInt16> {
            story.add(Ethernet().ipv4(.client, .server).echo(reply: false, sequence: sequence))
            story.add(
                Ethernet().ipv4(.server, .client).echo(reply: true, sequence: sequence), interface: Self.egress)
        }
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 64, interface: Self.egress)
        #expect(story.findings().map(\.reset?.sender) == [.host])
    }

    @Test("From a file of all interfaces: a host that nothing is known of stays undetermined")
    func leftUndiminishedUnknown() {
        var story = Story()
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 64, interface: Self.egress)
        #expect(story.findings().map(\.reset?.sender) == [.undetermined])
    }

    @Test("A host behind an address translation proves its life by answering the translated question")
    func translatedQuestion() {
        let outside = IPAddress(v4: 0xc633_6401)
        var story = Story(live())
        // What the client sends has another source address on its way out, and the answers come to that.
        for sequence in 0..<4 as Range<UInt16> {
            story.add(Ethernet().ipv4(.client, .server).echo(reply: false, sequence: sequence))
            story.add(
                Ethernet().ipv4(outside, .server, ttl: 63).echo(reply: false, identifier: 99, sequence: sequence),
                interface: Self.egress)
            story.add(
                Ethernet().ipv4(.server, outside, ttl: 61).echo(reply: true, identifier: 99, sequence: sequence))
        }
        story.client(.syn)
        story.add(
            Ethernet().ipv4(outside, .server, ttl: 63).tcp(6000, 22, seq: 1000, flags: .syn, window: 500),
            interface: Self.egress)
        story.add(
            Ethernet().ipv4(.server, outside, ttl: 63, identification: 0)
                .tcp(22, 6000, ack: 1001, flags: [.rst, .ack]))
        let findings = story.findings()
        #expect(findings.map(\.reset?.sender) == [.middlebox])
        #expect(findings.map(\.reset?.stage) == [.syn])
        #expect(findings.map(\.reset?.hostHop) == [4])
    }

    @Test("Forwarded packets on their way out teach nothing: they taught on arrival")
    func forwardedDataTeachesNothing() {
        var story = Story()
        story.client(.syn)
        story.server([.syn, .ack], seq: 9000, ack: 1001, ttl: 61)
        story.server([.syn, .ack], seq: 9000, ack: 1001, ttl: 60, interface: Self.egress)
        #expect(story.statistics().rejected == 1)
        #expect(story.statistics().observed == 2)
    }

    @Test(
        "A reset in a tunnel that is forwarded has the same TTL on both sides, and is told once",
        arguments: [64, 63] as [UInt8])
    func forwardedTunnel(ttl: UInt8) {
        for options in [Engine.Options(), live()] {
            var story = Story(options)
            func tunnel(_ outer: UInt8) -> FrameBuilder {
                Ethernet().ipv4(IPAddress(v4: 0x0a02_0001), IPAddress(v4: 0x0a03_0002), ttl: outer).vxlan(42).ethernet()
            }
            story.add(tunnel(64).ipv4(.client, .server).tcp(50992, 22, seq: 1000, flags: .syn))
            let reset = {
                tunnel($0).ipv4(.server, .client, ttl: ttl, identification: 0).tcp(
                    22, 50992, ack: 1001, flags: [.rst, .ack])
            }
            story.add(reset(64))
            story.add(reset(63), interface: Self.egress)
            // Nothing is known of the host; that this machine made it is not so.
            #expect(story.findings().map(\.reset?.sender) == [.undetermined])
            #expect(story.statistics().rejected == 1)
        }
    }
}
