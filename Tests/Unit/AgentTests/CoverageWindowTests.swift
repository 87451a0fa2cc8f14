// SPDX-License-Identifier: Apache-2.0
import Agent
import Testing

/// Tests of coverage over the last minutes.
struct CoverageWindowTests {
    private static let start = ContinuousClock.now

    @Test("Blindness shows within minutes, whatever was seen in the month before")
    func blindness() throws {
        var window = CoverageWindow()
        let month: UInt64 = 30 * 86_400 * 100
        window.add(received: 0, arrived: 0, now: Self.start)
        let later = Self.start + .seconds(30 * 86_400)
        window.add(received: month, arrived: month, now: later)
        #expect(window.ratio == 1)
        for second in 1...600 {
            window.add(received: month + UInt64(second) * 100, arrived: month, now: later + .seconds(second))
        }
        #expect(window.ratio == 0)
        // It comes back as fast.
        for second in 601...1000 {
            window.add(
                received: month + UInt64(second) * 100, arrived: month + UInt64(second - 600) * 100,
                now: later + .seconds(second))
        }
        #expect(window.ratio == 1)
    }

    @Test("An interface that receives nothing has none, and counts that begin anew are no negative ones")
    func edges() {
        var window = CoverageWindow()
        #expect(window.ratio == nil)
        window.add(received: 10, arrived: 10, now: Self.start)
        window.add(received: 10, arrived: 10, now: Self.start + .seconds(60))
        #expect(window.ratio == nil)
        window.add(received: 2, arrived: 10, now: Self.start + .seconds(120))
        #expect(window.ratio == nil)
        window.add(received: 6, arrived: 12, now: Self.start + .seconds(180))
        #expect(window.ratio == 0.5)
    }
}
