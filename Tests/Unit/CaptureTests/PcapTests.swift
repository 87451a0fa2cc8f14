// SPDX-License-Identifier: Apache-2.0
import CPacket
import Capture
import Fixtures
import Packets
import Testing

@Suite("pcap files")
struct PcapTests {
    @Test("Byte orders and resolutions", arguments: [false, true])
    func variants(isBigEndian: Bool) throws {
        let variants: [(magic: UInt32, time: UInt64)] = [
            (0xa1b2_c3d4, 7_000_123_000), (0xa1b2_3c4d, 7_000_000_123), (0xa1b2_cd34, 7_000_123_000),
        ]
        for variant in variants {
            var builder = PcapBuilder(magic: variant.magic, isBigEndian: isBigEndian)
            builder.packet(SampleFrame.reset(seq: 5), seconds: 7, fraction: 123)
            builder.packet(SampleFrame.arp, seconds: 8)
            builder.packet(SampleFrame.reset(seq: 6), seconds: 9)
            let reading = try CaptureReading(builder.bytes)
            #expect(reading.error == nil)
            #expect(reading.seqs == [5, 6])
            #expect(reading.packets.map(\.frame) == [1, 3])
            #expect(reading.packets.first?.time == variant.time)
            #expect(reading.packets.first?.hasHeaders == true)
            #expect(reading.counters.frames == 3)
            #expect(reading.counters[PACKET_REFUSED_NOT_IP] == 1)
        }
        // A magic number that is off by one bit is no capture.
        let reading = try CaptureReading(PcapBuilder(magic: 0xa1b2_c3d5, isBigEndian: isBigEndian).bytes)
        #expect(reading.error?.code == .badInput)
    }

    @Test("The modified format knows interface and direction")
    func modified() throws {
        var builder = PcapBuilder(magic: 0xa1b2_cd34)
        builder.packet(SampleFrame.reset(), packetType: 0)
        builder.packet(SampleFrame.reset(), packetType: 4)
        #expect(try CaptureReading(builder.bytes).packets.map(\.interface) == [3, 0x83])
    }

    @Test("Times that go backwards do not move the watermark back")
    func backwards() throws {
        var builder = PcapBuilder()
        for index in 0..<1000 as Range<UInt32> {
            builder.packet(SampleFrame.reset(seq: index), seconds: 2000 - index)
        }
        let reading = try CaptureReading(builder.bytes)
        #expect(reading.seqs == Array(0..<1000))
        #expect(reading.watermarks.count >= 2)
        #expect(reading.watermarks.allSatisfy { $0 == 2_000_000_000_000 })
    }

    @Test("A file without packets is a capture")
    func headerOnly() throws {
        let reading = try CaptureReading(PcapBuilder().bytes)
        #expect(reading.error == nil)
        #expect(reading.counters.frames == 0)
    }

    @Test("Cut anywhere: what came before is delivered, then an error tells the offset")
    func cut() throws {
        var builder = PcapBuilder()
        var ends = [builder.bytes.count]
        for index in 0..<3 as Range<UInt32> {
            builder.packet(SampleFrame.reset(seq: index))
            ends.append(builder.bytes.count)
        }
        for length in 1..<builder.bytes.count {
            let reading = try CaptureReading(Array(builder.bytes.prefix(length)))
            let complete = ends.filter { $0 <= length }
            #expect(reading.packets.count == max(complete.count - 1, 0))
            if ends.contains(length) {
                #expect(reading.error == nil)
            } else {
                #expect(reading.error?.code == .badInput)
                if length > 24, let last = complete.last {
                    #expect(reading.error?.problem.contains("begins at byte \(last)") == true)
                    #expect(reading.error?.problem.contains("at byte \(length)") == true)
                }
            }
        }
    }

    @Test("Lengths that no packet has", arguments: [262_145, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff as UInt32])
    func hostileLength(length: UInt32) throws {
        var builder = PcapBuilder()
        builder.packet(SampleFrame.reset(seq: 1))
        let place = builder.bytes.count
        builder.packet(SampleFrame.reset(seq: 2), captured: length)
        let reading = try CaptureReading(builder.bytes)
        #expect(reading.seqs == [1])
        #expect(reading.error?.code == .badInput)
        #expect(reading.error?.problem.contains("byte \(place)") == true)
        #expect(reading.error?.problem.contains("\(length)") == true)
    }

    @Test("The longest packet, and one of no length")
    func extremes() throws {
        var builder = PcapBuilder()
        builder.packet([])
        builder.packet(SampleFrame.reset(seq: 2) + [UInt8](repeating: 0, count: 262_144 - SampleFrame.reset().count))
        builder.packet(SampleFrame.reset(seq: 3), original: 9)
        let reading = try CaptureReading(builder.bytes)
        #expect(reading.error == nil)
        #expect(reading.seqs == [2, 3])
        #expect(reading.counters[PACKET_REFUSED_TRUNCATED_LINK] == 1)
    }

    @Test("The largest times do not trap")
    func hostileTime() throws {
        for magic in [0xa1b2_c3d4, 0xa1b2_3c4d] as [UInt32] {
            var builder = PcapBuilder(magic: magic)
            builder.packet(SampleFrame.reset(), seconds: .max, fraction: .max)
            let reading = try CaptureReading(builder.bytes)
            #expect((reading.packets.first?.time ?? 0) > UInt64(UInt32.max) * 1_000_000_000)
            #expect((reading.packets.first?.time ?? .max) <= UInt64(Int64.max))
        }
    }
}
