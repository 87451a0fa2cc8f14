// SPDX-License-Identifier: Apache-2.0

/// Reads the timestamps of all of tcpdump's `-t` forms and turns them into nanoseconds since 1970.
///
/// - Without `-t` a line has a time of day only. The day is unknown: the first is taken for 1970-01-02 (so that a time
///   is never 0, and one day can be taken back), and a fall by more than 12 hours is midnight.
/// - `-tt` is the time since 1970, `-tttt` date and time, both taken as UTC.
/// - `-ttt` (since the packet before) and `-ttttt` (since the first) look alike and begin with 0. They are counted from
///   1970-01-02; a fall to less than half shows that the text is `-ttt`, and from then on the times are added up.
struct TextClock {
    private static let second: UInt64 = 1_000_000_000
    private static let day: UInt64 = 86_400 * second

    /// Bounds that no real text reaches, so that no hostile one overflows.
    private static let maximumDays: UInt64 = 100_000
    private static let maximumSum: UInt64 = 1 << 62

    private enum Style { case unknown, timeOfDay, sinceFirst, sinceBefore }

    private var style = Style.unknown
    private var days: UInt64 = 1
    private var last: UInt64 = 0
    private var sum: UInt64 = 0

    /// A timestamp as it is written.
    enum Stamp {
        /// Nanoseconds since midnight, or since another packet.
        case clock(UInt64)
        /// Nanoseconds before another packet (`-ttt`, `-ttttt`).
        case before(UInt64)
        /// Nanoseconds since 1970.
        case absolute(UInt64)
        /// Nanoseconds since the packet before (tcpdump before 4.0, `-ttt`).
        case delta(UInt64)
    }

    /// Steps over a timestamp and the blank behind it.
    ///
    /// `nil`, without moving, where there is none.
    static func stamp(_ cursor: inout TextCursor) -> Stamp? {
        let start = cursor.position
        if let stamp = readStamp(&cursor), cursor.isAtEnd || cursor.skipBlanks() > 0 { return stamp }
        cursor.move(to: start)
        return nil
    }

    private static func readStamp(_ cursor: inout TextCursor) -> Stamp? {
        skipMonth(&cursor)
        let isNegative = cursor.skip(byte: UInt8(ascii: "-"))
        let start = cursor.position
        guard let first = cursor.number(limit: 9_999_999_999) else { return nil }
        let digits = cursor.position - start
        switch cursor.peek() {
        case UInt8(ascii: ":") where digits == 2:
            guard let time = timeOfDay(hour: first, &cursor) else { return nil }
            return isNegative ? .before(time) : .clock(time)
        case UInt8(ascii: "-") where digits == 4 && !isNegative:
            return date(year: first, &cursor)
        case UInt8(ascii: "."):
            if cursor.starts(with: ". "), first < 1_000_000 {
                cursor.advance(2)
                guard let micros = sixDigits(&cursor) else { return nil }
                return .delta(first * second + micros * 1000)
            }
            let dot = cursor.position
            guard let nanos = fraction(&cursor), [6, 9].contains(cursor.position - dot - 1) else { return nil }
            return .absolute(first * second + nanos)
        case UInt8(ascii: " ") where digits == 6 && first < 1_000_000:
            return .delta(first * 1000)
        default:
            return nil
        }
    }

    /// `May 04 ` before a time of day with microseconds, as OpenBSD prints it: there is no year, so it says nothing.
    private static func skipMonth(_ cursor: inout TextCursor) {
        guard (UInt8(ascii: "A")...UInt8(ascii: "S")).contains(cursor.peek()), cursor.peek(3) == 32,
            cursor.peek(6) == 32,
            cursor.peek(9) == UInt8(ascii: ":"), cursor.peek(15) == UInt8(ascii: ".")
        else { return }
        var copy = cursor
        copy.advance(4)
        copy.skipBlanks()
        guard copy.number(limit: 31) != nil, copy.position == cursor.position + 6 else { return }
        cursor.advance(7)
    }

