// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Resets whose sender is not known yet, by the host that they claim to come from.
///
/// Bounded: at the capacity the oldest is given up.
struct UndeterminedResets {
    struct Waiting {
        var reset: ResetCase
        var finding: Finding
        /// The finding was given as it stands.
        var isTold: Bool
        /// Its number in `JudgedResets`, where it is remembered there.
        var told: UInt32?
    }

    /// The numbers of one host's resets, oldest first.
    ///
    /// Those that were removed stay until all before them are gone.
    private struct Queue {
        var numbers: [UInt64] = []
        var start = 0
        /// Numbers that still wait.
        var count = 0

        mutating func append(_ number: UInt64) {
            numbers.append(number)
            count += 1
        }

        /// Drops what no longer waits from the front.
        mutating func trim(_ waits: (UInt64) -> Bool) {
            while start < numbers.count, !waits(numbers[start]) { start += 1 }
            guard start * 2 > numbers.count else { return }
            numbers.removeFirst(start)
            start = 0
        }
    }

    let capacity: Int
    private(set) var forgotten: UInt64 = 0
    /// By a number that counts up: the oldest has the lowest.
    private var waiting: [UInt64: Waiting] = [:]
    private var queues: [HostKey: Queue] = [:]
    private var next: UInt64 = 0
    private var oldest: UInt64 = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 1)
    }

    /// Those that wait: every packet that proves life asks for it.
    private(set) var count = 0

    /// Remembers a reset.
    ///
    /// Returns its number, and the one that had to give way, which is final.
    mutating func insert(_ entry: Waiting) -> (number: UInt64, evicted: Waiting?) {
        var evicted: Waiting?
        if count == capacity {
            while evicted == nil, oldest < next {
                evicted = remove(oldest)
                oldest += 1
            }
            forgotten += 1
        }
        let number = next
        waiting[number] = entry
        count += 1
        queues[entry.reset.hostKey, default: Queue()].append(number)
        next += 1
        return (number, evicted)
    }

    /// Takes out the reset of that number, if it still waits.
    @discardableResult
    mutating func remove(_ number: UInt64) -> Waiting? {
        guard let removed = waiting.removeValue(forKey: number) else { return nil }
        count -= 1
        let host = removed.reset.hostKey
        queues[host]?.count -= 1
        if queues[host]?.count == 0 {
            queues[host] = nil
        } else {
            let waiting = waiting
            queues[host]?.trim { waiting[$0] != nil }
        }
        return removed
    }

    /// Changes the reset of that number, if it still waits.
    mutating func update(_ number: UInt64, _ body: (inout Waiting) -> Void) {
        guard var entry = waiting[number] else { return }
        body(&entry)
        waiting[number] = entry
    }

    /// Returns the entries waiting for `host` with their numbers, oldest first.
    func of(_ host: HostKey) -> [(number: UInt64, entry: Waiting)] {
        guard let queue = queues[host] else { return [] }
        return queue.numbers[queue.start...].compactMap { number in waiting[number].map { (number, $0) } }
    }

    /// The hosts that resets wait for, in the order of addresses.
    var hosts: [HostKey] { queues.keys.sorted { ($0.address, $0.domain) < ($1.address, $1.domain) } }

    func isEmpty(_ host: HostKey) -> Bool { queues[host] == nil }

    /// Takes out what `isUnwanted`.
    mutating func removeAll(where isUnwanted: (Waiting) -> Bool) {
        for number in waiting.filter({ isUnwanted($0.value) }).map(\.key) { remove(number) }
    }

    mutating func removeAll() {
        waiting = [:]
        count = 0
        queues = [:]
        oldest = next
    }

    /// Returns the findings not reported yet, oldest first, and marks them as reported.
    mutating func tell() -> [Finding] {
        let untold = waiting.filter { !$0.value.isTold }.sorted { $0.key < $1.key }
        for (number, _) in untold { waiting[number]?.isTold = true }
        return untold.map(\.value.finding)
    }
}
