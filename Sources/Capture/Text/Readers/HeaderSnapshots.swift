// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Glibc
internal import Packets

/// The memory of the header snapshots of a text's packets, until the packets were handed over.
///
/// It grows with the packets of one delivery and is used again for the next.
final class HeaderSnapshots {
    private static let blockSize = 256

    // Each block holds `blockSize` snapshots; `used` is below `blocks.count * blockSize` or equal.
    private var blocks: [UnsafeMutablePointer<header_snapshot>] = []
    private var used = 0

    deinit {
        for block in blocks { Glibc.free(block) }
    }

    /// The next free snapshot.
    ///
    /// `keep` takes it; without, the next call returns the same.
    func next() -> UnsafeMutablePointer<header_snapshot>? {
        if used == blocks.count * Self.blockSize {
            guard let memory = calloc(Self.blockSize, MemoryLayout<header_snapshot>.stride) else { return nil }
            blocks.append(memory.bindMemory(to: header_snapshot.self, capacity: Self.blockSize))
        }
        return blocks[used / Self.blockSize] + used % Self.blockSize
    }

    /// Takes the snapshot that `next` returned.
    func keep() {
        used += 1
    }

    /// Gives all snapshots back: no packet that points to one is used any more.
    func removeAll() {
        used = 0
    }
}
