// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Comparing captures: what passes, vanishes and appears")
struct ComparisonTests {
    typealias Segment = PointStory.Segment

    @Test("What passes all points gives figures and no finding")
    func healthy() throws {
        var story = PointStory(points: 3)
        story.open()
        story.talk(20)
        let comparison = story.compare()
        #expect(comparison.findings.isEmpty)
        #expect(comparison.routes.map(\.points) == [[0, 1, 2], [2, 1, 0]])
        #expect(comparison.routes.map(\.hops) == [[1, 1], [1, 1]])
        let leg = try #require(comparison.leg(0, 1))
        #expect(leg.passed.total == 22)
        #expect(leg.passed[.data] == 20)
        #expect(leg.vanished.total == 0)
        #expect(leg.rewritten.map(\.field) == [.ttl])
        #expect(leg.delay?.median == 2_000_000)
        #expect(leg.delay?.isAbsolute == true)
    }

    @Test("The order of the points is found by TTL, whatever order they are given in")
    func order() {
        var story = PointStory(points: 3)
        story.open()
        story.talk(5)
        let captures = story.captures()
        let comparison = Comparison([captures[2], captures[0], captures[1]], resets: [[:], [:], [:]], seed: 7)
        #expect(comparison.routes.map(\.points).contains([1, 2, 0]))
        #expect(comparison.routes.map(\.points).contains([0, 2, 1]))
    }

    @Test("An ACK that vanishes while the replies come another way")
    func asymmetry() throws {
        // Points: client, the stateful router that the replies bypass, server.
        var story = PointStory(points: 3)
        story.client(.syn, seq: 1000)
        for pause in [1.0, 2.0, 4.0, 8.0] {
            story.server([.syn, .ack], seq: 9000, ack: 1001, seen: [0, 2])
            story.client(.ack, ack: 9001, seen: [0, 1])
            story.client([.psh, .ack], ack: 9001, payload: 18, seen: [0, 1])
            story.wait(pause)
        }
        story.server([.syn, .ack], seq: 9000, ack: 1001, seen: [0, 2])
        let comparison = story.compare()
        #expect(comparison.causes == ["dropped_between ack p2>p3"])
        let finding = try #require(comparison.findings.first)
        let crossing = try #require(finding.path?.crossing)
        #expect(crossing.bypassed == "p2")
        #expect(crossing.back == ["p3", "p1"])
        #expect(crossing.lost[.ack] == 4)
        #expect(crossing.lost[.data] == 4)
        #expect(crossing.passed[.syn] == 1)
        #expect(crossing.isFromClient)
        #expect(finding.fiveTuple.destinationPort == 22)
        #expect(finding.isProblem)
    }

    @Test("Replies that reach the client beside its neighbour are not missed there")
    func replyBesideNeighbour() {
        // Points: client, a router on the client's link that its packets pass.
        var story = PointStory(points: 2)
        func toServer(_ flags: TCPFlags, seq: UInt32, ack: UInt32 = 0, payload: Int = 0) {
            story.send(Segment(flags: flags, seq: seq, ack: ack, payload: payload)) { $1.ttl += $0 == 1 ? 1 : 0 }
        }
        for round in 0..<10 as Range<UInt32> {
            toServer(.syn, seq: 1000 + round)
            story.server([.syn, .ack], seq: 9000 + round, ack: 1001 + round, seen: [0])
            toServer([.psh, .ack], seq: 1001 + round, ack: 9001 + round, payload: 10)
            story.server(.ack, seq: 9001 + round, ack: 1011 + round, seen: [0])
        }
        #expect(story.compare().findings.isEmpty)
    }

    @Test("What neighbours say to each other is not missed elsewhere")
    func neighbours() {
        var story = PointStory(points: 3)
        story.client = IPAddress(high: 0xfe80_0000_0000_0000, low: 2)
        story.server = IPAddress(high: 0xfe80_0000_0000_0000, low: 1)
        for round in 0..<10 as Range<UInt32> {
            story.send(Segment(flags: .ack, seq: round, ack: 1), seen: round < 5 ? nil : [0, 1], isIPv6: true)
        }
        #expect(story.compare().findings.isEmpty)
    }

    @Test("Two directions on two ways are no fault by themselves")
    func asymmetryWithoutFailure() {
        var story = PointStory(points: 3)
        story.client(.syn, seq: 1000)
        story.server([.syn, .ack], seq: 9000, ack: 1001, seen: [0, 2])
        story.client(.ack, ack: 9001)
        for round in 0..<10 as Range<UInt32> {
            story.client([.psh, .ack], seq: 1001 + round * 10, ack: 9001 + round * 10, payload: 10)
            story.server([.psh, .ack], seq: 9001 + round * 10, ack: 1011 + round * 10, payload: 10, seen: [0, 2])
        }
        let comparison = story.compare()
        #expect(comparison.findings.isEmpty)
        #expect(comparison.routes.map(\.points).contains([2, 0]))
    }

