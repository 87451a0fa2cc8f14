// SPDX-License-Identifier: Apache-2.0

/// Plain entries at a fixed number of places, made once: what an array is without its reference count and its checks,
/// neither of which belongs on the packet path.
///
/// A place beyond the last one is one of the others: nothing outside is ever reached.
struct FixedTable<Entry: BitwiseCopyable>: ~Copyable {
    /// `mask + 1` entries, owned.
    private let entries: UnsafeMutablePointer<Entry>
    private let mask: Int

    /// - `count`: Places; rounded up to a power of two.
    init(repeating entry: Entry, count: Int) {
        var rounded = 1
        while rounded < count { rounded *= 2 }
        mask = rounded - 1
        entries = .allocate(capacity: rounded)
        entries.initialize(repeating: entry, count: rounded)
    }

    /// Without values: a place has to be written before it is read.
    ///
    /// - Parameter count: Places; rounded up to a power of two.
    init(count: Int) {
        var rounded = 1
        while rounded < count { rounded *= 2 }
        mask = rounded - 1
        entries = .allocate(capacity: rounded)
    }

    deinit {
        entries.deallocate()
    }

    /// The entry at that place; in bounds by the mask.
    @inline(__always)
    subscript(place: Int) -> UnsafeMutablePointer<Entry> { entries + (place & mask) }
}
