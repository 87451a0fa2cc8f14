// SPDX-License-Identifier: Apache-2.0

/// Resets that were judged a short while ago, for the proof that comes late: a host that sends on after its supposed
/// reset may have had nothing to say in the settle time.
///
/// Bounded: the newest `capacity` resets, for `lifetime` each.
struct JudgedResets {
    static let capacity = 4096
    /// ns of packet time: Linux sends again after at most 120 s (TCP_RTO_MAX, include/net/tcp.h), so a living
    /// connection that had something to say has said it.
    static let lifetime: UInt64 = 120_000_000_000

    /// A reset and what was made of it; an object, which is large and is looked at with each packet that follows.
    final class Entry {
        var reset: ResetCase
        /// As it was told last.
        var finding: Finding
        /// Its number in `UndeterminedResets`, where it went there.
        let waiting: UInt64?

        init(reset: ResetCase, finding: Finding, waiting: UInt64?) {
            self.reset = reset
            self.finding = finding
            self.waiting = waiting
        }
    }

    /// By the numbers that `PendingResets` gave, which count up.
    private var told: [UInt32: Entry] = [:]

    /// Remembers what was made of the reset of that number; `nil` for one that nothing later can change.
    ///
    /// The one that was `capacity` before it is forgotten.
    mutating func insert(_ entry: Entry?, number: UInt32) {
        told[number &- UInt32(Self.capacity)] = nil
        if let entry { told[number] = entry }
    }

    /// The reset of that number, unless it is too old.
    func find(_ number: UInt32, now: UInt64) -> Entry? {
        guard let entry = told[number], now < entry.reset.time || now - entry.reset.time <= Self.lifetime else {
            return nil
        }
        return entry
    }

    /// Takes note of what was told later of a reset that is still remembered.
    mutating func revise(_ number: UInt32, _ finding: Finding) {
        told[number]?.finding = finding
    }
}
