// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Reporting

@Suite("Times as they are typed")
struct TimePointTests {
    /// 2026-11-21 12:00:00 UTC.
    private static let noon: UInt64 = 1_795_262_400_000_000_000

    private func resolved(_ since: String?, _ until: String?, now: UInt64 = noon) throws -> [String?] {
        let span = TimeSpan(
            since: try since.map { try #require(TimePoint($0)) }, until: try until.map { try #require(TimePoint($0)) })
        let times = span.resolved(now: now, clock: .utc)
        return [times.since, times.until].map { $0.map { TimeZoneClock.utc.text($0) } }
    }

    @Test(arguments: [
        ("2h", "2026-11-21 10:00:00"), ("1h30m", "2026-11-21 10:30:00"), ("45s", "2026-11-21 11:59:15"),
        ("1d", "2026-11-20 12:00:00"), ("03:00", "2026-11-21 03:00:00"), ("13:30:15", "2026-11-20 13:30:15"),
        ("12:00", "2026-11-21 12:00:00"), ("2026-11-01", "2026-11-01 00:00:00"),
        ("2026-11-01 03:20", "2026-11-01 03:20:00"), ("2026-11-01T03:20:07", "2026-11-01 03:20:07"),
        ("2026-11-01T03:20:07+01:00", "2026-11-01 02:20:07"),
    ])
    func aTimeIsTheLastSuchTime(text: String, meant: String) throws {
        #expect(try resolved(text, nil) == [meant, nil])
    }

    @Test(arguments: [
        ("03:00", "03:20", "2026-11-21 03:00:00", "2026-11-21 03:20:00"),
        ("11:50", "12:10", "2026-11-21 11:50:00", "2026-11-21 12:10:00"),
        ("23:00", "01:00", "2026-11-20 23:00:00", "2026-11-21 01:00:00"),
        ("2026-11-02 23:50", "00:10", "2026-11-02 23:50:00", "2026-11-03 00:10:00"),
    ])
    func anEndComesAfterItsBeginning(since: String, until: String, from: String, to: String) throws {
        #expect(try resolved(since, until) == [from, to])
    }

    @Test(arguments: [
        "", "2", "h", "2x", "24:00", "3:0", "03:60", "1h-", "-1h", "2026-13-01", "2026-11-21 25:00",
        "99999999999999999999h",
        "9999999d", "03:00:00:00", "yesterday", "１h",
    ])
    func whatIsNoTimeIsNone(text: String) {
        #expect(TimePoint(text) == nil)
    }

    @Test func aClockGoesThereAndBack() {
        let civil = TimeZoneClock.utc.civil(at: Self.noon)
        #expect(civil == TimeZoneClock.Civil(year: 2026, month: 11, day: 21, hour: 12))
        #expect(TimeZoneClock.utc.time(civil) == Self.noon)
        #expect(TimeZoneClock.local.time(TimeZoneClock.local.civil(at: Self.noon)) == Self.noon)
        #expect(TimeZoneClock.utc.text(Self.noon + 7_000_000, hasFraction: true) == "2026-11-21 12:00:00.007")
    }
}
