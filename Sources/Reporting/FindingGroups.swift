// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// Tells repeats of a finding as one with a count: the same sender at the same hop, for the same host and service, with
/// the same cause.
///
/// The first is told at once, what follows within the window when the window ends.
///
/// Bounded: beyond `capacity` groups at once a finding is told by itself.
package struct FindingGroups {
    /// A window lasts this long, ns of the caller's clock: 10 s.
    package static let window: UInt64 = 10_000_000_000
    private static let capacity = 16_384

    private struct Key: Hashable {
        var source: IPAddress
        var port: UInt16
        var sender: Finding.Sender
        var hop: Int?
        var cause: Finding.Cause
        var stage: Finding.Stage
    }

    private struct Group {
        var end: UInt64
        /// The newest repeat, with the number of repeats as its count; `nil` where there was none yet.
        var repeats: Finding?
    }

    private var groups: [Key: Group] = [:]

    package init() {}

    /// Takes a finding and returns those that are to be told now.
    ///
    /// A revision is told by itself: it replaces what was told before.
    package mutating func add(_ finding: Finding, now: UInt64) -> [Finding] {
        guard let reset = finding.reset, finding.revision == 0 else { return [finding] }
        let key = Key(
            source: finding.fiveTuple.source, port: finding.servicePort, sender: reset.sender, hop: reset.hop,
            cause: reset.cause, stage: reset.stage)
        if var group = groups[key], now < group.end {
            var newest = finding
            newest.count += group.repeats?.count ?? 0
            group.repeats = newest
            groups[key] = group
            return []
        }
        let ended = groups.removeValue(forKey: key)?.repeats
        if groups.count < Self.capacity { groups[key] = Group(end: now + Self.window) }
        return [ended, finding].compactMap { $0 }
    }

    /// Ends the windows that are over and returns their repeats.
    package mutating func expire(now: UInt64) -> [Finding] {
        var told: [Finding] = []
        for (key, group) in groups where now >= group.end {
            if let repeats = group.repeats { told.append(repeats) }
            groups[key] = nil
        }
        return told.sorted { ($0.time ?? 0, $0.id) < ($1.time ?? 0, $1.id) }
    }

    /// Ends all windows and returns their repeats.
    package mutating func finish() -> [Finding] { expire(now: .max) }
}
