// SPDX-License-Identifier: Apache-2.0
import Annotation
import Capture
import Diagnosis
import Fixtures
import Foundation
import Packets
import Testing

@Suite("Annotated files")
struct AnnotationTests {
    @Test("The reset of a device has its verdict, in the words of the first line")
    func foundingCase() throws {
        let sample = SampleCapture()
        let annotated = try Annotated(sample.pcapng())
        let blocks = try Blocks(annotated.bytes)
        let packets = blocks.all.filter { $0.type == 6 }
        let comment = try #require(packets[sample.resetFrame - 1].comments.first)
        #expect(comment.hasPrefix("Reset by a device at hop 2, not by 10.4.0.2 (hop 4): rejected, very likely\n"))
        #expect(comment.contains("\nNext step: "))
        #expect(comment.contains("\nEvidence ttl_host: "))
        #expect(blocks.comments.count == 1)
        #expect(annotated.result.hasProblem)
        #expect(annotated.result.packets == UInt64(sample.frames.count))
    }

    @Test("Beside it: the host's own reset is told as the host's")
    func ownReset() throws {
        let annotated = try Annotated(SampleCapture(resetTTL: 61).pcapng())
        let comment = try #require(try Blocks(annotated.bytes).comments.first)
        #expect(comment.hasPrefix("Reset by 10.4.0.2 (hop 4) itself: port closed"))
        #expect(!annotated.result.hasProblem)
    }

    @Test("Without a reset nothing is added")
    func nothing() throws {
        var sample = SampleCapture()
        sample.frames.removeLast()
        let capture = sample.pcapng()
        #expect(try Annotated(capture).bytes == capture)
    }

    @Test("Every block and option of pcapng stays, in sections of either byte order", arguments: [false, true])
    func everyBlock(isBigEndian: Bool) throws {
        let capture = Self.mixed(isBigEndian: isBigEndian)
        let annotated = try Annotated(capture)
        let (before, after) = (try Blocks(capture), try Blocks(annotated.bytes))
        #expect(before == after)
        // The second section has the same packets again, which are no second reset.
        #expect(after.comments.count == 1)
        #expect(try Annotated.packets(annotated.bytes) == Annotated.packets(capture))
    }

    /// Two sections with several interfaces, blocks that nobody reads, options, comments, and a packet that is cut.
    private static func mixed(isBigEndian: Bool) -> [UInt8] {
        let sample = SampleCapture(payload: String(repeating: "x", count: 301))
        var builder = PcapngBuilder()
        for section in [isBigEndian, !isBigEndian] {
            builder.section(isBigEndian: section, length: section ? -1 : 4711)
            builder.interface(options: [(2, Array("eth0".utf8)), (9, [9])])
            builder.interface(link: 113, snapLength: 90, options: [(9, [6]), (3, Array("odd".utf8))])
            // Decryption secrets, statistics, a block of the future.
            builder.block(10) { $0.append(padded: [UInt8](repeating: 7, count: 5001)) }
            for (index, frame) in sample.frames.enumerated() {
                let options: [PcapngBuilder.Option] =
                    switch index % 3 {
                    case 0: []
                    case 1: [(1, Array("another's comment".utf8)), (2, builder.flags(1))]
                    default: [(4, [1, 2, 3, 4, 5, 6, 7, 8]), (2989, [1, 2, 3])]
                    }
                builder.enhanced(
                    frame.bytes.prefix(96).map { $0 }, ticks: frame.time, original: UInt32(frame.bytes.count),
                    options: options)
                builder.block(5) { $0.append(UInt64(index)) }
            }
            builder.block(0x4000_0bad) { $0.append(UInt64.max) }
        }
        return builder.bytes
    }

