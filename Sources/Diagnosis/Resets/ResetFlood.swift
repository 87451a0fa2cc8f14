// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Keeps a flood of resets from buying memory and work: beyond a number of resets in one window, equal ones (same
/// source, service, TTL, flags) are told as one with a count.
///
/// Bounded: beyond `keys` kinds of resets in a window, the source no longer tells them apart.
struct ResetFlood {
    /// Resets in a window that are told one by one, live.
    static let threshold = 16_384
    /// The same for a file, where there is time for more.
    static let fileThreshold = 131_072
    private static let keys = 4096

    struct Key: Hashable {
        /// `nil` where there are too many kinds.
        var source: IPAddress?
        var port: UInt16
        var ttl: UInt8
        var flags: UInt8
        var hasFlow: Bool
        var isMadeHere: Bool
    }

    private var windowStart: UInt64 = 0
    private var seen = 0
    private var merged: [Key: ResetCase] = [:]

    enum Admission {
        /// Tell it by itself.
        case single
        /// It was counted with others of its kind.
        case counted
        /// The first of its kind since the flood began: make a case of it, for `represent`.
        case first(Key)
    }

    /// Returns the treatment of a reset that was seen at `now` (ns).
    mutating func admit(_ record: PacketRecord, hasFlow: Bool, isMadeHere: Bool, isLive: Bool) -> Admission {
        seen += 1
        guard seen > (isLive ? Self.threshold : Self.fileThreshold) else { return .single }
        var key = Key(
            source: record.source, port: min(record.src_port, record.dst_port), ttl: record.ttl, flags: record.flags,
            hasFlow: hasFlow, isMadeHere: isMadeHere)
        if merged[key] == nil, merged.count >= Self.keys {
            key.source = nil
            key.port = 0
        }
        guard merged[key] == nil else {
            merged[key]?.count += 1
            return .counted
        }
        return .first(key)
    }

    mutating func represent(_ key: Key, by reset: ResetCase) {
        merged[key] = reset
    }

    /// Returns the end of the window; at once if time went back.
    func due(now: UInt64, window: UInt64) -> UInt64 {
        now < windowStart ? 0 : windowStart.saturatingSum(window)
    }

    /// Begins a new window where the old one is over, and returns what was counted in it.
    mutating func advance(now: UInt64, window: UInt64) -> [ResetCase] {
        guard now >= due(now: now, window: window), seen > 0 || now > windowStart else { return [] }
        windowStart = now
        return drain()
    }

    /// Ends the window and returns what was counted in it, the earliest first.
    mutating func drain() -> [ResetCase] {
        seen = 0
        guard !merged.isEmpty else { return [] }
        defer { merged = [:] }
        return merged.values.sorted { ($0.time, $0.frame) < ($1.time, $1.frame) }
    }
}
