// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Evidence: what the connection did around the reset")
struct RaceTests {
    /// A conversation, then a reset with the host's own TTL in the server's name.
    private func reset(_ flags: TCPFlags = .rst, seq: UInt32 = 9002, _ marks: Marks = Marks()) -> Story {
        var story = Story()
        story.converse()
        story.send(.server, flags, seq: seq, ack: flags.contains(.ack) ? 1002 : 0, marks)
        return story
    }

    // MARK: Data after the reset

    @Test("data_after_reset: new data of the same connection is a proof, even where the TTL was copied")
    func dataAfterReset() throws {
        var story = reset()
        story.wait(0.004)
        story.send(.server, [.psh, .ack], seq: 9002, ack: 1002, payload: "C")
        let finding = try story.finding()
        #expect(finding.weight(.dataAfterReset) == 5)
        #expect(finding.reset?.sender == .middlebox)
        #expect(finding.reset?.cause == .injected)
    }

    @Test("Data that was overtaken by the reset, within 3 ms, proves nothing")
    func reordering() throws {
        var story = reset()
        story.step = 500_000
        story.send(.server, [.psh, .ack], seq: 9002, ack: 1002, payload: "C")
        story.send(.server, [.psh, .ack], seq: 9003, ack: 1002, payload: "D")
        let finding = try story.finding()
        #expect(finding.weight(.dataAfterReset) == nil)
        #expect(finding.reset?.sender == .host)
    }

    @Test("Data sent again, data at another TTL, and silence prove nothing")
    func noNewData() throws {
        var story = reset()
        story.wait(0.01)
        story.send(.server, [.psh, .ack], seq: 9001, ack: 1002, payload: "B")
        #expect(try story.finding().weight(.dataAfterReset) == nil)
        story = reset()
        story.wait(0.01)
        story.send(.server, [.psh, .ack], seq: 9002, ack: 1002, Marks(ttl: 52), payload: "C")
        #expect(try story.finding().weight(.dataAfterReset) == nil)
        #expect(try reset().finding().reset?.sender == .host)
    }

    @Test("Data after a FIN of the same side proves nothing")
    func dataAfterFIN() throws {
        var story = Story()
        story.converse()
        story.send(.server, [.fin, .ack], seq: 9002, ack: 1002)
        story.send(.server, .rst, seq: 9003)
        story.wait(0.01)
        story.send(.server, [.psh, .ack], seq: 9003, ack: 1002, payload: "C")
        #expect(try story.finding().weight(.dataAfterReset) == nil)
    }

    @Test("A SYN between begins another connection: a challenge ACK, the client's reset, a new SYN, data 11 ms later")
    func challengeACK() throws {
        var story = Story()
        story.converse()
        story.client(.syn, seq: 70_000)
        story.send(.server, .ack, seq: 9002, ack: 1002)
        story.send(.client, .rst, seq: 1002)
        story.step = 2_000_000
        story.send(.client, .syn, seq: 70_000, Marks(identification: 77))
        story.server([.syn, .ack], seq: 500_000, ack: 70_001)
        story.client(.ack, seq: 70_001, ack: 500_001)
        story.client([.psh, .ack], seq: 70_001, ack: 500_001, payload: "again")
        story.server([.psh, .ack], seq: 500_001, ack: 70_006, payload: "yes")
        let finding = try story.finding()
        #expect(finding.reset?.sender.isForeign == false)
        #expect(finding.weight(.dataAfterReset) == nil)
        #expect(finding.weight(.bothTalkOn) == nil)
        #expect(finding.reset?.cause != .halfOpenCheck)
    }

    @Test("An abort and the same port again after 0.3 ms")
    func samePortAgain() throws {
        var story = Story()
        story.converse(server: Marks(identification: 100), ticks: 4000)
        story.send(
            .client, [.rst, .ack], seq: 1002, ack: 9002, Marks(identification: 0, window: 500, timestamps: (4002, 9001))
        )
        story.step = 300_000
        story.client(.syn, seq: 1500)
        story.server([.syn, .ack], seq: 12_000, ack: 1501)
        story.wait(0.004)
        story.client(.ack, seq: 1501, ack: 12_001)
        story.client([.psh, .ack], seq: 1501, ack: 12_001, payload: "again")
        story.server([.psh, .ack], seq: 12_001, ack: 1506, payload: "yes")
        let finding = try story.finding()
        #expect(finding.reset?.sender.isForeign == false)
        #expect(finding.reset?.cause == .aborted)
    }

    @Test("A scanner with a TCP of its own goes on after its kernel's reset: nobody is accused")
    func userSpaceStack() throws {
        var story = Story()
        story.send(.client, .syn, seq: 1000, Marks(ttl: 255))
        story.send(.server, [.syn, .ack], seq: 9000, ack: 1001)
        story.send(.client, .rst, seq: 1001)
        story.wait(0.01)
        story.send(.client, .ack, seq: 1001, ack: 9001, Marks(ttl: 255))
        story.send(.client, [.psh, .ack], seq: 1001, ack: 9001, Marks(ttl: 255), payload: "GET")
        story.send(.server, [.psh, .ack], seq: 9001, ack: 1004, payload: "200")
        let finding = try story.finding()
        #expect(finding.reset?.sender.isForeign == false)
        #expect(finding.weight(.dataAfterReset) == nil)
        #expect(finding.weight(.bothTalkOn) == nil)
    }

