// SPDX-License-Identifier: Apache-2.0
package import Packets

/// A source: an address, and the VLAN or tunnel that it was seen in.
package struct HostKey: Hashable, Sendable, BitwiseCopyable {
    package var address: IPAddress
    /// `PacketRecord.domain`: the VLAN ID, or a hash of tags and tunnel; 0 untagged.
    package var domain: UInt16

    package init(address: IPAddress, domain: UInt16) {
        self.address = address
        self.domain = domain
    }
}

/// What a packet that teaches a host's distance was. Baselines are kept apart by it: a translator that answers ping is not
/// the host behind it, and an application may set the TTL of its own data.
package enum FingerprintClass: Int, CaseIterable, Sendable {
    /// Echo replies to a request that was seen: the kernel's.
    case echo
    /// SYN-ACKs that acknowledge a seen SYN, and segments that acknowledge new data.
    case tcp
    /// UDP replies to a request that was seen.
    case udp
    /// Everything that could be spoofed: a SYN, a request, a first packet. Teaches little.
    case unproven
}

/// What is known of one source.
struct HostEntry: BucketEntry {
    var key: HostKey
    private var isUsed = false
    /// Its packets were seen leaving this machine, made here.
    var isLocal = false
    /// A packet from there carried a DSCP: the way from there does not wash it.
    var keepsDSCP = false
    /// A TCP or echo packet from there carried an IPv6 flow label.
    var usesFlowLabels = false
    var habit = ResetHabit()
    /// TTL of the newest packet that proves life, and how many in a row had it.
    var newestTTL: UInt8 = 0
    var newestRun: UInt8 = 0
    /// When the fingerprints were halved last, units of 2³⁰ ns.
    var fadedAt: UInt32 = 0
    /// The interfaces that packets which prove life arrived on (`InterfaceSet`).
    var interfaces = InterfaceSet()
    /// Resets of this host wait for its baseline.
    var hasUndetermined = false
    /// Some of its flows' packets come from another hop than before (`PathChanges`).
    var isMoving = false
    var firstSeen: UInt64
    var lastSeen: UInt64
    /// One fingerprint per `FingerprintClass`.
    var fingerprints: InlineArray<4, TTLFingerprint> = .init(repeating: TTLFingerprint())

    init(key: HostKey, now: UInt64) {
        self.key = key
        isUsed = true
        firstSeen = now
        lastSeen = now
    }

    private init() {
        key = HostKey(address: IPAddress(high: 0, low: 0), domain: 0)
        firstSeen = 0
        lastSeen = 0
    }

    static let free = HostEntry()

    subscript(fingerprint: FingerprintClass) -> TTLFingerprint {
        get { fingerprints[fingerprint.rawValue] }
        set { fingerprints[fingerprint.rawValue] = newValue }
    }

    /// Where the host is, by its TCP packets that prove life, else by its echo and UDP replies.
    var baseline: Baseline? {
        Baseline([self[.tcp]], isEgress: isLocal) ?? Baseline([self[.echo], self[.udp]], isEgress: isLocal)
    }

    /// True where a packet proved that the host lives.
    var isProven: Bool {
        !self[.echo].isEmpty || !self[.tcp].isEmpty || !self[.udp].isEmpty
    }

    /// Samples that prove life, of all classes.
    var provenSamples: Int {
        self[.echo].samples + self[.tcp].samples + self[.udp].samples
    }

    /// How far the newest packets that prove life came, and how many in a row had that TTL.
    var newest: (distance: HopDistance, run: Int) {
        (HopDistance(ttl: newestTTL, isEgress: isLocal), Int(newestRun))
    }

    /// Counts a packet. What proves life makes older samples fade: they are halved each hour of packet time, so that an old
    /// baseline gives way to a new one.
    @inline(__always)
    mutating func count(_ ttl: UInt8, as fingerprint: FingerprintClass, on interface: InterfaceSet, now: UInt64) {
        if fingerprint != .unproven {
            fade(now: now)
            interfaces.formUnion(interface)
            if ttl != newestTTL { newestRun = 0 }
            newestTTL = ttl
            if newestRun < .max { newestRun += 1 }
        }
        fingerprints[fingerprint.rawValue].add(ttl)
    }

    /// Forgets how far away it was.
    mutating func forget() {
        fingerprints = .init(repeating: TTLFingerprint())
        interfaces = []
    }

