// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Wall-clock times as people read and type them.
package enum TimeZoneClock: Sendable {
    case utc
    /// This machine's zone (`TZ`, `/etc/localtime`).
    case local

    /// Year, month (1 to 12), day, hour, minute and second.
    package struct Civil: Equatable, Sendable {
        package var year: Int
        package var month: Int
        package var day: Int
        package var hour = 0
        package var minute = 0
        package var second = 0

        package init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
            (self.year, self.month, self.day) = (year, month, day)
            (self.hour, self.minute, self.second) = (hour, minute, second)
        }
    }

    /// The wall clock at `time`, ns since 1970.
    package func civil(at time: UInt64) -> Civil {
        let parts = parts(at: time)
        return Civil(
            year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday),
            hour: Int(parts.tm_hour), minute: Int(parts.tm_min), second: Int(parts.tm_sec))
    }

    /// Returns the time when the wall clock shows that, in ns since 1970; days beyond the month's end count on.
    ///
    /// Of an hour that comes twice the C library chooses one. `nil` before 1970 and after 2553.
    package func time(_ civil: Civil) -> UInt64? {
        guard (1970...2553).contains(civil.year) else { return nil }
        var parts = tm()
        parts.tm_year = Int32(civil.year - 1900)
        parts.tm_mon = Int32(civil.month - 1)
        parts.tm_mday = Int32(civil.day)
        parts.tm_hour = Int32(civil.hour)
        parts.tm_min = Int32(civil.minute)
        parts.tm_sec = Int32(civil.second)
        parts.tm_isdst = -1
        let seconds = self == .utc ? timegm(&parts) : mktime(&parts)
        return seconds >= 0 ? UInt64(seconds) * 1_000_000_000 : nil
    }

    /// The zone's letters at `time`, for example `UTC` or `CET`; none of a time without date, whose zone nobody knows.
    package func name(at time: UInt64) -> String {
        guard !Timestamp.isUndated(time) else { return "" }
        guard self == .local else { return "UTC" }
        var name = [CChar](repeating: 0, count: 32)
        var parts = parts(at: time)
        let count = strftime(&name, name.count, "%Z", &parts)
        return String(decoding: name.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// `2026-11-21 03:12:07`, with milliseconds where `hasFraction`.
    ///
    /// Of a time without date the time of day, as it was printed.
    package func text(_ time: UInt64, hasDate: Bool = true, hasFraction: Bool = false) -> String {
        let isUndated = Timestamp.isUndated(time)
        let civil = (isUndated ? .utc : self).civil(at: time)
        let clock = [civil.hour, civil.minute, civil.second].map { Self.padded($0, 2) }.joined(separator: ":")
        let date = "\(Self.padded(civil.year, 4))-\(Self.padded(civil.month, 2))-\(Self.padded(civil.day, 2)) "
        let fraction = ".\(Self.padded(Int(time % 1_000_000_000 / 1_000_000), 3))"
        return (hasDate && !isUndated ? date : "") + clock + (hasFraction ? fraction : "")
    }

    /// The day of the wall clock, as a number of its own.
    func day(_ time: UInt64) -> Int {
        let civil = civil(at: time)
        return (civil.year * 16 + civil.month) * 32 + civil.day
    }

    private func parts(at time: UInt64) -> tm {
        var seconds = time_t(time / 1_000_000_000)
        var parts = tm()
        // Fails for years that do not fit only, and these all do.
        if self == .utc { gmtime_r(&seconds, &parts) } else { localtime_r(&seconds, &parts) }
        return parts
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
