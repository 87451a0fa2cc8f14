// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

/// Tests of packets by which an adversary or a network could frame a host or clear a device.
@Suite("Misleading traffic")
struct AdversaryTests {
    @Test("Forged SYNs of a connection do not accuse the host whose kernel answers")
    func forgedSYNs() {
        var story = Story()
        story.ping(8)
        story.server(.syn, seq: 1, ttl: 50)
        story.server(.syn, seq: 1, ttl: 50)
        story.client([.syn, .ack], seq: 500, ack: 2)
        story.server(.rst, seq: 2)
        #expect(story.findings().map(\.reset?.sender).contains(.middlebox) == false)
    }

    @Test("An initial TTL of 32 or an IP_TTL of 100 tells no distance", arguments: [30, 98] as [UInt8])
    func smallInitialTTL(ttl: UInt8) {
        var story = Story()
        story.serverTTL = ttl
        story.open()
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "A")
        story.server([.psh, .ack], seq: 9001, ack: 1002, payload: "B")
        story.server([.rst], seq: 9002, ttl: 62)
        #expect(story.findings().map(\.reset?.sender) == [.undetermined])
    }

    @Test("A published port behind an address that answers ping and has a service of its own")
    func translatorWithService() {
        var story = Story()
        story.ping(4, ttl: 63)
        for round in 0..<4 as Range<UInt16> {
            story.clientPort = 6000 + round
            story.serverTTL = 63
            story.open()
        }
        story.serverPort = 8080
        story.clientPort = 7000
        story.refuse(ttl: 62)
        #expect(story.findings().map(\.reset?.sender) == [.host])
    }

    @Test("Answered UDP and echo do not push connections out of the table")
    func manyQueries() {
        var options = Engine.Options()
        options.flowCapacity = 64
        var story = Story(options)
        story.ping(4)
        for query in 0..<2000 as Range<UInt16> {
            story.add(Ethernet().ipv4(.client, IPAddress(v4: 0x0909_0909)).udp(10_000 + query, 53).payload("q"))
            story.add(Ethernet().ipv4(IPAddress(v4: 0x0909_0909), .client).udp(53, 10_000 + query).payload("a"))
        }
        story.refuse(ttl: 63)
        #expect(story.findings().map(\.reset?.sender) == [.middlebox])
    }

    @Test("A forged query is no answer to the answer that it drew")
    func forgedQueries() {
        var story = Story()
        for round in 0..<6 as Range<UInt16> {
            story.add(Ethernet().ipv4(.server, .client, ttl: 50).udp(4000, 53).payload("q\(round)"))
            story.add(Ethernet().ipv4(.client, .server).udp(53, 4000).payload("a"))
        }
        story.refuse(ttl: 61)
        #expect(story.findings().map(\.reset?.sender) == [.undetermined])
    }

    @Test("New data after the reset outweighs every field that can be copied")
    func copiedFields() {
        var story = Story()
        story.open()
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "A")
        story.server([.psh, .ack], seq: 9001, ack: 1002, identification: 70, payload: "B")
        story.server([.rst, .ack], seq: 9002, ack: 1002, window: 500, identification: 71)
        story.wait(0.05)
        story.server([.psh, .ack], seq: 9002, ack: 1002, identification: 71, payload: "C")
        #expect(story.findings().map(\.reset?.sender) == [.middlebox])
    }

    @Test("An abort of what was acknowledged before did not come too soon")
    func abortAfterAcknowledgement() {
        var story = Story()
        story.open()
        story.wait(0.02)
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "A")
        story.wait(0.02)
        story.server([.psh, .ack], seq: 9001, ack: 1002, payload: "B")
        story.client(.ack, seq: 1002, ack: 9002)
        story.server([.rst, .ack], seq: 9002, ack: 1002, window: 500)
        let findings = story.findings()
        #expect(findings.map(\.reset?.sender.isForeign) == [false])
        #expect(!findings.contains { $0.evidence.contains(.soonerThanRTT) })
    }

    @Test("A bridge shows a packet twice with one TTL: one reset, and not made here")
    func bridged() {
        var story = Story()
        let egress = UInt8(PACKET_INTERFACE_EGRESS)
        story.serverTTL = 64
        story.ping(4)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001)
        story.server([.rst, .ack], ack: 1001, interface: egress)
        #expect(story.findings().map(\.reset?.sender) == [.host])
    }

    @Test("A host whose entry was pushed out still settles what waits for it")
    func evictedWhileWaiting() {
        var options = Engine.Options()
        options.hostCapacity = 8
        var story = Story(options)
        story.refuse(ttl: 63)
        for source in 0..<500 as Range<UInt32> {
            story.add(
                Ethernet().ipv4(IPAddress(v4: 0x0b00_0000 + source), .client)
                    .tcp(UInt16(2000 + source), 80, seq: source, flags: .syn, window: 10))
        }
        story.wait(3)
        story.ping(5)
        #expect(story.findings().map(\.reset?.sender) == [.middlebox])
    }

    @Test("After a FIN the distance alone accuses nobody")
    func benignClose() {
        var story = Story()
        story.ping(8)
        story.open()
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "A")
        story.server([.fin, .ack], seq: 9001, ack: 1002)
        story.client([.fin, .ack], seq: 1002, ack: 9002)
        story.server(.rst, seq: 9002, ttl: 62)
        let findings = story.findings()
        #expect(findings.map(\.reset?.sender) == [.undetermined])
        #expect(findings.first?.evidence.contains(.benignClose) == true)
    }

    @Test("An unreachable from an end host does not lend its address to the device at its hop")
    func foreignAddress() throws {
        var story = Story()
        story.ping(4)
        let other = IPAddress(v4: 0x0a09_0909)
        let quoted = FrameBuilder.bareIP.ipv4(.client, other).tcp(5000, 80, flags: .syn)
        story.add(Ethernet().ipv4(.client, other).tcp(5000, 80, flags: .syn))
        story.add(Ethernet().ipv4(other, .client, ttl: 63).icmpError(type: 3, code: 10, quoting: quoted))
        story.refuse(ttl: 63)
        #expect(try story.finding().reset?.originAddress == nil)
        let expired = FrameBuilder.bareIP.ipv4(.client, .server, ttl: 1).tcp(5000, 80, flags: .syn)
        story = Story()
        story.ping(4)
        story.add(Ethernet().ipv4(.client, .server).tcp(5000, 80, flags: .syn))
        story.add(Ethernet().ipv4(other, .client, ttl: 63).icmpError(type: 11, quoting: expired))
        story.refuse(ttl: 63)
        #expect(try story.finding().reset?.originAddress == other)
    }

    @Test("An older capture after a newer one is judged by its own times")
    func olderCapture() {
        var story = Story()
        story.wait(100_000)
        story.ping(4)
        story.refuse(ttl: 63)
        let newer = story.trace.packets
        var older = Story()
        older.open()
        older.client([.psh, .ack], seq: 1001, ack: 9001, payload: "A")
        older.server([.psh, .ack], seq: 9001, ack: 1002, payload: "B")
        older.wait(350)
        older.client([.psh, .ack], seq: 1002, ack: 9002, payload: "C")
        older.server([.rst], seq: 9002, ttl: 63)
        var engine = Engine()
        newer.withUnsafeBufferPointer { engine.observe($0, upTo: story.time) }
        engine.begin(file: "older", isLive: false)
        older.trace.packets.withUnsafeBufferPointer { engine.observe($0, upTo: older.time) }
        engine.finish()
        let findings = engine.takeFindings()
        #expect(findings.map(\.reset?.stage) == [.syn, .idle])
    }
}
