// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

/// Two CPUs' packets whose times are closer than a step: nothing is concluded from which of them stands first.
@Suite("Order within a step of the clock")
struct ClockStepTests {
    /// A tick at 250 Hz.
    private static let step: UInt64 = 4_000_000

    private static func story(_ step: UInt64) -> Story {
        var options = Engine.Options()
        options.clockStep = step
        return Story(options)
    }

    @Test("Times within a step are unordered on both sides, round the end of 32 bits too; exact times never are")
    func unordered() {
        let step = ClockStep(nanoseconds: 4_000_000)
        #expect(step.units == 3907)
        #expect(step.isUnordered(0, 3907) && step.isUnordered(3907, 0) && step.isUnordered(10, .max - 10))
        #expect(!step.isUnordered(0, 3908) && !step.isUnordered(3908, 0) && !step.isUnordered(0, 1 << 31))
        let exact = ClockStep.exact
        #expect(!exact.isUnordered(5, 5) && !exact.isUnordered(5, 6))
    }

    // MARK: Durations

    private static func timed(_ step: UInt64, roundTrip: Double, delay: Double) throws -> Finding {
        var story = story(step)
        story.resetAfterData(roundTrip: roundTrip, delay: delay)
        return try story.finding()
    }

    @Test(
        "sooner_than_rtt: half a round trip that is a step shorter; a whole one that is a step longer, after a delay that is shorter",
        arguments: [
            (40, 5, 3), (40, 17.5, 3), (40, 18.5, nil), (40, 40, nil), (40, 44, -1), (12, 3, 3), (6, 2, nil),
            (4, 0.5, nil),
        ] as [(Double, Double, Double?)])
    func roundTrip(roundTrip: Double, delay: Double, weight: Double?) throws {
        let finding = try Self.timed(Self.step, roundTrip: roundTrip, delay: delay)
        #expect(finding.timeWeight == weight)
    }

    @Test("With exact times the same durations decide")
    func exactRoundTrip() throws {
        let cases: [(Double, Double, Double)] = [(40, 18.5, 3), (40, 40, -1), (6, 2, 3), (4, 0.5, 3)]
        for (roundTrip, delay, weight) in cases {
            #expect(try Self.timed(0, roundTrip: roundTrip, delay: delay).timeWeight == weight)
        }
    }

    // MARK: What came before

    /// The client aborts and opens the same port again; the new connection's data stand `early` seconds before its SYN.
    private static func reused(_ step: UInt64, early: Double) throws -> Finding {
        var story = story(step)
        story.converse()
        story.send(.client, .rst, seq: 1002)
        story.step = 0
        story.wait(0.05)
        story.client([.psh, .ack], seq: 1501, ack: 12_001, payload: "again")
        story.server(.ack, seq: 12_001, ack: 1506)
        story.wait(early)
        story.client(.syn, seq: 1500)
        return try story.finding()
    }

    @Test("Data within a step before a SYN may be the new connection's: no data_after_reset, no both_talk_on")
    func reuse() throws {
        let unordered = try Self.reused(Self.step, early: 0.003)
        #expect(unordered.weight(.dataAfterReset) == nil)
        #expect(unordered.weight(.bothTalkOn) == nil)
        #expect(unordered.reset?.sender.isForeign == false)
        for certain in [try Self.reused(Self.step, early: 0.005), try Self.reused(0, early: 0.003)] {
            #expect(certain.weight(.dataAfterReset) == 5)
            #expect(certain.reset?.sender == .middlebox)
        }
    }

    @Test("Data that comes later than reordering explains really do: their time may be too early, never too late")
    func dataAfterReset() throws {
        var story = Self.story(Self.step)
        story.converse()
        story.send(.server, .rst, seq: 9002)
        story.wait(0.003)
        story.send(.server, [.psh, .ack], seq: 9002, ack: 1002, payload: "C")
        #expect(try story.finding().weight(.dataAfterReset) == 5)
    }

    /// A reset with its trigger's IP-ID; `gap` seconds before it a packet of the server's own has that as well.
    private static func repeated(_ step: UInt64, gap: Double) throws -> Finding {
        var story = story(step)
        story.converse(server: Marks(identification: 100))
        story.send(.client, [.psh, .ack], seq: 1002, ack: 9002, Marks(identification: 777), payload: "C")
        story.send(.server, .ack, seq: 9002, ack: 1003, Marks(identification: 777))
        story.wait(gap - 0.001)
        story.send(.server, .rst, seq: 9002, Marks(identification: 777))
        return try story.finding()
    }

    @Test("trigger_ip_id_copied: a host that copies the IP-ID as well may have done so after the reset")
    func identification() throws {
        #expect(try Self.repeated(Self.step, gap: 0.003).weight(.triggerIdentification) == nil)
        #expect(try Self.repeated(Self.step, gap: 0.005).weight(.triggerIdentification) == 3)
        #expect(try Self.repeated(0, gap: 0.003).weight(.triggerIdentification) == 3)
    }

