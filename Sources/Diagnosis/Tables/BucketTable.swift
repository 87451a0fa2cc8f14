// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// An entry of a `BucketTable`.
///
/// Plain bytes: nothing is reference-counted on the packet path.
protocol BucketEntry: BitwiseCopyable {
    associatedtype Key

    /// The table's own, which an entry keeps as it is.
    ///
    /// All-zero bytes must be those of a free one.
    var place: BucketPlace { get set }
    func matches(_ key: Key) -> Bool
    /// True where it matches, and of few others: by as little as tells most apart.
    func resembles(_ key: Key) -> Bool
    /// Returns the eviction rank within a full bucket; the lowest is evicted.
    ///
    /// `nil`: this entry does not give way.
    func rankForEviction(now: UInt64) -> UInt64?
}

extension BucketEntry {
    func resembles(_ key: Key) -> Bool { matches(key) }

    var isFree: Bool { !place.isUsed }
}

/// The two bytes of an entry in which a bucket's slot keeps the table's state.
struct BucketPlace: BitwiseCopyable {
    /// The places of the bucket with entries that would be here, had this place been free: a bit for each.
    ///
    /// It belongs to the place, whichever entry is there.
    fileprivate(set) var displaced: UInt8 = 0
    private var state: UInt8 = 0

    private static let used: UInt8 = 0x80
    private static let mark: UInt8 = 0x40

    var isUsed: Bool { state & Self.used != 0 }

    /// A bit of the entry's own, false in a new one.
    var isMarked: Bool {
        get { state & Self.mark != 0 }
        set { state = newValue ? state | Self.mark : state & ~Self.mark }
    }

    /// The place in its bucket that the entry's hash prefers.
    fileprivate var preferred: Int { Int(state & 7) }

    /// An entry comes that prefers `place`.
    fileprivate mutating func take(preferring place: Int) { state = Self.used | UInt8(truncatingIfNeeded: place & 7) }

    fileprivate mutating func free() { state = 0 }

    fileprivate mutating func note(displacedAt place: Int) { displaced |= 1 << UInt8(truncatingIfNeeded: place) }

    fileprivate mutating func forget(displacedAt place: Int) { displaced &= ~(1 << UInt8(truncatingIfNeeded: place)) }
}

/// A bounded hash table of plain entries: buckets of eight, no tombstones, no growth, no allocation after the start.
///
/// Each entry begins at a cache line, and the hash says which of its bucket's places it prefers: most are found at
/// once, and `prefetch` knows where. Of the others the preferred place says where they are (`BucketPlace`). At the
/// bound a newcomer to a full bucket takes the place of the entry that ranks lowest, and `evictions` counts it; where
/// no entry may give way the newcomer is turned away, and `refusals` counts it.
///
/// Entries are plain bytes behind a pointer: a pointer that `find` or `insert` returned is valid until the next
/// `insert`.
struct BucketTable<Entry: BucketEntry>: ~Copyable {
    static var ways: Int { 8 }
    /// The size of an entry in bytes: whole cache lines.
    static var stride: Int { (MemoryLayout<Entry>.stride + 63) & ~63 }

    let capacity: Int
    private(set) var count = 0
    private(set) var evictions: UInt64 = 0
    private(set) var refusals: UInt64 = 0
    /// `capacity` entries of `stride` bytes.
    private let memory: TableMemory
    private let bucketMask: UInt64

    /// - Parameter capacity: Entries at the most; rounded up to a power of two, at least eight.
    init(capacity: Int) {
        var rounded = Self.ways
        while rounded < capacity { rounded *= 2 }
        self.capacity = rounded
        // All-zero bytes are a free entry.
        memory = TableMemory(size: rounded * Self.stride)
        bucketMask = UInt64(rounded / Self.ways - 1)
    }

    /// In bounds for places below `capacity`.
    ///
    /// Plain bytes that are written as entries only.
    @inline(__always)
    private func entry(_ place: Int) -> UnsafeMutablePointer<Entry> {
        (memory.base + place &* Self.stride).assumingMemoryBound(to: Entry.self)
    }

