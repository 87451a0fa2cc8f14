// SPDX-License-Identifier: Apache-2.0
import Annotation
import Fixtures
import Foundation
import Packets
import Testing

@Suite("Annotated streams")
struct AnnotatedStreamTests {
    @Test("A pipe gives the same as the file, whatever the pieces", arguments: [7, 1000, 1 << 16])
    func same(pieces: Int) throws {
        for capture in [SampleCapture().pcap(), SampleCapture().pcapng(isBigEndian: true)] {
            let streamed = try Annotated(stream: capture, pieces: pieces)
            let file = try Annotated(capture)
            #expect(try Annotated.packets(streamed.bytes) == Annotated.packets(file.bytes))
            #expect(try Blocks(streamed.bytes).comments == Blocks(file.bytes).comments)
            #expect(streamed.result.late == 0 && streamed.result.hurried == 0)
        }
    }

    @Test("A verdict that comes after the settle time goes on the next packet of the host, and says so")
    func late() throws {
        // Nothing tells how far away the host is, until it answers a ping ten seconds later.
        var sample = SampleCapture(pings: 0)
        for number in 0..<6 as Range<UInt16> { sample.ping(number, after: number == 0 ? 10_000_000_000 : 1_000_000) }
        var beginning = sample
        beginning.frames = Array(sample.frames.prefix(sample.resetFrame + 1))
        let annotated = try Annotated(stream: sample.pcapng(), pause: beginning.pcapng().count)
        let packets = try Blocks(annotated.bytes).all.filter { $0.type == 6 }
        let first = try #require(packets[sample.resetFrame - 1].comments.first)
        #expect(first.hasPrefix("Reset by an undetermined sender"))
        let later = packets.dropFirst(sample.resetFrame).flatMap(\.comments)
        #expect(later.count == 1)
        #expect(
            later.first?.hasPrefix("Late verdict on frame \(sample.resetFrame): Reset by a device at hop 2") == true)
        #expect(later.first?.contains("had been handed on") == true)
        #expect(annotated.result.late == 1 && annotated.result.leftOut == 0)
        #expect(try Blocks(annotated.bytes) == Blocks(sample.pcapng()))
        // The file has the last word at once.
        let comments = try Blocks(try Annotated(sample.pcapng()).bytes).comments
        #expect(comments.count == 1 && comments.first?.hasPrefix("Reset by a device at hop 2") == true)
    }

    @Test("A revision that comes while the packet is held takes the place of the earlier verdict")
    func revised() throws {
        var sample = SampleCapture(pings: 0)
        for number in 0..<6 as Range<UInt16> { sample.ping(number, after: number == 0 ? 10_000_000_000 : 1_000_000) }
        let comments = try Blocks(try Annotated(stream: sample.pcapng()).bytes).comments
        #expect(comments.count == 1 && comments.first?.hasPrefix("Reset by a device at hop 2") == true)
    }

    @Test("More than is held goes on before its verdict, is counted, and loses no packet")
    func overflow() throws {
        var sample = SampleCapture()
        for number in 0..<200 as Range<UInt16> { sample.ping(number + 10, after: 1000) }
        let annotated = try Annotated(stream: sample.pcapng(), byteLimit: 4096, pieces: 512)
        #expect(annotated.result.hurried > 0)
        #expect(try Blocks(annotated.bytes) == Blocks(sample.pcapng()))
        #expect(annotated.result.packets == UInt64(sample.frames.count))
        // Its verdict comes at the end of the stream, when no packet is left: it is counted.
        #expect(annotated.result.comments + annotated.result.leftOut == 1)
    }

    @Test("A stream that is cut ends with its last whole packet")
    func cut() throws {
        let capture = SampleCapture().pcapng()
        let annotated = try Annotated(stream: Array(capture.dropLast(5)))
        #expect(annotated.result.damage != nil)
        #expect(annotated.result.packets == UInt64(SampleCapture().frames.count - 1))
    }
}
