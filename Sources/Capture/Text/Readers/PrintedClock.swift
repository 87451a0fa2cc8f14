// SPDX-License-Identifier: Apache-2.0

/// Reads timestamps of many programs and turns them into nanoseconds since 1970.
///
/// A time without a date counts from 1970-01-02, as in the text of tcpdump; a fall by more than 12 hours is midnight. A
/// number of seconds below 10^8 is taken as relative, which counts from the same day.
struct PrintedClock {
    private static let second: UInt64 = 1_000_000_000
    private static let day: UInt64 = 86_400 * second

    /// A timestamp as it is written, in nanoseconds.
    enum Stamp: Equatable {
        /// Since midnight; the date is not known.
        case clock(UInt64)
        /// Since 1970.
        case absolute(UInt64)
        /// Since another packet or the start of the machine.
        case relative(UInt64)

        /// Seconds as a number: since 1970, or relative where that would be before 1973.
        init(nanoseconds: UInt64) {
            self = nanoseconds < 100_000_000 * second ? .relative(nanoseconds) : .absolute(nanoseconds)
        }
    }

    /// The last time, ns since 1970; `nil` before the first.
    private(set) var last: UInt64?
    /// Whether the last stamp named its date.
    private(set) var hasDate = false
    private var days: UInt64 = 1
    private var lastClock: UInt64 = 0

    /// The time of a stamp in ns since 1970; never 0.
    mutating func time(of stamp: Stamp) -> UInt64 {
        let time: UInt64
        switch stamp {
        case .absolute(let value):
            hasDate = true
            time = max(1, min(value, PcapngClock.latest))
        case .relative(let value):
            hasDate = false
            time = Self.day + min(value, 1 << 62)
        case .clock(let clock):
            hasDate = false
            if clock + Self.day / 2 < lastClock {
                days = min(days + 1, 100_000)
                lastClock = clock
            } else if clock > lastClock + Self.day / 2, last != nil, lastClock != 0 {
                // From before midnight, printed after one from behind it.
                last = (days - 1) * Self.day + clock
                return max(last ?? 1, 1)
            } else {
                lastClock = max(lastClock, clock)
            }
            time = days * Self.day + clock
        }
        last = time
        return time
    }

    // MARK: Reading

    /// Steps over a timestamp at the start of a line, or behind a packet's number there (`  1: `, `12 `), and over the
    /// blanks behind it.
    ///
    /// `nil`, without moving, where there is none.
    static func stamp(atStart cursor: inout TextCursor) -> Stamp? {
        var copy = cursor
        copy.skipBlanks()
        let start = copy
        if let found = stamp(&copy) {
            cursor = copy
            return found
        }
        copy = start
        guard copy.number() != nil else { return nil }
        _ = copy.skip(byte: UInt8(ascii: ":")) || copy.skip(byte: UInt8(ascii: "."))
        guard copy.skipBlanks() > 0, let found = stamp(&copy) else { return nil }
        cursor = copy
        return found
    }

    /// Steps over a timestamp and the blanks behind it.
    ///
    /// `nil`, without moving, where it is none.
    static func stamp(_ cursor: inout TextCursor) -> Stamp? {
        var copy = cursor
        guard let found = read(&copy), copy.isAtEnd || copy.skipBlanks() > 0 else { return nil }
        cursor = copy
        return found
    }

    private static func read(_ cursor: inout TextCursor) -> Stamp? {
        if let month = month(&cursor) { return dateWithMonth(month, &cursor) }
        let start = cursor
        guard let first = cursor.number(limit: 9_999_999_999) else { return nil }
        let digits = cursor.position - start.position
        switch cursor.peek() {
        case UInt8(ascii: ":") where digits <= 2:
            cursor = start
            return timeOfDay(&cursor).map { .clock($0) }
        case UInt8(ascii: "-") where digits == 4, UInt8(ascii: "/") where digits == 4:
            return date(year: first, separator: cursor.peek(), &cursor)
        case UInt8(ascii: "."):
            guard let nanos = fraction(&cursor) else { return nil }
            return Stamp(nanoseconds: first * second + nanos)
        default: return nil
        }
    }

    /// `.123456`, up to nine digits, as nanoseconds.
    ///
    /// `nil` where no digits follow.
    private static func fraction(_ cursor: inout TextCursor) -> UInt64? {
        guard cursor.skip(byte: UInt8(ascii: ".")) || cursor.skip(byte: UInt8(ascii: ",")) else { return nil }
        let start = cursor.position
        guard var value = cursor.number(limit: 999_999_999) else { return nil }
        let digits = cursor.position - start
        guard digits <= 9 else { return nil }
        for _ in digits..<9 { value *= 10 }
        return value
    }

    /// `10:01:44`, `10:01:44.123456`, as nanoseconds since midnight.
    static func timeOfDay(_ cursor: inout TextCursor) -> UInt64? {
        guard let hour = cursor.number(limit: 23), cursor.skip(byte: UInt8(ascii: ":")),
            let minute = twoDigits(&cursor, limit: 59), cursor.skip(byte: UInt8(ascii: ":")),
            let seconds = twoDigits(&cursor, limit: 60)
        else { return nil }
        var copy = cursor
        let nanos = fraction(&copy)
        if nanos != nil { cursor = copy }
        return ((hour * 60 + minute) * 60 + seconds) * second + (nanos ?? 0)
    }