    /// A marked packet stands `gap` seconds before a reset that answers it, or the unmarked one before it.
    private static func marked(_ step: UInt64, gap: Double, answers seq: UInt32) throws -> Finding {
        var story = story(step)
        story.add(Ethernet().ipv4(.client, .server, tos: 46 << 2).echo(reply: false, sequence: 900))
        story.add(Ethernet().ipv4(.server, .client, ttl: 61, tos: 46 << 2).echo(reply: true, sequence: 900))
        story.ping(4)
        story.converse()
        story.send(.client, [.psh, .ack], seq: 1002, ack: 9002, Marks(dscp: 4), payload: "C")
        story.wait(gap - 0.001)
        story.send(.server, [.rst, .ack], seq: 9002, ack: seq, Marks(ttl: 63))
        return try story.finding()
    }

    @Test("dscp_lost: the packet that drew the reset is known by its numbers where its time does not tell")
    func trigger() throws {
        #expect(try Self.marked(Self.step, gap: 0.002, answers: 1003).weight(.dscpLost) == 1.5)
        #expect(try Self.marked(Self.step, gap: 0.002, answers: 1002).weight(.dscpLost) == nil)
        #expect(try Self.marked(Self.step, gap: 0.006, answers: 1002).weight(.dscpLost) == 1.5)
        #expect(try Self.marked(0, gap: 0.002, answers: 1002).weight(.dscpLost) == 1.5)
    }

    // MARK: Times that go back

    @Test("A copy may have the smaller time", arguments: [(-2_000_000, true), (13_000_000, true), (-5_000_000, false)])
    func copies(delay: Int64, isDuplicate: Bool) throws {
        func packet(ttl: UInt8, at delay: Int64) throws -> ObservedPacket {
            let trace = PacketTrace()
            trace.add(
                Ethernet().ipv4(.client, .server, ttl: ttl, identification: 7).tcp(50_992, 22, seq: 1, flags: .syn),
                time: UInt64(Int64(Story.start) + delay))
            return try #require(trace.packets.first)
        }
        // With an IP-ID a copy may come up to 100 ms later, but never earlier without a step.
        for (step, isFound) in [(Self.step, isDuplicate), (0, delay > 0)] {
            var packets = DuplicateFilter(seed: 1, clockStep: ClockStep(nanoseconds: step))
            let first = try packet(ttl: 64, at: 0)
            let second = try packet(ttl: 63, at: delay)
            let isFirstCopy = packets.isDuplicate(first.record, now: first.time)
            #expect(!isFirstCopy)
            let isSecondCopy = packets.isDuplicate(second.record, now: first.time)
            #expect(isSecondCopy == isFound)
        }
    }

    @Test("A segment sent again whose time is smaller than the first one's was not sent 73 minutes later")
    func loss() throws {
        var story = Story()
        story.open()
        story.repeatData(at: [0.002, 0.3, 0.9, 2.1])
        story.server(.ack, seq: 9001, ack: 1006)
        var packets = story.trace.packets
        packets[4].record.time &-= 4000
        var engine = Engine()
        packets.withUnsafeBufferPointer { engine.observe($0, upTo: story.time) }
        engine.finish()
        let path = try #require(engine.takeFindings().first?.path)
        #expect(path.cause == .loss)
        #expect(try #require(path.recoveredSeconds) < 3)
    }

    // MARK: Two ways through this machine

    /// Data that this machine sends on; each is seen leaving `early` seconds before it is seen arriving.
    private static func reversed(_ step: UInt64, early: Double) -> RouterStory {
        var router = RouterStory(clockStep: step)
        router.openOneWay()
        // Sent again, it brings its flow into focus.
        for _ in 0..<2 {
            router.pass(RouterStory.Segment(flags: [.psh, .ack], seq: 1001, ack: 9001, length: 100))
            router.wait(0.15)
        }
        for number in 1...3 {
            let seq = 1001 + UInt32(number) * 100
            let data = RouterStory.Segment(flags: [.psh, .ack], seq: seq, ack: 9001, length: 100)
            router.see(data, .leaves)
            router.wait(early)
            router.see(data, .arrives)
            router.wait(0.02)
        }
        router.wait(2)
        return router
    }

    @Test("What is seen leaving within a step before it arrives was sent on")
    func departures() {
        let unordered = Self.reversed(Self.step, early: 0.003)
        #expect(unordered.findings.isEmpty)
        #expect(unordered.changes.count == 1)
        #expect(!unordered.engine.forwarding.doubts.contains { $0 != nil })
        let exact = Self.reversed(0, early: 0.003)
        #expect(exact.findings.map { $0.path?.cause } == [.droppedHere])
        let longBefore = Self.reversed(Self.step, early: 0.006)
        #expect(longBefore.findings.map { $0.path?.cause } == [.droppedHere])
    }

    @Test("What does not leave is missing as before, and numbers of another device are told")
    func missing() {
        var router = RouterStory(clockStep: Self.step)
        router.openOneWay()
        router.repeatData { $0.see($1, .arrives) }
        #expect(router.findings.map { $0.path?.cause } == [.droppedHere])
        var translated = RouterStory(clockStep: Self.step)
        translated.openOneWay()
        translated.repeatData {
            var there = $1
            there.seq &+= 5000
            $0.see($1, .arrives)
            $0.see(there, .leaves)
        }
        #expect(translated.findings.isEmpty)
        #expect(translated.engine.forwarding.doubts.contains(.foreignNumbers))
    }
}
