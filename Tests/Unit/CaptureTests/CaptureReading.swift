// SPDX-License-Identifier: Apache-2.0
import CPacket
import Capture
import Foundation
import Packets

/// The result of reading a capture.
struct CaptureReading {
    struct Packet: Equatable {
        var seq: UInt32
        var time: UInt64
        var frame: UInt64
        var interface: UInt8
        var hasHeaders: Bool
        var linkHash: UInt16
    }

    var packets: [Packet] = []
    var batches = 0
    var watermarks: [UInt64] = []
    var counters = CaptureFileCounters()
    var names: [UInt8: String] = [:]
    var error: CaptureError?

    /// Opens and reads; errors of both end up in `error`.
    init(_ origin: CaptureFile.Origin) throws {
        do {
            var file = try CaptureFile.open(origin)
            do {
                var packets: [Packet] = []
                var watermarks: [UInt64] = []
                try file.read { batch in
                    watermarks.append(batch.watermark)
                    for packet in batch.packets {
                        packets.append(
                            Packet(
                                seq: packet.record.seq, time: packet.time, frame: packet.frame,
                                interface: packet.record.interface, hasHeaders: packet.headers != nil,
                                linkHash: packet.record.link_hash))
                    }
                    self.packets = packets
                    self.watermarks = watermarks
                }
            } catch let error as CaptureError {
                self.error = error
            }
            counters = file.counters
            names = file.interfaceNames
        } catch let error as CaptureError {
            self.error = error
        }
    }

    /// Reads `bytes` as a regular file.
    init(_ bytes: [UInt8]) throws {
        let file = try TemporaryFile(bytes)
        self = try withExtendedLifetime(file) { try CaptureReading(.path(file.path)) }
    }

    var seqs: [UInt32] { packets.map(\.seq) }
}

/// A file that goes when it is no longer needed.
final class TemporaryFile {
    let path: String

    init(_ bytes: [UInt8]) throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("rstwho-\(UUID().uuidString)").path
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    deinit { unlink(path) }

    /// Opens a capture whose file is gone when this returns.
    static func open(_ bytes: [UInt8]) throws -> CaptureFile {
        let file = try TemporaryFile(bytes)
        let capture = try CaptureFile.open(.path(file.path))
        unlink(file.path)
        return capture
    }
}
