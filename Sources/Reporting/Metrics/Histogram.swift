// SPDX-License-Identifier: Apache-2.0

/// A histogram with fixed upper bounds.
package struct Histogram: Sendable, Equatable {
    /// Upper bounds, ascending; a value equal to a bound belongs to it.
    package let bounds: [Double]
    /// One count per bound and one for what is above the last, not cumulative.
    package private(set) var counts: [UInt64]
    package private(set) var sum = 0.0
    /// The newest of each of `counts`.
    package private(set) var exemplars: [Exemplar?]

    package init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
        exemplars = Array(repeating: nil, count: bounds.count + 1)
    }

    package var count: UInt64 { counts.reduce(0, +) }

    /// Counts `value` as if it had come `times` times.
    ///
    /// - `finding`: an example of it, and when that was, ns since 1970.
    package mutating func observe(_ value: Double, times: UInt64 = 1, finding: (id: String, time: UInt64?)? = nil) {
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        counts[bucket] += times
        sum += value * Double(times)
        if let finding { exemplars[bucket] = Exemplar(finding: finding.id, value: value, time: finding.time) }
    }
}
