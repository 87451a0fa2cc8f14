// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc

/// The kernel part works only while this is renewed: when user space dies or hangs, the programs return at once.
struct Lease {
    /// The duration of one renewal, in milliseconds.
    ///
    /// Renewed twice a second, a dead agent's programs stop within two.
    static let milliseconds: UInt64 = 2000

    /// The program that renews; it belongs to the object it was loaded with.
    private let program: Int32
    private let ticks: UInt64

    init(program: Int32) {
        self.program = program
        self.ticks = Self.milliseconds * Self.ticksPerSecond() / 1000
    }

    /// The kernel's HZ: what the coarse clock's resolution is made of (kernel/time/posix-timers.c, KTIME_LOW_RES).
    static func ticksPerSecond() -> UInt64 {
        var resolution = timespec()
        guard clock_getres(CLOCK_MONOTONIC_COARSE, &resolution) == 0, resolution.tv_nsec > 0 else { return 100 }
        return UInt64(1_000_000_000 / resolution.tv_nsec)
    }

    /// Returns the time in which no lease held, in ns of the same clock as its parameters; `nil` where there was none.
    ///
    /// - `last`: the time of the last renewal.
    /// - `now`: the time of the next one.
    static func gap(since last: UInt64, until now: UInt64) -> Range<UInt64>? {
        let end = last &+ milliseconds * 1_000_000
        // The kernel counts in ticks: what is no longer than a few of them is none.
        return now > end && now - end >= 50_000_000 ? end..<now : nil
    }

    func renew() throws(CaptureError) {
        try run(ticks)
    }

    /// Ends the lease now.
    func end() throws(CaptureError) {
        try run(0)
    }

    private func run(_ ticks: UInt64) throws(CaptureError) {
        var renewal = packet_lease_renewal(ticks: ticks)
        let result = rstwho_run_program(program, &renewal, UInt32(MemoryLayout<packet_lease_renewal>.size))
        guard result == 0 else {
            throw CaptureError(
                .unavailable, subject: "the kernel part",
                problem: "its lease cannot be renewed: \(SystemError.text(-result))", errno: -result)
        }
    }
}
