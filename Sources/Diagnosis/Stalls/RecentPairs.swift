// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The time at which something was seen last of a client, a server and its port.
///
/// A fixed table of 4,096 places by hash; a newer pair takes the place of another, which costs knowledge and never
/// makes any (but for one hash in 2^64).
struct RecentPairs {
    private static let places = 4096
    /// Anything older than this (ns) says nothing any more: a minute.
    static let memory: UInt64 = 60_000_000_000

    private struct Place {
        var hash: UInt64 = 0
        var time: UInt64 = 0
    }

    private var table: [Place] = []

    /// The hash of a client, a server and its port; seeded anew in each process.
    private static func hash(_ tuple: FiveTuple) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(tuple.source)
        hasher.combine(tuple.destination)
        hasher.combine(tuple.destinationPort)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// - `tuple`: the client first.
    mutating func note(_ tuple: FiveTuple, now: UInt64) {
        if table.isEmpty { table = [Place](repeating: Place(), count: Self.places) }
        let hash = Self.hash(tuple)
        table[Int(truncatingIfNeeded: hash >> 40) & (Self.places - 1)] = Place(hash: hash, time: now)
    }

    /// True where the pair was seen within a minute before `now`.
    func contains(_ tuple: FiveTuple, now: UInt64) -> Bool {
        guard !table.isEmpty else { return false }
        let hash = Self.hash(tuple)
        let place = table[Int(truncatingIfNeeded: hash >> 40) & (Self.places - 1)]
        return place.hash == hash && place.time > 0 && now &- place.time <= Self.memory
    }
}
