// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Comparing captures: firewalls that translate, bridges, and addresses of one link")
struct ComparisonFirewallTests {
    private static let translator = IPAddress("203.0.113.2") ?? .client

    /// Pings through a masquerading router between two points.
    ///
    /// - `keepsIdentifier`: False where the router changes the echo's identifier.
    /// - `isNumbered`: False for packets with IP-ID 0.
    private func pings(keepsIdentifier: Bool, isNumbered: Bool, replies: Bool = true, passes: Bool = true) -> PointStory
    {
        var story = PointStory()
        story.open()
        story.talk(10)
        for sequence in 1...5 as ClosedRange<UInt16> {
            story.wait(0.2)
            let time = story.time
            let (outside, identifier): (IPAddress, UInt16) = (Self.translator, keepsIdentifier ? 7 : 90)
            func echo(_ from: IPAddress, _ to: IPAddress, _ ttl: UInt8, _ id: UInt16, reply: Bool, number: UInt16)
                -> FrameBuilder
            {
                Ethernet().ipv4(from, to, ttl: ttl, identification: isNumbered ? number + sequence : 0)
                    .echo(reply: reply, identifier: id, sequence: sequence)
            }
            story.record(echo(.client, .server, 64, 7, reply: false, number: 500), at: 0, time: time)
            guard passes else { continue }
            story.record(
                echo(outside, .server, 63, identifier, reply: false, number: 500), at: 1, time: time + 100_000)
            guard replies else { continue }
            story.record(
                echo(.server, outside, 61, identifier, reply: true, number: 900), at: 1, time: time + 5_000_000)
            story.record(echo(.server, .client, 60, 7, reply: true, number: 900), at: 0, time: time + 5_100_000)
        }
        story.wait(1)
        story.talk(10, from: 10)
        return story
    }

    @Test(
        "A ping through masquerade passes, whether identifier and IP-ID are kept or not",
        arguments: [true, false], [true, false])
    func masquerade(keepsIdentifier: Bool, isNumbered: Bool) {
        let comparison = pings(keepsIdentifier: keepsIdentifier, isNumbered: isNumbered).compare()
        #expect(comparison.causes == [])
        let leg = comparison.leg(0, 1)
        #expect((leg?.passed[.echoRequest] ?? 0) + (leg?.unfollowed ?? 0) == 5)
        if isNumbered { #expect(leg?.passed[.echoRequest] == 5) }
    }

    @Test("… and one that the firewall swallows does not")
    func swallowed() {
        let comparison = pings(keepsIdentifier: true, isNumbered: true, passes: false).compare()
        #expect(comparison.causes == ["dropped_between echo_request p1>p2"])
    }

    @Test("Loopback and link-local addresses of two machines are not one host")
    func local() {
        var story = PointStory()
        story.open()
        story.talk(5)
        for (source, point) in [(0x7f00_0001, 0), (0x7f00_0001, 1), (0xa9fe_0005, 0)] as [(UInt32, Int)] {
            for number in 0..<5 as Range<UInt32> {
                story.record(
                    Ethernet().ipv4(IPAddress(v4: source), IPAddress(v4: source), ttl: 64, identification: 9)
                        .tcp(40_000, 9742, seq: number &+ UInt32(point) &* 77, ack: 1, flags: .ack, window: 500),
                    at: point, time: story.time + UInt64(number) * 1000)
            }
        }
        story.wait(1)
        story.talk(5, from: 5)
        let comparison = story.compare()
        #expect(comparison.causes == [])
        #expect(comparison.points.map(\.local) == [10, 5])
    }

    @Test("A bridging router's capture of all interfaces shows a packet three times: it is one")
    func bridged() {
        var story = PointStory()
        var number: UInt16 = 100
        func pass(_ flags: TCPFlags, seq: UInt32, ack: UInt32, payload: Int, isFromClient: Bool) {
            number += 1
            story.wait(0.01)
            let ends: (IPAddress, IPAddress) = isFromClient ? (.client, .server) : (.server, .client)
            let ports: (UInt16, UInt16) = isFromClient ? (50992, 22) : (22, 50992)
            func frame(_ ttl: UInt8) -> FrameBuilder {
                Ethernet().ipv4(ends.0, ends.1, ttl: ttl, identification: number)
                    .tcp(ports.0, ports.1, seq: seq, ack: ack, flags: flags, window: 500)
                    .payload([UInt8](repeating: 0x61, count: payload))
            }
            let time = story.time
            // The bridge's port, the bridge, and the way out.
            let ttls: [UInt8] = isFromClient ? [64, 64, 63] : [62, 61, 61]
            for (step, ttl) in ttls.enumerated() { story.record(frame(ttl), at: 0, time: time + UInt64(step) * 10_000) }
            story.record(frame(isFromClient ? 62 : 63), at: 1, time: time + (isFromClient ? 1_000_000 : 0))
        }
        pass(.syn, seq: 1000, ack: 0, payload: 0, isFromClient: true)
        pass([.syn, .ack], seq: 9000, ack: 1001, payload: 0, isFromClient: false)
        for round in 0..<10 as Range<UInt32> {
            pass([.psh, .ack], seq: 1001 + round * 10, ack: 9001 + round * 10, payload: 10, isFromClient: true)
            pass([.psh, .ack], seq: 9001 + round * 10, ack: 1011 + round * 10, payload: 10, isFromClient: false)
        }
        let comparison = story.compare()
        #expect(comparison.causes == [])
        #expect(comparison.leg(0, 1)?.passed.total == 11)
        #expect(comparison.leg(0, 1)?.vanished.total == 0)
    }

    // MARK: Options

    private static let full: [UInt8] = [2, 4, 5, 180, 1, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0]

    @Test("Options that a device changes or strips between two points are told")
    func options() {
        var story = PointStory()
        story.send(PointStory.Segment(flags: .syn, seq: 1000, ack: 0, options: Self.full)) { point, segment in
            // Window scale 2, no SACK, no timestamps.
            if point == 1 { segment.options = [2, 4, 5, 180, 1, 3, 3, 2] }
        }
        story.server([.syn, .ack], seq: 9000, ack: 1001)
        story.client(.ack, ack: 9001)
        story.talk(5)
        let rewritten = story.compare().leg(0, 1)?.rewritten ?? []
        let changes = rewritten.filter { $0.field != .ttl }.map { "\($0.field.rawValue) \($0.from) \($0.to)" }
        #expect(changes == ["wscale 7 2", "sack present absent", "timestamps present absent"])
    }

    @Test("… and options that stay are not")
    func sameOptions() {
        var story = PointStory()
        story.send(PointStory.Segment(flags: .syn, seq: 1000, ack: 0, options: Self.full))
        story.server([.syn, .ack], seq: 9000, ack: 1001)
        story.client(.ack, ack: 9001)
        story.talk(5)
        #expect(story.compare().leg(0, 1)?.rewritten.map(\.field) == [.ttl])
    }
}
