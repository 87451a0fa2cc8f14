// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Capture

/// Tests of the time of day that is set while a capture runs, and of the time in which it stands still.
struct CaptureClockTests {
    private static let second: Int64 = 1_000_000_000
    private static let start: Int64 = 1_700_000_000 * second

    @Test("Steps in both directions are followed and told once; packet time keeps its offset")
    func steps() throws {
        var clock = CaptureClock(offset: Self.start)
        for (step, word) in [(3600, "forward"), (-3600, "back"), (-86_400 * 10, "back"), (86_400 * 110, "forward")]
            as [(Int64, String)]
        {
            let day = Self.start + clock.correction + step * Self.second
            let told = clock.adjust(to: day)
            #expect(told == step * Self.second)
            #expect(CaptureClock.text(ofStep: try #require(told)).contains("\(word) by \(abs(step)).0 s"))
            let again = clock.adjust(to: day)
            #expect(again == nil)
            #expect(clock.offset + clock.correction == day)
            #expect(clock.offset == Self.start)
        }
    }

    @Test("A small correction is followed without a word, jitter is not")
    func corrections() {
        var clock = CaptureClock(offset: Self.start)
        let jitter = clock.adjust(to: Self.start + 900_000)
        #expect(jitter == nil)
        #expect(clock.correction == 0)
        let small = clock.adjust(to: Self.start - 20_000_000)
        #expect(small == nil)
        #expect(clock.correction == -20_000_000)
    }

    @Test("A gap begins where the lease ended; what a lease covers is none")
    func gaps() {
        let lease = Lease.milliseconds * 1_000_000
        #expect(Lease.gap(since: 100, until: 500_000_000) == nil)
        #expect(Lease.gap(since: 100, until: 100 + lease + 40_000_000) == nil)
        #expect(
            Lease.gap(since: 100, until: 100 + lease + 8_100_000_000) == (100 + lease)..<(100 + lease + 8_100_000_000))
        #expect(Lease.gap(since: 200, until: 100) == nil)
    }
}
