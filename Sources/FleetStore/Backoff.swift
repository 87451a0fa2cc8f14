// SPDX-License-Identifier: Apache-2.0

/// The pauses between attempts: doubled each time up to a bound, each with a random part, so that a thousand agents do
/// not come back at the same moment.
package struct Backoff: Sendable {
    package static let first = 1.0
    package static let longest = 60.0

    private var next = Backoff.first

    package init() {}

    /// The next pause in seconds: half of it is certain.
    package mutating func pause(using generator: inout some RandomNumberGenerator) -> Double {
        let whole = next
        next = min(Self.longest, next * 2)
        return whole / 2 + Double.random(in: 0...(whole / 2), using: &generator)
    }

    package mutating func reset() { next = Self.first }
}
