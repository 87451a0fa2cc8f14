// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The packets put aside for each of the newest resets on arrival, before their slots are reused.
///
/// Holds at most `capacity` resets with at most `packetsEach` packets; the oldest gives way.
struct EvidenceBundles: ~Copyable {
    static var packetsEach: Int { 24 }
    /// Packets after a reset that are kept with it.
    private static var packetsAfter: Int { 4 }

    private struct Head: BitwiseCopyable {
        var id: UInt64 = 0
        var key = FlowKey(lowHigh: 0, lowLow: 0, highHigh: 0, highLow: 0, ports: 0)
        var count = 0
        var after = 0
    }

    private let capacity: Int
    private let heads: UnsafeMutablePointer<Head>
    private let places: UnsafeMutablePointer<KeptPacket>
    private var begun = 0

    /// - Parameter capacity: resets, at least 1.
    init(capacity: Int) {
        self.capacity = max(capacity, 1)
        heads = .allocate(capacity: self.capacity)
        heads.initialize(repeating: Head(), count: self.capacity)
        places = .allocate(capacity: self.capacity * Self.packetsEach)
    }

    deinit {
        heads.deallocate()
        places.deallocate()
    }

    /// Begins the bundle of a reset; what is added from now on is its.
    mutating func begin(id: UInt64, key: FlowKey) {
        heads[begun % capacity] = Head(id: id, key: key)
        begun += 1
    }

    /// Adds to the newest bundle, unless it is full.
    mutating func add(_ packet: ObservedPacket, role: EvidencePacket.Role) {
        var kept = KeptPacket()
        withUnsafePointer(to: packet) { kept.take($0, role: role) }
        add(kept, role: role)
    }

    mutating func add(_ packet: KeptPacket, role: EvidencePacket.Role) {
        guard begun > 0 else { return }
        append(packet, role: role, to: (begun - 1) % capacity)
    }

    /// Adds a packet to the bundle of its flow's newest reset, as long as that is among the newest.
    mutating func addAfter(_ packet: ObservedPacket, key: FlowKey) {
        for age in 0..<min(begun, capacity, 32) {
            let index = (begun - 1 - age) % capacity
            guard heads[index].key == key else { continue }
            guard heads[index].after < Self.packetsAfter else { return }
            heads[index].after += 1
            var kept = KeptPacket()
            withUnsafePointer(to: packet) { kept.take($0, role: .after) }
            append(kept, role: .after, to: index)
            return
        }
    }

    /// The packets of the newest bundle with that id, in the order in which they were added.
    func packets(id: UInt64) -> [KeptPacket] {
        for age in 0..<min(begun, capacity) {
            let index = (begun - 1 - age) % capacity
            guard heads[index].id == id else { continue }
            return (0..<heads[index].count).map { places[index * Self.packetsEach + $0] }
        }
        return []
    }

    private mutating func append(_ packet: KeptPacket, role: EvidencePacket.Role, to index: Int) {
        let count = heads[index].count
        guard count < Self.packetsEach else { return }
        // In bounds: index is below capacity, count below packetsEach.
        let place = places + (index * Self.packetsEach + count)
        place.initialize(to: packet)
        place.pointee.role = role
        heads[index].count = count + 1
    }
}
