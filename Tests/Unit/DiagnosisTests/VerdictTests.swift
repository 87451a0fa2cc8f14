// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Verdicts by distance")
struct VerdictTests {
    @Test("The first founding case: ping replies from hop 4, the reset from hop 2")
    func firstFoundingCase() throws {
        var story = Story()
        story.refuse(ttl: 63)
        story.ping(4)
        let finding = try #require(story.findings().first)
        #expect(finding.reset?.sender == .middlebox)
        #expect(finding.reset?.hop == 2)
        #expect(finding.reset?.hostHop == 4)
        #expect(finding.reset?.cause == .rejected)
        #expect(finding.reset?.stage == .syn)
        #expect(try #require(finding.confidence) > 0.95)
        #expect(finding.evidence.first?.observed == .distance(HopDistance(ttl: 63)))
        #expect(finding.evidence.first?.expected == .distance(HopDistance(ttl: 61), samples: 4, of: .host))
    }

    @Test("The service is the side that was connected to, also where its port is the higher")
    func highServicePort() throws {
        var story = Story()
        (story.serverPort, story.clientPort) = (50_051, 40_000)
        story.refuse(ttl: 63)
        story.ping(4)
        #expect(try #require(story.findings().first).servicePort == 50_051)
        #expect(try #require(story.origins().first).ports == [50_051])

        // A reset of the client's, of the same connection.
        story = Story()
        (story.serverPort, story.clientPort) = (50_051, 40_000)
        story.client(.syn)
        story.server([.syn, .ack], seq: 5000, ack: 1001)
        story.client(.ack, seq: 1001, ack: 5001)
        story.client(.rst, seq: 1001)
        let finding = try #require(story.findings().first)
        #expect(finding.reset?.serverIsSource == false)
        #expect(finding.servicePort == 50_051)
    }

    @Test("Where no packet told which side is the server, the lower port counts")
    func unknownServicePort() throws {
        var story = Story()
        (story.serverPort, story.clientPort) = (50_051, 40_000)
        story.client(.ack, seq: 1001, ack: 5001)
        story.server(.rst, seq: 5001)
        let finding = try #require(story.findings().first)
        #expect(finding.reset?.serverIsSource == nil)
        #expect(finding.servicePort == 40_000)
    }

    @Test("A closed port: the reset comes as far as the host's ping replies")
    func closedPort() throws {
        var story = Story()
        story.ping(4)
        story.refuse(ttl: 61)
        let finding = try #require(story.findings().first)
        #expect(finding.reset?.sender == .host)
        #expect(finding.reset?.cause == .portClosed)
        #expect(finding.reset?.hostHop == 4)
    }

    @Test(
        "One echo reply is too little to accuse, and so are two where the reset is one hop off",
        arguments: [(1, 63, false), (2, 62, false), (2, 63, true), (3, 63, true), (4, 62, true)] as [(Int, UInt8, Bool)]
    )
    func samplesNeeded(samples: Int, ttl: UInt8, isAccused: Bool) {
        var story = Story()
        story.ping(samples)
        story.refuse(ttl: ttl)
        #expect(story.findings().map(\.reset?.sender) == [isAccused ? .middlebox : .undetermined])
    }