    /// An hour in units of 2³⁰ ns.
    private static let halfLife: UInt32 = 3353

    @inline(__always)
    mutating func fade(now: UInt64) {
        let unit = UInt32(truncatingIfNeeded: now >> 30)
        if fadedAt == 0 { fadedAt = unit }
        guard unit > fadedAt, unit - fadedAt >= Self.halfLife else { return }
        let times = (unit - fadedAt) / Self.halfLife
        fadedAt += times * Self.halfLife
        for index in fingerprints.indices { fingerprints[index].fade(Int(min(times, 16))) }
        if !isProven { interfaces = [] }
    }

    // MARK: BucketEntry

    var isFree: Bool { !isUsed }

    @inline(__always)
    func matches(_ key: HostKey) -> Bool {
        self.key.address.low == key.address.low && self.key.address.high == key.address.high
            && self.key.domain == key.domain && isUsed
    }

    /// Hosts that never proved to be alive give way first, the one seen longest ago before the others; a proven host gives
    /// way to a proven one only, so that a flood of spoofed sources pushes no real one out.
    func rankForEviction(now: UInt64) -> UInt64? {
        isProven ? nil : lastSeen
    }
}

/// The TTL fingerprints of sources, bounded.
///
/// At the capacity (rounded up to a power of two) an unproven source gives way to a newcomer; a source that has proved to be
/// alive only to another that has.
struct HostTable: ~Copyable {
    private var table: BucketTable<HostEntry>
    private let seed: UInt64

    init(capacity: Int, seed: UInt64) {
        table = BucketTable(capacity: capacity, empty: .free)
        self.seed = seed
    }

    var count: Int { table.count }
    /// Hosts forgotten, and newcomers turned away, for want of room.
    var evictions: UInt64 { table.evictions + table.refusals }

    @inline(__always)
    private func hash(_ key: HostKey) -> UInt64 {
        var hash = TableHash(seed: seed)
        hash.combine(key.address.high ^ UInt64(key.domain) << 48)
        hash.combine(key.address.low)
        return hash.value
    }

    /// The entry, valid until the next `learn`.
    func find(_ key: HostKey) -> UnsafeMutablePointer<HostEntry>? {
        table.find(key, hash: hash(key))
    }

    /// Counts one packet of a source. Returns its entry, valid until the next `learn`, or `nil` if there was no room.
    @inline(__always)
    mutating func learn(
        _ key: HostKey, ttl: UInt8, class fingerprint: FingerprintClass, on interface: InterfaceSet = [], isLocal: Bool,
        now: UInt64
    ) -> UnsafeMutablePointer<HostEntry>? {
        let hash = hash(key)
        guard
            let entry = table.find(key, hash: hash)
                ?? table.insert(
                    HostEntry(key: key, now: now), hash: hash, isProven: fingerprint != .unproven, now: now)
        else { return nil }
        entry.pointee.lastSeen = now
        if isLocal != entry.pointee.isLocal {
            // The address is now seen from the other side (it moved, or a capture was joined to another): start again.
            if isLocal || fingerprint != .unproven {
                entry.pointee.isLocal = isLocal
                entry.pointee.forget()
            } else {
                return entry
            }
        }
        entry.pointee.count(ttl, as: fingerprint, on: interface, now: now)
        return entry
    }

    /// Puts back what was known of a source before; what is known already stays. Returns false where it did not.
    mutating func restore(_ entry: HostEntry, now: UInt64) -> Bool {
        let hash = hash(entry.key)
        guard table.find(entry.key, hash: hash) == nil else { return false }
        return table.insert(entry, hash: hash, isProven: true, now: now) != nil
    }

    /// Forgets every source that `isUnwanted`. Returns how many there were.
    mutating func remove(where isUnwanted: (HostKey) -> Bool) -> Int {
        table.remove { isUnwanted($0.key) }
    }

    /// The entry of a source that nothing was seen of yet but which is waited for; `nil` if there was no room.
    mutating func reserve(_ key: HostKey, now: UInt64) -> UnsafeMutablePointer<HostEntry>? {
        table.insert(HostEntry(key: key, now: now), hash: hash(key), isProven: false, now: now)
    }

    func forEach(_ body: (HostEntry) -> Void) {
        table.forEach(body)
    }
}
