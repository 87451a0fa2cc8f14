// SPDX-License-Identifier: Apache-2.0
import CPacket
import Capture
import Fixtures
import Foundation
import Packets
import Testing

/// Files that are long enough to be read on threads of their own.
@Suite("Captures read ahead")
struct CaptureReadAheadTests {
    private static let count: UInt32 = 20_000

    /// 3 MB that cannot be compressed below half of that: each frame has a trailer of arbitrary bytes.
    private static let long: [UInt8] = {
        var builder = PcapBuilder()
        var random = SystemRandomNumberGenerator()
        for index in 0..<count {
            let trailer = (0..<10).flatMap { _ in withUnsafeBytes(of: random.next()) { Array($0) } }
            builder.packet(SampleFrame.reset(seq: index) + trailer, seconds: 100 + index)
        }
        return builder.bytes
    }()

    @Test("Every packet once, in order, with its number and time; watermarks go on")
    func order() throws {
        let reading = try CaptureReading(Self.long)
        #expect(reading.error == nil)
        #expect(reading.seqs == Array(0..<Self.count))
        #expect(reading.packets.map(\.frame) == Array(1...UInt64(Self.count)))
        #expect(reading.packets.last?.time == (100 + UInt64(Self.count) - 1) * 1_000_000_000)
        let isWhole = reading.packets.allSatisfy { $0.hasHeaders }
        #expect(isWhole)
        #expect(reading.watermarks == reading.watermarks.sorted())
        #expect(reading.counters.frames == UInt64(Self.count))
    }

    @Test("Compressed: a thread more, the same packets", arguments: Compression.allCases)
    func compressed(compress: Compression) throws {
        let compressed = compress(Self.long)
        #expect(compressed.count > 1 << 20)
        let reading = try CaptureReading(compressed)
        #expect(reading.error == nil)
        #expect(reading.seqs == Array(0..<Self.count))
    }

    @Test("Cut or damaged: what came before is delivered, then the error comes", arguments: Compression.allCases)
    func damaged(compress: Compression) throws {
        let cut = try CaptureReading(Array(Self.long.dropLast(7)))
        #expect(cut.error?.problem.contains("cut off") == true)
        #expect(cut.seqs == Array(0..<Self.count - 1))
        var compressed = compress(Self.long)
        let short = try CaptureReading(Array(compressed.dropLast(compressed.count / 8)))
        #expect(short.error?.problem.contains("too early") == true)
        #expect(short.packets.count > Int(Self.count) / 2)
        #expect(short.seqs == Array(0..<UInt32(short.packets.count)))
        let middle = compressed.count * 3 / 4
        for place in middle..<middle + 64 { compressed[place] ^= 0xff }
        let reading = try CaptureReading(compressed)
        // What zstd could not compress it does not check.
        #expect(compress == .zstd || reading.error?.code == .badInput)
        #expect(reading.packets.count > Int(Self.count) / 2)
    }

    @Test("What is made of the packets on the way comes with them")
    func hashing() throws {
        var file = try TemporaryFile.open(Self.long)
        var seen = 0
        let hashing: PacketHashing = { packets, hashes in
            for (index, packet) in packets.enumerated() {
                hashes[index] = PacketHashes(flow: UInt64(packet.record.seq), host: packet.frame, sourceIsHigh: true)
            }
        }
        try file.read(hashing: hashing) { batch in
            guard let hashes = batch.hashes else { return }
            for (index, packet) in batch.packets.enumerated() {
                let isOfPacket = hashes[index].flow == UInt64(packet.record.seq) && hashes[index].host == packet.frame
                seen += isOfPacket ? 1 : 0
            }
        }
        #expect(seen == Int(Self.count))
        var other = try TemporaryFile.open(Self.long)
        try other.read { batch in #expect(batch.hashes == nil) }
    }

    @Test("Who wants no more gets no more, and the file can go", arguments: [1, 2, 30])
    func abandoned(batches: Int) throws {
        struct Enough: Error {}
        for bytes in [Self.long, Compression.gzip(Self.long)] {
            var file = try TemporaryFile.open(bytes)
            var seen = 0
            #expect(throws: Enough.self) {
                try file.read { _ in
                    seen += 1
                    if seen == batches { throw Enough() }
                }
            }
            #expect(seen == batches)
        }
        // Opened, and never read.
        _ = try TemporaryFile.open(Compression.gzip(Self.long))
    }
}
