// SPDX-License-Identifier: Apache-2.0
import Capture
import Foundation
import Fixtures
import Packets
import Testing

@Suite("Inputs of captures")
struct CaptureInputTests {
    static func capture(_ count: UInt32) -> [UInt8] {
        var builder = PcapBuilder()
        for index in 0..<count { builder.packet(SampleFrame.reset(seq: index), seconds: 100 + index) }
        return builder.bytes
    }

    @Test("Compressed, in one part and in several", arguments: Compression.allCases)
    func compressed(compress: Compression) throws {
        let bytes = Self.capture(5000)
        #expect(try CaptureReading(compress(bytes)).seqs == Array(0..<5000))
        // Parts meet in the middle of a record; one of them is empty.
        let parts = compress(Array(bytes[..<10_001])) + compress([]) + compress(Array(bytes[10_001...]))
        let reading = try CaptureReading(parts)
        #expect(reading.error == nil)
        #expect(reading.seqs == Array(0..<5000))
    }

    @Test("Compressed and cut: what came before is delivered", arguments: Compression.allCases)
    func compressedAndCut(compress: Compression) throws {
        let compressed = compress(Self.capture(200))
        for length in stride(from: 1, to: compressed.count, by: 3) {
            let reading = try CaptureReading(Array(compressed.prefix(length)))
            #expect(reading.error?.code == .badInput)
            #expect(reading.seqs == Array(0..<UInt32(reading.packets.count)))
        }
        let whole = try CaptureReading(Array(compressed.dropLast()))
        // Only the checksum, or the last block, is cut.
        #expect(whole.error?.problem.contains("\(compressed.count - 1)") == true)
        #expect(compress == .zstd || whole.packets.count == 200)
    }

    @Test("Compressed and damaged, or followed by something else")
    func compressedAndDamaged() throws {
        for compress in Compression.allCases {
            let compressed = compress(Self.capture(500))
            var damaged = compressed
            for place in 10..<80 { damaged[place] ^= 0x55 }
            #expect(try CaptureReading(damaged).error?.code == .badInput)
            let followed = try CaptureReading(compressed + Array("garbage".utf8))
            #expect(followed.packets.count == 500)
            #expect(followed.error?.code == .badInput)
        }
        // gzip may be padded with zeros; zeros and more are garbage.
        let gzip = Compression.gzip(Self.capture(3))
        #expect(try CaptureReading(gzip + [0, 0, 0, 0]).error == nil)
        #expect(try CaptureReading(gzip + [0, 0, 0, 1]).error?.code == .badInput)
        #expect(try CaptureReading(Compression.gzip(gzip)).error?.problem.contains("twice") == true)
        let text = try TemporaryFile.open(Compression.gzip(Array("IP (tos 0x0".utf8))).format
        #expect(text == .text)
    }

    @Test(
        "What was decompressed before a damage is delivered, were it in the same reading",
        arguments: Compression.allCases)
    func damageLater(compress: Compression) throws {
        // Two frames or members; the second one's data are damaged, in the middle of the capture.
        let bytes = Self.capture(4000)
        var second = compress(Array(bytes[(bytes.count / 2)...]))
        for place in 30..<60 { second[place] ^= 0xff }
        let reading = try CaptureReading(compress(Array(bytes[..<(bytes.count / 2)])) + second)
        #expect(reading.error?.code == .badInput)
        #expect(reading.packets.count >= 1999)
        #expect(reading.seqs.prefix(1999).elementsEqual(0..<1999))
    }

    @Test("A bomb: a gigabyte of zeros behind a header ends at the first record that is none")
    func bomb() throws {
        var bytes = PcapBuilder().bytes
        bytes += [UInt8](repeating: 0xff, count: 64 << 20)
        for compress in Compression.allCases {
            let reading = try CaptureReading(compress(bytes))
            #expect(reading.error?.problem.contains("byte 24 of the decompressed data") == true)
        }
    }

    @Test("Not captures: each has its error")
    func notCaptures() throws {
        #expect(try CaptureReading([UInt8]()).error?.problem == "this is empty")
        #expect(try CaptureReading([UInt8]()).error?.code == .badInput)
        for bytes in [[0], [0xd4, 0xc3], [0, 1, 2, 3, 4, 5], [0x7f, 0x45, 0x4c, 0x46, 0]] as [[UInt8]] {
            #expect(try CaptureReading(bytes).error?.code == .badInput)
        }
        #expect(try CaptureReading(.path("/")).error?.code == .badInput)
        #expect(try CaptureReading(.path("/")).error?.problem.contains("directory") == true)
        #expect(try CaptureReading(.path("/nowhere/at all")).error?.code == .notFound)
        // Opens, and every read fails.
        #expect(try CaptureReading(.path("/proc/self/mem")).error?.code == .ioError)
        let text = try TemporaryFile.open(Array("19:04:07.1 IP (tos".utf8)).format
        #expect(text == .text)
    }

    @Test("Formats are told by their first bytes")
    func sniffing() {
        let formats: [([UInt8], CaptureFormat)] = [
            ([0xd4, 0xc3, 0xb2, 0xa1], .pcap), ([0xa1, 0xb2, 0xc3, 0xd4], .pcap), ([0x4d, 0x3c, 0xb2, 0xa1], .pcap),
            ([0xa1, 0xb2, 0x3c, 0x4d], .pcap), ([0x34, 0xcd, 0xb2, 0xa1], .pcap), ([0x0a, 0x0d, 0x0d, 0x0a], .pcapng),
            ([0x1f, 0x8b], .gzip), ([0x28, 0xb5, 0x2f, 0xfd], .zstd), ([0x5f, 0x2a, 0x4d, 0x18], .zstd),
            (Array("19:04".utf8), .text), ([0x0a, 0x0d, 0x0d], .text), ([0xc3, 0xa4, 0x0a], .text), ([], .unknown),
            ([0x41, 0], .unknown), ([0xff, 0xfe, 0x41, 0], .text), ([0xff, 0xfe, 0x41, 0x41], .unknown),
        ]
        for (bytes, format) in formats {
            #expect(bytes.withUnsafeBytes { CaptureFormat(sniffing: $0) } == format, "\(bytes)")
        }
    }

    @Test("Flipped bytes never trap and never give more packets than records", arguments: 0..<4)
    func flipped(seed: UInt64) throws {
        var builder = PcapngBuilder(isBigEndian: seed & 1 == 1)
        builder.section()
        builder.interface(options: [(9, [9]), (2, Array("a".utf8))])
        for index in 0..<20 as Range<UInt32> {
            builder.enhanced(SampleFrame.reset(seq: index), options: [(2, builder.flags(2))])
        }
        let original = seed < 2 ? builder.bytes : Self.capture(20)
        var random = SystemIndependentRandom(state: seed &+ 1)
        for _ in 0..<150 {
            var bytes = original
            for _ in 0..<4 {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            let reading = try CaptureReading(bytes)
            #expect(reading.packets.count <= original.count / 16)
            #expect(reading.error == nil || reading.error?.code == .badInput)
        }
    }
}

/// The same numbers on every run (SplitMix64).
struct SystemIndependentRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
