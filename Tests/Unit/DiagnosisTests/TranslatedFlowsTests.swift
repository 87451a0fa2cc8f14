// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Paths: a router that translates addresses")
struct TranslatedFlowsTests {
    private static let inside = IPAddress("10.0.7.9") ?? .client

    @Test(
        "A healthy masquerade is no one-way tap, and each connection counts once",
        arguments: [(true, true), (true, false), (false, true)], [false, true])
    func healthy(interfaces: (Bool, Bool), isLive: Bool) {
        var story = TranslatorStory(isLive: isLive)
        (story.seesInside, story.seesOutside) = interfaces
        story.work(40)
        story.wait(10)
        story.finish()
        #expect(story.findings.map(\.causeName) == [])
        guard interfaces == (true, true) else { return }
        let ways = story.ways()
        #expect(ways.map(\.connections) == [40])
        #expect(ways.map(\.worked) == [40])
        #expect(ways.first?.network == PathNetworks(client: .client, server: .server).network)
    }

    @Test("… nor are connections that were open before the capture began", arguments: [false, true])
    func midway(isLive: Bool) {
        var story = TranslatorStory(isLive: isLive)
        story.work(1)
        for number in 0..<30 as Range<UInt16> {
            story.original.sourcePort = 30_000 + number
            story.translated.sourcePort = 30_000 + number
            story.talk(6, from: 5000 + 7919 * UInt32(number))
        }
        story.wait(10)
        story.finish()
        #expect(story.findings.map(\.causeName) == [])
    }

    @Test("A tap that shows one direction only still is one, on a machine that forwards nothing")
    func tap() {
        var story = Story()
        for port in 0..<20 as Range<UInt16> {
            story.clientPort = 40_000 + port
            story.client(.syn)
            for segment in 0..<4 as Range<UInt32> {
                story.client([.psh, .ack], seq: 1001 + 3 * segment, ack: 9001, payload: "abc")
            }
        }
        #expect(story.causes == [.oneWayTap])
    }

    @Test("A destination that does not answer through masquerade is one finding, which has both five-tuples")
    func unanswered() throws {
        var story = TranslatorStory()
        story.work(3)
        story.original.sourcePort = 50_992
        story.translated.sourcePort = 1024
        (story.original.destinationPort, story.translated.destinationPort) = (8443, 8443)
        for gap in [0.0, 1, 2, 4] {
            story.wait(gap)
            story.pass(TranslatorStory.Segment(flags: .syn, seq: 77_000, identification: 5))
        }
        story.wait(5)
        story.finish()
        let finding = try #require(story.findings.first)
        #expect(story.findings.map(\.causeName) == ["no_answer"])
        #expect(finding.fiveTuple == story.original)
        #expect(finding.translated == story.translated)
        #expect(finding.count == 1)
    }

    @Test(
        "An ACK that is acknowledged inside is not missing outside: the server's SYN-ACK comes again, and the ACKs leave"
    )
    func acknowledged() {
        var story = TranslatorStory()
        story.work(3)
        story.original.sourcePort = 50_992
        story.translated.sourcePort = 1024
        story.open(seq: 500)
        for gap in [1.0, 2, 4] {
            story.wait(gap)
            story.pass(TranslatorStory.Segment(flags: [.syn, .ack], seq: 9000, ack: 501, isFromServer: true))
            story.pass(TranslatorStory.Segment(flags: .ack, seq: 501, ack: 9001))
        }
        story.wait(5)
        story.finish()
        #expect(story.findings.map(\.causeName) == ["ack_lost_or_queue_full"])
        #expect(story.findings.first?.count == 1)
        #expect(story.findings.first?.fiveTuple == story.original)
        #expect(story.findings.first?.translated == story.translated)
    }

    @Test("With one interface of a translating router nothing is said of what the other one shows")
    func oneInterface() {
        var story = TranslatorStory()
        story.seesInside = false
        story.work(3)
        story.open(seq: 500)
        for gap in [1.0, 2, 4] {
            story.wait(gap)
            story.pass(TranslatorStory.Segment(flags: [.syn, .ack], seq: 9000, ack: 501, isFromServer: true))
        }
        story.wait(5)
        story.finish()
        #expect(story.findings.map(\.causeName) == [])
    }

    @Test("Hairpin NAT changes both ends: joined by IP-ID or acknowledgement number")
    func hairpin() {
        var story = TranslatorStory()
        story.original.destination = IPAddress("198.51.100.10") ?? .server
        story.translated = FiveTuple(
            source: IPAddress("10.0.7.1") ?? .client, sourcePort: 1, destination: Self.inside, destinationPort: 8080)
        story.work(20)
        story.wait(10)
        story.finish()
        #expect(story.findings.map(\.causeName) == [])
        #expect(story.ways().map(\.connections) == [20])
        #expect(story.ways().map(\.worked) == [20])
    }

    @Test("Equal numbers of unrelated packets do not join: a longer time, another TTL, or both ends without a sign")
    func unrelated() {
        func record(_ source: IPAddress, _ port: UInt16, _ destination: IPAddress, ttl: UInt8, at time: UInt64)
            -> PacketRecord
        {
            let trace = PacketTrace()
            trace.add(
                Ethernet().ipv4(source, destination, ttl: ttl, identification: 0).tcp(
                    port, 443, seq: 1000, flags: .syn, window: 500),
                time: time)
            return trace.packets[0].record
        }
        let start = Story.start
        let arrival = record(.client, 1, .server, ttl: 64, at: start)
        for (left, isJoined) in [
            (record(Self.inside, 1, .server, ttl: 63, at: start + 1_000_000), true),
            (record(.client, 1, .server, ttl: 63, at: start + 1_000_000), false),
            (record(Self.inside, 1, .server, ttl: 63, at: start + 20_000_000), false),
            (record(Self.inside, 1, .server, ttl: 61, at: start + 1_000_000), false),
            (record(Self.inside, 1, Self.inside, ttl: 63, at: start + 1_000_000), false),
        ] {
            var flows = TranslatedFlows(seed: 7, clockStep: .exact)
            flows.note(arrival, isLeaving: false)
            flows.note(left, isLeaving: true)
            #expect((flows.connection(of: FlowKey.of(left).key) != nil) == isJoined)
            #expect((flows.connection(of: FlowKey.of(arrival).key) != nil) == isJoined)
        }
    }

    @Test("The newest connections are remembered, and a five-tuple that is used again is joined anew")
    func bounds() {
        var flows = TranslatedFlows(seed: 7, clockStep: .exact)
        var arrival = PacketRecord()
        (arrival.src_low, arrival.dst_low, arrival.dst_port) = (1, 2, 443)
        (arrival.flags, arrival.ttl) = (TCPFlags.syn.rawValue, 64)
        var last: (FlowKey, FlowKey)?
        for number in 0..<UInt32(TranslatedFlows.capacity + 100) {
            arrival.src_high = UInt64(number)
            arrival.seq = number
            var departure = arrival
            (departure.src_low, departure.ttl, departure.src_port) = (9, 63, 77)
            flows.note(arrival, isLeaving: false)
            flows.note(departure, isLeaving: true)
            last = (FlowKey.of(arrival).key, FlowKey.of(departure).key)
            if number == 0 { #expect(flows.connection(of: FlowKey.of(arrival).key) != nil) }
        }
        arrival.src_high = 0
        #expect(flows.connection(of: FlowKey.of(arrival).key) == nil)
        #expect(last.flatMap { flows.connection(of: $0.0) } != nil)
        #expect(last.flatMap { flows.connection(of: $0.0) } == last.flatMap { flows.connection(of: $0.1) })
    }
}
