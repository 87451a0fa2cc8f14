// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// A flow: both directions of a five-tuple, in an order that does not depend on the direction.
struct FlowKey: BitwiseCopyable, Hashable {
    var lowHigh: UInt64
    var lowLow: UInt64
    var highHigh: UInt64
    var highLow: UInt64
    /// Port of the low end << 24 | port of the high end << 8 | protocol.
    var ports: UInt64

    var isTCP: Bool { ports & 0xff == 0 }
    var lowPort: UInt16 { UInt16(truncatingIfNeeded: ports >> 24) }
    var highPort: UInt16 { UInt16(truncatingIfNeeded: ports >> 8) }

    /// The key of a five-tuple, and whether its source is the high end.
    static func of(_ tuple: FiveTuple) -> (key: FlowKey, sourceIsHigh: Bool) {
        var record = PacketRecord()
        (record.src_high, record.src_low, record.src_port) = (tuple.source.high, tuple.source.low, tuple.sourcePort)
        (record.dst_high, record.dst_low) = (tuple.destination.high, tuple.destination.low)
        record.dst_port = tuple.destinationPort
        record.layers = tuple.transport.rawValue << UInt8(PACKET_LAYERS_PROTOCOL_SHIFT)
        return of(record)
    }

    /// The key of a record, and whether the record's source is the high end.
    @inline(__always)
    static func of(_ record: PacketRecord) -> (key: FlowKey, sourceIsHigh: Bool) {
        let source = UInt128(record.src_high) << 64 | UInt128(record.src_low)
        let destination = UInt128(record.dst_high) << 64 | UInt128(record.dst_low)
        let isHigh =
            source == destination ? record.src_port > record.dst_port : source > destination
        return (FlowKey(record, sourceIsHigh: isHigh), isHigh)
    }

    /// The key of a record of which it is known whether its source is the high end.
    ///
    /// Chosen without branches: which direction comes next is anybody's guess.
    @inline(__always)
    init(_ record: PacketRecord, sourceIsHigh: Bool) {
        lowHigh = sourceIsHigh ? record.dst_high : record.src_high
        lowLow = sourceIsHigh ? record.dst_low : record.src_low
        highHigh = sourceIsHigh ? record.src_high : record.dst_high
        highLow = sourceIsHigh ? record.src_low : record.dst_low
        let low = sourceIsHigh ? record.dst_port : record.src_port
        let high = sourceIsHigh ? record.src_port : record.dst_port
        ports = UInt64(low) << 24 | UInt64(high) << 8 | UInt64(record.layers & 0x06)
    }

    init(lowHigh: UInt64, lowLow: UInt64, highHigh: UInt64, highLow: UInt64, ports: UInt64) {
        self.lowHigh = lowHigh
        self.lowLow = lowLow
        self.highHigh = highHigh
        self.highLow = highLow
        self.ports = ports
    }
}

/// The state of one flow.
struct FlowEntry: BucketEntry {
    var key: FlowKey
    var place = BucketPlace()
    /// The number of times that the five-tuple was reused.
    var generation: UInt16 = 0
    /// Its place in focus, plus 1 (`FocusRequests`); 0 where it is not.
    var watch: UInt16 = 0
    /// The longest gap before `gap`, s; 65,535 meaning that or more.
    var earlierGap: UInt16 = 0
    var lastSeen: UInt64
    /// The number of the newest reset of this flow that waits to be judged, plus 1 (`PendingResets`); 0 if there was
    /// none.
    var pendingReset: UInt32 = 0
    /// The newest gap of at least `FlowTable.idleGap` and when it ended, ms (the end's low 32 bits); 0 where there was
    /// none.
    var gap: UInt32 = 0
    var gapEnd: UInt32 = 0
    private var suspectNumber: UInt16 = 0
    private var lowExit = FlowExit()
    private var highExit = FlowExit()
    var low = FlowSide()
    var high = FlowSide()

    /// The offset of `low` in an entry, in bytes; `high` follows it.
    static var sidesOffset: Int { 72 }

    init(key: FlowKey, now: UInt64) {
        self.key = key
        lastSeen = now
    }

    /// Bytes of memory that an entry of the table takes.
    static var tableStride: Int { BucketTable<FlowEntry>.stride }

    /// The number of its place among the flows that do not get on (`PathSuspects`), which are few; 0 where it never was
    /// one.
    var suspect: UInt32 {
        get { UInt32(suspectNumber) }
        set { suspectNumber = UInt16(truncatingIfNeeded: newValue) }
    }

    /// The way out of one direction's packets.
    @inline(__always)
    func exit(isHigh: Bool) -> FlowExit { isHigh ? highExit : lowExit }

    /// Notes whether a packet of one direction was made here.
    @inline(__always)
    mutating func note(madeHere isMadeHere: Bool, slot: UInt8, isHigh: Bool) {
        if isHigh {
            highExit.note(madeHere: isMadeHere, slot: slot)
        } else {
            lowExit.note(madeHere: isMadeHere, slot: slot)
        }
    }

    /// Notes that a forwarded packet of one direction left.
    mutating func note(forwardedBy slot: UInt8, isHigh: Bool) {
        if isHigh { highExit.note(forwardedBy: slot) } else { lowExit.note(forwardedBy: slot) }
    }

    /// Both directions spoke and one acknowledged the other: not a spoofed SYN.
    var isProven: Bool {
        get { place.isMarked }
        set { place.isMarked = newValue }
    }

