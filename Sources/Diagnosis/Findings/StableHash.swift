// SPDX-License-Identifier: Apache-2.0

/// A hash that is the same on every machine and in every run (FNV-1a with 64 bits, finished by a mixer): ids and packet
/// keys are made of it.
///
/// Not for tables: those are seeded.
package struct StableHash {
    private var state: UInt64

    package init(seed: UInt64 = 0) {
        state = 0xcbf2_9ce4_8422_2325 ^ seed
    }

    package mutating func combine<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) {
        var rest = UInt64(truncatingIfNeeded: value)
        for _ in 0..<Value.bitWidth / 8 {
            state = (state ^ (rest & 0xff)) &* 0x0000_0100_0000_01b3
            rest >>= 8
        }
    }

    package var value: UInt64 {
        // The finaliser of SplitMix64, so that all bits depend on all bytes.
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
