// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Comparing captures: what is changed on the way, and what is made there")
struct ComparisonRewriteTests {
    typealias Segment = PointStory.Segment

    /// MSS and, so that a SYN can be told from another, timestamps.
    private static func options(_ size: UInt16, timestamp: UInt32 = 77) -> [UInt8] {
        [2, 4, UInt8(size >> 8), UInt8(size & 255), 1, 1, 8, 10]
            + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: timestamp >> $0) } + [0, 0, 0, 0]
    }

    /// A connection of which point 1 sees something else than point 0.
    private static func story(
        isTranslated: Bool = false, shift: UInt32 = 0, size: UInt16 = 1460, fromMiddle: Bool = false
    ) -> PointStory {
        var story = PointStory()
        let addresses: (Int) -> (client: IPAddress, port: UInt16)? = { point in
            point == 1 && isTranslated ? (IPAddress(v4: 0x0a03_0001), 41_000) : nil
        }
        let change: (Int, inout Segment) -> Void = { point, segment in
            guard point == 1 else { return }
            if segment.isFromClient {
                segment.seq &+= shift
            } else if segment.flags.contains(.ack) {
                segment.ack &+= shift
            }
            if segment.flags.contains(.syn), segment.isFromClient { segment.options = options(size) }
        }
        if !fromMiddle {
            story.send(
                Segment(flags: .syn, seq: 1000, ack: 0, options: options(1460)), change: change, addresses: addresses)
            story.send(
                Segment(flags: [.syn, .ack], seq: 9000, ack: 1001, isFromClient: false, options: options(1460)),
                change: change, addresses: addresses)
        }
        for round in 0..<12 as Range<UInt32> {
            story.send(
                Segment(flags: [.psh, .ack], seq: 1001 + round * 10, ack: 9001 + round * 20, payload: 10),
                change: change,
                addresses: addresses)
            story.send(
                Segment(
                    flags: [.psh, .ack], seq: 9001 + round * 20, ack: 1011 + round * 10, payload: 20,
                    isFromClient: false),
                change: change, addresses: addresses)
        }
        return story
    }

    @Test("Translated addresses and ports are matched and told", arguments: [false, true])
    func translation(fromMiddle: Bool) throws {
        let comparison = Self.story(isTranslated: true, fromMiddle: fromMiddle).compare()
        #expect(comparison.findings.isEmpty)
        let leg = try #require(comparison.leg(0, 1))
        #expect(leg.passed.total == (fromMiddle ? 12 : 13))
        #expect(leg.vanished.total == 0)
        let change = try #require(leg.rewritten.first { $0.field == .source })
        #expect(change.from == "10.1.0.1:50992")
        #expect(change.to == "10.3.0.1:41000")
        #expect(!leg.rewritten.contains { $0.field == .destination })
        let back = try #require(comparison.leg(1, 0)?.rewritten.first { $0.field == .destination })
        #expect(back.to == "10.1.0.1:50992")
    }

    @Test("Two connections with the same numbers at different times are not one that was translated")
    func noTranslation() {
        var story = PointStory()
        story.open()
        story.talk(3)
        story.wait(5)
        story.clientPort = 50993
        story.open()
        story.talk(3)
        let comparison = story.compare()
        #expect(comparison.leg(0, 1)?.rewritten.map(\.field) == [.ttl])
        #expect(comparison.leg(0, 1)?.passed.total == 10)
    }

    @Test("Changed sequence numbers are recognised, with changed addresses too", arguments: [false, true])
    func shift(isTranslated: Bool) throws {
        let comparison = Self.story(isTranslated: isTranslated, shift: 0xdead_beef).compare()
        #expect(comparison.findings.isEmpty)
        let leg = try #require(comparison.leg(0, 1))
        #expect(leg.passed.total == 13)
        #expect(leg.vanished.total == 0)
        let change = try #require(leg.rewritten.first { $0.field == .sequence })
        #expect(change.to == "+\(0xdead_beef as UInt32)")
        #expect(comparison.leg(1, 0)?.passed.total == 13)
    }

    @Test("A clamped MSS is told, an equal one is not")
    func segmentSize() throws {
        let clamped = try #require(Self.story(size: 1200).compare().leg(0, 1)).rewritten
        #expect(clamped.first { $0.field == .segmentSize }?.to == "1200")
        #expect(clamped.first { $0.field == .segmentSize }?.count == 1)
        let equal = try #require(Self.story().compare().leg(0, 1)).rewritten
        #expect(equal.map(\.field) == [.ttl])
    }

    @Test("Segments that offloading cut are the same bytes; a lost one of them is not")
    func resegmented() throws {
        for isLossy in [false, true] {
            var story = PointStory()
            story.open()
            story.wait(0.1)
            for round in 0..<20 as Range<UInt32> {
                // One large segment at the sender, four on the wire.
                story.send(Segment(flags: [.psh, .ack], seq: 1001 + round * 4000, ack: 9001, payload: 4000), seen: [0])
                for part in 0..<4 as Range<UInt32> where !(isLossy && round == 7 && part == 2) {
                    story.send(
                        Segment(flags: .ack, seq: 1001 + round * 4000 + part * 1000, ack: 9001, payload: 1000, ttl: 63),
                        seen: [1])
                }
                if isLossy, round == 7 {
                    story.wait(0.3)
                    story.send(Segment(flags: .ack, seq: 1001 + 30_000, ack: 9001, payload: 1000))
                }
                story.server(.ack, ack: 1001 + (round + 1) * 4000)
            }
            story.wait(0.1)
            story.server(.ack, ack: 81_001)
            let comparison = story.compare()
            let leg = try #require(comparison.leg(0, 1))
            #expect(leg.resegmented == (isLossy ? 19 : 20))
            #expect(leg.appeared.total == 0)
            #expect(comparison.findings.allSatisfy { !$0.isProblem })
            #expect(comparison.causes == (isLossy ? ["loss data p1>p2"] : []))
        }
    }

    @Test("A reset that appears on the way was made there")
    func forgedReset() throws {
        var story = PointStory(points: 3)
        story.open()
        story.talk(5)
        // From the middle point on, with a TTL as if it came from the server.
        story.send(Segment(flags: [.rst, .ack], seq: 10_001, ack: 1501, isFromClient: false), seen: [1, 0])
        story.wait(0.5)
        story.server([.psh, .ack], seq: 10_001, ack: 1501, payload: 10)
        let comparison = story.compare()
        let finding = try #require(comparison.findings.first { $0.reset != nil })
        #expect(comparison.findings.count { $0.reset != nil } == 1)
        #expect(finding.file == "p2")
        #expect(finding.reset?.sender == .middlebox)
        let proof = try #require(finding.evidence.first { $0.name == .notSeenNearer })
        #expect(proof.weight > 2)
        #expect(comparison.leg(2, 1)?.appeared[.rst] == 1)
        #expect(comparison.leg(1, 0)?.passed[.rst] == 1)
    }

    @Test("A reset that passes all points is its host's")
    func hostReset() {
        var story = PointStory(points: 3)
        story.open()
        story.talk(5)
        story.server([.rst, .ack], seq: 10_001, ack: 1501)
        story.wait(3)
        let comparison = story.compare()
        #expect(comparison.findings.isEmpty)
        #expect(comparison.leg(2, 1)?.passed[.rst] == 1)
    }

    @Test("Where the point nearer the host misses much, that proves little")
    func proofWeight() {
        var sound = Self.reset()
        ForgedResets.add(&sound, from: "a", to: "b", missed: 0, of: 1000)
        #expect(sound.reset?.sender == .middlebox)
        #expect((sound.confidence ?? 0) > 0.99)
        var poor = Self.reset()
        ForgedResets.add(&poor, from: "a", to: "b", missed: 300, of: 1000)
        #expect(poor.reset?.sender == .undetermined)
        #expect(poor.confidence == nil)
        // A socket's own fields say that the host sent it.
        var own = Self.reset(weight: -7)
        ForgedResets.add(&own, from: "a", to: "b", missed: 300, of: 1000)
        #expect(own.reset?.sender == .host)
    }

    private static func reset(weight: Double = 0) -> Finding {
        let tuple = FiveTuple(source: .server, sourcePort: 22, destination: .client, destinationPort: 50_992)
        let reset = Finding.Reset(
            flags: .rst, ttl: 61, seq: 1, ack: 0, sender: .host, hop: 4, cause: .unknown, stage: .data, packetKey: "")
        let evidence =
            weight == 0 ? [] : [Evidence(name: EvidenceName.application.rawValue, weight: weight, text: "")]
        return Finding(id: "X", fiveTuple: tuple, details: .reset(reset), evidence: evidence)
    }

    @Test("A router that captures on all interfaces: what came in and did not go out was dropped there")
    func inside() throws {
        for isDropped in [true, false] {
            var story = PointStory(points: 3)
            // Point 1 sees each packet come in and go out.
            func pass(_ story: inout PointStory, _ segment: Segment, dropped: Bool) {
                story.send(segment, seen: dropped ? [0, 1] : nil)
                guard !dropped else { return }
                let ends = segment.isFromClient ? (story.client, story.server) : (story.server, story.client)
                let ports: (UInt16, UInt16) = segment.isFromClient ? (story.clientPort, 22) : (22, story.clientPort)
                story.record(
                    Ethernet().ipv4(ends.0, ends.1, ttl: 62, identification: story.newest)
                        .tcp(ports.0, ports.1, seq: segment.seq, ack: segment.ack, flags: segment.flags, window: 500)
                        .payload([UInt8](repeating: 0x61, count: segment.payload)),
                    at: 1, time: story.time + story.delay + 20_000, interface: UInt8(PACKET_INTERFACE_EGRESS) | 1)
            }
            pass(&story, Segment(flags: .syn, seq: 1000, ack: 0), dropped: false)
            pass(&story, Segment(flags: [.syn, .ack], seq: 9000, ack: 1001, isFromClient: false), dropped: false)
            pass(&story, Segment(flags: .ack, seq: 1001, ack: 9001), dropped: false)
            for _ in 0..<5 {
                story.wait(1)
                pass(&story, Segment(flags: [.psh, .ack], seq: 1001, ack: 9001, payload: 20), dropped: isDropped)
            }
            story.wait(1)
            pass(&story, Segment(flags: .ack, seq: 9001, ack: 1001, isFromClient: false), dropped: false)
            let comparison = story.compare()
            guard isDropped else {
                #expect(comparison.findings.isEmpty)
                #expect(comparison.leg(0, 1)?.appeared.total == 0)
                continue
            }
            #expect(comparison.causes == ["dropped_between data p2>p3"])
            #expect(comparison.findings.first?.path?.crossing?.isInside == true)
        }
    }
}
