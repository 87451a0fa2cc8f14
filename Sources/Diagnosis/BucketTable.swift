// SPDX-License-Identifier: Apache-2.0

/// An entry of a `BucketTable`. Plain bytes: nothing is reference-counted on the packet path.
protocol BucketEntry: BitwiseCopyable {
    associatedtype Key

    /// True where the slot holds nothing. All-zero bytes must be free.
    var isFree: Bool { get }
    func matches(_ key: Key) -> Bool
    /// Which of a full bucket's entries gives way: the lowest. `nil`: this entry does not give way to a newcomer that has
    /// not proved to be alive.
    func rankForEviction(now: UInt64) -> UInt64?
}

/// A bounded hash table of plain entries: buckets of eight, no tombstones, no growth, no allocation after the start.
///
/// At the bound: a newcomer to a full bucket takes the place of the entry that ranks lowest, and `evictions` counts it; where
/// no entry may give way the newcomer is turned away, and `refusals` counts it.
///
/// Entries are plain bytes behind a pointer: a pointer that `find` or `insert` returned is valid until the next `insert`.
struct BucketTable<Entry: BucketEntry>: ~Copyable {
    static var ways: Int { 8 }

    let capacity: Int
    private(set) var count = 0
    private(set) var evictions: UInt64 = 0
    private(set) var refusals: UInt64 = 0
    /// What a slot that holds nothing holds.
    private let empty: Entry
    /// `capacity` entries, owned.
    private let entries: UnsafeMutablePointer<Entry>
    private let bucketMask: UInt64

    /// - Parameter capacity: Entries at the most; rounded up to a power of two, at least eight.
    init(capacity: Int, empty: Entry) {
        var rounded = Self.ways
        while rounded < capacity { rounded *= 2 }
        self.capacity = rounded
        self.empty = empty
        entries = .allocate(capacity: rounded)
        entries.initialize(repeating: empty, count: rounded)
        bucketMask = UInt64(rounded / Self.ways - 1)
    }

    deinit {
        entries.deallocate()
    }

    /// In bounds: the mask leaves a bucket number below `capacity / ways`.
    @inline(__always)
    private func bucket(_ hash: UInt64) -> UnsafeMutablePointer<Entry> {
        entries + Int(truncatingIfNeeded: hash & bucketMask) * Self.ways
    }

    /// The entry of `key`, or `nil`.
    @inline(__always)
    func find(_ key: Entry.Key, hash: UInt64) -> UnsafeMutablePointer<Entry>? {
        let bucket = bucket(hash)
        for way in 0..<Self.ways where bucket[way].matches(key) {
            return bucket + way
        }
        return nil
    }

    /// Puts `entry` into the bucket of `hash`. The key must not be in the table.
    ///
    /// - Parameters:
    ///   - isProven: The newcomer has proved to be alive; then the lowest rank gives way in any case.
    ///   - now: Packet time, ns.
    /// - Returns: Where the entry now is, or `nil` if it was turned away.
    mutating func insert(
        _ entry: Entry, hash: UInt64, isProven: Bool, now: UInt64
    ) -> UnsafeMutablePointer<Entry>? {
        let bucket = bucket(hash)
        var victim: Int?
        var lowest = UInt64.max
        for way in 0..<Self.ways {
            if bucket[way].isFree {
                bucket[way] = entry
                count += 1
                return bucket + way
            }
            let rank = bucket[way].rankForEviction(now: now) ?? (isProven ? .max - 1 : .max)
            if rank < lowest {
                lowest = rank
                victim = way
            }
        }
        guard let victim else {
            refusals += 1
            return nil
        }
        evictions += 1
        bucket[victim] = entry
        return bucket + victim
    }

    /// Removes the entries that `isUnwanted` and returns how many they were. Walks over the whole table.
    mutating func remove(where isUnwanted: (Entry) -> Bool) -> Int {
        let before = count
        for index in 0..<capacity where !entries[index].isFree && isUnwanted(entries[index]) {
            entries[index] = empty
            count -= 1
        }
        return before - count
    }

    /// Calls `body` with every entry.
    func forEach(_ body: (Entry) -> Void) {
        for index in 0..<capacity where !entries[index].isFree {
            body(entries[index])
        }
    }
}

/// Mixes words into a table hash (the multiply-and-fold of wyhash): seeded, so that nobody outside can aim at a bucket.
struct TableHash {
    private(set) var value: UInt64

    init(seed: UInt64) {
        value = seed ^ 0x9e37_79b9_7f4a_7c15
    }

    @inline(__always)
    mutating func combine(_ word: UInt64) {
        let product = (value ^ word).multipliedFullWidth(by: 0xa076_1d64_78bd_642f)
        value = product.high ^ product.low
    }
}