    private static func twoDigits(_ cursor: inout TextCursor, limit: UInt64) -> UInt64? {
        let start = cursor.position
        guard let value = cursor.number(limit: limit), cursor.position - start == 2 else { return nil }
        return value
    }

    /// `2026-11-30 10:01:44.123`, `2026/11/30 …`, with `T` in the place of the blank, and a zone or `Z` behind it.
    private static func date(
        year: UInt64, separator: UInt8, _ cursor: inout TextCursor
    ) -> Stamp? {
        guard (1970...2400).contains(year), cursor.skip(byte: separator),
            let month = cursor.number(limit: 12), month > 0, cursor.skip(byte: separator),
            let dayOfMonth = cursor.number(limit: 31), dayOfMonth > 0
        else { return nil }
        guard cursor.skip(byte: UInt8(ascii: "T")) || cursor.skipBlanks() > 0, let time = timeOfDay(&cursor) else {
            return nil
        }
        guard let days = days(year: year, month: month, day: dayOfMonth) else { return nil }
        return .absolute(shifted(days * day + time, &cursor))
    }

    /// Takes a zone behind a time into account: `Z`, `+01:00`, `-0500`, ` UTC`.
    private static func shifted(_ time: UInt64, _ cursor: inout TextCursor) -> UInt64 {
        if cursor.skip(byte: UInt8(ascii: "Z")) || cursor.skip(" UTC") { return time }
        let isEast = cursor.peek() == UInt8(ascii: "+")
        guard isEast || cursor.peek() == UInt8(ascii: "-") else { return time }
        var copy = cursor
        copy.advance()
        guard let hours = twoDigitsBounded(&copy, 14) else { return time }
        _ = copy.skip(byte: UInt8(ascii: ":"))
        guard let minutes = twoDigitsBounded(&copy, 59) else { return time }
        cursor = copy
        let shift = (hours * 60 + minutes) * 60 * second
        return isEast ? time - min(time, shift) : time + shift
    }

    private static func twoDigitsBounded(_ cursor: inout TextCursor, _ limit: UInt64) -> UInt64? {
        var pair = cursor.limited(to: cursor.position + 2)
        guard pair.count == 2, let value = pair.number(limit: limit), pair.isAtEnd else { return nil }
        cursor.advance(2)
        return value
    }

    /// The name of a month and the blanks behind it.
    private static func month(_ cursor: inout TextCursor) -> UInt64? {
        let names: [StaticString] = [
            "Jan ", "Feb ", "Mar ", "Apr ", "May ", "Jun ", "Jul ", "Aug ", "Sep ", "Oct ", "Nov ", "Dec ",
        ]
        for (index, name) in names.enumerated() where cursor.skip(name) {
            cursor.skipBlanks()
            return UInt64(index + 1)
        }
        // RouterOS: `may/04/2023`.
        guard cursor.peek(3) == UInt8(ascii: "/") else { return nil }
        let word = cursor.limited(to: cursor.position + 3)
        let short: [StaticString] = [
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ]
        guard let index = short.firstIndex(where: { word.isEqual(to: $0) }) else { return nil }
        cursor.advance(4)
        return UInt64(index + 1)
    }

    /// `Nov 30, 2026 10:01:44.123 UTC` (Wireshark), `Nov 30 2026 10:01:44` (ASA), `Nov 30 10:01:44` (syslog).
    private static func dateWithMonth(_ month: UInt64, _ cursor: inout TextCursor) -> Stamp? {
        guard let dayOfMonth = cursor.number(limit: 31), dayOfMonth > 0 else { return nil }
        let hasComma = cursor.skip(byte: UInt8(ascii: ","))
        guard cursor.skipBlanks() > 0 || cursor.skip(byte: UInt8(ascii: "/")) else { return nil }
        var year: UInt64?
        var copy = cursor
        if let number = copy.number(limit: 2400), number >= 1970, copy.skipBlanks() > 0 {
            year = number
            cursor = copy
        }
        guard year != nil || !hasComma, let time = timeOfDay(&cursor) else { return nil }
        // ASA's logs have a colon behind the time.
        _ = cursor.skip(byte: UInt8(ascii: ":"))
        guard let year else { return .clock(time) }
        guard let days = days(year: year, month: month, day: dayOfMonth) else { return nil }
        return .absolute(shifted(days * day + time, &cursor))
    }

    /// Days since 1970-01-01, with years that begin in March, so that a leap day is a year's last.
    static func days(year: UInt64, month: UInt64, day: UInt64) -> UInt64? {
        let shifted = month > 2 ? year : year - 1
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let sum = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear
        // 719,468 such days lie between 0000-03-01 and 1970-01-01.
        return sum >= 719_468 ? sum - 719_468 : nil
    }
}
