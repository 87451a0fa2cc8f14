// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Comparing captures: hostile ones")
struct ComparisonHostileTests {
    /// A capture of `count` packets that `make` fills in.
    private static func capture(
        _ name: String, _ count: Int, capacity: Int = 1 << 20, _ make: (Int, inout ObservedPacket) -> Void
    ) -> ComparedCapture {
        let capture = ComparedCapture(name: name, seed: 3, capacity: capacity)
        guard
            let record = Ethernet().ipv4(.client, .server, ttl: 64, identification: 0)
                .tcp(50_992, 22, seq: 1, flags: .syn).parsed().record
        else { return capture }
        let packets = (0..<count).map { number in
            var packet = observed_packet(
                record: record, time: PointStory.start + UInt64(number) * 1000, frame: UInt64(number + 1), headers: nil)
            make(number, &packet)
            return packet
        }
        packets.withUnsafeBufferPointer { capture.add($0, upTo: packets.last?.time ?? 0) }
        return capture
    }

    @Test("Equal packets by the hundred thousand take no quadratic time", .timeLimit(.minutes(1)))
    func equalPackets() {
        let left = Self.capture("a", 100_000) { _, _ in }
        let right = Self.capture("b", 70_000) { number, packet in
            packet.record.ttl = 62
            packet.time += UInt64(number) * 500
        }
        let comparison = Comparison([left, right], resets: [[:], [:]], seed: 3)
        #expect(comparison.points[0].packets == 100_000)
        #expect(comparison.points[1].shared > 0)
    }

    @Test("A flood of SYNs from everywhere", .timeLimit(.minutes(1)))
    func flood() {
        func spoof(_ number: Int, _ packet: inout ObservedPacket) {
            packet.record.src_low = 0xffff_0a00_0000 | UInt64(number)
            packet.record.seq = UInt32(truncatingIfNeeded: number &* 2_654_435_761)
        }
        let left = Self.capture("a", 100_000, spoof)
        let right = Self.capture("b", 100_000) { number, packet in
            spoof(number, &packet)
            packet.record.ttl = 63
            packet.time += 1_000_000
        }
        let comparison = Comparison([left, right], resets: [[:], [:]], seed: 3)
        #expect(comparison.leg(0, 1)?.passed[.syn] == 100_000)
        #expect(comparison.findings.isEmpty)
    }

    @Test("One five-tuple opened again and again", .timeLimit(.minutes(1)))
    func openings() {
        func open(_ number: Int, _ packet: inout ObservedPacket) {
            packet.record.seq = UInt32(truncatingIfNeeded: number &* 2_654_435_761)
        }
        let left = Self.capture("a", 50_000, open)
        let right = Self.capture("b", 50_000) { number, packet in
            open(number, &packet)
            packet.record.seq &+= UInt32(truncatingIfNeeded: number)
            packet.record.ttl = 63
        }
        let comparison = Comparison([left, right], resets: [[:], [:]], seed: 3)
        #expect(comparison.points.count == 2)
    }

    @Test("Overlapping segments with every length", .timeLimit(.minutes(1)))
    func overlaps() {
        func data(_ number: Int, _ packet: inout ObservedPacket, step: UInt32) {
            packet.record.flags = TCPFlags.ack.rawValue
            packet.record.seq = UInt32(number) &* step
            packet.record.payload_length = UInt16(truncatingIfNeeded: 65_535 - number)
        }
        let left = Self.capture("a", 20_000) { data($0, &$1, step: 1) }
        let right = Self.capture("b", 20_000) { number, packet in
            data(number, &packet, step: 3)
            packet.record.ttl = 63
        }
        let comparison = Comparison([left, right], resets: [[:], [:]], seed: 3)
        #expect(comparison.points[0].packets == 20_000)
    }

    @Test("Times of any kind", arguments: [0, 1, UInt64.max, 1 << 63, UInt64.max / 2])
    func times(time: UInt64) {
        let left = Self.capture("a", 100) { number, packet in
            packet.record.seq = UInt32(number)
            packet.time = number % 2 == 0 ? time : PointStory.start
        }
        let right = Self.capture("b", 100) { number, packet in
            packet.record.seq = UInt32(number)
            packet.record.ttl = 63
            packet.time = number % 3 == 0 ? time : PointStory.start / 2
        }
        let comparison = Comparison([left, right], resets: [[:], [:]], seed: 3)
        #expect(comparison.leg(0, 1)?.passed.total == 100)
    }

    @Test("Packets beyond the capacity are counted, and the capture ends before them")
    func capacity() {
        let capture = Self.capture("a", 100, capacity: 60) { number, packet in packet.record.seq = UInt32(number) }
        #expect(capture.packetCount == 60)
        #expect(capture.refused == 40)
        #expect(capture.lastTime == PointStory.start + 59_000)
    }

    @Test("Empty captures")
    func empty() {
        let empty = Comparison(
            [Self.capture("a", 0) { _, _ in }, Self.capture("b", 0) { _, _ in }], resets: [[:], [:]], seed: 3)
        #expect(empty.unrelatedPoints == [0, 1])
        #expect(empty.legs.isEmpty)
    }
}
