// SPDX-License-Identifier: Apache-2.0

/// Finds elements of an array by a hash of their key: open addressing over element numbers, so that a key is stored
/// once only.
///
/// Grows with the array; never holds more than 2³² − 1 elements.
struct HashIndex: ~Copyable {
    private static var free: UInt32 { .max }

    private var slots: UnsafeMutablePointer<UInt32>
    private var mask: Int
    private(set) var count = 0

    init(minimumCapacity: Int = 0) {
        var size = 1024
        while size < minimumCapacity * 2 { size *= 2 }
        slots = .allocate(capacity: size)
        slots.initialize(repeating: Self.free, count: size)
        mask = size - 1
    }

    deinit {
        slots.deallocate()
    }

    /// The number of the element with that hash for which `matches` is true, or `nil`.
    @inline(__always)
    func find(_ hash: UInt64, _ matches: (Int) -> Bool) -> Int? {
        var slot = Int(truncatingIfNeeded: hash) & mask
        // Ends: at most half of the slots are taken.
        while slots[slot] != Self.free {
            let element = Int(slots[slot])
            if matches(element) { return element }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// Adds element `number`, which must not be in the index.
    ///
    /// - `hash`: Of an element by its number, for growing.
    @inline(__always)
    mutating func insert(_ number: Int, hash: (Int) -> UInt64) {
        if (count + 1) * 2 > mask + 1 { grow(hash) }
        place(UInt32(truncatingIfNeeded: number), hash: hash(number))
        count += 1
    }

    @inline(__always)
    private func place(_ number: UInt32, hash: UInt64) {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != Self.free { slot = (slot + 1) & mask }
        slots[slot] = number
    }

    private mutating func grow(_ hash: (Int) -> UInt64) {
        let old = slots
        let size = mask + 1
        slots = .allocate(capacity: size * 2)
        slots.initialize(repeating: Self.free, count: size * 2)
        mask = size * 2 - 1
        for slot in 0..<size where old[slot] != Self.free {
            place(old[slot], hash: hash(Int(old[slot])))
        }
        old.deallocate()
    }
}
