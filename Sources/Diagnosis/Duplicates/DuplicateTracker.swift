// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Tracks packets that are seen more than once: by a mirror port, or on two interfaces of a router.
struct DuplicateTracker: ~Copyable {
    private let inPlace = InPlace()
    private var packets: DuplicateFilter
    private var resets = RecentResets()

    init(seed: UInt64, clockStep: ClockStep) {
        packets = DuplicateFilter(seed: seed, clockStep: clockStep)
    }

    /// True where a packet that is no reset was seen a moment ago, elsewhere.
    ///
    /// Without a time nothing is known to be a duplicate.
    @inline(__always)
    mutating func isDuplicate(_ packet: UnsafePointer<ObservedPacket>) -> Bool {
        packet.pointee.time != 0 && packets.isDuplicate(packet.record, now: packet.pointee.time)
    }

    /// The number of equal resets, no duplicates, that were seen at the very same time before; `nil` for a duplicate.
    ///
    /// Without a time the frame tells equal resets apart.
    ///
    /// - `answered`: A number that changes with each packet seen in the flow's other direction.
    mutating func occurrence(of reset: ObservedPacket, answered: UInt64) -> UInt64? {
        reset.time == 0
            ? reset.frame
            : resets.occurrence(
                of: reset.record, answered: answered, time: reset.time, isDuplicating: packets.isAlert(now: reset.time))
    }

    /// True where duplicates of other packets come in the order of this one and its duplicate.
    func isUsual(first: (ttl: UInt8, link: UInt16), copy: (ttl: UInt8, link: UInt16)) -> Bool {
        packets.order.isUsual(first: first, copy: copy)
    }
}
