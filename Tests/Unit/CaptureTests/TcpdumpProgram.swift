// SPDX-License-Identifier: Apache-2.0
import CPacket
import Foundation
import Packets

@testable import Capture

/// The machine's tcpdump, to print captures with.
enum TcpdumpProgram {
    static let path: String? = ["/usr/bin/tcpdump", "/usr/sbin/tcpdump", "/sbin/tcpdump"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// Prints a capture and reads the text, through a pipe.
    static func read(_ capture: String, _ options: [String]) throws -> PrintedCapture {
        guard let path else { throw CocoaError(.fileNoSuchFile) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = options + ["-r", capture]
        process.environment = ["TZ": "UTC", "PATH": "/usr/bin:/bin"]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let descriptor = dup(pipe.fileHandleForReading.fileDescriptor)
        var result = PrintedCapture()
        var text = PacketText(try CaptureFile.open(.descriptor(descriptor, name: capture)))
        try text.read { batch in
            for packet in batch.packets { result.packets[packet.frame] = packet }
            result.watermark = max(result.watermark, batch.watermark)
        }
        process.waitUntilExit()
        result.counts = text.counts
        result.problem = text.firstProblem
        result.hasTime = text.hasTime
        return result
    }
}

/// Packets by their number, from a text or from the capture itself.
struct PrintedCapture {
    var packets: [UInt64: ObservedPacket] = [:]
    var watermark: UInt64 = 0
    var counts = TextCounts()
    var problem: TextProblem?
    var hasTime: Bool?

    init() {}

    /// Reads the capture itself.
    init(capture: String) throws {
        var file = try CaptureFile.open(.path(capture))
        var found: [UInt64: ObservedPacket] = [:]
        do {
            try file.read { batch in
                for packet in batch.packets {
                    var copy = packet
                    copy.headers = nil
                    found[packet.frame] = copy
                }
            }
        } catch is CaptureError {
            // A capture that ends early: the packets before it count.
        }
        packets = found
    }
}

extension PacketRecord {
    /// The names of the fields in which a text's record differs from the capture's.
    func differences(from other: PacketRecord, numbers: Bool) -> [String] {
        var names: [String] = []
        func check(_ name: String, _ equal: Bool) {
            if !equal { names.append(name) }
        }
        check("source", source == other.source)
        check("destination", destination == other.destination)
        check("ports", src_port == other.src_port && dst_port == other.dst_port)
        check("ttl", ttl == other.ttl)
        check("tos", tos == other.tos)
        check("identification", identification == other.identification)
        check("domain", domain == other.domain)
        check("layers", layers == other.layers)
        check("flags", flags == other.flags)
        check("window", window == other.window)
        check("class", self.class == other.class)
        check("payload", payload_length == other.payload_length)
        if numbers {
            check("seq", seq == other.seq)
            check("ack", ack == other.ack)
        }
        return names
    }
}