    /// True where a packet of it was seen, be it on its way out only.
    var isSeen: Bool { low.packets > 0 || high.packets > 0 || low.sentSYN || high.sentSYN }

    var isClosed: Bool { low.sentRST || high.sentRST || (low.sentFIN && high.sentFIN) }

    /// Forgets the flow's past: the same five-tuple is used again.
    mutating func restart(now: UInt64) {
        let (place, generation, watch) = (place, generation &+ 1, watch)
        self = FlowEntry(key: key, now: now)
        (self.place, self.generation, self.watch) = (place, generation, watch)
        isProven = false
    }

    // MARK: BucketEntry

    @inline(__always)
    func matches(_ key: FlowKey) -> Bool {
        self.key.ports == key.ports && self.key.lowLow == key.lowLow && self.key.highLow == key.highLow
            && self.key.lowHigh == key.lowHigh && self.key.highHigh == key.highHigh && place.isUsed
    }

    @inline(__always)
    func resembles(_ key: FlowKey) -> Bool { self.key.ports == key.ports }

    /// Closed flows give way first, then echo, UDP and flows that never proved to be alive, then TCP flows idle for
    /// `protection`; within each the one idle longest.
    ///
    /// A connection in use does not give way to a spoofed SYN.
    func rankForEviction(now: UInt64) -> UInt64? {
        if isClosed { return lastSeen >> 2 }
        if !isProven || !key.isTCP { return lastSeen >> 2 | 1 << 62 }
        return now &- lastSeen > FlowTable.protection ? lastSeen >> 2 | 1 << 63 : nil
    }
}

/// Flows by five-tuple, bounded.
///
/// Flows are not keyed by VLAN: the two directions of one flow cross a trunk in two VLANs. A direction's fingerprint
/// holds packets of one domain only, so that what is compared came the same way.
struct FlowTable: ~Copyable {
    /// A silence of at least this long (ns) is remembered as a gap: 1 s, below the shortest keep-alive times of web
    /// servers.
    static let idleGap: UInt64 = 1_000_000_000
    /// The time (ns) for which a connection is safe from newcomers: a minute of silence.
    ///
    /// A flood takes one place of a bucket and then gives way to itself.
    static let protection: UInt64 = 60_000_000_000

    private var table: BucketTable<FlowEntry>
    private let seed: UInt64

    init(capacity: Int, seed: UInt64) {
        table = BucketTable(capacity: capacity)
        self.seed = seed
    }

    var count: Int { table.count }
    /// Flows forgotten, and newcomers turned away, for want of room.
    var evictions: UInt64 { table.evictions + table.refusals }

    @inline(__always)
    func hash(_ key: FlowKey) -> UInt64 { Self.hash(key, seed: seed) }

    @inline(__always)
    static func hash(_ key: FlowKey, seed: UInt64) -> UInt64 {
        var hash = TableHash(seed: seed)
        hash.combine(key)
        return hash.value
    }

    /// Asks for the memory of the flow with that hash.
    @inline(__always)
    func prefetch(hash: UInt64) { table.prefetch(hash: hash) }

    @inline(__always)
    func findAhead(_ key: FlowKey, hash: UInt64) -> UnsafeMutablePointer<FlowEntry> { table.findAhead(key, hash: hash) }

    /// The entry, valid until the next `insert`.
    @inline(__always)
    func find(_ key: FlowKey) -> UnsafeMutablePointer<FlowEntry>? {
        table.find(key, hash: hash(key))
    }

    /// The entry of `key`, made if it is new; `nil` if there is no room.
    ///
    /// Valid until the next `insert`.
    mutating func findOrInsert(
        _ key: FlowKey, now: UInt64
    ) -> (entry: UnsafeMutablePointer<FlowEntry>, isNew: Bool)? {
        findOrInsert(key, hash: hash(key), now: now)
    }

    /// The same of what was looked up ahead.
    @inline(__always)
    mutating func findOrInsert(
        _ key: FlowKey, _ lookup: UnsafePointer<PacketLookup>, now: UInt64
    ) -> (entry: UnsafeMutablePointer<FlowEntry>, isNew: Bool)? {
        if lookup.pointee.flow.pointee.matches(key) { return (lookup.pointee.flow, false) }
        return findOrInsert(key, hash: lookup.pointee.hashes.pointee.flow, now: now)
    }

    @inline(never)
    private mutating func findOrInsert(
        _ key: FlowKey, hash: UInt64, now: UInt64
    ) -> (entry: UnsafeMutablePointer<FlowEntry>, isNew: Bool)? {
        if let entry = table.find(key, hash: hash) { return (entry, false) }
        return insert(key, hash: hash, now: now).map { ($0, true) }
    }

    private mutating func insert(_ key: FlowKey, hash: UInt64, now: UInt64) -> UnsafeMutablePointer<FlowEntry>? {
        table.insert(FlowEntry(key: key, now: now), hash: hash, now: now)
    }
}

extension UnsafeMutablePointer<FlowEntry> {
    /// One of the two directions, in place.
    @inline(__always)
    func side(isHigh: Bool) -> UnsafeMutablePointer<FlowSide> {
        // Two stored properties of one type, one behind the other: a test compares their offsets with these.
        let sides = (UnsafeMutableRawPointer(self) + FlowEntry.sidesOffset).assumingMemoryBound(to: FlowSide.self)
        return sides + (isHigh ? 1 : 0)
    }
}
