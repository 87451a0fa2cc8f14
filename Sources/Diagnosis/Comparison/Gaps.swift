// SPDX-License-Identifier: Apache-2.0

/// The times of packets that a point should see, for telling whether its capture ended or only what came did.
struct Gaps {
    /// That a capture ended by chance in a gap as short as that is improbable below this.
    private static let chance = 0.01
    /// Packets that must be missing.
    private static let missing = 2
    /// Gaps shorter than this (ns) are no shorter: packets are on their way as long.
    private static let resolution: UInt64 = 1_000_000

    private let times: [UInt64]

    /// - Parameter times: Sorted. `nil` is returned where there are too few.
    init?(_ times: [UInt64]) {
        guard times.count > Self.missing else { return nil }
        self.times = times
    }

    /// The end of the last gap, where it is improbable that the capture ended at `last`.
    func end(_ last: UInt64) -> UInt64? {
        guard let end = times.last, let next = times.firstIndex(where: { $0 > last }),
            times.count - next >= Self.missing, isImprobable(times[next] - last)
        else { return nil }
        // What comes as long after it as before is still within.
        return end &+ 3_600_000_000_000
    }

    /// The same for the beginning.
    func begin(_ first: UInt64) -> UInt64? {
        guard let before = times.lastIndex(where: { $0 < first }), before + 1 >= Self.missing,
            isImprobable(first - times[before])
        else { return nil }
        return times[0] < 3_600_000_000_000 ? 0 : times[0] - 3_600_000_000_000
    }

    private func isImprobable(_ gap: UInt64) -> Bool {
        guard let first = times.first, let last = times.last, last > first else { return false }
        let bound = max(gap, Self.resolution)
        var short: UInt64 = 0
        for (left, right) in zip(times, times.dropFirst()) where right - left <= bound { short += right - left }
        return Double(short) < Self.chance * Double(last - first)
    }
}
