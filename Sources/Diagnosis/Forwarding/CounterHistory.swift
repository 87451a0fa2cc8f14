// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// This machine's counters over the last while, for asking whether one moved since a packet.
///
/// At most `capacity` readings; the oldest goes first.
struct CounterHistory {
    /// Of one reading a second: more than a server's SYN-ACKs take.
    private static let capacity = 120

    private var readings: [(time: UInt64, counters: LocalCounters)] = []

    mutating func add(_ counters: LocalCounters, at time: UInt64) {
        if readings.count >= Self.capacity { readings.removeFirst() }
        readings.append((time, counters))
    }

    /// By how much a counter grew from the newest reading before `time` (ns since 1970) to the newest of all.
    ///
    /// `nil` where one of the two is missing, or the kernel does not have that counter.
    func growth(of counter: KeyPath<LocalCounters, UInt64?>, since time: UInt64) -> UInt64? {
        guard let last = readings.last, let before = readings.last(where: { $0.time <= time }),
            let old = before.counters[keyPath: counter], let new = last.counters[keyPath: counter]
        else { return nil }
        return new >= old ? new - old : nil
    }
}
