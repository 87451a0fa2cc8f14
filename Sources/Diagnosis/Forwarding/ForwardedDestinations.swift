// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// By which interface this machine sends on what goes to an address, as seen of forwarded SYNs, SYN-ACKs and echoes.
///
/// At most `capacity` addresses; a newer one takes the place of another with the same hash, which costs evidence and
/// never makes any.
struct ForwardedDestinations {
    private static let capacity = 4096
    /// The time (ns) for which it counts, because routes change.
    private static let validity: UInt64 = 300_000_000_000

    private struct Entry {
        var address: IPAddress
        var slot: UInt8
        var time: UInt64
    }

    private var entries: [Entry?] = []
    private let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
    }

    private func place(_ address: IPAddress) -> Int {
        var hash = TableHash(seed: seed)
        hash.combine(address)
        return Int(truncatingIfNeeded: hash.value >> 40) & (Self.capacity - 1)
    }

    /// Learns from a forwarded packet on its way out.
    mutating func learn(_ record: PacketRecord, now: UInt64) {
        if entries.isEmpty { entries = [Entry?](repeating: nil, count: Self.capacity) }
        entries[place(record.destination)] = Entry(address: record.destination, slot: record.interfaceSlot, time: now)
    }

    /// The slot of the interface by which packets to `address` left lately.
    func slot(to address: IPAddress, now: UInt64) -> UInt8? {
        guard !entries.isEmpty, let entry = entries[place(address)], entry.address == address,
            now &- entry.time < Self.validity
        else { return nil }
        return entry.slot
    }
}
