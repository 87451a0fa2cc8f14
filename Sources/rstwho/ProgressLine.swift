// SPDX-License-Identifier: Apache-2.0
import Glibc

/// How far a long file has been read, on standard error if that is a terminal; nothing else otherwise.
struct ProgressLine: ~Copyable {
    /// Files read faster than this (ns) need no progress.
    private static let patience: UInt64 = 1_000_000_000
    private static let interval: UInt64 = 200_000_000

    private let isShown = isatty(STDERR_FILENO) == 1
    private let start = Self.now()
    private var last: UInt64 = 0
    private var isDrawn = false

    /// Draws `read` of `total` bytes, a few times a second.
    mutating func show(read: UInt64, total: UInt64?) {
        guard isShown, let total, total > 0 else { return }
        let now = Self.now()
        guard now - start > Self.patience, now - last > Self.interval else { return }
        last = now
        let elapsed = Double(now - start) / 1e9
        let rate = Double(read) / 1e6 / elapsed
        let left = read > 0 ? elapsed * Double(total - min(read, total)) / Double(read) : 0
        draw("\r\u{1b}[K\(read * 100 / total) % read, \(Int(rate)) MB/s, \(Int(left)) s left")
        isDrawn = true
    }

    /// Takes the line away, for other output or at the end.
    mutating func clear() {
        guard isDrawn else { return }
        draw("\r\u{1b}[K")
        isDrawn = false
    }

    private func draw(_ text: String) {
        var output = StandardOutput(descriptor: STDERR_FILENO)
        // A progress line that cannot be drawn is missed by nobody.
        try? output.write(text)
        try? output.flush()
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
