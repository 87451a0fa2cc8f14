// SPDX-License-Identifier: Apache-2.0
import CPacket
import Foundation
import Packets

@testable import Capture

/// A packet of a text, with everything that outlives the batch.
struct TextPacket {
    var record: PacketRecord
    var time: UInt64
    var frame: UInt64
}

/// Feeds a text to a parser and returns what it made of it.
func parseText(_ text: String) -> (packets: [TextPacket], parser: PacketTextParser) {
    var parser = PacketTextParser()
    // By bytes: to String, a carriage return and a line feed are one character.
    for line in text.utf8.split(separator: 10, omittingEmptySubsequences: false) {
        Array(line).withUnsafeBufferPointer { parser.feed($0) }
    }
    parser.finish()
    let packets = parser.ready.map { TextPacket(record: $0.record, time: $0.time, frame: $0.frame) }
    return (packets, parser)
}

/// Captures that nobody on this project made: RSTWHO_CAPTURES, or `../shared/captures` beside the package.
enum TextCaptures {
    static var directory: String {
        if let given = ProcessInfo.processInfo.environment["RSTWHO_CAPTURES"] { return given }
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return package.deletingLastPathComponent().appendingPathComponent("shared/captures").path
    }

    /// The names of those that the machine's tcpdump reads; pcapng with several link types it refuses.
    static let pcap = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [])
        .filter { $0.hasSuffix(".pcap") }.sorted()

    static func path(_ name: String) -> String { directory + "/" + name }
    static func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
}
