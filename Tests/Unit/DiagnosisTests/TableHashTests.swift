// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

/// The keyed hash against keys that somebody has chosen: addresses and ports that are related to each other.
@Suite("Keyed hashes")
struct TableHashTests {
    /// Sets of 16,384 flows, by how they are related.
    enum Relation: String, CaseIterable, CustomTestStringConvertible {
        case portsInARow, addressesInARow, crossedIPv6, sameSum, swappedHalves, highBits, oneBit

        var testDescription: String { rawValue }

        func flow(_ index: UInt64) -> FlowKey {
            let base: (UInt64, UInt64) = (0x2001_0db8_0000_0001, 0x2001_0db8_0000_0002)
            var source = IPAddress(v4: 0xc633_6401)
            var destination = IPAddress(v4: 0xcb00_7101)
            var ports: (UInt16, UInt16) = (40_000, 443)
            switch self {
            case .portsInARow: ports.0 = UInt16(truncatingIfNeeded: index)
            case .addressesInARow: source = IPAddress(v4: UInt32(truncatingIfNeeded: 0x0a00_0000 + index))
            case .crossedIPv6:
                // The prefix of one end and the interface identifier of the other change by the same bits.
                source = IPAddress(high: base.0 ^ index, low: 1)
                destination = IPAddress(high: base.1, low: 2 ^ index)
            case .sameSum:
                source = IPAddress(high: base.0, low: index &* 0x1_0001)
                destination = IPAddress(high: base.1, low: 0 &- index &* 0x1_0001)
            case .swappedHalves:
                source = IPAddress(high: index << 32, low: index)
                destination = IPAddress(high: index, low: index << 32)
            case .highBits:
                source = IPAddress(high: index << 50, low: 1)
                destination = IPAddress(high: base.1, low: index << 50)
            case .oneBit:
                source = IPAddress(high: base.0 ^ 1 << (index % 64), low: 1 << (index / 64 % 64))
                destination = IPAddress(high: base.1, low: index / 4096)
            }
            let tuple = FiveTuple(
                source: source, sourcePort: ports.0, destination: destination, destinationPort: ports.1)
            return FlowKey.of(tuple).key
        }
    }

    private static let count: UInt64 = 16_384
    private static let cells = 1024

    /// The chi-square statistic of a distribution over `cells` cells, divided by its degrees of freedom: 1 on average.
    private static func chiSquare(_ values: [UInt64]) -> Double {
        var counts = [Double](repeating: 0, count: cells)
        for value in values { counts[Int(value % UInt64(cells))] += 1 }
        let expected = Double(values.count) / Double(cells)
        return counts.reduce(0) { $0 + ($1 - expected) * ($1 - expected) / expected } / Double(cells - 1)
    }

    @Test(
        "Related flows spread over a table under every key, by the low and by the high bits",
        arguments: Relation.allCases)
    func flows(_ relation: Relation) {
        let keys = (0..<Self.count).map(relation.flow)
        var random = SplitMix(state: 11)
        for _ in 0..<20 {
            let seed = random.next()
            let hashes = keys.map { FlowTable.hash($0, seed: seed) }
            // 1.3 is more than six standard deviations from a random distribution's 1.
            #expect(Self.chiSquare(hashes) < 1.3)
            #expect(Self.chiSquare(hashes.map { $0 >> 54 }) < 1.3)
            // Birthdays: 16,384 of 2^64 collide with a probability of 10^-11.
            #expect(Set(hashes).count == Set(keys).count)
        }
    }

    @Test("Hosts that differ in VLAN and address spread as well")
    func hosts() {
        let keys = (UInt64(0)..<Self.count).map { index in
            // The domain would cancel the upper bits of the address if both were combined before they are mixed.
            HostKey(
                address: IPAddress(high: index % 4096 << 48, low: index / 4096), domain: UInt16(index % 4096))
        }
        var random = SplitMix(state: 12)
        for _ in 0..<20 {
            let seed = random.next()
            let hashes = keys.map { HostTable.hash($0, seed: seed) }
            // The two lowest bits are the network's.
            #expect(Self.chiSquare(hashes.map { $0 >> 2 }) < 1.3)
            #expect(Self.chiSquare(hashes.map { $0 >> 54 }) < 1.3)
            #expect(Set(hashes).count == keys.count)
        }
    }

