// SPDX-License-Identifier: Apache-2.0
import Annotation
import CPacket
import Capture
import Diagnosis
import Foundation
import Packets

/// The result of annotating a capture.
struct Annotated {
    var bytes: [UInt8]
    var result: CaptureAnnotator.Result

    /// As a file.
    init(_ capture: [UInt8], devices: DeviceNames = DeviceNames()) throws {
        var options = Engine.Options()
        options.devices = devices
        let (input, output) = (try ScratchFile(capture), try ScratchFile())
        let descriptor = open(input.path, O_RDONLY)
        defer { close(descriptor) }
        let sink = try AnnotationOutput(path: output.path)
        let annotator = CaptureAnnotator(options: options, application: "rstwho test")
        result = try annotator.annotate(file: descriptor, name: "capture", to: sink)
        try sink.finish()
        bytes = output.bytes
    }

    /// Through a pipe.
    ///
    /// - `pause`: the offset before which the writer waits until what it has written was read.
    init(
        stream capture: [UInt8], settle: UInt64 = 2_000_000_000, byteLimit: Int = 64 << 20, pieces: Int = 1 << 16,
        pause: Int? = nil
    ) throws {
        var options = Engine.Options()
        options.settleTime = settle
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw POSIXError(.EMFILE) }
        let writing = ends[1]
        Thread {
            var start = 0
            while start < capture.count {
                var end = min(start + pieces, capture.count)
                if let pause, start < pause { end = min(end, pause) }
                if start == pause { usleep(100_000) }
                guard write(writing, Array(capture[start..<end]), end - start) == end - start else { break }
                start = end
            }
            close(writing)
        }.start()
        var file = try CaptureFile.open(.descriptor(ends[0], name: "pipe"))
        let output = try ScratchFile()
        let sink = try AnnotationOutput(path: output.path)
        let annotator = CaptureAnnotator(options: options, application: "rstwho test")
        result = try annotator.annotate(stream: &file, name: "pipe", to: sink, byteLimit: byteLimit)
        try sink.finish()
        bytes = output.bytes
    }

    /// The packets as the project's own reader sees them.
    static func packets(_ capture: [UInt8]) throws -> [Packet] {
        let file = try ScratchFile(capture)
        var reader = try CaptureFile.open(.path(file.path))
        var packets: [Packet] = []
        try reader.read { batch in
            packets += batch.packets.map { packet in
                Packet(
                    time: packet.time, frame: packet.frame, seq: packet.record.seq, ttl: packet.record.ttl,
                    length: packet.record.payload_length, direction: packet.record.direction)
            }
        }
        return packets
    }

    struct Packet: Equatable {
        var time: UInt64
        var frame: UInt64
        var seq: UInt32
        var ttl: UInt8
        var length: UInt16
        var direction: PacketDirection
    }
}
