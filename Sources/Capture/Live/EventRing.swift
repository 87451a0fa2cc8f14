// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import CPacket
internal import Glibc
package import Packets

/// The rings of all CPUs, drained as one stream in the order of time. Needs no privilege, only the rings' descriptors.
///
/// Holds batches of `capacity` packets, allocated once. Not for two threads at once.
package struct EventRing: ~Copyable {
    /// The largest batch.
    package static let capacity = 1024

    private let drain: OpaquePointer
    private let bytes: Int
    private let packets: UnsafeMutableBufferPointer<ObservedPacket>
    private let snapshots: UnsafeMutableBufferPointer<header_snapshot>

    /// For `count` rings of `bytes` each, a power of two and a multiple of the page size. None is there yet.
    package init(count: Int, bytes: Int) throws(CaptureError) {
        guard let drain = rstwho_drain_create(UInt32(count), UInt32(bytes)) else {
            throw CaptureError(.ioError, subject: "the rings", problem: "out of memory", errno: ENOMEM)
        }
        self.drain = drain
        self.bytes = bytes
        packets = .allocate(capacity: Self.capacity)
        snapshots = .allocate(capacity: Self.capacity)
        packets.initialize(repeating: ObservedPacket())
        snapshots.initialize(repeating: header_snapshot())
    }

    /// Makes the kernel's side of the rings, one for each of the given CPUs, and puts them into the map `rings`.
    package func makeRings(cpus: [Int], map: Int32) throws(CaptureError) {
        for (index, cpu) in cpus.enumerated() {
            let ring = rstwho_ring_create(UInt32(bytes))
            var failed = min(ring, 0)
            if ring >= 0 {
                var key = UInt32(cpu)
                var value = ring
                failed = bpf_map_update_elem(map, &key, &value, UInt64(BPF_ANY))
                if failed == 0 { failed = rstwho_drain_attach(drain, UInt32(index), ring) }
                close(ring)
            }
            if failed < 0 {
                throw CaptureError(
                    failed == -EPERM ? .noPermission : .unavailable, subject: "the ring of CPU \(cpu)",
                    problem: "\(bytes) bytes cannot be had: \(SystemError.text(-failed))",
                    advice: failed == -ENOMEM ? "Ask for smaller rings" : "", errno: -failed)
            }
        }
    }

    deinit {
        rstwho_drain_destroy(drain)
        packets.deallocate()
        snapshots.deallocate()
    }

    /// For tests: memory that is laid out as a ring buffer is (`rstwho_drain_attach_memory`).
    package func attach(
        index: Int, consumer: UnsafeMutablePointer<UInt64>, producer: UnsafePointer<UInt64>, data: UnsafePointer<UInt8>,
        since: UInt64 = 0
    ) {
        rstwho_drain_attach_memory(drain, UInt32(index), consumer, producer, data, since)
    }

    /// What one look at the rings gave.
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
    /// - Parameters:
    ///   - now: CLOCK_MONOTONIC in ns, read before the call.
    ///   - offset: what makes it ns since 1970.
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

    /// Records taken so far.
    package func consumed(_ packetClass: PacketClass) -> UInt64 {
        rstwho_drain_consumed(drain, UInt32(packetClass.rawValue))
    }
}
