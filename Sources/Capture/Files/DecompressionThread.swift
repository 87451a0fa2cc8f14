// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Reads and decompresses a regular file on a thread of its own, ahead of who parses it.
///
/// Bounded: `slots` pieces of 256 KiB.
final class DecompressionThread {
    private static let slots = 8
    private static let piece = 1 << 18

    /// The state that both threads share.
    ///
    /// Each slot belongs to the thread that the queue gave it to.
    private final class Exchange: @unchecked Sendable {
        let queue = SlotQueue(slots: slots)
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: slots * piece, alignment: 64)
        /// The number of bytes in each slot, and of bytes of the file that they took.
        let counts = UnsafeMutablePointer<(count: Int, bytesRead: UInt64)>.allocate(capacity: slots)
        /// Written before the queue is closed, read after its end.
        var failure: CaptureError?

        deinit {
            bytes.deallocate()
            counts.deallocate()
        }

        func slot(_ number: Int) -> UnsafeMutableRawBufferPointer {
            UnsafeMutableRawBufferPointer(rebasing: bytes[number * piece..<(number + 1) * piece])
        }
    }

    private let exchange = Exchange()
    private var thread: HelperThread?
    /// The rest of the slot that is being emptied.
    private var rest = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var isEmptying = false
    /// Bytes of the file that were needed for what was handed out.
    private(set) var bytesRead: UInt64

    /// - `decompressor`: with what was already read; from now on the thread's alone.
    /// - `descriptor`: of a regular file; must stay open as long as this lives.
    /// - `bytesRead`: what was already read.
    ///
    /// Returns `nil` where no thread can be had.
    init?(_ decompressor: Decompressor, descriptor: Int32, name: String, bytesRead: UInt64) {
        self.bytesRead = bytesRead
        let exchange = exchange
        thread = HelperThread {
            var reader = Reader(decompressor: decompressor, descriptor: descriptor, name: name, bytesRead: bytesRead)
            do throws(CaptureError) {
                while let slot = exchange.queue.slotToFill() {
                    let count = try reader.read(into: exchange.slot(slot))
                    if count == 0 { break }
                    exchange.counts[slot] = (count, reader.bytesRead)
                    exchange.queue.fill()
                }
            } catch {
                exchange.failure = error
            }
            exchange.queue.close()
        }
        if thread == nil { return nil }
    }

    deinit { stop() }

    /// Ends the thread; then the descriptor may be closed.
    func stop() {
        exchange.queue.abandon()
        if let thread = thread.take() { thread.join() }
    }

    /// Duplicates what comes next.
    ///
    /// Returns 0 at the end; throws what is wrong with the data once everything before it was handed out.
    func read(into space: UnsafeMutableRawBufferPointer) throws(CaptureError) -> Int {
        if rest.isEmpty {
            if isEmptying { exchange.queue.free() }
            isEmptying = false
            guard let slot = exchange.queue.slotToEmpty() else {
                if let failure = exchange.failure { throw failure }
                return 0
            }
            isEmptying = true
            let (count, bytesRead) = exchange.counts[slot]
            rest = UnsafeMutableRawBufferPointer(rebasing: exchange.slot(slot)[..<count])
            self.bytesRead = bytesRead
        }
        let count = min(rest.count, space.count)
        space.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
        rest = UnsafeMutableRawBufferPointer(rebasing: rest[count...])
        return count
    }

    /// The thread's work.
    private struct Reader {
        let decompressor: Decompressor
        let descriptor: Int32
        let name: String
        var bytesRead: UInt64

        /// Returns 0 at the end.
        mutating func read(into space: UnsafeMutableRawBufferPointer) throws(CaptureError) -> Int {
            while true {
                do throws(CaptureFileDamage) {
                    let count = try decompressor.decompress(into: space)
                    if count > 0 { return count }
                } catch {
                    throw CaptureInput.compressedDamage(error, of: name)
                }
                let target = decompressor.makeSpace()
                let count = Glibc.read(descriptor, target.baseAddress, target.count)
                if count < 0 {
                    if errno == EINTR { continue }
                    throw CaptureInput.readFailure(errno, of: name, after: bytesRead)
                }
                if count == 0 {
                    guard decompressor.isBetweenFrames else { throw CaptureInput.cutShort(name, after: bytesRead) }
                    return 0
                }
                bytesRead &+= UInt64(count)
                decompressor.add(count)
            }
        }
    }
}
