// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc

/// The kernel part's clock, and what makes it the time of day.
///
/// Packet time is the monotonic clock plus an offset that never changes, so that it neither jumps nor goes back.
/// Where the time of day is set, `correction` follows, and whoever reports a time adds it.
struct CaptureClock {
    /// Steps of at least this many ns are told to people.
    static let toldStep: Int64 = 1_000_000_000

    /// The offset that turns CLOCK_MONOTONIC into packet time: ns since 1970 by the time of day at the start.
    let offset: Int64
    /// The difference (ns) between the time of day now and packet time.
    private(set) var correction: Int64 = 0

    init() {
        offset = Self.measure()
    }

    /// For tests.
    init(offset: Int64) {
        self.offset = offset
    }

    /// CLOCK_MONOTONIC in ns: what bpf_ktime_get_ns() reads.
    func now() -> UInt64 { Self.monotonic() }

    /// The same without a clock of one's own.
    static func monotonic() -> UInt64 { UInt64(read(CLOCK_MONOTONIC)) }

    /// Follows the time of day where it was set by a millisecond or more, in either direction.
    ///
    /// - Parameter measured: the offset of the time of day from CLOCK_MONOTONIC, in ns.
    /// - Returns: the step in ns, where it is one that people should know of.
    mutating func adjust(to measured: Int64 = measure()) -> Int64? {
        let step = measured &- offset &- correction
        guard step.magnitude >= 1_000_000 else { return nil }
        correction &+= step
        return step.magnitude >= UInt64(Self.toldStep) ? step : nil
    }

    /// The message about a step of the time of day.
    static func text(ofStep step: Int64) -> String {
        let seconds = Double(step.magnitude / 100_000_000) / 10
        return
            "the time of day was set \(step < 0 ? "back" : "forward") by \(seconds) s; findings from now on have the new "
            + "time, earlier ones keep theirs"
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
