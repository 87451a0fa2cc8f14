// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import CPacket
internal import Glibc
package import Packets

/// The rings of all CPUs, drained as one stream in the order of time.
///
/// Needs no privilege, only the rings' descriptors.
///
/// Holds batches of `capacity` packets, allocated once. Not for two threads at once.
package struct EventRing: ~Copyable {
    /// The largest batch.
    package static let capacity = 1024
    /// A record takes one slot, its snapshot up to four more.
    package static let slotBytes = Int(RING_SLOT_BYTES)

    private let drain: OpaquePointer
    private let packets: UnsafeMutableBufferPointer<ObservedPacket>
    private let snapshots: UnsafeMutableBufferPointer<header_snapshot>

    /// For `count` rings, by CPU, of `bytes` each, a power of two.
    ///
    /// None is there yet.
    package init(count: Int, bytes: Int) throws(CaptureError) {
        guard let drain = rstwho_drain_create(UInt32(count), UInt32(bytes / Self.slotBytes)) else {
            throw CaptureError(.ioError, subject: "the rings", problem: "out of memory", errno: ENOMEM)
        }
        self.drain = drain
        packets = .allocate(capacity: Self.capacity)
        snapshots = .allocate(capacity: Self.capacity)
        packets.initialize(repeating: ObservedPacket())
        snapshots.initialize(repeating: header_snapshot())
    }

    /// Maps the kernel's side of the rings: the descriptors of the maps `rings` and `ringPositions`, which are not
    /// kept.
    package func map(rings: Int32, positions: Int32) throws(CaptureError) {
        let failed = rstwho_drain_map(drain, rings, positions)
        guard failed < 0 else { return }
        throw CaptureError(
            failed == -EPERM ? .noPermission : .unavailable, subject: "the rings",
            problem: "they cannot be mapped: \(SystemError.text(-failed))", errno: -failed)
    }

    deinit {
        rstwho_drain_destroy(drain)
        packets.deallocate()
        snapshots.deallocate()
    }

    /// For tests: memory that is laid out as the maps are (`rstwho_drain_attach`).
    package func attach(slots: UnsafeRawPointer, positions: UnsafeMutableRawPointer, since: UInt64 = 0) {
        rstwho_drain_attach(
            drain, slots.assumingMemoryBound(to: packet_record.self),
            positions.assumingMemoryBound(to: ring_position.self), since)
    }

    /// The result of one drain of the rings.
    package struct Drained {
        /// Valid until the next look.
        package var batch: PacketBatch
        /// More was ready than a batch holds.
        package var hasMore: Bool
        /// Bytes that waited in the fullest ring.
        package var backlog: Int
    }

    /// Takes what is ready, at most `capacity` packets.
    ///
    /// - `now`: CLOCK_MONOTONIC in ns, read before the call.
    /// - `offset`: what makes it ns since 1970.
    package mutating func next(now: UInt64, offset: Int64) -> Drained {
        guard let packetBase = packets.baseAddress, let snapshotBase = snapshots.baseAddress else {
            return Drained(
                batch: PacketBatch(packets: .init(start: nil, count: 0), watermark: 0), hasMore: false, backlog: 0)
        }
        let drained = rstwho_drain_next(drain, now, offset, packetBase, snapshotBase, UInt32(Self.capacity))
        return Drained(
            batch: PacketBatch(
                packets: UnsafeBufferPointer(start: packetBase, count: Int(drained.count)), watermark: drained.watermark
            ),
            hasMore: drained.has_more, backlog: Int(drained.backlog))
    }

    /// Records that wait in the rings.
    package var waiting: UInt64 { rstwho_drain_waiting(drain) }

    /// A program is in the middle of a packet, whose record may follow.
    package var isBusy: Bool { rstwho_drain_is_busy(drain) }

    /// Records taken so far.
    package func consumed(_ packetClass: PacketClass) -> UInt64 {
        rstwho_drain_consumed(drain, UInt32(packetClass.rawValue))
    }
}
