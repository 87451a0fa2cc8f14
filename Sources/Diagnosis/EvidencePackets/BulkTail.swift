// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Records of the newest bulk, for finding the segment that drew a reset: the batch at hand, and of those before it the
/// last few.
///
/// Nothing is done for a packet as it comes: a batch is looked through when a reset is in it, and the end of each is
/// copied. On a quiet link that is all of it.
struct BulkTail: ~Copyable {
    /// Packets at the end of each batch that are remembered.
    private static var tail: Int { 64 }
    private static var capacity: Int { 512 }
    /// A packet this much older (ns) drew nothing: 2 s.
    private static var reach: UInt64 { 2_000_000_000 }

    private struct Remembered: BitwiseCopyable {
        var record = PacketRecord()
        var time: UInt64 = 0
        var frame: UInt64 = 0
    }

    private var batch = UnsafeBufferPointer<ObservedPacket>(start: nil, count: 0)
    private let remembered: UnsafeMutablePointer<Remembered>
    private var written = 0

    init() {
        remembered = .allocate(capacity: Self.capacity)
        remembered.initialize(repeating: Remembered(), count: Self.capacity)
    }

    deinit {
        remembered.deallocate()
    }

    /// `packets` are looked through until `end`.
    mutating func begin(_ packets: UnsafeBufferPointer<ObservedPacket>) {
        batch = packets
    }

    mutating func end() {
        for packet in batch.suffix(Self.tail) where packet.record.packetClass == .bulk {
            remembered[written % Self.capacity] = Remembered(
                record: packet.record, time: packet.time, frame: packet.frame)
            written += 1
        }
        batch = UnsafeBufferPointer(start: nil, count: 0)
    }

    /// The bulk of a flow before `reset`, the newest first, at most `limit` packets.
    func find(_ key: FlowKey, before reset: ObservedPacket, limit: Int) -> [ObservedPacket] {
        var found: [ObservedPacket] = []
        // Of both directions the same, and enough to pass over nearly all that is not the flow's.
        let ports = key.lowPort ^ key.highPort
        for index in batch.indices.reversed()
        where batch[index].record.src_port ^ batch[index].record.dst_port == ports {
            let packet = batch[index]
            guard packet.record.packetClass == .bulk,
                packet.time < reset.time || (packet.time == reset.time && packet.frame < reset.frame)
            else {
                continue
            }
            guard FlowKey.of(packet.record).key == key else { continue }
            found.append(packet)
            if found.count == limit { return found }
        }
        for index in 0..<min(written, Self.capacity) {
            let place = remembered + (written - 1 - index) % Self.capacity
            guard place.pointee.record.src_port ^ place.pointee.record.dst_port == ports else { continue }
            let packet = place.pointee
            guard packet.time <= reset.time, reset.time - packet.time <= Self.reach else { continue }
            guard FlowKey.of(packet.record).key == key else { continue }
            found.append(
                observed_packet(record: packet.record, time: packet.time, frame: packet.frame, headers: nil))
            if found.count == limit { break }
        }
        return found
    }
}
