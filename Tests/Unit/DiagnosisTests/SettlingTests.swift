// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("NextSteps and revising")
struct SettlingTests {
    @Test("Live: undetermined when the settle time is over, revised when the host speaks")
    func revision() {
        var story = Story(isLive: true)
        story.refuse(ttl: 63)
        story.wait(5)
        story.ping(4)
        let findings = story.findings(batch: 2, isFinished: false)
        #expect(findings.map(\.reset?.sender) == [.undetermined, .middlebox])
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
        #expect(findings.map(\.reset?.sender) == [.middlebox])
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
        func shape(_ findings: [Finding]) -> [String] {
            findings.map { "\($0.frame ?? 0) \($0.reset?.sender.rawValue ?? "") \($0.id)" }
        }
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
        #expect(story.findings().map(\.reset?.sender) == [.undetermined, .undetermined, .undetermined])
        #expect(story.statistics().undeterminedForgotten == 1)
    }

    @Test("Duplicates of one reset are one; answers to several segments are several")
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
        story.send(.client, .syn, seq: 1000, Marks(identification: 7))
        story.server([.rst, .ack], ack: 1001)
        story.send(.client, .syn, seq: 1000, Marks(identification: 8))
        story.server([.rst, .ack], ack: 1001)
        #expect(story.findings().reduce(0) { $0 + $1.count } == 2)
        #expect(Set(story.findings().map(\.reset?.stage)) == [.syn])

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
        #expect(first.reset?.packetKey.count == 16)
        var other = Story()
        other.refuse(ttl: 63, seq: 2000)
        #expect(try #require(other.findings().first).id != first.id)
        #expect(try #require(other.findings().first).reset?.packetKey != first.reset?.packetKey)
    }

    // MARK: Late proofs

    /// A conversation, then a reset with the host's own TTL, and new data of the host `seconds` later.
    private func talkOn(after seconds: Double, isLive: Bool) -> Story {
        var story = Story(isLive: isLive)
        story.converse()
        story.send(.server, .rst, seq: 9002)
        story.wait(seconds)
        story.send(.server, [.psh, .ack], seq: 9002, ack: 1002, payload: "C")
        return story
    }

    @Test("A proof after the settle time revises a known sender, live and from a file", arguments: [true, false])
    func lateProof(isLive: Bool) throws {
        let findings = talkOn(after: 5, isLive: isLive).findings(batch: 1)
        #expect(findings.map(\.reset?.sender) == [.host, .middlebox])
        #expect(findings.map(\.revision) == [0, 1])
        #expect(findings.map(\.reset?.cause) == [.unknown, .injected])
        #expect(Set(findings.map(\.id)).count == 1)
        let early = try #require(talkOn(after: 1, isLive: isLive).findings().last)
        #expect(early.reset?.sender == .middlebox)
        #expect(early.revision == 0)
        #expect(early.confidence == findings.last?.confidence)
    }

    @Test("What comes two minutes later is not waited for")
    func tooLate() {
        #expect(talkOn(after: 125, isLive: true).findings().map(\.reset?.sender) == [.host])
    }

    @Test("Late signs that are no proof do not change a known sender, but settle one that was not known")
    func lateSigns() {
        var story = Story(isLive: true)
        story.converse()
        story.send(.server, .rst, seq: 9002)
        story.wait(5)
        story.send(.client, [.psh, .ack], seq: 1002, ack: 9002, payload: "A")
        story.send(.server, .ack, seq: 9002, ack: 1003)
        #expect(story.findings().map(\.reset?.sender) == [.host])

        story = Story(isLive: true)
        story.refuse(ttl: 63)
        story.wait(5)
        story.server([.syn, .ack], seq: 9000, ack: 1001)
        #expect(story.findings().map(\.reset?.sender) == [.undetermined, .middlebox])
    }

    @Test("A five-tuple that is used again later is no proof")
    func usedAgain() {
        var story = Story(isLive: true)
        story.converse()
        story.send(.server, .rst, seq: 9002)
        story.wait(5)
        story.client(.syn, seq: 2000)
        story.server([.syn, .ack], seq: 9500, ack: 2001)
        story.client(.ack, seq: 2001, ack: 9501)
        story.server([.psh, .ack], seq: 9501, ack: 2001, payload: "C")
        #expect(story.findings().map(\.reset?.sender) == [.host])
    }

    @Test("Only the newest resets are remembered for a late proof")
    func toldBound() {
        var told = JudgedResets()
        var story = Story()
        story.refuse(ttl: 63)
        let finding = story.findings()[0]
        let reset = ResetCase(
            record: PacketRecord(), time: Story.start, frame: 1, passage: .arrived, flow: nil, id: "", packetKey: "")
        for number in 0...UInt32(JudgedResets.capacity) {
            told.insert(JudgedResets.Entry(reset: reset, finding: finding, waiting: nil), number: number)
        }
        #expect(told.find(0, now: Story.start) == nil)
        #expect(told.find(1, now: Story.start) != nil)
        told.insert(nil, number: UInt32(JudgedResets.capacity) + 1)
        #expect(told.find(1, now: Story.start) == nil)
        #expect(told.find(2, now: Story.start + JudgedResets.lifetime + 1) == nil)
    }

    // MARK: Waiting

    @Test("Removing one of many that wait costs no walk over the others")
    func queues() throws {
        var waiting = UndeterminedResets(capacity: 100_000)
        var story = Story()
        story.refuse(ttl: 63)
        let finding = story.findings()[0]
        let reset = ResetCase(
            record: PacketRecord(), time: 1, frame: 1, passage: .arrived, flow: nil, id: "", packetKey: "")
        let entry = UndeterminedResets.Waiting(reset: reset, finding: finding, isTold: false)
        for _ in 0..<200_000 { _ = waiting.insert(entry) }
        #expect(waiting.count == 100_000)
        #expect(waiting.forgotten == 100_000)
        let numbers = waiting.of(reset.hostKey).map(\.number)
        #expect(numbers == Array(100_000..<200_000))
        // Out of order, and all but the last.
        for number in numbers.dropLast().reversed() { waiting.remove(number) }
        #expect(waiting.of(reset.hostKey).map(\.number) == [199_999])
        #expect(!waiting.isEmpty(reset.hostKey))
        waiting.remove(199_999)
        #expect(waiting.isEmpty(reset.hostKey))
    }

    @Test("Equal resets of the very same time have ids of their own")
    func sameTime() {
        var story = Story()
        story.ping(4)
        story.client(.syn)
        story.step = 0
        for number in UInt32(1)...3 {
            story.server([.rst, .ack], ack: 1001)
            story.send(.client, .syn, seq: 1000, Marks(identification: number))
        }
        let findings = story.findings()
        #expect(findings.reduce(0) { $0 + $1.count } == 3)
        #expect(Set(findings.map(\.id)).count == findings.count)
        #expect(findings.map(\.id) == story.findings(batch: 1).map(\.id))
    }
}
