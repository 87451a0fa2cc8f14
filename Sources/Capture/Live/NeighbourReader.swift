// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Packets

/// Reads the kernel's neighbour table: which addresses are on a watched link, and which station answers for them.
///
/// It costs one netlink dump an interval, on the capture thread; entries beyond the room are left out.
struct NeighbourReader: ~Copyable {
    /// The time between two readings, in ns.
    private static let interval: UInt64 = 10_000_000_000
    private static let capacity = 1024

    private let room = UnsafeMutablePointer<rstwho_neighbour>.allocate(capacity: capacity)
    private var next: UInt64 = 0

    deinit { room.deallocate() }

    /// Returns the neighbours on the interfaces of `attachments`, and on the bridges or bonds that these belong to.
    ///
    /// Empty until the interval has passed, and where the kernel does not tell.
    ///
    /// - `now`: ns of a clock that never goes back.
    mutating func due(now: UInt64, _ attachments: [AttachmentInfo]) -> [Neighbour] {
        guard now >= next else { return [] }
        next = now + Self.interval
        let watched = Set(attachments.filter(\.isAttached).flatMap { [$0.index, $0.master ?? $0.index] })
        let count = rstwho_list_neighbours(room, UInt32(Self.capacity))
        guard count > 0 else { return [] }
        return UnsafeBufferPointer(start: room, count: Int(count)).compactMap { entry in
            guard watched.contains(entry.interface) else { return nil }
            return Neighbour(address: Self.address(entry), link: Self.link(entry))
        }
    }

    private static func address(_ entry: rstwho_neighbour) -> IPAddress {
        withUnsafeBytes(of: entry.address) { bytes in
            guard entry.is_ipv6 else {
                return IPAddress(v4: UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
            }
            return IPAddress(
                high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }

    private static func link(_ entry: rstwho_neighbour) -> UInt16 {
        let station = withUnsafeBytes(of: entry.station) { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        return LinkHash.of(domain: 0, folded: LinkHash.fold(station))
    }
}