    @Test("A simple packet gets a time and options with its comment; an obsolete one keeps its form")
    func oldBlocks() throws {
        let sample = SampleCapture()
        var builder = PcapngBuilder()
        builder.section()
        builder.interface(options: [(9, [9])])
        for frame in sample.frames.dropLast() { builder.obsolete(frame.bytes, ticks: frame.time) }
        let reset = try #require(sample.frames.last)
        builder.simple(reset.bytes)
        let annotated = try Annotated(builder.bytes)
        let last = try #require(try Blocks(annotated.bytes).all.last)
        #expect(last.type == 6 && last.comments.count == 1)
        #expect(try Annotated.packets(annotated.bytes) == Annotated.packets(builder.bytes))
        #expect(
            try Blocks(annotated.bytes).all.map(\.type) == [0x0a0d_0d0a, 1] + sample.frames.dropLast().map { _ in 2 }
                + [6])
    }

    @Test(
        "Classic files of all kinds keep packets, times, lengths and direction",
        arguments: [0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34] as [UInt32], [false, true])
    func pcap(magic: UInt32, isBigEndian: Bool) throws {
        let sample = SampleCapture()
        var builder = PcapBuilder(magic: magic, isBigEndian: isBigEndian)
        for (index, frame) in sample.frames.enumerated() {
            builder.packet(
                frame.bytes, seconds: 1_767_225_600, fraction: UInt32(index * 1000 + 7),
                original: UInt32(frame.bytes.count + 100), packetType: index % 2 == 0 ? 4 : 0)
        }
        let annotated = try Annotated(builder.bytes)
        #expect(try Annotated.packets(annotated.bytes) == Annotated.packets(builder.bytes))
        #expect(try Blocks(annotated.bytes).comments.count == 1)
    }

    @Test("Compressed captures are written uncompressed")
    func compressed() throws {
        let sample = SampleCapture()
        let annotated = try Annotated(Compression.gzip(sample.pcapng()))
        #expect(try Blocks(annotated.bytes) == Blocks(sample.pcapng()))
    }

    @Test("What a cut or damaged capture has before that place is written, and the damage is told")
    func damaged() throws {
        let sample = SampleCapture()
        for capture in [sample.pcap(), sample.pcapng(), SampleCapture().pcapng(isBigEndian: true)] {
            let whole = try Annotated.packets(capture)
            let cut = try Annotated(Array(capture.dropLast(9)))
            #expect(cut.result.damage != nil)
            #expect(try Annotated.packets(cut.bytes) == Array(whole.dropLast()))
            var damaged = capture
            // The length of the packet before the last one.
            damaged.append(contentsOf: [UInt8](repeating: 0xee, count: 400))
            let before = try Annotated(damaged)
            #expect(before.result.damage != nil)
            #expect(try Annotated.packets(before.bytes) == whole)
            #expect(try Blocks(before.bytes).comments.count == 1)
        }
    }

    @Test("A block that is longer than what is read at once goes through, with its comment")
    func longBlock() throws {
        let sample = SampleCapture()
        var builder = PcapngBuilder()
        builder.section()
        builder.interface(options: [(9, [9])])
        let notes = (0..<12).map { _ in PcapngBuilder.Option(1, [UInt8](repeating: 0x61, count: 60_001)) }
        for (index, frame) in sample.frames.enumerated() {
            builder.enhanced(frame.bytes, ticks: frame.time, options: index + 1 == sample.resetFrame ? notes : [])
        }
        builder.block(10) { $0.append(padded: [UInt8](repeating: 7, count: 3 << 20)) }
        let annotated = try Annotated(builder.bytes)
        #expect(try Blocks(annotated.bytes) == Blocks(builder.bytes))
        #expect(try Blocks(annotated.bytes).comments.count == 1)
        // Cut inside such a block: it is left out as a whole.
        let cut = try Annotated(Array(builder.bytes.dropLast(1 << 20)))
        #expect(cut.result.damage != nil)
        #expect(try Blocks(cut.bytes).all.count == Blocks(builder.bytes).all.count - 1)
        // Through a pipe its comment comes too late, and nothing else changes.
        #expect(try Blocks(try Annotated(stream: builder.bytes).bytes) == Blocks(builder.bytes))
    }

    @Test("Text is refused with a next step")
    func text() throws {
        let error = #expect(throws: CaptureError.self) { _ = try Annotated(Array("10:00:00 IP a > b: tcp".utf8)) }
        #expect(error?.advice.contains("rstwho read") == true)
    }

    @Test("The operator's names become a name resolution block")
    func names() throws {
        var device = KnownDevice(name: "web1")
        device.owner = "team"
        let names = DeviceNames([.init(device: device, mac: nil, address: .server, prefix: nil, hop: nil)])
        for capture in [SampleCapture().pcap(), SampleCapture().pcapng(isBigEndian: true)] {
            let blocks = try Blocks(try Annotated(capture, devices: names).bytes)
            let block = try #require(blocks.all.first { $0.type == 4 })
            #expect(block.body.count == 4 + 12 + 4)
            #expect(String(decoding: block.body, as: UTF8.self).contains("web1\0"))
            #expect(blocks.comments.first?.contains("web1") == true)
        }
        #expect(try !Blocks(try Annotated(SampleCapture().pcap()).bytes).all.contains { $0.type == 4 })
    }

    @Test("An output that cannot be made complete leaves what was there")
    func output() throws {
        let earlier = try ScratchFile(Array("earlier".utf8))
        do {
            let sink = try AnnotationOutput(path: earlier.path)
            sink.write([1, 2, 3])
        }
        #expect(earlier.bytes == Array("earlier".utf8))
        #expect(throws: AnnotationOutput.Failure.self) { _ = try AnnotationOutput(path: "/nonexistent/out.pcapng") }
        let full = try AnnotationOutput(path: "/dev/full")
        full.write([1])
        #expect(throws: AnnotationOutput.Failure.self) { try full.finish() }
        let descriptor = open(earlier.path, O_RDONLY)
        defer { close(descriptor) }
        #expect(AnnotationOutput.isSame(earlier.path, as: descriptor))
        #expect(!AnnotationOutput.isSame("/nonexistent", as: descriptor))
    }
}
