// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

/// Tests of packets that a mirror port shows twice, and of look-alikes.
@Suite("Duplicates of packets") struct CopyTests {
    private static let before = MACAddress.neighbour
    private static let after = MACAddress(0x02_00_00_00_00_77)

    /// Each frame is seen before and after a router, a tenth of a millisecond apart.
    private struct Mirror {
        var story = Story()
        var isReversed = false

        init() { story.step = 50_000 }

        mutating func see(_ ttl: UInt8, _ frame: (_ mac: MACAddress, _ ttl: UInt8) -> FrameBuilder) {
            let views = [(CopyTests.before, ttl), (CopyTests.after, ttl - 1)]
            for (mac, ttl) in isReversed ? views.reversed() : views { story.add(frame(mac, ttl)) }
            story.wait(0.02)
        }

        mutating func ping(_ count: UInt16, ttl: UInt8) {
            for sequence in 0..<count {
                see(64) {
                    Ethernet(source: $0).ipv4(.client, .server, ttl: $1, identification: 0).echo(
                        reply: false, sequence: sequence)
                }
                see(ttl) {
                    Ethernet(source: $0).ipv4(.server, .client, ttl: $1, identification: 0).echo(
                        reply: true, sequence: sequence)
                }
            }
        }

        mutating func refuse(ttl: UInt8) {
            see(64) {
                Ethernet(source: $0).ipv4(.client, .server, ttl: $1, identification: 0).tcp(
                    50_992, 22, seq: 1000, flags: .syn, window: 500)
            }
            see(ttl) {
                Ethernet(source: $0).ipv4(.server, .client, ttl: $1, identification: 0)
                    .tcp(22, 50_992, ack: 1001, flags: [.rst, .ack], window: 0)
            }
        }
    }

    private static func packet(_ frame: FrameBuilder, at time: UInt64) throws -> ObservedPacket {
        var story = Story()
        story.step = time - Story.start
        story.add(frame)
        return try #require(story.trace.packets.first)
    }

    @Test("A closed port behind a mirror is the host's, a reset from a hop before it is not", arguments: [false, true])
    func mirrored(isReversed: Bool) throws {
        for (ttl, sender) in [(62, Finding.Sender.host), (63, .middlebox)] {
            var mirror = Mirror()
            mirror.isReversed = isReversed
            mirror.ping(4, ttl: 62)
            mirror.refuse(ttl: UInt8(ttl))
            let finding = try mirror.story.finding()
            #expect(finding.reset?.sender == sender)
            let host = try #require(mirror.story.hosts().first { $0.address == .server })
            #expect(host.samples.map(\.count) == [4, 0, 0, 0])
            // Half of all packets, and one more reset.
            #expect(mirror.story.statistics().rejected == 10)
        }
    }

    @Test("Where the order of copies changes, distances of one that has copies accuse nobody")
    func changingOrder() throws {
        var mirror = Mirror()
        mirror.ping(4, ttl: 62)
        mirror.isReversed = true
        mirror.refuse(ttl: 62)
        let finding = try mirror.story.finding()
        #expect(finding.reset?.sender == .undetermined)
        #expect(finding.weight(.copiesUnordered) == 0)
    }

    @Test("Equal packets are copies where a router, a mirror or another interface explains them")
    func rules() throws {
        func isDuplicate(
            _ first: FrameBuilder, _ second: FrameBuilder, after delay: UInt64 = 1_000_000, interface: UInt8 = 0
        ) throws -> Bool {
            var packets = DuplicateFilter(seed: 1)
            let first = try Self.packet(first, at: Story.start)
            var second = try Self.packet(second, at: Story.start + delay)
            second.record.interface = interface
            let isFirstCopy = packets.isDuplicate(first.record, now: first.time)
            #expect(!isFirstCopy)
            return packets.isDuplicate(second.record, now: second.time)
        }
        func synAck(
            ttl: UInt8 = 61, id: UInt16 = 0, mac: MACAddress = Self.before, seq: UInt32 = 9, window: UInt16 = 500
        ) -> FrameBuilder {
            Ethernet(source: mac).ipv4(.server, .client, ttl: ttl, identification: id)
                .tcp(22, 50_992, seq: seq, ack: 1, flags: [.syn, .ack], window: window)
        }
        #expect(try isDuplicate(synAck(), synAck(ttl: 60, mac: Self.after)))
        #expect(try isDuplicate(synAck(ttl: 60), synAck(ttl: 61)))
        #expect(try isDuplicate(synAck(id: 7), synAck(ttl: 60, id: 7)))
        #expect(try isDuplicate(synAck(), synAck(mac: Self.after)))
        #expect(try isDuplicate(synAck(), synAck(), interface: 1))
        // Sent again.
        #expect(try !isDuplicate(synAck(), synAck()))
        #expect(try isDuplicate(synAck(id: 7), synAck(id: 7)))
        #expect(try !isDuplicate(synAck(id: 1), synAck(id: 1)))
        #expect(try !isDuplicate(synAck(id: 7), synAck(ttl: 60, id: 8)))
        #expect(try !isDuplicate(synAck(), synAck(ttl: 59, mac: Self.after)))
        #expect(try !isDuplicate(synAck(), synAck(ttl: 60, mac: Self.after, seq: 10)))
        #expect(try !isDuplicate(synAck(), synAck(ttl: 60, mac: Self.after, window: 501)))
        #expect(try !isDuplicate(synAck(id: 7), synAck(ttl: 60, id: 7), after: 101_000_000))
        #expect(try isDuplicate(synAck(id: 7), synAck(ttl: 60, id: 7), after: 85_000_000))
        #expect(try !isDuplicate(synAck(), synAck(ttl: 60), after: 11_000_000))

        func echo(_ sequence: UInt16, ttl: UInt8 = 61) -> FrameBuilder {
            Ethernet().ipv4(.server, .client, ttl: ttl, identification: 0).echo(
                reply: true, identifier: 7, sequence: sequence)
        }
        #expect(try isDuplicate(echo(1), echo(1, ttl: 60)))
        // A flood of pings with one identifier.
        #expect(try !isDuplicate(echo(1), echo(2)))
        #expect(try !isDuplicate(echo(1), echo(2, ttl: 60)))
    }

