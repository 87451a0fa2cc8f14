// SPDX-License-Identifier: Apache-2.0

/// Counts roughly how many different things one thing fails with: a scanner with its targets, a flooded service with
/// the networks and addresses that its connections claim to come from.
///
/// 2,048 places by hash, 64 bits each; who comes later takes the place. What is counted is forgotten after five
/// minutes.
struct DistinctCounter {
    /// So many are a crowd, of those whose every member counts for much, and of others (of 64 bits 24 stand for about
    /// 30).
    static let crowd = 8
    static let largeCrowd = 24
    private static let places = 2048
    private static let memory: UInt64 = 300_000_000_000

    private struct Place {
        var key: UInt64 = 0
        var members: UInt64 = 0
        var since: UInt64 = 0
    }

    private var table = [Place](repeating: Place(), count: places)

    /// Counts `member` to `key`.
    mutating func note(_ key: UInt64, member: UInt64, now: UInt64) {
        let index = Int(truncatingIfNeeded: key % UInt64(Self.places))
        if table[index].key != key || now &- table[index].since > Self.memory {
            table[index] = Place(key: key, members: 0, since: now)
        }
        table[index].members |= 1 << (member & 63)
    }

    /// True where `key` has as many members as a crowd.
    func isCrowd(_ key: UInt64, of least: Int = crowd) -> Bool {
        let place = table[Int(truncatingIfNeeded: key % UInt64(Self.places))]
        return place.key == key && place.members.nonzeroBitCount >= least
    }
}
