// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The kernel part's clock, and what makes it the time of day.
struct CaptureClock {
    /// The offset that turns CLOCK_MONOTONIC into ns since 1970.
    ///
    /// Never less than before: packet time does not go back, so where the time of day is set back, packets keep the old
    /// one.
    private(set) var offset: Int64

    init() {
        offset = Self.measure()
    }

    /// CLOCK_MONOTONIC in ns: what bpf_ktime_get_ns() reads.
    func now() -> UInt64 { Self.monotonic() }

    /// The same without a clock of one's own.
    static func monotonic() -> UInt64 { UInt64(read(CLOCK_MONOTONIC)) }

    /// Follows the time of day where it was set forward by a millisecond or more.
    mutating func adjust() {
        let measured = Self.measure()
        if measured > offset + 1_000_000 { offset = measured }
    }

    /// Returns the maximum lag (ns) of a bulk time behind the clock: one tick, the resolution of coarse clocks (1 to 10
    /// ms).
    static func tick() -> UInt64 {
        var resolution = timespec()
        clock_getres(CLOCK_MONOTONIC_COARSE, &resolution)
        return UInt64(resolution.tv_sec) * 1_000_000_000 + UInt64(resolution.tv_nsec)
    }

    private static func measure() -> Int64 {
        let before = read(CLOCK_MONOTONIC)
        let day = read(CLOCK_REALTIME)
        let after = read(CLOCK_MONOTONIC)
        return day - (before + after) / 2
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        // Cannot fail: both clocks always exist.
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
