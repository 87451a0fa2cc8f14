// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Small texts that the kernel shows as files.
enum SystemText {
    /// The first 64 KiB of a file under `/proc` or `/sys`; `nil` where it cannot be read.
    static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        while bytes.count < 65_536 {
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = Glibc.read(file, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The numbers of a list such as `0-3,8`: CPUs as `/sys/devices/system/cpu/online` has them.
    static func list(_ text: String) -> [Int] {
        text.split { $0 == "," || $0 == "\n" }.flatMap { part -> [Int] in
            let ends = part.split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, first <= last, last < 1 << 16 else { return [] }
            return Array(first...last)
        }
    }
}
