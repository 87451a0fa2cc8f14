// SPDX-License-Identifier: Apache-2.0
/// A histogram of a source's TTLs: at most four values, and the number of packets with others.
///
/// Fixed size, no allocation. When a count would overflow all counts are halved; with time they `fade`.
package struct TTLFingerprint: BitwiseCopyable, Sendable {
    private static let slots = 4
    private var ttls: InlineArray<4, UInt8> = .init(repeating: 0)
    private var counts: InlineArray<4, UInt16> = .init(repeating: 0)
    /// Packets whose TTL found no slot: the source's TTLs are too many to name.
    package private(set) var others: UInt16 = 0

    package init() {}

    /// Counts one packet.
    @inline(__always)
    package mutating func add(_ ttl: UInt8) {
        // Most sources have one TTL.
        if ttls[0] == ttl, counts[0] != 0, counts[0] != .max { counts[0] &+= 1 } else { addAnother(ttl) }
    }

    @inline(never)
    private mutating func addAnother(_ ttl: UInt8) {
        for slot in 0..<Self.slots {
            if counts[slot] == 0 {
                ttls[slot] = ttl
                counts[slot] = 1
                return
            }
            if ttls[slot] == ttl {
                if counts[slot] == .max { halve() }
                counts[slot] += 1
                return
            }
        }
        if others == .max { halve() }
        others += 1
    }

    private mutating func halve() {
        for slot in 0..<Self.slots {
            // A value that was seen stays known.
            counts[slot] = counts[slot] > 1 ? counts[slot] / 2 : counts[slot]
        }
        others /= 2
    }

    /// Halves the counts `times` times, so that old samples fade.
    ///
    /// A TTL that nothing is left of is forgotten.
    package mutating func fade(_ times: Int) {
        var faded = TTLFingerprint()
        var slot = 0
        for index in 0..<Self.slots where counts[index] >> times != 0 {
            faded.ttls[slot] = ttls[index]
            faded.counts[slot] = counts[index] >> times
            slot += 1
        }
        faded.others = others >> times
        self = faded
    }

    /// Puts a fingerprint together from counts that were kept elsewhere.
    ///
    /// The counts of a TTL that is there twice are added; what finds no slot is counted among the others.
    init(_ values: some Sequence<(ttl: UInt8, count: UInt16)>, others: UInt16) {
        self.others = others
        for value in values where value.count != 0 {
            guard let slot = (0..<Self.slots).first(where: { counts[$0] == 0 || ttls[$0] == value.ttl }) else {
                self.others = UInt16(clamping: Int(self.others) + Int(value.count))
                continue
            }
            ttls[slot] = value.ttl
            counts[slot] = UInt16(clamping: Int(counts[slot]) + Int(value.count))
        }
    }

    /// Packets counted.
    package var samples: Int {
        var sum = Int(others)
        for slot in 0..<Self.slots { sum += Int(counts[slot]) }
        return sum
    }

    /// Packets with the TTL that was seen first.
    var firstCount: UInt16 { counts[0] }

    /// True where no packet was counted.
    package var isEmpty: Bool { counts[0] == 0 }

    /// True where every packet had the same TTL.
    package var isConstant: Bool { counts[0] != 0 && counts[1] == 0 }

    /// The TTLs that were seen with their numbers of packets, in the order of their first packets.
    package var values: [(ttl: UInt8, count: Int)] {
        (0..<Self.slots).filter { counts[$0] != 0 }.map { (ttls[$0], Int(counts[$0])) }
    }
}
