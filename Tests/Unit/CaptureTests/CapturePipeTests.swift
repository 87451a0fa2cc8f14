// SPDX-License-Identifier: Apache-2.0
import CPacket
import Capture
import Foundation
import Fixtures
import Packets
import Testing

/// A pipe whose writing end is the test's.
struct TestPipe {
    let reading: Int32
    let writing: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw POSIXError(.EMFILE) }
        reading = ends[0]
        writing = ends[1]
    }

    var origin: CaptureFile.Origin { .descriptor(reading, name: "pipe") }

    func write(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.write(writing, $0.baseAddress.map { $0 + sent }, bytes.count - sent)
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// Writes `bytes` in pieces of `size` from a thread of its own, then closes.
    func writeInPieces(_ bytes: [UInt8], of size: Int) {
        let thread = Thread {
            for start in stride(from: 0, to: bytes.count, by: size) {
                write(bytes[start..<min(start + size, bytes.count)])
            }
            close(writing)
        }
        thread.start()
    }
}

@Suite("Captures through pipes")
struct CapturePipeTests {
    @Test("Whatever the pieces, the packets are the same", arguments: [1, 3, 7, 100, 4096, 1 << 20])
    func pieces(size: Int) throws {
        var builder = PcapngBuilder()
        builder.section()
        builder.interface()
        for index in 0..<1500 as Range<UInt32> {
            builder.enhanced(SampleFrame.reset(seq: index))
            if index % 100 == 0 { builder.block(5) { $0.append(UInt64(0)) } }
        }
        for bytes in [builder.bytes, CaptureInputTests.capture(1500), Compression.gzip(builder.bytes)] {
            let pipe = try TestPipe()
            pipe.writeInPieces(bytes, of: size)
            let reading = try CaptureReading(pipe.origin)
            #expect(reading.error == nil)
            #expect(reading.seqs == Array(0..<1500))
        }
    }

    @Test("A packet is handed over while the pipe is open, then ticks move time on")
    func live() throws {
        let pipe = try TestPipe()
        let bytes = CaptureInputTests.capture(2)
        let middle = 24 + (bytes.count - 24) / 2
        pipe.write(bytes[..<middle])
        var file = try CaptureFile.open(pipe.origin)
        let isLive = file.isLive
        #expect(isLive)
        var seqs: [UInt32] = []
        var ticks: [UInt64] = []
        try file.read { batch in
            seqs += batch.packets.map(\.record.seq)
            guard batch.packets.isEmpty else { return }
            ticks.append(batch.watermark)
            // What follows is written only after packet and ticks came: it cannot have been waited for.
            if ticks.count == 2 {
                #expect(seqs == [0])
                pipe.write(bytes[middle...])
            } else if ticks.count == 3 {
                #expect(seqs == [0, 1])
                close(pipe.writing)
            }
        }
        #expect(seqs == [0, 1])
        #expect(ticks.count == 3)
        #expect(ticks == ticks.sorted())
        // The first packet is of second 100, the second of 101, and a tick comes after 200 ms.
        #expect((ticks.first ?? 0) >= 100_150_000_000)
        #expect((ticks.first ?? 0) < 101_000_000_000 || (ticks.first ?? 0) < (ticks.last ?? 0))
        #expect((ticks.last ?? 0) >= 101_150_000_000)
    }

    @Test("A file that is being written is read until its writer closes it")
    func growing() throws {
        let bytes = CaptureInputTests.capture(2)
        let middle = 24 + (bytes.count - 24) / 2
        // Half of the second record is already there.
        let target = try TemporaryFile(Array(bytes[..<(middle + 20)]))
        let writer = try #require(FileHandle(forWritingAtPath: target.path))
        try writer.seekToEnd()
        var file = try CaptureFile.open(.path(target.path))
        let isLive = file.isLive
        #expect(isLive)
        var seqs: [UInt32] = []
        var ticks = 0
        try file.read { batch in
            seqs += batch.packets.map(\.record.seq)
            guard batch.packets.isEmpty else { return }
            ticks += 1
            if ticks == 2 {
                #expect(seqs == [0])
                try writer.write(contentsOf: bytes[(middle + 20)...])
                try writer.close()
            }
        }
        #expect(seqs == [0, 1])
        #expect(ticks >= 2)
        // Nobody writes to it any more: it ends where it ends.
        let again = try CaptureReading(.path(target.path))
        #expect(again.seqs == [0, 1])
        #expect(again.watermarks.count == 1)
    }

    @Test("An error of whoever takes the packets ends the reading")
    func stopped() throws {
        struct Stop: Error {}
        var file = try TemporaryFile.open(CaptureInputTests.capture(2000))
        let isLive = file.isLive
        #expect(!isLive)
        var batches = 0
        #expect(throws: Stop.self) {
            try file.read { _ in
                batches += 1
                throw Stop()
            }
        }
        #expect(batches == 1)
    }

    @Test("A pipe that closes without a word, and one that closes in mid-record")
    func closed() throws {
        let silent = try TestPipe()
        close(silent.writing)
        #expect(try CaptureReading(silent.origin).error?.problem == "this is empty")
        let cut = try TestPipe()
        cut.writeInPieces(CaptureInputTests.capture(10).dropLast(), of: 50)
        let reading = try CaptureReading(cut.origin)
        #expect(reading.packets.count == 9)
        #expect(reading.error?.problem.contains("cut off") == true)
    }
}
