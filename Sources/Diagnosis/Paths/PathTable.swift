// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The state of the paths between a client's network and a server.
struct PathEntry: BucketEntry {
    let key: PathNetworks
    var place = BucketPlace()
    /// The newest opening packets' links, to the server and back.
    var forward = PathLink()
    var back = PathLink()
    /// Connections opened, and those that carried data both ways.
    var flows: UInt32 = 0
    var worked: UInt32 = 0
    var retransmissions: UInt32 = 0
    /// Connections of which one direction only came past here.
    var alone: UInt32 = 0
    /// The shortest time from a SYN to its SYN-ACK, or from there to the ACK, units of 1024 ns; `.max` where unknown.
    var roundTrip: UInt32 = .max
    /// Ports that failed lately, 0 where there is none, and when one did last, ns.
    private(set) var failing: InlineArray<4, UInt16> = .init(repeating: 0)
    private(set) var failedAt: UInt64 = 0
    /// The port that worked last, and when.
    private(set) var workedPort: UInt16 = 0
    private(set) var workedAt: UInt64 = 0
    let firstSeen: UInt64
    var lastSeen: UInt64

    /// The time (ns) after which failures and successes no longer count: a minute.
    static let memory: UInt64 = 60_000_000_000

    init(key: PathNetworks, now: UInt64) {
        self.key = key
        firstSeen = now
        lastSeen = now
    }

    /// Only one direction comes past here.
    var isOneWay: Bool { alone > 0 && (forward.packets == 0 || back.packets == 0) }

    mutating func noteFailure(port: UInt16, now: UInt64) {
        if now &- failedAt > Self.memory { failing = .init(repeating: 0) }
        failedAt = now
        for index in failing.indices where failing[index] == 0 || failing[index] == port {
            failing[index] = port
            return
        }
    }

    mutating func noteSuccess(port: UInt16, now: UInt64) {
        worked &+= 1
        workedPort = port
        workedAt = now
    }

    /// The ports that fail while none works, where there are several.
    func failingPorts(now: UInt64) -> [UInt16] {
        guard now &- failedAt <= Self.memory, workedAt == 0 || now &- workedAt > Self.memory else { return [] }
        let ports = failing.indices.map { failing[$0] }.filter { $0 != 0 }
        return ports.count > 1 ? ports.sorted() : []
    }

    /// A port other than `port` that works while `port` does not.
    func workingPort(besides port: UInt16, now: UInt64) -> UInt16? {
        workedAt != 0 && now &- workedAt <= Self.memory && workedPort != port ? workedPort : nil
    }

    // MARK: BucketEntry

    func matches(_ key: PathNetworks) -> Bool { place.isUsed && self.key == key }

    /// Returns the eviction rank: entries that never carried data first, then the one seen longest ago.
    func rankForEviction(now: UInt64) -> UInt64? {
        worked == 0 ? lastSeen >> 1 : lastSeen >> 1 | 1 << 63
    }
}

/// The ways between networks of clients and servers, bounded: at the capacity what never carried anything gives way
/// first.
struct PathTable: ~Copyable {
    static let capacity = 4096

    private var table = BucketTable<PathEntry>(capacity: capacity)
    private let seed: UInt64

    init(seed: UInt64) { self.seed = seed }

    var count: Int { table.count }
    var evictions: UInt64 { table.evictions + table.refusals }

    private func hash(_ key: PathNetworks) -> UInt64 {
        var hash = TableHash(seed: seed)
        hash.combine(key.network)
        hash.combine(key.server)
        return hash.value
    }

    /// The entry, valid until the next `findOrInsert`.
    func find(_ key: PathNetworks) -> UnsafeMutablePointer<PathEntry>? { table.find(key, hash: hash(key)) }

    mutating func findOrInsert(_ key: PathNetworks, now: UInt64) -> UnsafeMutablePointer<PathEntry>? {
        let hash = hash(key)
        return table.find(key, hash: hash)
            ?? table.insert(PathEntry(key: key, now: now), hash: hash, now: now)
    }

    func forEach(_ body: (PathEntry) -> Void) { table.forEach(body) }

    /// Forgets every way that `isUnwanted`.
    mutating func remove(where isUnwanted: (PathNetworks) -> Bool) { _ = table.remove { isUnwanted($0.key) } }
}
