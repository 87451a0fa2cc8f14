// SPDX-License-Identifier: Apache-2.0

/// The order of two duplicates a hop apart, for each pair of next hops that packets are seen from.
///
/// A mirror port shows a packet before and after the router, in this order as a rule. Where two mirrors are joined the
/// order may change from packet to packet; then what was taken of a reset and of other packets was not seen in one
/// place. Fixed size: 64 pairs, of which a newer one overwrites an older in its place.
struct DuplicateOrder {
    private static let places = 64
    /// One packet in 20 may come the other way round.
    private static let tolerance: UInt32 = 20

    private struct Pair: BitwiseCopyable {
        var key: UInt16 = 0
        var higherFirst: UInt16 = 0
        var lowerFirst: UInt16 = 0
    }

    private var pairs = [Pair](repeating: Pair(), count: places)

    /// Takes note of two copies of one packet by their TTLs and link hashes.
    mutating func note(first: (ttl: UInt8, link: UInt16), copy: (ttl: UInt8, link: UInt16)) {
        guard first.ttl != copy.ttl else { return }
        let key = first.link ^ copy.link
        let place = Int(key) % Self.places
        if pairs[place].key != key { pairs[place] = Pair(key: key) }
        if pairs[place].lowerFirst == .max || pairs[place].higherFirst == .max {
            pairs[place].lowerFirst /= 2
            pairs[place].higherFirst /= 2
        }
        if first.ttl > copy.ttl { pairs[place].higherFirst += 1 } else { pairs[place].lowerFirst += 1 }
    }

    /// True where copies from these next hops nearly always come in this order, or none are known.
    func isUsual(first: (ttl: UInt8, link: UInt16), copy: (ttl: UInt8, link: UInt16)) -> Bool {
        guard first.ttl != copy.ttl else { return true }
        let key = first.link ^ copy.link
        let pair = pairs[Int(key) % Self.places]
        guard pair.key == key else { return true }
        let (usual, other) =
            first.ttl > copy.ttl ? (pair.higherFirst, pair.lowerFirst) : (pair.lowerFirst, pair.higherFirst)
        return UInt32(other) * Self.tolerance <= UInt32(usual)
    }
}
