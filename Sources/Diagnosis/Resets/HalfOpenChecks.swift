// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Connections that their client dropped as soon as the server had accepted them, by client and service.
///
/// Once is anything; who does it again is a health check or a scan. A fixed table; a newer pair overwrites an older one
/// in its place.
struct HalfOpenChecks: ~Copyable {
    private static let places = 1024
    /// Occurrences further apart than this (ns) have nothing to do with each other: 1 h.
    private static let memory: UInt64 = 3_600_000_000_000

    struct Entry: BitwiseCopyable {
        var client = IPAddress(high: 0, low: 0)
        var count: UInt16 = 0
        /// The number of the first reset (`PendingResets`), plus 1; 0 once it was judged again.
        var first: UInt32 = 0
        var time: UInt64 = 0
    }

    private let entries = FixedTable(repeating: Entry(), count: places)
    private let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
    }

    /// Counts an occurrence when its reset comes.
    mutating func note(_ reset: ResetCase, number: UInt32) {
        guard ResetCause.isHalfOpen(reset) else { return }
        let entry = place(reset)
        if entry.pointee.client != reset.record.source || reset.time &- entry.pointee.time > Self.memory {
            entry.pointee = Entry(client: reset.record.source, first: number &+ 1)
        }
        entry.pointee.time = reset.time
        if entry.pointee.count < .max { entry.pointee.count += 1 }
    }

    /// True where the client did so more than once.
    func isRepeated(_ reset: ResetCase) -> Bool {
        let entry = place(reset).pointee
        return entry.client == reset.record.source && entry.count > 1
    }

    /// The number of the first reset of a client that now has done so again: once.
    mutating func takeFirst(_ reset: ResetCase) -> UInt32? {
        let entry = place(reset)
        guard entry.pointee.client == reset.record.source, entry.pointee.count > 1, entry.pointee.first != 0 else {
            return nil
        }
        let number = entry.pointee.first &- 1
        entry.pointee.first = 0
        return number
    }

    private func place(_ reset: ResetCase) -> UnsafeMutablePointer<Entry> {
        let record = reset.record
        var hash = TableHash(seed: seed)
        hash.combine(record.src_high ^ record.src_low ^ UInt64(record.dst_port) << 48)
        return entries[Int(truncatingIfNeeded: hash.value)]
    }
}