    @Test("A reset in an open connection, from another distance than its data")
    func midStream() throws {
        var story = Story()
        story.open()
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "GET")
        story.server([.psh, .ack], seq: 9001, ack: 1004, payload: "200")
        story.server([.rst], seq: 9004, ttl: 63)
        let finding = try #require(story.findings().first)
        #expect(finding.reset?.sender == .middlebox)
        #expect(finding.reset?.stage == .data)
        #expect(finding.evidence.map(\.name.rawValue) == ["ttl_flow"])
    }

    @Test("An application's reset in an open connection, from the same distance")
    func abort() throws {
        var story = Story()
        story.open()
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "GET")
        story.server([.psh, .ack], seq: 9001, ack: 1004, payload: "200")
        story.server([.rst, .ack], seq: 9004, ack: 1004, window: 500, identification: 77)
        let finding = try #require(story.findings().first)
        #expect(finding.reset?.sender == .host)
        #expect(finding.reset?.cause == .aborted)
        #expect(finding.reset?.stage == .data)
    }

    @Test(
        "A distance under another initial TTL is the same distance: nobody is accused",
        arguments: [125, 252] as [UInt8])
    func otherInitialTTL(ttl: UInt8) {
        var story = Story()
        story.ping(8)
        story.refuse(ttl: ttl)
        #expect(story.findings().map(\.reset?.sender) == [.undetermined])
    }

    @Test("Without a baseline nobody is accused")
    func noBaseline() throws {
        var story = Story()
        story.refuse(ttl: 63)
        let finding = try #require(story.findings().first)
        #expect(finding.reset?.sender == .undetermined)
        #expect(finding.reset?.cause == .unknown)
        #expect(finding.confidence == nil)
        #expect(finding.evidence.map(\.name.rawValue) == ["no_baseline"])
    }

    @Test("A reset without a flow is never judged, however well its host is known")
    func noFlow() throws {
        var story = Story()
        story.ping(8)
        story.server([.rst, .ack], ack: 5, ttl: 63)
        let finding = try #require(story.findings().first)
        #expect(finding.reset?.sender == .undetermined)
        #expect(finding.reset?.stage == Finding.Stage.none)
        #expect(finding.evidence.map(\.name.rawValue) == ["no_flow"])
    }

    @Test("Data at TTL 1 (eBGP) or 198 (IP_TTL 200) tells no distance", arguments: [1, 198] as [UInt8])
    func applicationTTL(ttl: UInt8) {
        var story = Story()
        story.serverTTL = ttl
        story.open()
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "A")
        story.server([.psh, .ack], seq: 9001, ack: 1002, payload: "B")
        story.server([.rst], seq: 9002, ttl: 62)
        #expect(story.findings().map(\.reset?.sender) == [.undetermined])
    }

    @Test("The kernel's distance silences the application's")
    func echoSilencesFlow() {
        var story = Story()
        story.serverTTL = 150
        story.open()
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "A")
        story.server([.psh, .ack], seq: 9001, ack: 1002, payload: "B")
        story.ping(4, ttl: 62)
        story.server([.rst], seq: 9002, ttl: 62)
        #expect(story.findings().map(\.reset?.sender) == [.host])
    }

    @Test("Farther than the address answers ping: a machine behind a translator, not an intruder")
    func behindTranslator() {
        var story = Story()
        story.ping(8, ttl: 63)
        story.refuse(ttl: 62)
        let findings = story.findings()
        #expect(findings.map(\.reset?.sender) == [.host])
        #expect(findings.first?.evidence.map(\.name.rawValue) == ["behind_translator"])
    }

    @Test("A source with several distances proves nothing")
    func severalDistances() {
        var story = Story()
        for ttl in [61, 58, 61, 58, 61, 58, 49, 40] as [UInt8] { story.ping(1, ttl: ttl) }
        story.refuse(ttl: 63)
        #expect(story.findings().map(\.reset?.sender) == [.undetermined])
    }

    @Test("Far away, one or two hops more or less are common", arguments: [(50, false), (55, true)] as [(UInt8, Bool)])
    func farAway(ttl: UInt8, isAccused: Bool) {
        var story = Story()
        story.ping(8, ttl: 51)
        story.refuse(ttl: ttl)
        // Farther than the echo replies is a translator's; nearer by one or two is a route's.
        let sender: Finding.Sender = isAccused ? .middlebox : .host
        #expect(story.findings().map(\.reset?.sender) == [sender])
        story = Story()
        story.ping(8, ttl: 51)
        story.refuse(ttl: 53)
        #expect(story.findings().map(\.reset?.sender) == [.undetermined])
    }

    @Test("Packets that could be forged teach nothing: SYNs at the reset's distance do not clear it")
    func forgedSYNsTeachNothing() {
        var story = Story()
        story.ping(4)
        for port in 0..<50 as Range<UInt16> {
            story.add(
                Ethernet().ipv4(.server, .client, ttl: 63).tcp(4000 + port, 80, seq: 1, flags: .syn, window: 100))
        }
        story.refuse(ttl: 63)
        #expect(story.findings().map(\.reset?.sender) == [.middlebox])
    }

    @Test("An echo reply that nobody asked for teaches nothing")
    func unaskedEchoTeachesNothing() {
        var story = Story()
        for sequence in 0..<8 as Range<UInt16> {
            story.add(
                Ethernet().ipv4(.server, .client, ttl: 61).echo(reply: true, identifier: 9, sequence: sequence))
        }
        story.refuse(ttl: 63)
        #expect(story.findings().map(\.reset?.sender) == [.undetermined])
    }

    @Test("Hosts of two VLANs with one address are two hosts")
    func vlans() {
        var story = Story()
        for sequence in 0..<4 as Range<UInt16> {
            story.add(Ethernet().vlan(100).ipv4(.client, .server).echo(reply: false, sequence: sequence))
            story.add(Ethernet().vlan(100).ipv4(.server, .client, ttl: 61).echo(reply: true, sequence: sequence))
        }
        func refuse(vlan: UInt16, port: UInt16) {
            story.add(
                Ethernet().vlan(vlan).ipv4(.client, .server, identification: 7).tcp(
                    port, 22, seq: 1, flags: .syn, window: 100))
            story.add(
                Ethernet().vlan(vlan).ipv4(.server, .client, ttl: 63, identification: 0).tcp(
                    22, port, ack: 2, flags: [.rst, .ack]))
        }
        refuse(vlan: 100, port: 5000)
        refuse(vlan: 200, port: 5001)
        let findings = story.findings()
        #expect(findings.map(\.reset?.sender) == [.middlebox, .undetermined])
        #expect(findings.map(\.reset?.vlan) == [100, 200])
    }

    @Test("IPv6 is judged by its hop limit")
    func ipv6() {
        var story = Story()
        for sequence in 0..<4 as Range<UInt16> {
            story.add(Ethernet().ipv6(.client6, .server6).echo(reply: false, sequence: sequence))
            story.add(Ethernet().ipv6(.server6, .client6, hopLimit: 61).echo(reply: true, sequence: sequence))
        }
        story.add(Ethernet().ipv6(.client6, .server6).tcp(5000, 22, seq: 1, flags: .syn, window: 100))
        story.add(Ethernet().ipv6(.server6, .client6, hopLimit: 63).tcp(22, 5000, ack: 2, flags: [.rst, .ack]))
        let findings = story.findings()
        #expect(findings.map(\.reset?.sender) == [.middlebox])
        #expect(findings.first?.reset?.hop == 2)
    }

    @Test("A connection that was silent and is then reset by a device: its idle timeout")
    func idleTimeout() throws {
        var story = Story()
        story.open()
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "A")
        story.server([.psh, .ack], seq: 9001, ack: 1002, payload: "B")
        story.wait(350)
        story.client([.psh, .ack], seq: 1002, ack: 9002, payload: "C")
        story.server([.rst], seq: 9002, ttl: 63)
        let finding = try #require(story.findings().first)
        #expect(finding.reset?.sender == .middlebox)
        #expect(finding.reset?.stage == .idle)
        #expect(finding.reset?.cause == .idleTimeout)
        #expect(abs(try #require(finding.reset?.idleSeconds) - 350) < 0.1)
    }

    @Test("Data after the close is answered by the host's kernel: late data")
    func lateData() throws {
        var story = Story()
        story.open()
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "A")
        story.server([.fin, .ack], seq: 9001, ack: 1002)
        story.client([.psh, .ack], seq: 1002, ack: 9002, payload: "B")
        story.server([.rst], seq: 9002)
        let finding = try #require(story.findings().first)
        #expect(finding.reset?.sender == .host)
        #expect(finding.reset?.stage == .afterClose)
        #expect(finding.reset?.cause == .lateData)
    }
}
