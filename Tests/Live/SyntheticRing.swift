// SPDX-License-Identifier: Apache-2.0
import CPacket
import Capture
import Packets

/// Memory that is laid out as one of the kernel's ring buffers, written by hand.
final class SyntheticRing {
    static let bytes = 1 << 16
    private static let busy: UInt32 = 1 << 31
    private static let discarded: UInt32 = 1 << 30

    private let positions = UnsafeMutablePointer<UInt64>.allocate(capacity: 2)
    private let data = UnsafeMutableRawPointer.allocate(byteCount: 2 * SyntheticRing.bytes, alignment: 8)

    init() {
        positions.initialize(repeating: 0, count: 2)
        data.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * Self.bytes)
    }

    deinit {
        positions.deallocate()
        data.deallocate()
    }

    var consumer: UnsafeMutablePointer<UInt64> { positions }
    var producer: UnsafeMutablePointer<UInt64> { positions + 1 }
    var start: UnsafePointer<UInt8> { UnsafePointer(data.assumingMemoryBound(to: UInt8.self)) }

    /// Both positions begin here, so that entries wrap around.
    func begin(at position: UInt64) {
        consumer.pointee = position
        producer.pointee = position
    }

    /// Writes an entry as the kernel part does: a bare record, or with a snapshot where `hasHeaders`. Returns where it is.
    @discardableResult
    func append(
        time: UInt64, tag: UInt32, hasHeaders: Bool = false, isBusy: Bool = false, isDiscarded: Bool = false
    ) -> UInt64 {
        var record = packet_record()
        record.time = UInt32(truncatingIfNeeded: time >> 10)
        record.seq = tag
        record.class = (hasHeaders ? PacketClass.reset : .bulk).rawValue
        var snapshot = header_snapshot()
        snapshot.time = time
        snapshot.length = UInt16(truncatingIfNeeded: tag)
        let length = hasHeaders ? 320 : 64
        let position = producer.pointee
        write(UInt32(length) | (isBusy ? Self.busy : 0) | (isDiscarded ? Self.discarded : 0), at: position)
        write(record, at: position + 8)
        if hasHeaders { write(snapshot, at: position + 72) }
        producer.pointee = position + UInt64(length + 8)
        return position
    }

    /// Clears the busy bit of the entry at `position`.
    func submit(_ position: UInt64, hasHeaders: Bool = false) {
        write(UInt32(hasHeaders ? 320 : 64), at: position)
    }

    /// Both copies, as the kernel maps its pages twice.
    private func write<Value>(_ value: Value, at position: UInt64) {
        withUnsafeBytes(of: value) { bytes in
            for (index, byte) in bytes.enumerated() {
                let offset = Int((position + UInt64(index)) % UInt64(Self.bytes))
                data.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
                data.storeBytes(of: byte, toByteOffset: offset + Self.bytes, as: UInt8.self)
            }
        }
    }
}

/// What one look at synthetic rings gave, kept.
struct Look: Equatable {
    var tags: [UInt32] = []
    var times: [UInt64] = []
    var watermark: UInt64 = 0
    var hasMore = false
    /// Packets with headers whose snapshot says something else than its record.
    var mismatches = 0
}

/// Rings with a drain over them.
struct SyntheticRings: ~Copyable {
    let rings: [SyntheticRing]
    private var drain: EventRing

    init(_ count: Int, from position: UInt64 = 0, since: UInt64 = 0) throws {
        rings = (0..<count).map { _ in SyntheticRing() }
        drain = try EventRing(count: count, bytes: SyntheticRing.bytes)
        for (index, ring) in rings.enumerated() {
            ring.begin(at: position)
            drain.attach(
                index: index, consumer: ring.consumer, producer: UnsafePointer(ring.producer), data: ring.start,
                since: since)
        }
    }

    var waiting: UInt64 { drain.waiting }

    func consumed(_ packetClass: PacketClass) -> UInt64 { drain.consumed(packetClass) }

    mutating func look(now: UInt64, offset: Int64 = 0) -> Look {
        let drained = drain.next(now: now, offset: offset)
        var look = Look(watermark: drained.batch.watermark, hasMore: drained.hasMore)
        for packet in drained.batch.packets {
            look.tags.append(packet.record.seq)
            look.times.append(packet.time)
            if let headers = packet.headers,
                headers.pointee.time != packet.time
                    || headers.pointee.length != UInt16(truncatingIfNeeded: packet.record.seq)
            {
                look.mismatches += 1
            }
        }
        return look
    }
}
