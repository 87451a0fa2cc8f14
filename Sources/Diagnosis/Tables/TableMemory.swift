// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Zeroed memory of a fixed size for a table, given back with it.
///
/// Pages that nothing was written to take no memory. Large tables ask for huge pages (2 MiB): an entry is looked for at
/// random places, and each would need a page table walk of its own.
struct TableMemory: ~Copyable {
    let base: UnsafeMutableRawPointer
    private let size: Int
    private static let hugePage = 1 << 21

    init(size: Int) {
        let isLarge = size >= Self.hugePage
        // A mapping begins at a small page: the next huge page's boundary is looked for in what is mapped.
        let mapped = isLarge ? size + Self.hugePage : size
        let memory = mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let memory, memory != MAP_FAILED else {
            // Let the allocator end the process as it does everywhere in Swift where there is no memory.
            base = .allocate(byteCount: size, alignment: 64)
            base.initializeMemory(as: UInt8.self, repeating: 0, count: size)
            self.size = 0
            return
        }
        guard isLarge else {
            base = memory
            self.size = mapped
            return
        }
        let start = UInt(bitPattern: memory)
        let aligned = (start + UInt(Self.hugePage) - 1) & ~UInt(Self.hugePage - 1)
        let before = Int(aligned - start)
        if before > 0 { munmap(memory, before) }
        base = memory + before
        self.size = mapped - before
        madvise(base, size, MADV_HUGEPAGE)
    }

    deinit {
        if size > 0 { munmap(base, size) } else { base.deallocate() }
    }
}