    @Test("The kernel's flow hash spreads over focus bits and thresholds under every key", arguments: Relation.allCases)
    func kernel(_ relation: Relation) {
        let tuples = (0..<Self.count).map { index in
            let key = relation.flow(index)
            return FiveTuple(
                source: IPAddress(high: key.lowHigh, low: key.lowLow),
                sourcePort: key.lowPort,
                destination: IPAddress(high: key.highHigh, low: key.highLow),
                destinationPort: key.highPort)
        }
        var random = SplitMix(state: 13)
        for _ in 0..<20 {
            let key = FlowHashKey(ends: random.next(), flow: random.next())
            let hashes = tuples.map { UInt64($0.flowHash(key)) }
            #expect(Self.chiSquare(hashes.map { $0 >> 22 }) < 1.3)
            #expect(Self.chiSquare(hashes.map { $0 >> 6 }) < 1.3)
            for tuple in tuples.prefix(50) { #expect(tuple.flowHash(key) == tuple.reversed.flowHash(key)) }
        }
    }

    @Test("Another key keeps other flows: nobody can choose flows that are always kept")
    func keys() {
        var random = SplitMix(state: 14)
        let levels = SheddingLevels(bulk: 5, handshake: 0)
        let known = FlowHashKey(ends: random.next(), flow: random.next())
        let chosen = (UInt64(0)..<Self.count * 8).compactMap { index -> FiveTuple? in
            let tuple = FiveTuple(
                source: IPAddress(v4: 0x0a00_0000 + UInt32(index)), sourcePort: 1, destination: .server,
                destinationPort: 443)
            return levels.sheds(.bulk, hash: tuple.flowHash(known)) ? nil : tuple
        }
        #expect(chosen.count > 2000)
        let secret = FlowHashKey(ends: random.next(), flow: random.next())
        let kept = chosen.count { !levels.sheds(.bulk, hash: $0.flowHash(secret)) }
        // One of 32 by chance; six standard deviations.
        let expected = Double(chosen.count) / 32
        #expect(abs(Double(kept) - expected) < 6 * expected.squareRoot())
    }

    @Test("A larger share holds a smaller one, and the levels' thresholds are powers of two")
    func nesting() {
        for level in 0..<SheddingLevels.maximum {
            let (less, more) = (
                SheddingLevels(bulk: level, handshake: 0), SheddingLevels(bulk: level + 1, handshake: 0)
            )
            #expect(less.keptShare(.bulk) == 2 * more.keptShare(.bulk))
            let limit = ~more.cut(.bulk)
            #expect(!more.sheds(.bulk, hash: limit) && !less.sheds(.bulk, hash: limit))
            #expect(more.sheds(.bulk, hash: limit + 1) && !less.sheds(.bulk, hash: limit + 1))
            #expect(SheddingLevels.firstLevel(sheddingHash: limit + 1) == level + 1)
        }
        #expect(SheddingLevels.firstLevel(sheddingHash: 0) == nil)
        #expect(SheddingLevels.none.cut(.bulk) == 0 && !SheddingLevels.none.sheds(.bulk, hash: .max))
    }

    @Test("A key is 32 hexadecimal digits and nothing else")
    func text() throws {
        let key = FlowHashKey(ends: 0x0123_4567_89ab_cdef, flow: 7)
        #expect(key.hexadecimal == "0123456789abcdef0000000000000007")
        #expect(FlowHashKey(hexadecimal: key.hexadecimal) == key)
        for text in ["", "0123456789abcdef", "0123456789abcdef000000000000000g", "+123456789abcdef0000000000000007"] {
            #expect(FlowHashKey(hexadecimal: text) == nil)
        }
        #expect(FlowHashKey.random() != FlowHashKey.random())
        #expect(key.fingerprint != FlowHashKey(ends: key.ends, flow: 8).fingerprint)
    }
}
