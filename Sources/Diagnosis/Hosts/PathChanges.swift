// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Recognises that a path has changed: live flows of a host, or of several hosts, whose packets come from one hop and
/// then from another, as many hops nearer or farther, while nothing comes from the old hop any more.
///
/// A flow counts from `samples` packets of its own at one TTL on: a proxy's handshake is followed by the host's data in
/// every flow, and a host on equal-cost paths has flows on each that stay there. Bounded: at most `capacity` hosts at
/// once; beyond that none is added.
struct PathChanges: Sendable {
    /// Packets at the old TTL that make a flow's move count.
    static let samples: UInt16 = 3
    /// Flows, of one host or of several, that make a change of their moves.
    private static let flows = 2
    private static let capacity = 1024
    /// Packets that were under way on the old path may come this long (ns) after the first on the new one.
    private static let crossing: UInt64 = 500_000_000
    /// For this long (ns) a change explains what comes from as many hops nearer or farther, and is not told again.
    private static let memory: UInt64 = 60_000_000_000

    /// Moves of one host's flows.
    struct Move: Sendable {
        var record: PacketRecord
        var time: UInt64
        var frame: UInt64
        var from: HopDistance
        var to: HopDistance
        var flows = 1

        /// Hops that it is now farther.
        var shift: Int { to.hop - from.hop }
    }

    /// The flows or hosts that moved together.
    struct Change: Sendable {
        /// The first of the moves.
        var move: Move
        var hosts: Int
        var flows: Int
    }

    private var moves: [HostKey: Move] = [:]
    /// The time when the earliest move began; `.max` if there is none.
    private var earliest = UInt64.max
    private var recent: [(shift: Int, time: UInt64)] = []

    /// Notes that a flow has moved.
    ///
    /// Returns false where there is no room for its host.
    mutating func note(_ host: HostKey, _ move: Move) -> Bool {
        if let known = moves[host] {
            if known.to.hop == move.to.hop { moves[host]?.flows += 1 }
            return true
        }
        guard moves.count < Self.capacity else { return false }
        moves[host] = move
        earliest = min(earliest, move.time)
        return true
    }

    /// Notes from how far a moving host's packet came: from the old hop means that the old path is still there.
    ///
    /// Returns whether the host still counts as moving.
    mutating func note(_ host: HostKey, at hop: Int, now: UInt64) -> Bool {
        guard let move = moves[host] else { return false }
        if hop == move.from.hop, now > move.time, now - move.time > Self.crossing {
            moves[host] = nil
            return false
        }
        return true
    }

    /// Returns the time when the first move may be settled; `.max` if nothing moves.
    func due(after settleTime: UInt64) -> UInt64 { earliest.saturatingSum(settleTime) }

    /// The changes that stand at `now`: what began to move `settleTime` (ns) before, with all that moved as far since.
    mutating func settle(now: UInt64, settleTime: UInt64) -> [Change] {
        var changes: [Change] = []
        while earliest != .max, now >= due(after: settleTime) {
            let first = moves.filter { $0.value.time == earliest }.min { $0.value.frame < $1.value.frame }
            if let first { changes += change(first.key, first.value) }
            earliest = moves.values.map(\.time).min() ?? .max
        }
        return changes
    }

    private mutating func change(_ host: HostKey, _ first: Move) -> [Change] {
        let together = moves.filter { $0.value.shift == first.shift }
        let flows = together.values.reduce(0) { $0 + $1.flows }
        recent.removeAll { first.time > $0.time && first.time - $0.time > Self.memory }
        guard flows >= Self.flows || recent.contains(where: { $0.shift == first.shift }) else {
            moves[host] = nil
            return []
        }
        for key in together.keys { moves[key] = nil }
        // Flows that spoke late belong to a change that was told.
        guard !recent.contains(where: { $0.shift == first.shift }) else { return [] }
        recent.append((first.shift, first.time))
        return [Change(move: first, hosts: together.count, flows: flows)]
    }

    /// True where so many hops nearer or farther is what other flows or hosts have just moved by, and the host has not
    /// been heard since.
    ///
    /// - `lastSeen`: When the host was heard last, ns.
    func explains(shift: Int, at time: UInt64, lastSeen: UInt64) -> Bool {
        guard shift != 0 else { return false }
        let isTold = recent.contains {
            $0.shift == shift && lastSeen < $0.time && (time < $0.time || time - $0.time <= Self.memory)
        }
        return isTold
            || moves.values.reduce(0) { $1.shift == shift && lastSeen < $1.time ? $0 + $1.flows : $0 } >= Self.flows
    }
}