    /// The first place of a bucket: the mask leaves a bucket number below `capacity / ways`.
    @inline(__always)
    private func bucket(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash & bucketMask) &* Self.ways
    }

    /// The place in its bucket that a hash prefers: bits that do not choose the bucket.
    @inline(__always)
    private static func preferred(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 61) }

    /// Asks for the first cache line of where the entry most likely is.
    @inline(__always)
    func prefetch(hash: UInt64) {
        rstwho_prefetch(entry(bucket(hash) &+ Self.preferred(hash)))
    }

    /// Returns the likely slot of `key` before it is needed, and prefetches all of it.
    ///
    /// Looks at the preferred place only, which `prefetch` has asked for.
    @inline(__always)
    func findAhead(_ key: Entry.Key, hash: UInt64) -> UnsafeMutablePointer<Entry> {
        let bucket = bucket(hash)
        let first = entry(bucket &+ Self.preferred(hash))
        var place = first
        if !first.pointee.resembles(key), first.pointee.place.displaced != 0 {
            place = entry(bucket &+ first.pointee.place.displaced.trailingZeroBitCount)
            rstwho_prefetch(place)
        }
        // Of a smaller entry most packets need the first line only.
        for line in 1..<max(Self.stride / 64, 2) where Self.stride > 128 {
            rstwho_prefetch(UnsafeRawPointer(place) + line &* 64)
        }
        return place
    }

    /// The entry of `key`, or `nil`.
    @inline(__always)
    func find(_ key: Entry.Key, hash: UInt64) -> UnsafeMutablePointer<Entry>? {
        let bucket = bucket(hash)
        let first = entry(bucket &+ Self.preferred(hash))
        if first.pointee.matches(key) { return first }
        var displaced = first.pointee.place.displaced
        while displaced != 0 {
            let other = entry(bucket &+ displaced.trailingZeroBitCount)
            if other.pointee.matches(key) { return other }
            displaced &= displaced &- 1
        }
        return nil
    }

    /// Puts `entry` into the bucket of `hash`.
    ///
    /// The key must not be in the table.
    ///
    /// - `bound`: the highest rank that gives way to this newcomer.
    /// - `now`: Packet time, ns.
    ///
    /// Returns Where the entry now is, or `nil` if it was turned away.
    mutating func insert(
        _ newcomer: Entry, hash: UInt64, bound: UInt64 = .max, now: UInt64
    ) -> UnsafeMutablePointer<Entry>? {
        let bucket = bucket(hash)
        let preferred = Self.preferred(hash)
        var victim: Int?
        var lowest = UInt64.max
        for step in 0..<Self.ways {
            let place = (preferred &+ step) & (Self.ways - 1)
            let known = entry(bucket &+ place)
            if known.pointee.isFree {
                count += 1
                return put(newcomer, bucket, place, preferring: preferred)
            }
            if let rank = known.pointee.rankForEviction(now: now), rank <= bound, rank < lowest {
                lowest = rank
                victim = place
            }
        }
        guard let victim else {
            refusals += 1
            return nil
        }
        evictions += 1
        free(bucket, victim)
        return put(newcomer, bucket, victim, preferring: preferred)
    }

    /// Puts an entry into a free place of a bucket.
    private func put(
        _ newcomer: Entry, _ bucket: Int, _ place: Int, preferring preferred: Int
    ) -> UnsafeMutablePointer<Entry> {
        let entry = entry(bucket &+ place)
        var kept = entry.pointee.place
        kept.take(preferring: preferred)
        entry.pointee = newcomer
        kept.isMarked = newcomer.place.isMarked
        entry.pointee.place = kept
        if place != preferred { self.entry(bucket &+ preferred).pointee.place.note(displacedAt: place) }
        return entry
    }

    /// Frees a place of a bucket, whose entry stays there until it is written over.
    private func free(_ bucket: Int, _ place: Int) {
        let entry = entry(bucket &+ place)
        let preferred = entry.pointee.place.preferred
        entry.pointee.place.free()
        if place != preferred { self.entry(bucket &+ preferred).pointee.place.forget(displacedAt: place) }
    }

    /// Removes the entries that `isUnwanted` and returns how many they were.
    ///
    /// Walks over the whole table.
    mutating func remove(where isUnwanted: (Entry) -> Bool) -> Int {
        let before = count
        for place in 0..<capacity where !entry(place).pointee.isFree && isUnwanted(entry(place).pointee) {
            free(place & ~(Self.ways - 1), place & (Self.ways - 1))
            let kept = entry(place).pointee.place
            UnsafeMutableRawPointer(entry(place)).initializeMemory(as: UInt8.self, repeating: 0, count: Self.stride)
            entry(place).pointee.place = kept
            count -= 1
        }
        return before - count
    }

    /// Calls `body` with every entry.
    func forEach(_ body: (Entry) -> Void) {
        for place in 0..<capacity where !entry(place).pointee.isFree {
            body(entry(place).pointee)
        }
    }
}

/// The keyed hash of the tables in user space: the mixing step of `bpf/flow_hash.h`, started from a key of this
/// process.
///
/// Words are combined one after the other, never with each other before that: words that an outsider can choose would
/// cancel out under every key ([decision 23](../../../docs/decisions/0023-one-keyed-hash.md)).
struct TableHash {
    private(set) var value: UInt64

    init(seed: UInt64) {
        value = seed
    }

    @inline(__always)
    mutating func combine(_ word: UInt64) {
        value = rstwho_hash_mix(value, word)
    }

    @inline(__always)
    mutating func combine(_ address: IPAddress) {
        combine(address.high)
        combine(address.low)
    }

    @inline(__always)
    mutating func combine(_ key: FlowKey) {
        combine(key.lowHigh)
        combine(key.lowLow)
        combine(key.highHigh)
        combine(key.highLow)
        combine(key.ports)
    }

    @inline(__always)
    mutating func combine(_ key: HostKey) {
        combine(key.address)
        combine(UInt64(key.domain))
    }
}
