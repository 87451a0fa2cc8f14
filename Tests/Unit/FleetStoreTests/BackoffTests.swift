// SPDX-License-Identifier: Apache-2.0
import FleetStore
import Testing

/// The pauses between attempts.
struct BackoffTests {
    @Test func pausesDoubleUpToABound() {
        var backoff = Backoff()
        var random = SystemRandomNumberGenerator()
        var expected = Backoff.first
        for _ in 0..<12 {
            let pause = backoff.pause(using: &random)
            #expect(pause >= expected / 2 && pause <= expected)
            expected = min(expected * 2, Backoff.longest)
        }
        #expect(expected == Backoff.longest)
    }

    @Test func successEndsThem() {
        var backoff = Backoff()
        var random = SystemRandomNumberGenerator()
        for _ in 0..<6 { _ = backoff.pause(using: &random) }
        backoff.reset()
        #expect(backoff.pause(using: &random) <= Backoff.first)
    }
}