    @Test("IPv6: acknowledgements sent twice are two; the same from a hop farther is one")
    func duplicateAcknowledgements() throws {
        func ack(_ hopLimit: UInt8, _ mac: MACAddress) -> FrameBuilder {
            Ethernet(source: mac).ipv6(.server6, .client6, hopLimit: hopLimit, flowLabel: 5)
                .tcp(22, 50_992, seq: 9, ack: 1, flags: .ack, window: 500)
        }
        var packets = DuplicateFilter(seed: 1)
        // A copy of something else has made it look at all packets.
        for ttl in [62, 61] as [UInt8] {
            let echo = Ethernet().ipv4(.server, .client, ttl: ttl, identification: 0).echo(
                reply: true, identifier: 7, sequence: 1)
            _ = packets.isDuplicate(try Self.packet(echo, at: Story.start).record, now: Story.start)
        }
        for (number, (hops, mac, isDuplicate)) in [
            (61, Self.before, false), (60, Self.after, true), (61, Self.before, false), (60, Self.after, true),
        ].enumerated() {
            let time = Story.start + UInt64(number) * 100_000
            let answer = packets.isDuplicate(try Self.packet(ack(UInt8(hops), mac), at: time).record, now: time)
            #expect(answer == isDuplicate)
        }
    }

    @Test("UDP has no numbers: only a hop less from another next hop is a copy, where there is no IP-ID")
    func datagrams() throws {
        func isDuplicate(_ id: UInt16, _ ttl: UInt8, _ mac: MACAddress) throws -> Bool {
            var packets = DuplicateFilter(seed: 1)
            var answers: [Bool] = []
            for (ttl, mac) in [(62, Self.before), (ttl, mac)] as [(UInt8, MACAddress)] {
                let frame = Ethernet(source: mac).ipv4(.server, .client, ttl: ttl, identification: id).udp(53, 5000)
                // Whatever is a sample: it is looked at once a copy was seen.
                for ttl in [62, 61] as [UInt8] {
                    let echo = Ethernet().ipv4(.server, .client, ttl: ttl, identification: 0).echo(
                        reply: true, identifier: 7, sequence: 1)
                    _ = packets.isDuplicate(try Self.packet(echo, at: Story.start).record, now: Story.start)
                }
                answers.append(packets.isDuplicate(try Self.packet(frame, at: Story.start).record, now: Story.start))
            }
            #expect(answers.first == false)
            return answers.last == true
        }
        #expect(try isDuplicate(0, 61, Self.after))
        #expect(try isDuplicate(9, 61, Self.before))
        #expect(try isDuplicate(9, 62, Self.after))
        #expect(try isDuplicate(9, 62, Self.before))
        #expect(try !isDuplicate(0, 62, Self.before))
        #expect(try !isDuplicate(0, 61, Self.before))
        #expect(try !isDuplicate(0, 62, Self.after))
    }

    @Test("Bulk is looked at once copies were seen, and found by samples where there is nothing else")
    func bulk() throws {
        var packets = DuplicateFilter(seed: 1)
        var copies = 0
        for number in 0..<1000 as Range<UInt32> {
            for (ttl, mac) in [(61, Self.before), (60, Self.after)] as [(UInt8, MACAddress)] {
                let frame = Ethernet(source: mac).ipv4(.server, .client, ttl: ttl, identification: 0)
                    .tcp(22, 50_992, seq: number * 1448, ack: 1, flags: .ack, window: 500).payload("x")
                let time = Story.start + UInt64(number) * 10_000
                if packets.isDuplicate(try Self.packet(frame, at: time).record, now: time) { copies += 1 }
            }
        }
        #expect((950...1000).contains(copies))
    }
}