    private static func sixDigits(_ cursor: inout TextCursor) -> UInt64? {
        let start = cursor.position
        guard let value = cursor.number(limit: 999_999), cursor.position - start == 6 else { return nil }
        return value
    }

    /// `.123456` or `.123456789` as nanoseconds; 0 where no dot follows.
    private static func fraction(_ cursor: inout TextCursor) -> UInt64? {
        guard cursor.skip(byte: UInt8(ascii: ".")) else { return 0 }
        let start = cursor.position
        guard var value = cursor.number(limit: 999_999_999) else { return nil }
        let digits = cursor.position - start
        guard digits <= 9 else { return nil }
        for _ in digits..<9 { value *= 10 }
        return value
    }

    private static func timeOfDay(hour: UInt64, _ cursor: inout TextCursor) -> UInt64? {
        guard hour < 24, cursor.skip(byte: UInt8(ascii: ":")), let minute = cursor.number(limit: 59),
            cursor.skip(byte: UInt8(ascii: ":")), let seconds = cursor.number(limit: 60),
            let nanos = fraction(&cursor)
        else { return nil }
        return ((hour * 60 + minute) * 60 + seconds) * second + nanos
    }

    private static func date(year: UInt64, _ cursor: inout TextCursor) -> Stamp? {
        guard (1970...2400).contains(year), cursor.skip(byte: UInt8(ascii: "-")),
            let month = cursor.number(limit: 12), month > 0, cursor.skip(byte: UInt8(ascii: "-")),
            let dayOfMonth = cursor.number(limit: 31), dayOfMonth > 0, cursor.skip(byte: UInt8(ascii: " ")),
            let hour = cursor.number(limit: 23), let time = timeOfDay(hour: hour, &cursor)
        else { return nil }
        // Days since 1970-01-01 with years that begin in March, so that a leap day is a year's last.
        let shifted = month > 2 ? year : year - 1
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + dayOfMonth - 1
        let daysSinceEra = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear
        // 719,468 such days lie between 0000-03-01 and 1970-01-01.
        guard daysSinceEra >= 719_468 else { return nil }
        return .absolute((daysSinceEra - 719_468) * day + time)
    }

    /// The time (ns since 1970) of a packet whose line has `stamp`.
    ///
    /// Never 0.
    mutating func time(of stamp: Stamp) -> UInt64 {
        switch stamp {
        case .absolute(let time): return max(time, 1)
        case .delta(let delta):
            sum = min(sum + delta, Self.maximumSum)
            return Self.day + sum
        case .clock(let clock): return time(ofClock: clock)
        case .before(let time): return timeBefore(time)
        }
    }

    private mutating func timeBefore(_ time: UInt64) -> UInt64 {
        if style == .sinceBefore {
            sum -= min(sum, time)
            return Self.day + sum
        }
        return days * Self.day - min(time, Self.day - 1)
    }

    private mutating func time(ofClock clock: UInt64) -> UInt64 {
        switch style {
        case .unknown:
            style = clock == 0 ? .sinceFirst : .timeOfDay
        case .timeOfDay:
            if clock + Self.day / 2 < last {
                days = min(days + 1, Self.maximumDays)
            } else if clock > last + Self.day / 2 {
                // A packet from before midnight that is printed after one from behind it: `last` stays.
                return (days - 1) * Self.day + clock
            }
        case .sinceFirst:
            if clock + Self.day / 2 < last {
                // The hours begin again at 0 after a day.
                days = min(days + 1, Self.maximumDays)
            } else if clock < last / 2 {
                style = .sinceBefore
                sum = min(sum + clock, Self.maximumSum)
                return Self.day + sum
            }
            sum = min(sum + clock, Self.maximumSum)
        case .sinceBefore:
            sum = min(sum + clock, Self.maximumSum)
            return Self.day + sum
        }
        last = clock
        return days * Self.day + clock
    }
}
