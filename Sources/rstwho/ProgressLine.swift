// SPDX-License-Identifier: Apache-2.0
import Glibc
import Reporting

/// The progress of reading a long file, as one line on standard error if that is a terminal.
struct ProgressLine: ~Copyable {
    /// Files read faster than this (ns) need no progress.
    private static let patience: UInt64 = 500_000_000
    private static let interval: UInt64 = 200_000_000
    /// The time constant of the rate's average, in ns.
    private static let memory = 2e9

    private let isShown = isatty(STDERR_FILENO) == 1
    private var start = Self.now()
    private var last: UInt64 = 0
    private var lastRead: UInt64 = 0
    private var rate = 0.0
    private var isDrawn = false

    /// Says that another file begins.
    mutating func begin() {
        start = Self.now()
        last = start
        lastRead = 0
        rate = 0
    }

    /// Draws `read` of `total` bytes, a few times a second.
    mutating func show(read: UInt64, total: UInt64?) {
        guard isShown, let total, total > 0 else { return }
        let now = Self.now()
        guard now - last > Self.interval else { return }
        learnRate(read, over: Double(now - last))
        (last, lastRead) = (now, read)
        guard now - start > Self.patience else { return }
        let text = ProgressText(read: read, total: total, rate: rate)
        draw("\r\u{1b}[K" + text.line(columns: StandardOutput(descriptor: STDERR_FILENO).columns))
        isDrawn = true
    }

    /// Takes the line away, for other output or at the end.
    mutating func clear() {
        guard isDrawn else { return }
        draw("\r\u{1b}[K")
        isDrawn = false
    }

    private mutating func learnRate(_ read: UInt64, over time: Double) {
        let newest = Double(read - min(read, lastRead)) / time * 1e9
        rate = rate == 0 ? newest : rate + (newest - rate) * min(1, time / Self.memory)
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
