// SPDX-License-Identifier: Apache-2.0

/// A time as somebody types it: `2h`, `03:00`, `2026-11-21 03:00` or RFC 3339.
///
/// What it means depends on when "now" is: for a capture that is its newest packet.
package enum TimePoint: Equatable, Sendable {
    /// ns since 1970.
    case exact(UInt64)
    /// A time that many ns before now.
    case ago(UInt64)
    /// The last time that the wall clock showed this.
    case clock(hour: Int, minute: Int, second: Int)
    /// A date of the wall clock, with or without a time.
    case civil(TimeZoneClock.Civil)

    /// The accepted forms, for a message.
    package static let allowed =
        "Give a time such as 03:00 (the last such time), 2h or 1h30m (ago), 2026-11-21 03:00, or 2026-11-21T03:00:00Z."

    /// `nil` where `text` is none of these.
    package init?(_ text: some StringProtocol) {
        if let time = Timestamp.parse(text) {
            self = .exact(time)
        } else if let length = Self.duration(text) {
            self = .ago(length)
        } else if let clock = Self.clock(text) {
            self = .clock(hour: clock.0, minute: clock.1, second: clock.2)
        } else if let civil = Self.civil(text) {
            self = .civil(civil)
        } else {
            return nil
        }
    }

    private static let units: [Character: UInt64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]

    /// `90s`, `2h`, `1h30m`: ns.
    ///
    /// At most ten years.
    private static func duration(_ text: some StringProtocol) -> UInt64? {
        var rest = Substring(text)
        var seconds: UInt64 = 0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            guard let count = UInt64(digits), count <= 1_000_000_000, let unit = rest.popFirst().flatMap({ units[$0] })
            else { return nil }
            seconds += count * unit
            guard seconds <= 3653 * 86_400 else { return nil }
        }
        return seconds * 1_000_000_000
    }

    /// `03:00` or `03:00:15`.
    private static func clock(_ text: some StringProtocol) -> (Int, Int, Int)? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), (1...2).contains(parts[0].count),
            parts.dropFirst().allSatisfy({ $0.count == 2 })
        else { return nil }
        let numbers = parts.compactMap { number($0) }
        guard numbers.count == parts.count, numbers[0] <= 23, numbers[1] <= 59 else { return nil }
        let second = numbers.count == 3 ? numbers[2] : 0
        return second <= 59 ? (numbers[0], numbers[1], second) : nil
    }

    /// `2026-11-21`, `2026-11-21 03:00` or `2026-11-21T03:00:15`.
    private static func civil(_ text: some StringProtocol) -> TimeZoneClock.Civil? {
        let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == " " || $0 == "T" }
        let date = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard date.count == 3, date[0].count == 4, date[1].count == 2, date[2].count == 2,
            let year = number(date[0]), let month = number(date[1]), let day = number(date[2]),
            (1970...2553).contains(year), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var civil = TimeZoneClock.Civil(year: year, month: month, day: day)
        guard parts.count == 2 else { return civil }
        guard let clock = clock(parts[1]) else { return nil }
        (civil.hour, civil.minute, civil.second) = clock
        return civil
    }

    private static func number(_ text: some StringProtocol) -> Int? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }
}

/// From when to when, as somebody types it.
package struct TimeSpan: Equatable, Sendable {
    package var since: TimePoint?
    package var until: TimePoint?

    package init(since: TimePoint? = nil, until: TimePoint? = nil) {
        self.since = since
        self.until = until
    }

    /// The times that are meant, ns since 1970, both included.
    ///
    /// A wall-clock time is the last such time before `now`; behind a `since` of its own, the end is the first such
    /// time after it, so that `--since 03:00 --until 03:20` means tonight at 03:10 already, and 23:00 to 01:00 goes
    /// over midnight.
    package func resolved(now: UInt64, clock: TimeZoneClock) -> (since: UInt64?, until: UInt64?) {
        let start = since.flatMap { Self.time($0, now: now, clock, after: nil) }
        return (start, until.flatMap { Self.time($0, now: now, clock, after: start) })
    }

    private static func time(_ point: TimePoint, now: UInt64, _ clock: TimeZoneClock, after start: UInt64?) -> UInt64? {
        switch point {
        case .exact(let time): return time
        case .ago(let length): return now > length ? now - length : 0
        case .civil(let civil): return clock.time(civil)
        case .clock(let hour, let minute, let second):
            let days = start == nil ? [0, -1, -2] : [0, 1, 2]
            let candidates = days.compactMap { day -> UInt64? in
                var civil = clock.civil(at: start ?? now)
                (civil.hour, civil.minute, civil.second) = (hour, minute, second)
                civil.day += day
                return clock.time(civil)
            }
            return candidates.first { time in start.map { time >= $0 } ?? (time <= now) }
        }
    }
}
