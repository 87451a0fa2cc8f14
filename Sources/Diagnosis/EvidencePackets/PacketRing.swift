// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The newest packets that were put in, found again by a hash: of their flow, or of their source.
///
/// Holds at most `capacity`; a newer packet takes the oldest one's place. Allocated once; packets of one hash are
/// linked from the newest to the oldest, and a link to a place that has been taken since is known by its number.
struct PacketRing: ~Copyable {
    /// A search gives up after so many packets: other hashes share the links.
    private static var steps: Int { 64 }

    private let mask: UInt32
    /// `mask + 1` each, owned.
    ///
    /// Places are not written before they are used: a ring that stays empty costs nothing.
    private let places: UnsafeMutablePointer<KeptPacket>
    private let newest: UnsafeMutablePointer<UInt32>
    /// The number of the next packet; 0 is none's.
    private var next: UInt32 = 1

    /// - Parameter capacity: rounded down to a power of two, at least 64.
    init(capacity: Int) {
        var size = 64
        while size * 2 <= min(capacity, 1 << 24) { size *= 2 }
        mask = UInt32(size - 1)
        places = .allocate(capacity: size)
        newest = .allocate(capacity: size)
        newest.initialize(repeating: 0, count: size)
    }

    deinit {
        places.deallocate()
        newest.deallocate()
    }

    mutating func add(_ packet: UnsafePointer<ObservedPacket>, hash: UInt64, role: EvidencePacket.Role) {
        let number = advance()
        // In bounds: the mask leaves a number below the capacity.
        let place = places + Int(number & mask)
        place.pointee.take(packet, role: role)
        link(place, number, hash)
    }

    mutating func add(_ packet: UnsafePointer<KeptPacket>, hash: UInt64, role: EvidencePacket.Role) {
        let number = advance()
        let place = places + Int(number & mask)
        place.pointee = packet.pointee
        place.pointee.role = role
        link(place, number, hash)
    }

    /// Calls `body` with the packets of that hash, and perhaps with others, from the newest on, until it returns false.
    func search(hash: UInt64, _ body: (UnsafePointer<KeptPacket>) -> Bool) {
        var number = newest[Int(truncatingIfNeeded: hash & UInt64(mask))]
        var age: UInt32 = 0
        for _ in 0..<Self.steps {
            let distance = next &- number
            // A link that does not lead back in time has been overtaken.
            guard number != 0, distance > age, distance <= mask else { return }
            age = distance
            let place = places + Int(number & mask)
            guard body(place) else { return }
            number = place.pointee.previous
        }
    }

    private mutating func advance() -> UInt32 {
        let number = next
        next = next == .max ? 1 : next + 1
        return number
    }

    private func link(_ place: UnsafeMutablePointer<KeptPacket>, _ number: UInt32, _ hash: UInt64) {
        let head = newest + Int(truncatingIfNeeded: hash & UInt64(mask))
        place.pointee.previous = head.pointee
        head.pointee = number
    }
}
