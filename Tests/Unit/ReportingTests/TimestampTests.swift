// SPDX-License-Identifier: Apache-2.0
import Reporting
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z"),
        (1_709_251_199_999_999_999, "2024-02-29T23:59:59.999999999Z"),
        (1_709_251_200_000_000_000, "2024-03-01T00:00:00.000000000Z"),
        (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000000Z"),
        (UInt64.max, "2554-07-21T23:34:33.709551615Z"),
    ])
    func formats(nanoseconds: UInt64, text: String) {
        #expect(Timestamp.format(nanoseconds) == text)
    }

    @Test func everyDayOfManyYearsIsReadBack() {
        for day in stride(from: UInt64(0), to: 200_000, by: 7) {
            let time = day * 86_400_000_000_000 + 12_345_678_901_234
            #expect(Timestamp.parse(Timestamp.format(time)) == time)
        }
    }

    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01 00:00:01.5Z", 1_500_000_000),
            ("1970-01-01t01:00:00.000000001+01:00", 1),
            ("1969-12-31T23:00:00-01:00", nil),
            ("1970-01-01T00:30:00-00:30", 3_600_000_000_000),
            ("1970-01-01T00:00:60Z", 60_000_000_000),
        ] as [(String, UInt64?)])
    func parses(text: String, nanoseconds: UInt64?) {
        #expect(Timestamp.parse(text) == nanoseconds)
    }

    @Test(arguments: [
        "", "now", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "2023-02-29T00:00:00Z",
        "1970-01-01T24:00:00Z", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00.0000000000Z", "1970-01-01T00:00:00Zx",
        "1970-01-01T00:00:00+01:00", "9999-01-01T00:00:00Z", "1970-01-01T00:00:00+24:00", "1970-01-00T00:00:00Z",
    ])
    func refuses(text: String) {
        #expect(Timestamp.parse(text) == nil)
    }
}
