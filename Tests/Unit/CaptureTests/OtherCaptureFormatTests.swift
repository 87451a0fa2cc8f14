// SPDX-License-Identifier: Apache-2.0
import CPacket
import Capture
import Fixtures
import Packets
import Testing

@Suite("Captures of other programs")
struct OtherCaptureFormatTests {
    private static let frames = [SampleFrame.reset(seq: 5), SampleFrame.arp, SampleFrame.reset(seq: 6)]

    private static func little(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    }

    private static func big(_ value: UInt64, _ count: Int) -> [UInt8] { little(value, count).reversed() }

    private static var snoop: [UInt8] {
        var bytes = Array("snoop\0\0\0".utf8) + big(2, 4) + big(4, 4)
        for (index, frame) in frames.enumerated() {
            let padding = (4 - frame.count % 4) % 4
            bytes += big(UInt64(frame.count), 4) + big(UInt64(frame.count), 4)
            bytes += big(UInt64(24 + frame.count + padding), 4) + big(0, 4)
            bytes += big(UInt64(7 + index), 4) + big(123, 4) + frame + [UInt8](repeating: 0, count: padding)
        }
        return bytes
    }

    /// Version 1.1, 2.0 or 2.3, begun on 1970-01-01 at 00:00:07.
    private static func netMon(major: UInt8, minor: UInt8) -> [UInt8] {
        var records: [UInt8] = []
        for (index, frame) in frames.enumerated() {
            let delta = UInt64(index) * 1_000_000 + (major == 1 ? 0 : 123)
            let size = major == 1 ? 2 : 4
            records += major == 1 ? little(delta / 1000, 4) : little(delta, 8)
            records += little(UInt64(frame.count), size) + little(UInt64(frame.count), size) + frame
            if minor == 3 {
                let utc = 116_444_736_000_000_000 + UInt64(7 + index) * 10_000_000 + 1230
                records += little(1, 2) + little(0, 4) + little(utc, 8) + [0]
            }
        }
        var header = Array(major == 1 ? "RTSS".utf8 : "GMBU".utf8) + [minor, major] + little(1, 2)
        for field in [1970, 1, 4, 1, 0, 0, 7, 0] as [UInt64] { header += little(field, 2) }
        header += little(UInt64(128 + records.count), 4) + little(4, 4)
        header += [UInt8](repeating: 0, count: 128 - header.count)
        return header + records + little(128, 4)
    }

    private static var erf: [UInt8] {
        var bytes: [UInt8] = []
        for (index, frame) in frames.enumerated() {
            bytes += little(0, 4) + little(UInt64(1_700_000_000 + index), 4) + [0x82, 1]
            // One extension header, then the offset and padding bytes of an Ethernet record.
            bytes += big(UInt64(16 + 8 + 2 + frame.count), 2) + big(0, 2) + big(UInt64(frame.count), 2)
            bytes += [0x03, 0, 0, 0, 0, 0, 0, 0] + [0, 0] + frame
        }
        return bytes
    }

    /// nstrace with a signature, an absolute time and packets of one record type.
    private static func netScaler(_ signature: String, type: UInt8, header: Int, page: Int) -> [UInt8] {
        var bytes: [UInt8] = [1, UInt8(signature.utf8.count + 4), 0] + Array(signature.utf8) + [0]
        bytes += [7, 8] + little(0, 2) + little(7, 4)
        for (index, frame) in frames.enumerated() {
            let size = header + frame.count
            var record = [type, UInt8(size % 128) | 0x80, UInt8(size / 128), 0]
            let time = UInt64(7 + index) * 1_000_000_000 + 123_000
            record += header < 24 ? little(0x8000_0000 | (index == 0 ? 123 : 1_000_000), 4) : little(time, 8)
            record += [UInt8](repeating: 0, count: header - record.count)
            if type >= 0xac, type <= 0xaf { record[26] = UInt8(header) }
            bytes += record + frame
            // The second packet stands in the next page.
            if index == 0 { bytes += [UInt8](repeating: 0, count: page - bytes.count) }
        }
        return bytes
    }

    static let captures: [(name: String, bytes: [UInt8])] = [
        ("snoop", snoop), ("Network Monitor 1.1", netMon(major: 1, minor: 1)),
        ("Network Monitor 2.0", netMon(major: 2, minor: 0)), ("Network Monitor 2.3", netMon(major: 2, minor: 3)),
        ("ERF", erf),
        ("nstrace 2.0", netScaler("NetScaler V20 Performance Data", type: 0xc2, header: 8, page: 8192)),
        ("nstrace 2.4", netScaler("NetScaler V20 Performance Data", type: 0xfa, header: 29, page: 8192)),
        ("nstrace 3.0", netScaler("Netscaler V30 Performance Data", type: 0xaa, header: 52, page: 16_384)),
        ("nstrace 3.5", netScaler("Netscaler V35 Performance Data", type: 0xae, header: 35, page: 16_384)),
    ]

    @Test("Each format gives the packets that pcap gives", arguments: captures.indices)
    func packets(index: Int) throws {
        let capture = Self.captures[index]
        let reading = try CaptureReading(capture.bytes)
        #expect(reading.error == nil, "\(capture.name)")
        #expect(reading.seqs == [5, 6], "\(capture.name)")
        #expect(reading.packets.map(\.frame) == [1, 3], "\(capture.name)")
        #expect(reading.counters.frames == 3, "\(capture.name)")
        #expect(reading.counters[PACKET_REFUSED_NOT_IP] == 1, "\(capture.name)")
        let first: UInt64 =
            capture.name == "ERF"
            ? 1_700_000_000_000_000_000 : capture.name.hasSuffix("1.1") ? 7_000_000_000 : 7_000_123_000
        #expect(reading.packets.first?.time == first, "\(capture.name)")
    }

    @Test("Cut and damaged captures give what stands before, and no crash", arguments: captures.indices)
    func damaged(index: Int) throws {
        let bytes = Self.captures[index].bytes
        for length in stride(from: 64, to: min(bytes.count, 700), by: 7) {
            let reading = try? CaptureReading(Array(bytes.prefix(length)))
            #expect((reading?.packets.count ?? 0) <= 2)
        }
        var state: UInt64 = 42
        for _ in 0..<400 {
            var damaged = Array(bytes.prefix(1024)) + bytes.suffix(400)
            for _ in 0..<4 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                damaged[Int(state >> 33) % damaged.count] = UInt8(truncatingIfNeeded: state >> 24)
            }
            let reading = try? CaptureReading(damaged)
            #expect((reading?.counters.frames ?? 0) <= UInt64(damaged.count))
        }
    }

    @Test("A file of another kind is named, with the next step")
    func foreign() throws {
        let picture = try CaptureReading(
            [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] + [UInt8](repeating: 0, count: 64))
        #expect(picture.error?.description.contains("picture") == true)
        let archive = try CaptureReading([0x50, 0x4b, 0x03, 0x04] + [UInt8](repeating: 0, count: 64))
        #expect(archive.error?.description.contains("Unpack") == true)
        let noise = try CaptureReading([UInt8](repeating: 0, count: 400))
        #expect(noise.error?.description.contains("neither a capture") == true)
    }
}
