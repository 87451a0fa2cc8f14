// SPDX-License-Identifier: Apache-2.0
import BPFHarness
import CPacket
import Fixtures
import Foundation

/// Writes frames and what the host parser says of each, for a program that runs them through the kernel part where
/// nothing of Swift is (`struct expected_frame`).
///
/// First the frames at the edges, then truncations of one frame of each kind.
@main
enum EdgeFrameWriter {
    /// Of which the truncations are written, too.
    private static let kinds = [
        "tags 2", "tags before IPv6 1", "labels 2", "PPPoE", "options 2", "extensions 2", "IPv6 in VXLAN",
        "a quote in GRE", "a bad ihl in GTP-U",
    ]

    static func main() throws {
        guard CommandLine.arguments.count == 2 else {
            FileHandle.standardError.write(Data("usage: edge-frames FILE\n".utf8))
            exit(EX_USAGE)
        }
        var output = Data()
        let edges = EdgeFrames.all
        for edge in edges { append(edge.name, edge.frame.bytes, to: &output) }
        for kind in kinds {
            guard let edge = edges.first(where: { $0.name == kind }) else {
                FileHandle.standardError.write(Data("no frame is named \(kind)\n".utf8))
                exit(EX_SOFTWARE)
            }
            let bytes = edge.frame.bytes
            for length in 14..<bytes.count { append("\(edge.name) cut", Array(bytes.prefix(length)), to: &output) }
        }
        try output.write(to: URL(filePath: CommandLine.arguments[1]))
    }

    private static func append(_ name: String, _ bytes: [UInt8], to output: inout Data) {
        var entry = expected_frame()
        entry.length = UInt32(bytes.count)
        switch ParsedFrame(bytes) {
        case .refused(let reason): entry.refusal = reason.rawValue
        case .parsed(let record, let snapshot):
            entry.record = record
            if let snapshot {
                entry.has_snapshot = 1
                entry.snapshot = snapshot
            }
        }
        withUnsafeMutableBytes(of: &entry.name) { $0.copyBytes(from: name.utf8.prefix($0.count - 1)) }
        withUnsafeBytes(of: entry) { output.append(contentsOf: $0) }
        output.append(contentsOf: bytes)
    }
}
