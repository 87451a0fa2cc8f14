// SPDX-License-Identifier: Apache-2.0
import CLibbpf
import CPacket
import Capture
import Packets

/// One of several rings in memory that is laid out as the kernel part's maps are, written by hand.
struct SyntheticRing {
    static let slots = 1024

    private let slots: UnsafeMutablePointer<packet_record>
    let position: UnsafeMutablePointer<ring_position>

    init(slots: UnsafeMutablePointer<packet_record>, position: UnsafeMutablePointer<ring_position>) {
        self.slots = slots
        self.position = position
    }

    /// A packet is being looked at.
    var isBusy: Bool {
        get { position.pointee.busy != 0 }
        nonmutating set { position.pointee.busy = newValue ? 1 : 0 }
    }

    /// Writes an entry as the kernel part does: a bare record, or with a snapshot of so many bytes.
    ///
    /// What was in its slots stays behind the snapshot's end.
    func append(time: UInt64, tag: UInt32, headers length: Int? = nil) {
        var record = packet_record()
        record.time = UInt32(truncatingIfNeeded: time >> 10)
        record.seq = tag
        record.class = (length == nil ? PacketClass.bulk : .reset).rawValue
        write(record, ahead: 0)
        guard let length else {
            position.pointee.head += 1
            return
        }
        var snapshot = header_snapshot()
        snapshot.time = time
        snapshot.wire_length = tag
        snapshot.length = UInt16(length)
        withUnsafeMutableBytes(of: &snapshot.bytes) { bytes in
            for index in 0..<length { bytes[index] = Self.byte(tag, index) }
        }
        let count = Int(ring_entry_slots(UInt32(length)))
        withUnsafeBytes(of: snapshot) { bytes in
            for index in 1..<count {
                let part = bytes.baseAddress?.advanced(by: (index - 1) * 64)
                if let part { write(part.loadUnaligned(as: packet_record.self), ahead: index) }
            }
        }
        position.pointee.head += UInt64(count)
    }

    private func write(_ record: packet_record, ahead: Int) {
        slots[Int((position.pointee.head + UInt64(ahead)) % UInt64(Self.slots))] = record
    }

    /// Returns a byte of a snapshot.
    static func byte(_ tag: UInt32, _ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: Int(tag) + index) | 1 }
}

/// The kept result of one drain of synthetic rings.
struct Look: Equatable {
    var tags: [UInt32] = []
    var times: [UInt64] = []
    var watermark: UInt64 = 0
    var hasMore = false
    /// Packets whose headers are not what was written.
    var mismatches = 0
}

/// Rings with a drain over them.
struct SyntheticRings: ~Copyable {
    let rings: [SyntheticRing]
    private let slots: UnsafeMutablePointer<packet_record>
    private let positions: UnsafeMutablePointer<ring_position>
    private var drain: EventRing

    /// All begin at `position`, so that entries wrap around.
    init(_ count: Int, from position: UInt64 = 0, since: UInt64 = 0) throws {
        drain = try EventRing(count: count, bytes: SyntheticRing.slots * EventRing.slotBytes)
        slots = .allocate(capacity: count * SyntheticRing.slots)
        positions = .allocate(capacity: count)
        // Not zero: what is not written must not be taken for something.
        UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(start: slots, count: count * SyntheticRing.slots))
            .initializeMemory(as: UInt8.self, repeating: 0xa5)
        positions.initialize(repeating: ring_position(), count: count)
        rings = (0..<count).map { [slots, positions] in
            SyntheticRing(slots: slots + $0 * SyntheticRing.slots, position: positions + $0)
        }
        for ring in rings {
            ring.position.pointee.head = position
            ring.position.pointee.tail = position
        }
        drain.attach(slots: slots, positions: positions, since: since)
    }

    deinit {
        slots.deallocate()
        positions.deallocate()
    }

    var waiting: UInt64 { drain.waiting }
    var isBusy: Bool { drain.isBusy }

    func consumed(_ packetClass: PacketClass) -> UInt64 { drain.consumed(packetClass) }

    mutating func look(now: UInt64, offset: Int64 = 0) -> Look {
        let drained = drain.next(now: now, offset: offset)
        var look = Look(watermark: drained.batch.watermark, hasMore: drained.hasMore)
        for packet in drained.batch.packets {
            look.tags.append(packet.record.seq)
            look.times.append(packet.time)
            if let headers = packet.headers, !Self.isWhole(headers.pointee, of: packet) { look.mismatches += 1 }
        }
        return look
    }

    private static func isWhole(_ headers: header_snapshot, of packet: ObservedPacket) -> Bool {
        let tag = packet.record.seq
        let length = Int(headers.length)
        guard headers.time == packet.time, headers.wire_length == tag else { return false }
        return withUnsafeBytes(of: headers.bytes) { bytes in
            bytes.indices.allSatisfy { bytes[$0] == ($0 < length ? SyntheticRing.byte(tag, $0) : 0) }
        }
    }
}
