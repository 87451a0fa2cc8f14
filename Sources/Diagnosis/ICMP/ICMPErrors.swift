// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// ICMP errors of now, those that say the same counted together: the first waits its settle time and is told, what
/// follows in the same window is told when that ends.
///
/// A window lasts 10 s; while the same goes on the next ones last a minute and ten minutes.
///
/// Bounded: what one sender says beyond `kinds` of the same type and code (a scan of ports, a router without a route)
/// is one kind. Beyond `capacity` kinds at once, `strangers` of those whose flow was not seen, errors are counted by
/// type and code only.
struct ICMPErrors {
    static let capacity = 4096
    static let strangers = 64
    static let kinds = 4
    /// ns of packet time.
    static let windows: [UInt64] = [10_000_000_000, 60_000_000_000, 600_000_000_000]
    private static let second: UInt64 = 1_000_000_000

    /// A window that is over, of a kind that went on in it.
    private struct Past {
        /// The next window's place in `windows`.
        var level: Int
        /// An error until then (ns) goes on with it.
        var until: UInt64
    }

    /// Objects: each error looks its kind up once, and counts in place.
    private final class Kind {
        var entry: ICMPCase
        init(_ entry: ICMPCase) { self.entry = entry }
    }

    private var cases: [ICMPCase.Key: Kind] = [:]
    private var strangers = 0
    /// The number of kinds of each sender of one type and code.
    private var senders: [ICMPCase.Key: Int] = [:]
    private var past: [ICMPCase.Key: Past] = [:]
    /// Kinds whose first error waits to be told, oldest first.
    private var untold: [ICMPCase.Key] = []
    private var start = 0
    /// No window ends before this, ns.
    private var nextEnd = UInt64.max
    /// No error that was not told yet is older than this, ns; `.max` where there is none.
    private var oldest = UInt64.max

    /// Returns the time when `settled` has to be called next.
    func due(after settleTime: UInt64) -> UInt64 { min(nextEnd, oldest.saturatingSum(settleTime)) }

    /// Says that what was due was told.
    mutating func settled() { oldest = first?.time ?? .max }

    /// Time and frame of the oldest that was not told yet.
    var first: (time: UInt64, frame: UInt64)? {
        untold[start...].lazy.compactMap { cases[$0] }.first.map { ($0.entry.time, $0.entry.frame) }
    }

    /// The kind that an error of no known kind is counted as: its own, or a wider one at a bound.
    func key(_ key: ICMPCase.Key) -> (key: ICMPCase.Key, breadth: ICMPCase.Breadth) {
        if cases.count >= Self.capacity || (!key.isFlowSeen && strangers >= Self.strangers) {
            var wide = key.ofSender
            (wide.from, wide.isFlowSeen) = (nil, false)
            return (wide, .all)
        }
        return senders[key.ofSender, default: 0] < Self.kinds ? (key, .kind) : (key.ofSender, .sender)
    }

    /// Counts an error of a kind that is known.
    ///
    /// Returns false where it is not.
    func count(_ message: ICMPMessage, as key: ICMPCase.Key, now: UInt64) -> Bool {
        guard let kind = cases[key] else { return false }
        kind.entry.add(message, at: now)
        return true
    }

    /// Takes the first error of a kind.
    ///
    /// - `key`: as `key(_:)` returned it; `count` knows none.
    mutating func insert(_ entry: ICMPCase, as key: ICMPCase.Key) {
        var entry = entry
        if let earlier = past.removeValue(forKey: key), entry.time <= earlier.until { entry.level = earlier.level }
        // Whole seconds, so that windows that end together are looked for once. No packet's time is near the bound.
        let end = min(entry.time, .max / 2) + Self.windows[entry.level]
        entry.end = (end / Self.second + 1) * Self.second
        cases[key] = Kind(entry)
        if !key.isFlowSeen { strangers += 1 }
        senders[key.ofSender, default: 0] += 1
        untold.append(key)
        oldest = min(oldest, entry.time)
        nextEnd = min(nextEnd, entry.end)
    }

    /// Takes the oldest that was not told off the list, for telling it now.
    mutating func takeUntold() -> (key: ICMPCase.Key, entry: ICMPCase)? {
        while start < untold.count {
            let key = untold[start]
            start += 1
            if start == untold.count || (start > 1024 && start * 2 > untold.count) {
                untold.removeFirst(start)
                start = 0
            }
            if let kind = cases[key] { return (key, kind.entry) }
        }
        return nil
    }

    mutating func remember(_ finding: Finding, as key: ICMPCase.Key) {
        cases[key]?.entry.told = finding
    }

    /// Ends the windows that are over; returns what was counted in them after it was told, the earliest first.
    mutating func expire(now: UInt64) -> [ICMPCase] {
        guard now >= nextEnd else { return [] }
        var ended: [ICMPCase] = []
        nextEnd = .max
        past = past.filter { now <= $0.value.until }
        for (key, kind) in cases {
            let entry = kind.entry
            guard now >= entry.end else {
                nextEnd = min(nextEnd, entry.end)
                continue
            }
            ended.append(entry)
            cases[key] = nil
            if !key.isFlowSeen { strangers -= 1 }
            let left = senders[key.ofSender, default: 1] - 1
            senders[key.ofSender] = left > 0 ? left : nil
            guard entry.count > 1, past.count < Self.capacity else { continue }
            let level = min(entry.level + 1, Self.windows.count - 1)
            past[key] = Past(level: level, until: entry.end.addingReportingOverflow(Self.windows[0]).partialValue)
        }
        return ended.filter { $0.count > $0.told?.count ?? 0 }
            .sorted { ($0.time, $0.frame) < ($1.time, $1.frame) }
    }

    /// Ends all windows.
    mutating func drain() -> [ICMPCase] {
        nextEnd = 0
        defer {
            untold = []
            start = 0
            past = [:]
        }
        return expire(now: .max)
    }
}

extension ICMPCase.Key {
    /// Everything of that type and code that the sender says.
    fileprivate var ofSender: ICMPCase.Key {
        var wide = self
        (wide.to, wide.destination, wide.gateway) = (nil, nil, nil)
        (wide.transport, wide.port) = (0, 0)
        return wide
    }
}
