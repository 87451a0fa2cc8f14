// SPDX-License-Identifier: Apache-2.0

/// Times as RFC 3339 text with nanoseconds in UTC: `2026-11-21T05:38:29.000000001Z`.
package enum Timestamp {
    private static let nanosecondsPerSecond: UInt64 = 1_000_000_000
    private static let secondsPerDay: UInt64 = 86_400

    /// - `nanoseconds`: since 1970, UTC; the largest value lies in the year 2554.
    package static func format(_ nanoseconds: UInt64) -> String {
        let seconds = nanoseconds / nanosecondsPerSecond
        let (year, month, day) = civil(daysSince1970: Int64(seconds / secondsPerDay))
        let secondOfDay = seconds % secondsPerDay
        let date = "\(padded(UInt64(year), 4))-\(padded(UInt64(month), 2))-\(padded(UInt64(day), 2))"
        let time =
            "\(padded(secondOfDay / 3600, 2)):\(padded(secondOfDay / 60 % 60, 2)):\(padded(secondOfDay % 60, 2))"
        return "\(date)T\(time).\(padded(nanoseconds % nanosecondsPerSecond, 9))Z"
    }

    /// True for a time that has no date: a text without dates counts its days from 1970-01-01, and so does a clock that
    /// nobody has set.
    package static func isUndated(_ nanoseconds: UInt64) -> Bool {
        nanoseconds < 365 * secondsPerDay * nanosecondsPerSecond
    }

    /// As `format`, but of a time without date the time of day only: `05:38:29.000000001`.
    package static func text(_ nanoseconds: UInt64) -> String {
        let text = format(nanoseconds)
        guard isUndated(nanoseconds) else { return text }
        // Programs print microseconds.
        return String(text.dropFirst("1970-01-01T".count).dropLast(nanoseconds % 1000 == 0 ? 4 : 1))
    }

    /// Reads what `text` writes.
    static func read(_ text: String) -> UInt64? { parse(text) ?? parse("1970-01-01T\(text)Z") }

    /// Reads RFC 3339 text: `T` or a space between date and time, up to nine digits behind the seconds, `Z` or an
    /// offset.
    ///
    /// A leap second (60) counts as the second after it.
    ///
    /// - Returns: ns since 1970, or `nil` if `text` is not a time of RFC 3339 between 1970 and 2554.
    package static func parse(_ text: some StringProtocol) -> UInt64? {
        var scanner = Scanner(bytes: Array(text.utf8))
        guard let year = scanner.digits(4), scanner.take("-"), let month = scanner.digits(2), scanner.take("-"),
            let day = scanner.digits(2), scanner.take("T") || scanner.take("t") || scanner.take(" "),
            let hour = scanner.digits(2), scanner.take(":"), let minute = scanner.digits(2), scanner.take(":"),
            let second = scanner.digits(2),
            year >= 1970, year <= 2553, (1...12).contains(month), day >= 1, hour <= 23, minute <= 59, second <= 60
        else { return nil }
        guard day <= daysIn(month: month, year: year) else { return nil }
        var fraction: UInt64 = 0
        if scanner.take(".") {
            guard let value = scanner.fraction() else { return nil }
            fraction = value
        }
        guard let offset = scanner.offsetSeconds(), scanner.isAtEnd else { return nil }
        let local = days(year: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60 + second
        let utc = local - offset
        guard utc >= 0 else { return nil }
        return UInt64(utc) * nanosecondsPerSecond + fraction
    }

    /// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, so that the leap day is
    /// last.
    private static func civil(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func daysIn(month: Int64, year: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return switch month {
        case 2: isLeap ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func padded(_ value: UInt64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// Walks over the text's bytes; each step says whether it found what it was asked for.
    private struct Scanner {
        let bytes: [UInt8]
        var position = 0

        var isAtEnd: Bool { position == bytes.count }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard position < bytes.count, UInt32(bytes[position]) == character.value else { return false }
            position += 1
            return true
        }

        mutating func digit() -> Int64? {
            guard position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) else {
                return nil
            }
            position += 1
            return Int64(bytes[position - 1] - UInt8(ascii: "0"))
        }

        mutating func digits(_ count: Int) -> Int64? {
            var value: Int64 = 0
            for _ in 0..<count {
                guard let digit = digit() else { return nil }
                value = value * 10 + digit
            }
            return value
        }

        /// One to nine digits, as nanoseconds.
        mutating func fraction() -> UInt64? {
            guard var value = digit() else { return nil }
            var count = 1
            while count < 9, let next = digit() {
                value = value * 10 + next
                count += 1
            }
            for _ in count..<9 { value *= 10 }
            return UInt64(value)
        }

        mutating func offsetSeconds() -> Int64? {
            if take("Z") || take("z") { return 0 }
            let sign: Int64 = take("+") ? 1 : -1
            guard sign == 1 || take("-"), let hour = digits(2), take(":"), let minute = digits(2), hour <= 23,
                minute <= 59
            else { return nil }
            return sign * (hour * 3600 + minute * 60)
        }
    }
}