    @Test("SYNs that vanish while ping passes")
    func filteredSYN() throws {
        var story = PointStory()
        for sequence in 1...3 as ClosedRange<UInt16> {
            for (point, ttl) in [(0, UInt8(64)), (1, 63)] {
                story.record(
                    Ethernet().ipv4(story.client, story.server, ttl: ttl).echo(reply: false, sequence: sequence),
                    at: point, time: story.time)
            }
            story.wait(0.1)
        }
        for pause in [1.0, 2, 4] {
            story.client(.syn, seq: 1000, seen: [0])
            story.wait(pause)
        }
        for (point, ttl) in [(0, UInt8(64)), (1, 63)] {
            story.record(
                Ethernet().ipv4(story.client, story.server, ttl: ttl).echo(reply: false, sequence: 9), at: point,
                time: story.time)
        }
        let comparison = story.compare()
        #expect(comparison.causes == ["dropped_between syn p1>p2"])
        #expect(comparison.findings.first?.path?.crossing?.lost[.syn] == 3)
    }

    @Test("Loss: what comes when it is sent again is no problem", arguments: [3, 10, 50])
    func loss(every: Int) throws {
        var story = PointStory()
        story.open()
        for round in 0..<200 as Range<UInt32> {
            let isLost = Int(round) % every == 1
            story.client([.psh, .ack], seq: 1001 + round * 100, ack: 9001, payload: 100, seen: isLost ? [0] : nil)
            if isLost {
                story.wait(0.2)
                story.client([.psh, .ack], seq: 1001 + round * 100, ack: 9001, payload: 100)
            }
            story.server(.ack, ack: 1101 + round * 100)
        }
        let comparison = story.compare()
        #expect(comparison.causes == ["loss data p1>p2"])
        #expect(comparison.findings.allSatisfy { !$0.isProblem })
        let crossing = try #require(comparison.findings.first?.path?.crossing)
        #expect(crossing.lost.total == (200 + every - 2) / every)
        #expect(crossing.neverCame == 0)
    }

    @Test("The last packet of a connection that is lost is no filter")
    func singleLoss() {
        var story = PointStory()
        story.open()
        story.talk(20)
        story.client([.fin, .ack], seq: 3001, ack: 13001)
        story.server([.fin, .ack], seq: 13001, ack: 3002)
        story.client(.ack, seq: 3002, ack: 13002, seen: [0])
        story.clientPort = 50993
        story.wait(1)
        story.open()
        story.talk(5)
        let comparison = story.compare()
        #expect(comparison.causes == ["loss ack p1>p2"])
        #expect(comparison.findings.first?.path?.crossing?.neverCame == 1)
    }

    @Test("Retransmissions are matched with the copy that arrived, IP-ID or not", arguments: [true, false])
    func copies(hasIdentification: Bool) throws {
        var story = PointStory()
        story.open()
        story.talk(20)
        // Three copies; the second one arrives.
        for copy in 0..<3 {
            var segment = Segment(flags: [.psh, .ack], seq: 3001, ack: 13001, payload: 100)
            segment.hasIdentification = hasIdentification
            story.send(segment, seen: copy == 1 ? nil : [0])
            story.wait(0.3)
        }
        story.server(.ack, seq: 13001, ack: 3101)
        let comparison = story.compare()
        let leg = try #require(comparison.leg(0, 1))
        #expect(leg.vanished.total == 2)
        #expect(leg.delay?.high == 2_000_000)
    }

    @Test("Packets that overtake each other are matched")
    func reordered() throws {
        var story = PointStory()
        story.open()
        for round in 0..<40 as Range<UInt32> {
            story.send(
                Segment(flags: [.psh, .ack], seq: 1001 + round * 100, ack: 9001, payload: 100),
                extraDelay: round % 4 == 0 ? 7_000_000 : 0)
        }
        story.server(.ack, ack: 5001)
        let comparison = story.compare()
        #expect(comparison.findings.isEmpty)
        #expect(comparison.leg(0, 1)?.passed[.data] == 40)
    }

    @Test("A mirror port's duplicates are one packet")
    func duplicates() throws {
        var story = PointStory()
        story.open()
        for round in 0..<10 as Range<UInt32> {
            let frame = { (ttl: UInt8) in
                Ethernet().ipv4(story.client, story.server, ttl: ttl, identification: UInt16(900 + round))
                    .tcp(story.clientPort, 22, seq: 1001 + round * 10, ack: 9001, flags: [.psh, .ack]).payload(
                        "0123456789")
            }
            let time = story.time + UInt64(round) * 10_000_000 + 5_000_000
            story.record(frame(64), at: 0, time: time)
            story.record(frame(63), at: 1, time: time + 2_000_000)
            story.record(frame(63), at: 1, time: time + 2_010_000)
        }
        story.wait(1)
        story.server(.ack, ack: 1101)
        let comparison = story.compare()
        #expect(comparison.findings.isEmpty)
        #expect(comparison.leg(0, 1)?.appeared.total == 0)
        #expect(comparison.leg(0, 1)?.passed[.data] == 10)
    }

    @Test("Captures of other traffic have nothing in common")
    func unrelatedPoints() {
        var left = PointStory()
        left.open()
        var right = PointStory()
        right.client = IPAddress(v4: 0x0a09_0001)
        right.server = IPAddress(v4: 0x0a09_0002)
        right.send(Segment(flags: .syn, seq: 77, ack: 0))
        right.send(Segment(flags: [.syn, .ack], seq: 99, ack: 78, isFromClient: false))
        let comparison = Comparison(
            [left.captures()[0], right.captures()[1]], resets: [[:], [:]], seed: 7)
        #expect(comparison.unrelatedPoints == [0, 1])
        #expect(comparison.findings.isEmpty)
    }
}
