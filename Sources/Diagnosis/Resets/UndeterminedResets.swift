// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Resets whose sender is not known yet, by the host that they claim to come from. Bounded: at the capacity the oldest is
/// given up.
struct UndeterminedResets {
    struct Waiting {
        var reset: ResetCase
        var finding: Finding
        /// The finding was given as it stands.
        var isTold: Bool
    }

    let capacity: Int
    private(set) var forgotten: UInt64 = 0
    /// By a number that counts up: the oldest has the lowest.
    private var waiting: [UInt64: Waiting] = [:]
    private var numbers: [HostKey: [UInt64]] = [:]
    private var next: UInt64 = 0
    private var oldest: UInt64 = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 1)
    }

    var count: Int { waiting.count }

    /// Remembers a reset. Returns the one that had to give way, which is final.
    mutating func insert(_ reset: ResetCase, _ finding: Finding, isTold: Bool) -> Waiting? {
        var evicted: Waiting?
        if waiting.count == capacity {
            while evicted == nil, oldest < next {
                evicted = remove(oldest)
                oldest += 1
            }
            forgotten += 1
        }
        waiting[next] = Waiting(reset: reset, finding: finding, isTold: isTold)
        numbers[reset.hostKey, default: []].append(next)
        next += 1
        return evicted
    }

    private mutating func remove(_ number: UInt64) -> Waiting? {
        guard let removed = waiting.removeValue(forKey: number) else { return nil }
        numbers[removed.reset.hostKey]?.removeAll { $0 == number }
        if numbers[removed.reset.hostKey]?.isEmpty == true { numbers[removed.reset.hostKey] = nil }
        return removed
    }

    /// What waits for `host`, oldest first.
    func of(_ host: HostKey) -> [Waiting] {
        (numbers[host] ?? []).compactMap { waiting[$0] }
    }

    /// Forgets those of `host` that are decided.
    mutating func remove(_ host: HostKey, where isDecided: (Waiting) -> Bool) {
        let kept = (numbers[host] ?? []).filter { number in
            guard let entry = waiting[number], isDecided(entry) else { return true }
            waiting[number] = nil
            return false
        }
        numbers[host] = kept.isEmpty ? nil : kept
    }

    func isEmpty(_ host: HostKey) -> Bool { numbers[host] == nil }

    mutating func removeAll() {
        waiting = [:]
        numbers = [:]
        oldest = next
    }

    /// What was not told yet, oldest first; from now on it counts as told.
    mutating func tell() -> [Finding] {
        let untold = waiting.filter { !$0.value.isTold }.sorted { $0.key < $1.key }
        for (number, _) in untold { waiting[number]?.isTold = true }
        return untold.map(\.value.finding)
    }
}
