// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Capture
internal import Packets

extension FuzzCase {
    private static let pieces = [1, 2, 3, 7, 16, 100, 1000, 4096]

    /// One byte that says in pieces of what size, then the capture.
    ///
    /// In one piece and in several it must give the same.
    static func checkCapture(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let first = bytes.first else { return nil }
        let capture = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
        let whole = read(capture, piece: capture.count)
        let parts = read(capture, piece: pieces[Int(first) % pieces.count])
        if let problem = whole.problem ?? parts.problem { return problem }
        // How much of a damaged block comes out depends on how much of it the library was given.
        if whole.isCompressedDataDamaged || parts.isCompressedDataDamaged { return nil }
        return whole == parts ? nil : "in pieces it reads otherwise: \(parts), not \(whole)"
    }

    private struct Outcome: Equatable {
        /// FNV-1a over the packets.
        var digest: UInt64 = 0xcbf2_9ce4_8422_2325
        var counters = CaptureFileCounters()
        var error: String?
        var problem: String?

        var isCompressedDataDamaged: Bool { error?.contains("of the compressed data:") == true }

        mutating func add(_ packet: ObservedPacket) {
            for value in [
                packet.time, packet.frame, packet.record.src_low, UInt64(packet.record.seq),
                UInt64(packet.record.interface), UInt64(packet.headers?.pointee.length ?? 0),
            ] {
                digest = (digest ^ value) &* 0x0000_0100_0000_01b3
            }
        }
    }

    private static func read(_ capture: UnsafeRawBufferPointer, piece: Int) -> Outcome {
        var outcome = Outcome()
        do {
            var file = try CaptureFile.open(.memory(capture, piece: piece))
            guard file.format != .text else { return outcome }
            var frame: UInt64 = 0
            var watermark: UInt64 = 0
            var delivered: UInt64 = 0
            do {
                try file.read { batch in
                    if batch.watermark < watermark { outcome.problem = "the watermark goes back" }
                    watermark = batch.watermark
                    delivered += UInt64(batch.packets.count)
                    for packet in batch.packets {
                        if packet.frame <= frame { outcome.problem = "frame \(packet.frame) comes after \(frame)" }
                        if packet.time > watermark { outcome.problem = "a packet is newer than the watermark" }
                        frame = packet.frame
                        outcome.add(packet)
                    }
                }
            } catch {
                outcome.error = "\(error)"
            }
            outcome.counters = file.counters
            let counters = outcome.counters
            let refused = counters.refused.reduce(0, +) + counters.linkRefused.reduce(0, +)
            if counters.frames != counters.parsed + refused { outcome.problem = "a frame is not counted" }
            if counters.parsed != delivered { outcome.problem = "a packet is not delivered" }
        } catch {
            outcome.error = "\(error)"
        }
        return outcome
    }
}
