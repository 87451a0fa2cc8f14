// SPDX-License-Identifier: Apache-2.0
internal import Packets

extension CaptureFile {
    /// Batches that are filled ahead of the one that is looked at: half a megabyte, which stays in a cache.
    private static let batchesAhead = 8

    /// A batch on its way from the reading thread.
    private struct Filled {
        let room = CaptureFileBatch.Room()
        var count = 0
        var watermark: UInt64 = 0
        var bytesRead: UInt64 = 0
        var neighbours: [Neighbour] = []
    }

    /// The state that both threads share.
    private final class Exchange: @unchecked Sendable {
        let queue = SlotQueue(slots: batchesAhead)
        /// Each slot belongs to the thread that the queue gave it to.
        let batches = UnsafeMutablePointer<Filled>.allocate(capacity: batchesAhead)
        /// Written before the queue is closed, read after its end.
        var failure: CaptureError?

        init() {
            for slot in 0..<batchesAhead { (batches + slot).initialize(to: Filled()) }
        }

        deinit {
            batches.deinitialize(count: batchesAhead)
            batches.deallocate()
        }
    }

    /// As `read`: what it promises holds here as well.
    ///
    /// The packets are the same in the same batches.
    mutating func readAhead(hashing: PacketHashing?, _ handler: (PacketBatch) throws -> Void) throws {
        let exchange = Exchange()
        try withUnsafeMutablePointer(to: &self) { file in
            // Until the thread has ended the file is its alone.
            guard let thread = HelperThread({ file.pointee.fill(exchange, hashing) }) else {
                throw CaptureError(
                    .ioError, subject: file.pointee.input.name, problem: "no thread could be started to read with",
                    advice: "Look at the limit of processes (ulimit -u)")
            }
            var failure: (any Error)?
            while let slot = exchange.queue.slotToEmpty() {
                let filled = exchange.batches[slot]
                var batch = PacketBatch(
                    packets: UnsafeBufferPointer(start: filled.room.packets, count: filled.count),
                    watermark: filled.watermark)
                batch.bytesRead = filled.bytesRead
                batch.neighbours = filled.neighbours
                if hashing != nil { batch.hashes = UnsafePointer(filled.room.hashes) }
                do {
                    try handler(batch)
                } catch {
                    failure = error
                    break
                }
                exchange.queue.free()
            }
            exchange.queue.abandon()
            thread.join()
            if let failure { throw failure }
        }
        if let failure = exchange.failure { throw failure }
    }

    /// The reading thread: fills batches to the capture's end, or until nobody wants them.
    private mutating func fill(_ exchange: Exchange, _ hashing: PacketHashing?) {
        var isOpen = true
        while isOpen, let slot = exchange.queue.slotToFill() {
            let filled = exchange.batches + slot
            batch.move(into: filled.pointee.room)
            do throws(CaptureError) {
                isOpen = try advance()
            } catch {
                exchange.failure = error
                isOpen = false
            }
            let room = filled.pointee.room
            hashing?(UnsafeBufferPointer(start: room.packets, count: batch.count), room.hashes)
            filled.pointee.count = batch.count
            filled.pointee.watermark = batch.watermark
            filled.pointee.bytesRead = input.bytesRead
            filled.pointee.neighbours = batch.takeNeighbours()
            if batch.count > 0 || !filled.pointee.neighbours.isEmpty { exchange.queue.fill() }
        }
        batch.move(into: CaptureFileBatch.Room())
        exchange.queue.close()
    }
}
