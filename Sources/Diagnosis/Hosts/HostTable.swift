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

/// The kind of packet that contributes to a host's distance.
///
/// Baselines are kept apart by it: a translator that answers ping is not the host behind it, and an application may set
/// the TTL of its own data.
package enum FingerprintClass: Int, CaseIterable, Sendable {
    /// Echo replies to a request that was seen: the kernel's.
    case echo
    /// SYN-ACKs that acknowledge a seen SYN, and segments that acknowledge new data.
    case tcp
    /// UDP replies to a request that was seen.
    case udp
    /// Everything that could be spoofed: a SYN, a request, a first packet.
    ///
    /// Teaches little.
    case unproven
}

/// The state of one source.
struct HostEntry: BucketEntry {
    // In this order what most packets touch is in the first cache line, down to the first TTL of `unproven`.
    var key: HostKey
    var place = BucketPlace()
    private var marks: Marks = []
    /// TTL of the newest packet that proves life, and how many in a row had it.
    var newestTTL: UInt8 = 0
    var newestRun: UInt8 = 0
    var lastSeen: UInt64
    /// The interfaces that packets which prove life arrived on (`InterfaceSet`).
    var interfaces = InterfaceSet()
    /// The time when the fingerprints were last halved, in units of 2³⁰ ns.
    var fadedAt: UInt32 = 0
    private var tcp = TTLFingerprint()
    private var unproven = TTLFingerprint()
    private var echo = TTLFingerprint()
    private var udp = TTLFingerprint()
    var habit = ResetPattern()
    var firstSeen: UInt64

    init(key: HostKey, now: UInt64) {
        self.key = key
        firstSeen = now
        lastSeen = now
    }

    private struct Marks: OptionSet, BitwiseCopyable {
        var rawValue: UInt8

        static let isLocal = Marks(rawValue: 1)
        static let keepsDSCP = Marks(rawValue: 2)
        static let usesFlowLabels = Marks(rawValue: 4)
        static let hasUndetermined = Marks(rawValue: 8)
        static let isMoving = Marks(rawValue: 16)
        static let isConfirmed = Marks(rawValue: 128)
        /// Two bits: a `StackFamily`.
        static let stack = Marks(rawValue: 96)

        subscript(mark: Marks) -> Bool {
            get { contains(mark) }
            set { if newValue { insert(mark) } else { remove(mark) } }
        }
    }

    /// Its packets were seen leaving this machine, made here.
    var isLocal: Bool {
        get { marks[.isLocal] }
        set { marks[.isLocal] = newValue }
    }

    /// A packet from there carried a DSCP: the way from there does not wash it.
    var keepsDSCP: Bool {
        get { marks[.keepsDSCP] }
        set { marks[.keepsDSCP] = newValue }
    }

    /// A TCP or echo packet from there carried an IPv6 flow label.
    var usesFlowLabels: Bool {
        get { marks[.usesFlowLabels] }
        set { marks[.usesFlowLabels] = newValue }
    }

    /// An answer from there came by the interface by which its request had left (`ProofOfLife.confirmed`).
    var isConfirmed: Bool {
        get { marks[.isConfirmed] }
        set { marks[.isConfirmed] = newValue }
    }

    /// The best proof of life of this host.
    var proof: ProofOfLife { !isProven ? .none : isConfirmed ? .confirmed : .answered }

    /// Resets of this host wait for its baseline.
    var hasUndetermined: Bool {
        get { marks[.hasUndetermined] }
        set { marks[.hasUndetermined] = newValue }
    }

    /// Some of its flows' packets come from another hop than before (`PathChanges`).
    var isMoving: Bool {
        get { marks[.isMoving] }
        set { marks[.isMoving] = newValue }
    }

    /// Its TCP implementation, by the newest of its handshakes that tells.
    var stack: StackFamily {
        get { StackFamily(rawValue: (marks.rawValue & Marks.stack.rawValue) >> 5) ?? .unknown }
        set { marks.rawValue = marks.rawValue & ~Marks.stack.rawValue | newValue.rawValue << 5 }
    }

    subscript(fingerprint: FingerprintClass) -> TTLFingerprint {
        get {
            switch fingerprint {
            case .echo: echo
            case .tcp: tcp
            case .udp: udp
            case .unproven: unproven
            }
        }
        set {
            switch fingerprint {
            case .echo: echo = newValue
            case .tcp: tcp = newValue
            case .udp: udp = newValue
            case .unproven: unproven = newValue
            }
        }
    }

