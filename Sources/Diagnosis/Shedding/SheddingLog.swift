// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The shed flows over time: for each level the latest period in which it was in force, and the end of the one before.
///
/// That is enough to know of a flow whether anything of it was shed since some moment.
struct SheddingLog: Sendable {
    /// The time (ns) for which past shedding matters: an hour, in which a silent connection is remembered.
    static let memory: UInt64 = 3_600_000_000_000

    /// The period in which a level was reached or exceeded.
    private struct Span {
        var begin = UInt64.max
        /// `.max` while it lasts.
        var end: UInt64 = 0
        var earlierEnd: UInt64 = 0

        mutating func note(isInForce: Bool, _ change: SheddingChange) {
            if isInForce, end != .max {
                (begin, end, earlierEnd) = (change.earliest, .max, end)
            } else if !isInForce, end == .max {
                end = change.latest
            }
        }

        func touches(_ since: UInt64, _ until: UInt64) -> Bool {
            (begin <= until && end > since) || earlierEnd > since
        }
    }

    /// The key by which the kernel part hashes flows.
    private let hashKey: FlowHashKey
    /// By level, from 1 on.
    private var bulk = [Span](repeating: Span(), count: SheddingLevels.maximum)
    private var handshake = [Span](repeating: Span(), count: SheddingLevels.maximum)
    /// The newest time in which nothing was seen.
    private var gap = Span()
    /// Nothing was ever shed.
    private(set) var isEmpty = true

    init(hashKey: FlowHashKey) {
        self.hashKey = hashKey
    }

    /// Records a time in which nothing was seen: every flow was shed in it.
    mutating func note(gap: Range<UInt64>) {
        isEmpty = false
        if self.gap.end > 0 { self.gap.earlierEnd = self.gap.end }
        (self.gap.begin, self.gap.end) = (gap.lowerBound, gap.upperBound)
    }

    mutating func note(_ change: SheddingChange) {
        if change.levels != .none { isEmpty = false }
        for index in bulk.indices {
            bulk[index].note(isInForce: change.levels.bulk > index, change)
            handshake[index].note(isInForce: change.levels.handshake > index, change)
        }
    }

    /// The parts of a record's flow that were shed between two times (ns since 1970).
    func parts(_ record: PacketRecord, since: UInt64, until: UInt64) -> ShedParts {
        isEmpty ? [] : parts(hash: record.flowHash(hashKey), since: since, until: until)
    }

    /// The parts of a flow that were shed between two times (ns since 1970).
    func parts(_ flow: FiveTuple, since: UInt64, until: UInt64) -> ShedParts {
        isEmpty ? [] : parts(hash: flow.flowHash(hashKey), since: since, until: until)
    }

    private func parts(hash: UInt32, since: UInt64, until: UInt64) -> ShedParts {
        guard !isEmpty else { return [] }
        let since = max(since, until > Self.memory ? until - Self.memory : 0)
        if gap.touches(since, until) { return [.bulk, .handshake] }
        guard let level = SheddingLevels.firstLevel(sheddingHash: hash) else { return [] }
        let index = level - 1
        var parts: ShedParts = []
        if bulk[index].touches(since, until) { parts.insert(.bulk) }
        if handshake[index].touches(since, until) { parts.insert(.handshake) }
        return parts
    }

    /// True where any flow was shed between two times.
    func hasShed(since: UInt64, until: UInt64) -> Bool {
        !isEmpty && (bulk[0].touches(since, until) || gap.touches(since, until))
    }
}
