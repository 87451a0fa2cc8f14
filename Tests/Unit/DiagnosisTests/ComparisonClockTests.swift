// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Comparing captures: clocks and half of the time")
struct ComparisonClockTests {
    typealias Segment = PointStory.Segment

    @Test(
        "Offset and drift are found from packets of both directions, and taken out of the delay",
        arguments: [(3.2, 50e-6), (-7200.5, -120e-6), (0.0, 0.0), (34_560_000.0, 10e-6)])
    func offsetAndDrift(offset: Double, drift: Double) throws {
        var story = PointStory()
        story.clocks[1] = PointStory.Clock(offset: Int64(offset * 1e9), drift: drift)
        story.open()
        story.talk(300, apart: 1)
        let comparison = story.compare()
        let clock = try #require(comparison.points[1].clock)
        #expect(abs(clock.drift - drift) < 1e-6)
        let truth = Int64(offset * 1e9) + Int64(Double(clock.origin - PointStory.start) * drift)
        #expect(abs(clock.offset - truth) < 100_000)
        #expect(clock.isSeparable)
        let delay = try #require(comparison.leg(0, 1)?.delay)
        #expect(abs(delay.median - 2_000_000) < 200_000)
        #expect(abs(delay.high - 2_000_000) < 500_000)
        #expect(comparison.leg(0, 1)?.passed.total == 302)
        #expect(comparison.leg(0, 1)?.outside == 0)
        #expect(comparison.findings.isEmpty)
    }

    @Test("Queues and retransmissions do not move the clock")
    func robust() throws {
        var story = PointStory()
        story.clocks[1] = PointStory.Clock(offset: 5_000_000_000)
        story.open()
        for round in 0..<200 as Range<UInt32> {
            let queue = UInt64(round % 7) * 3_000_000
            story.send(
                Segment(flags: [.psh, .ack], seq: 1001 + round * 10, ack: 9001 + round * 10, payload: 10),
                extraDelay: queue)
            story.server([.psh, .ack], seq: 9001 + round * 10, ack: 1011 + round * 10, payload: 10)
            story.wait(0.1)
        }
        let clock = try #require(story.compare().points[1].clock)
        #expect(abs(clock.offset - 5_000_000_000) < 200_000)
        #expect(clock.drift == 0)
    }

    @Test("With one direction only offset and delay are not told apart")
    func oneDirection() throws {
        var story = PointStory()
        story.clocks[1] = PointStory.Clock(offset: 1_000_000_000)
        for round in 0..<50 as Range<UInt32> {
            story.send(
                Segment(flags: [.psh, .ack], seq: 1001 + round * 10, ack: 9001, payload: 10),
                extraDelay: UInt64(round % 3) * 1_000_000)
        }
        let comparison = story.compare()
        #expect(try #require(comparison.points[1].clock).isSeparable == false)
        let delay = try #require(comparison.leg(0, 1)?.delay)
        #expect(!delay.isAbsolute)
        #expect(delay.smallest == 0)
        #expect(delay.high == 2_000_000)
    }

    @Test("What was sent before a capture began or after it ended has not vanished")
    func windows() throws {
        var story = PointStory()
        story.open()
        story.talk(100, apart: 0.1)
        let captures = story.captures()
        // The second point captured the middle third only.
        let middle = ComparedCapture(name: "p2", seed: 7, capacity: 1 << 20)
        let packets = story.traces[1].packets.sorted { $0.time < $1.time }
        let third = packets.count / 3
        packets[third..<third * 2].withUnsafeBufferPointer { middle.add($0, upTo: 0) }
        let comparison = Comparison([captures[0], middle], resets: [[:], [:]], seed: 7)
        #expect(comparison.findings.isEmpty)
        let leg = try #require(comparison.leg(0, 1))
        #expect(leg.vanished.total == 0)
        #expect(leg.outside > 20)
        #expect(comparison.leg(1, 0)?.appeared.total == 0)
    }

    @Test("A connection that repeats in vain what the end of the destination's capture lacks is broken")
    func stall() throws {
        var story = PointStory()
        story.open()
        story.talk(3, apart: 0.5)
        for pause in [1.3, 0.2, 0.4, 0.8, 1.6, 3.2] {
            story.wait(pause)
            story.client([.psh, .ack], seq: 1301, ack: 9601, payload: 50, seen: [0])
        }
        let comparison = story.compare()
        #expect(comparison.causes == ["dropped_between data p1>p2"])
        #expect(comparison.findings.first?.path?.crossing?.lost[.data] == 6)
    }

    @Test("A capture that was stopped while all went well is no fault of the path")
    func stopped() {
        var story = PointStory()
        story.open()
        story.talk(50, apart: 0.2)
        let all = story.captures()
        let stopped = ComparedCapture(name: "p2", seed: 7, capacity: 1 << 20)
        let packets = story.traces[1].packets.sorted { $0.time < $1.time }
        packets.prefix(60).withUnsafeBufferPointer { stopped.add($0, upTo: 0) }
        let comparison = Comparison([all[0], stopped], resets: [[:], [:]], seed: 7)
        #expect(comparison.findings.isEmpty)
        #expect((comparison.leg(0, 1)?.outside ?? 0) > 0)
    }

    @Test("A text without times is compared by order")
    func withoutTimes() throws {
        var story = PointStory()
        story.open()
        story.talk(10)
        for _ in 0..<4 {
            story.client([.psh, .ack], seq: 2001, ack: 11001, payload: 50, seen: [0])
            story.wait(1)
        }
        story.clientPort = 50993
        story.send(Segment(flags: .syn, seq: 5000, ack: 0))
        let captures = story.captures()
        let text = ComparedCapture(name: "text", seed: 7, capacity: 1 << 20, hasAllSequenceNumbers: false)
        var packets = story.traces[1].packets.sorted { $0.time < $1.time }
        for index in packets.indices { packets[index].time = 0 }
        packets.withUnsafeBufferPointer { text.add($0, upTo: 0) }
        let comparison = Comparison([captures[0], text], resets: [[:], [:]], seed: 7)
        #expect(comparison.causes == ["dropped_between data p1>text"])
        #expect(comparison.leg(0, 1)?.delay == nil)
        #expect(comparison.points[1].firstTime == nil)
    }
}