    /// Bytes of memory that an entry of the table takes.
    static var tableStride: Int { BucketTable<HostEntry>.stride }

    /// The host's distance, by its TCP proofs of life, otherwise by its echo and UDP replies.
    var baseline: Baseline? {
        Baseline(ofPath: [self[.tcp]], isEgress: isLocal) ?? Baseline([self[.echo], self[.udp]], isEgress: isLocal)
    }

    /// True where a packet proved that the host lives.
    var isProven: Bool { !tcp.isEmpty || !echo.isEmpty || !udp.isEmpty }

    /// False where more than one packet proved life; true tells nothing.
    var mayBeNew: Bool { tcp.firstCount <= 1 }

    /// Samples that prove life, of all classes.
    var provenSamples: Int {
        echo.samples + tcp.samples + udp.samples
    }

    /// The distance of the newest proofs of life, and the length of their run with that TTL.
    var newest: (distance: HopDistance, run: Int) {
        (HopDistance(ttl: newestTTL, isEgress: isLocal), newestTTL == 0 ? 0 : Int(newestRun))
    }

    /// Counts a packet.
    ///
    /// What proves life makes older samples fade: they are halved each hour of packet time, so that an old baseline
    /// gives way to a new one.
    @inline(__always)
    mutating func count(_ ttl: UInt8, as fingerprint: FingerprintClass, on interface: InterfaceSet, now: UInt64) {
        if fingerprint != .unproven {
            fade(now: now)
            interfaces.formUnion(interface)
            if ttl != newestTTL { newestRun = 0 }
            newestTTL = ttl
            if newestRun < .max { newestRun += 1 }
        }
        switch fingerprint {
        case .echo: echo.add(ttl)
        case .tcp: tcp.add(ttl)
        case .udp: udp.add(ttl)
        case .unproven: unproven.add(ttl)
        }
    }

    /// Forgets how far away it was.
    mutating func forget() {
        (echo, tcp, udp, unproven) = (TTLFingerprint(), TTLFingerprint(), TTLFingerprint(), TTLFingerprint())
        interfaces = []
        isConfirmed = false
    }

    /// An hour in units of 2³⁰ ns.
    private static let halfLife: UInt32 = 3353

    @inline(__always)
    mutating func fade(now: UInt64) {
        let unit = UInt32(truncatingIfNeeded: now >> 30)
        if fadedAt == 0 { fadedAt = unit }
        if unit > fadedAt, unit &- fadedAt >= Self.halfLife { fade(to: unit) }
    }

    @inline(never)
    private mutating func fade(to unit: UInt32) {
        let times = (unit - fadedAt) / Self.halfLife
        fadedAt += times * Self.halfLife
        let halvings = Int(min(times, 16))
        tcp.fade(halvings)
        unproven.fade(halvings)
        echo.fade(halvings)
        udp.fade(halvings)
        if !isProven {
            interfaces = []
            isConfirmed = false
        }
    }

    // MARK: BucketEntry

    @inline(__always)
    func matches(_ key: HostKey) -> Bool {
        self.key.address.low == key.address.low && self.key.address.high == key.address.high
            && self.key.domain == key.domain && place.isUsed
    }

    @inline(__always)
    func resembles(_ key: HostKey) -> Bool { self.key.address.low == key.address.low }

    /// Hosts that never proved to be alive give way first, then those whose proof is the weaker; among equals the one
    /// seen longest ago.
    func rankForEviction(now: UInt64) -> UInt64? { lastSeen >> 2 | UInt64(proof.rawValue) << 62 }

    /// The highest rank that gives way to a newcomer with such a proof: a flood of spoofed sources pushes no real host
    /// out.
    static func bound(of proof: ProofOfLife) -> UInt64 { UInt64(proof.rawValue) << 62 | .max >> 2 }
}

/// The TTL fingerprints of sources, bounded.
///
/// At the capacity (rounded up to a power of two) a source gives way to a newcomer whose proof of life is as good as
/// its own. The sources of one network (`HostTable.network`) share a quarter of the places: no single network fills
/// the table.
struct HostTable: ~Copyable {
    private var table: BucketTable<HostEntry>
    private let seed: UInt64

    init(capacity: Int, seed: UInt64) {
        table = BucketTable(capacity: capacity)
        self.seed = seed
    }

    var count: Int { table.count }
    /// Hosts forgotten, and newcomers turned away, for want of room.
    var evictions: UInt64 { table.evictions + table.refusals }

    @inline(__always)
    func hash(_ key: HostKey) -> UInt64 { Self.hash(key, seed: seed) }

