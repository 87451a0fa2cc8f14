// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The Ethernet frames of a pcap or pcapng file, as bytes.
///
/// Knows what the captures for tests hold, no more.
struct RawCapture {
    var frames: [[UInt8]] = []

    private static let ethernet = 1

    /// Real captures, found by RSTWHO_CAPTURES or beside the package.
    static var directory: URL {
        ProcessInfo.processInfo.environment["RSTWHO_CAPTURES"].map { URL(filePath: $0) }
            ?? KernelObject.root.deletingLastPathComponent().appending(path: "shared/captures")
    }

    static var files: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return names.filter { $0.hasSuffix(".pcap") || $0.hasSuffix(".pcapng") }.sorted()
    }

    init(file: String) throws {
        let bytes = try [UInt8](Data(contentsOf: Self.directory.appending(path: file)))
        let isBigEndian = bytes.first == 0xa1
        func number(_ offset: Int, size: Int = 4) -> Int {
            guard offset + size <= bytes.count else { return 0 }
            let part = bytes[offset..<offset + size]
            return (isBigEndian ? Array(part) : part.reversed()).reduce(0) { $0 << 8 | Int($1) }
        }
        func frame(_ offset: Int, _ length: Int) {
            if length > 0, offset + length <= bytes.count { frames.append(Array(bytes[offset..<offset + length])) }
        }
        if bytes.starts(with: [0x0a, 0x0d, 0x0d, 0x0a]) {
            var links: [Int] = []
            var offset = 0
            while offset + 12 <= bytes.count, number(offset + 4) >= 12 {
                switch number(offset) {
                case 0x0a0d_0d0a: links = []
                case 1: links.append(number(offset + 8, size: 2))
                case 6:
                    let interface = number(offset + 8)
                    if interface < links.count, links[interface] == Self.ethernet {
                        frame(offset + 28, number(offset + 20))
                    }
                default: break
                }
                offset += number(offset + 4)
            }
        } else if number(20) & 0xffff == Self.ethernet {
            var offset = 24
            while offset + 16 <= bytes.count {
                frame(offset + 16, number(offset + 8))
                offset += 16 + number(offset + 8)
            }
        }
    }
}
