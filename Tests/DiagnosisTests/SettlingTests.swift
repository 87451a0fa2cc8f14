// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Settling and revising")
struct SettlingTests {
    @Test("Live: undetermined when the settle time is over, revised when the host speaks")
    func revision() {
        var story = Story(isLive: true)
        story.refuse(ttl: 63)
        story.wait(5)
        story.ping(4)
        let findings = story.findings(batch: 2, isFinished: false)
        #expect(findings.map(\.sender) == [.undetermined, .middlebox])
        #expect(findings.map(\.revision) == [0, 1])
        #expect(Set(findings.map(\.id)).count == 1)
    }

    @Test("Live: what is never decided is told once")
    func neverDecided() {
        var story = Story(isLive: true)
        story.refuse(ttl: 63)
        story.wait(5)
        #expect(story.findings().map(\.revision) == [0])
    }

    @Test("From a finished file: told once, decided")
    func heldBack() {
        var story = Story()
        story.refuse(ttl: 63)
        story.wait(5)
        story.ping(4)
        let findings = story.findings()
        #expect(findings.map(\.sender) == [.middlebox])
        #expect(findings.map(\.revision) == [0])
    }

    @Test("A lone reset on a quiet link settles when time goes on")
    func quietLink() {
        var story = Story(isLive: true)
        story.refuse(ttl: 63)
        #expect(story.findings(isFinished: false).isEmpty)
        story.wait(2.1)
        #expect(story.findings(isFinished: false).count == 1)
    }

    @Test("Batches do not matter", arguments: [1, 2, 3, 7, 512])
    func batches(size: Int) {
        var story = Story()
        for round in 0..<6 as Range<UInt32> {
            story.refuse(ttl: round % 2 == 0 ? 63 : 61, seq: 1000 + round * 10)
            story.wait(1.3)
            story.ping(1)
        }
        func shape(_ findings: [Finding]) -> [String] { findings.map { "\($0.frame ?? 0) \($0.sender) \($0.id)" } }
        #expect(shape(story.findings(batch: size)) == shape(story.findings(batch: 512)))
    }

    @Test("Findings of a file come in frame order, those that wait for their host apart")
    func order() {
        var story = Story()
        story.ping(4)
        for round in 0..<5 as Range<UInt32> { story.refuse(ttl: round % 2 == 0 ? 63 : 61, seq: 1000 + round * 10) }
        let frames = story.findings().compactMap(\.frame)
        #expect(frames == frames.sorted())
        #expect(frames.count == 5)
    }

    @Test("The oldest undetermined reset is final when there are too many")
    func bound() {
        var options = Engine.Options()
        options.undeterminedCapacity = 2
        var story = Story(options)
        for host in 1...3 as ClosedRange<UInt32> {
            story.server = IPAddress(v4: 0x0a04_0000 | host)
            story.refuse(ttl: 63)
        }
        story.wait(3)
        story.server = IPAddress(v4: 0x0a04_0001)
        story.ping(4)
        #expect(story.findings().map(\.sender) == [.undetermined, .undetermined, .undetermined])
        #expect(story.statistics().undeterminedForgotten == 1)
    }

    @Test("Copies of one reset are one; answers to several segments are several")
    func copies() {
        var story = Story()
        story.ping(4)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, identification: 5)
        story.server([.rst, .ack], ack: 1001, identification: 5)
        story.server([.rst, .ack], ack: 1001, ttl: 60, identification: 5)
        #expect(story.findings().count == 1)

        story = Story()
        story.ping(4)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001)
        #expect(story.findings().count == 2)
        #expect(Set(story.findings().map(\.stage)) == [.syn])

        story = Story()
        story.ping(4)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, identification: 5)
        story.wait(0.011)
        story.server([.rst, .ack], ack: 1001, identification: 5)
        #expect(story.findings().count == 2)
    }

    @Test("Ids and packet keys do not depend on anything but the packet")
    func identity() throws {
        var story = Story()
        story.refuse(ttl: 63)
        let first = try #require(story.findings().first)
        let second = try #require(story.findings().first)
        #expect(first.id == second.id)
        #expect(first.id.count == 26)
        #expect(first.id.hasPrefix("01KDV"))
        #expect(first.packetKey.count == 16)
        var other = Story()
        other.refuse(ttl: 63, seq: 2000)
        #expect(try #require(other.findings().first).id != first.id)
        #expect(try #require(other.findings().first).packetKey != first.packetKey)
    }
}