    @inline(__always)
    static func hash(_ key: HostKey, seed: UInt64) -> UInt64 {
        var hash = TableHash(seed: seed)
        hash.combine(network(of: key.address))
        let network = hash.value
        hash.combine(key)
        // The lowest bits choose the bucket.
        return hash.value & ~3 | network & 3
    }

    /// The network whose sources share a part of the table: an IPv4 /16, an IPv6 /48.
    @inline(__always)
    private static func network(of address: IPAddress) -> UInt64 {
        // An IPv4 address is mapped into IPv6: its upper half is 0.
        address.high == 0 ? address.low >> 16 : address.high >> 16
    }

    /// Asks for the memory of the host with that hash: what most packets need of it.
    @inline(__always)
    func prefetch(hash: UInt64) { table.prefetch(hash: hash) }

    @inline(__always)
    func findAhead(_ key: HostKey, hash: UInt64) -> UnsafeMutablePointer<HostEntry> { table.findAhead(key, hash: hash) }

    /// The entry, valid until the next `learn`.
    func find(_ key: HostKey) -> UnsafeMutablePointer<HostEntry>? {
        table.find(key, hash: hash(key))
    }

    /// Counts one packet of a source.
    ///
    /// Returns its entry, valid until the next `learn`, or `nil` if there was no room.
    mutating func learn(
        _ key: HostKey, ttl: UInt8, class fingerprint: FingerprintClass, _ proof: ProofOfLife = .answered,
        on interface: InterfaceSet = [], isLocal: Bool, now: UInt64
    ) -> UnsafeMutablePointer<HostEntry>? {
        let hash = hash(key)
        return learn(
            key, hash: hash, at: table.findAhead(key, hash: hash), ttl: ttl, class: fingerprint, proof, on: interface,
            isLocal: isLocal, now: now)
    }

    /// The same for what was looked up ahead, and is most likely at `place`.
    @inline(__always)
    mutating func learn(
        _ key: HostKey, hash: UInt64, at place: UnsafeMutablePointer<HostEntry>, ttl: UInt8,
        class fingerprint: FingerprintClass, _ proof: ProofOfLife, on interface: InterfaceSet, isLocal: Bool,
        now: UInt64
    ) -> UnsafeMutablePointer<HostEntry>? {
        var entry = place
        if !place.pointee.matches(key) {
            guard let found = findOrInsert(key, hash: hash, fingerprint == .unproven ? .none : proof, now: now) else {
                return nil
            }
            entry = found
        }
        entry.pointee.lastSeen = now
        if isLocal != entry.pointee.isLocal {
            // The address is now seen from the other side (it moved, or a capture was joined to another): start again.
            guard isLocal || fingerprint != .unproven else { return entry }
            entry.pointee.isLocal = isLocal
            entry.pointee.forget()
        }
        entry.pointee.count(ttl, as: fingerprint, on: interface, now: now)
        if proof == .confirmed, fingerprint != .unproven, !entry.pointee.isConfirmed {
            entry.pointee.isConfirmed = true
        }
        return entry
    }

    /// Puts back what was known of a source before; what is known already stays.
    ///
    /// Returns false where it did not.
    mutating func restore(_ entry: HostEntry, now: UInt64) -> Bool {
        let hash = hash(entry.key)
        guard table.find(entry.key, hash: hash) == nil else { return false }
        return table.insert(entry, hash: hash, bound: HostEntry.bound(of: entry.proof), now: now) != nil
    }

    /// Forgets every source that `isUnwanted`.
    ///
    /// Returns how many there were.
    mutating func remove(where isUnwanted: (HostKey) -> Bool) -> Int {
        table.remove { isUnwanted($0.key) }
    }

    @inline(never)
    private mutating func findOrInsert(
        _ key: HostKey, hash: UInt64, _ proof: ProofOfLife, now: UInt64
    ) -> UnsafeMutablePointer<HostEntry>? {
        table.find(key, hash: hash)
            ?? table.insert(HostEntry(key: key, now: now), hash: hash, bound: HostEntry.bound(of: proof), now: now)
    }

    /// The entry of a source that nothing was seen of yet but which is waited for; `nil` if there was no room.
    mutating func reserve(_ key: HostKey, now: UInt64) -> UnsafeMutablePointer<HostEntry>? {
        table.insert(HostEntry(key: key, now: now), hash: hash(key), bound: HostEntry.bound(of: .none), now: now)
    }

    func forEach(_ body: (HostEntry) -> Void) {
        table.forEach(body)
    }
}