    // MARK: Both sides go on, and the SYN-ACK

    @Test("both_talk_on: both sides go on, without new data of the source")
    func bothTalkOn() throws {
        var story = reset()
        story.wait(0.004)
        story.send(.client, [.psh, .ack], seq: 1002, ack: 9002, payload: "A")
        story.send(.server, .ack, seq: 9002, ack: 1003)
        #expect(try story.finding().weight(.bothTalkOn) == 3)
        story = reset()
        story.wait(0.004)
        story.send(.client, [.psh, .ack], seq: 1002, ack: 9002, payload: "A")
        #expect(try story.finding().weight(.bothTalkOn) == nil)
    }

    @Test("syn_ack_after_reset: the host accepts what the reset refused; it shows where the host is, too")
    func synAckAfterReset() throws {
        var story = Story()
        story.refuse(ttl: 63)
        story.wait(0.02)
        story.server([.syn, .ack], seq: 9000, ack: 1001)
        story.client(.ack, seq: 1001, ack: 9001)
        let finding = try story.finding()
        #expect(finding.weight(.synAckAfterReset) == 3)
        #expect(finding.reset?.sender == .middlebox)
        #expect(finding.reset?.cause == .injected)
        #expect(finding.reset?.hostHop == 4)
    }

    @Test("syn_ack_after_reset abstains at another SYN's answer")
    func synAckOfAnother() throws {
        var story = Story()
        story.refuse(ttl: 61)
        story.wait(0.02)
        story.client(.syn, seq: 8000)
        story.server([.syn, .ack], seq: 9000, ack: 8001)
        let finding = try story.finding()
        #expect(finding.weight(.synAckAfterReset) == nil)
        #expect(finding.reset?.sender.isForeign == false)
    }

    // MARK: Twins

    @Test("twin_resets: a second sequence number above all that the host has sent")
    func twins() throws {
        var story = reset()
        story.step = 100_000
        story.send(.server, .rst, seq: 9002 + 1460)
        let findings = story.findings()
        #expect(findings.map { $0.weight(.twinResets) } == [3, 3])
    }

    @Test("Twins within what was sent, and twins where packets are missing, are no sign")
    func noTwins() throws {
        var story = Story()
        story.converse()
        story.send(.server, .rst, seq: 9001)
        story.send(.server, .rst, seq: 9002)
        #expect(story.findings().allSatisfy { $0.weight(.twinResets) == nil })
        story = Story()
        story.converse()
        // The client acknowledges what was not seen here.
        story.send(.client, .ack, seq: 1002, ack: 9900)
        story.send(.server, .rst, seq: 9900)
        story.send(.server, .rst, seq: 9950)
        #expect(story.findings().allSatisfy { $0.weight(.twinResets) == nil })
    }

    @Test("A genuine reset before the injector's twin is not accused by it")
    func twinOfAnother() {
        var story = reset([.rst, .ack], Marks(window: 500))
        story.send(.server, .rst, seq: 9002 + 1460, Marks(ttl: 63))
        let findings = story.findings()
        #expect(findings.map { $0.weight(.twinResets) } == [nil, 3])
        #expect(findings.map(\.reset?.sender.isForeign) == [false, true])
    }

    // MARK: Both sides

    @Test(
        "both_sides_reset: two of one making within 5 ms",
        arguments: [(300, 1, true), (300, 9, false), (900, 1, false), (0, 1, false)] as [(UInt32, Double, Bool)])
    func bothSides(identification: UInt32, delay: Double, isOneDevice: Bool) {
        var story = Story()
        story.converse()
        story.send(.server, .rst, seq: 9002, Marks(ttl: 63, identification: identification == 0 ? 0 : 299))
        story.step = 0
        story.wait(delay / 1000)
        story.send(.client, .rst, seq: 1002, Marks(ttl: 62, identification: identification))
        let findings = story.findings()
        #expect(findings.map { $0.weight(.bothSidesReset) == 3 } == [isOneDevice, isOneDevice])
    }

    // MARK: Other link

    @Test("other_link: from another next hop, while the connection's packets still come the old way")
    func otherLink() throws {
        var story = reset(.rst, seq: 9002, Marks(mac: MACAddress(0x02_00_00_00_00_99)))
        story.wait(0.01)
        story.send(.server, .ack, seq: 9002, ack: 1002)
        let finding = try story.finding()
        #expect(finding.weight(.otherLink) == 5)
        #expect(finding.reset?.sender == .middlebox)
    }

    @Test("other_link abstains after a failover: everything comes from the new next hop")
    func failover() throws {
        let next = Marks(mac: MACAddress(0x02_00_00_00_00_99))
        var story = reset(.rst, seq: 9002, next)
        story.wait(0.01)
        story.send(.server, .ack, seq: 9002, ack: 1002, next)
        #expect(try story.finding().weight(.otherLink) == nil)
        #expect(try reset(.rst, seq: 9002, next).finding().reset?.sender == .host)
    }
}
