// SPDX-License-Identifier: Apache-2.0

/// The part of an interface's packets that was seen in the last minutes.
///
/// Readings come whenever somebody asks for metrics. Holds at most one for every ten seconds of five minutes, and the
/// newest one from before.
package struct CoverageWindow: Sendable, Equatable {
    private struct Reading: Equatable {
        var received: UInt64
        var arrived: UInt64
        var time: ContinuousClock.Instant
    }

    /// The time that is looked back on.
    package static let length = Duration.seconds(300)
    private static let interval = Duration.seconds(10)

    /// The oldest first.
    private var readings: [Reading] = []
    private var newest: Reading?

    package init() {}

    /// Takes the counts of this moment; both only grow, or begin anew together.
    package mutating func add(received: UInt64, arrived: UInt64, now: ContinuousClock.Instant) {
        let reading = Reading(received: received, arrived: arrived, time: now)
        if let newest, received < newest.received || arrived < newest.arrived { readings = [] }
        newest = reading
        if let last = readings.last, last.time.duration(to: now) < Self.interval { return }
        readings.append(reading)
        // The newest reading from before the window is its beginning.
        while readings.count > 1, readings[1].time.duration(to: now) >= Self.length { readings.removeFirst() }
    }

    /// Packets seen arriving over those that the interface counted; `nil` where it counted none.
    package var ratio: Double? {
        guard let first = readings.first, let newest, newest.received > first.received else { return nil }
        return Double(newest.arrived - first.arrived) / Double(newest.received - first.received)
    }
}
