// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc
package import Packets

extension CaptureFile {
    /// Reads to the end, handing over packets in the capture's order.
    ///
    /// A batch has up to 512 packets; from a pipe it is handed over as soon as no more bytes are at hand, and while the
    /// pipe is silent an empty batch (a tick) comes about every 200 ms, whose watermark goes on with the clock. The
    /// watermark is the latest packet time so far: where times go backwards in a capture it stays.
    ///
    /// A file that nobody writes to is read and parsed on a thread of its own, ahead of `handler`, which is called on
    /// the caller's.
    ///
    /// - `hashing`: makes the batches' `hashes`, on that thread; not called where there is none.
    ///
    /// Throws what `handler` throws, at once; or `CaptureError` with `badInput` (damaged, cut) or `ioError`, after
    /// everything before that place was handed over.
    package mutating func read(hashing: PacketHashing? = nil, _ handler: (PacketBatch) throws -> Void) throws {
        guard isLive || !input.isLong else { return try readAhead(hashing: hashing, handler) }
        try readInOrder(handler)
    }

    /// Reads on this thread.
    mutating func readInOrder(_ handler: (PacketBatch) throws -> Void) throws {
        var arrival = Self.now()
        var isOpen = true
        while isOpen {
            do throws(CaptureError) {
                isOpen = try advance()
            } catch {
                if batch.count > 0 { try batch.deliver(bytesRead: input.bytesRead, to: handler) }
                throw error
            }
            if batch.count > 0 {
                arrival = Self.now()
                lastPacketTime = batch.watermark
            } else if isOpen {
                let elapsed = Self.now() &- arrival
                batch.advance(to: lastPacketTime.addingReportingOverflow(elapsed).partialValue)
            }
            if batch.count > 0 || isOpen || !batch.neighbours.isEmpty {
                try batch.deliver(bytesRead: input.bytesRead, to: handler)
            }
        }
    }
}

extension CaptureFile {
    /// Decodes until there is something to hand over: packets, or the news that a while went by without any.
    ///
    /// False at the end of the capture, when a last batch may be left.
    mutating func advance() throws(CaptureError) -> Bool {
        while true {
            while toSkip > 0 {
                let taken = min(toSkip, UInt64(input.count))
                input.consume(Int(taken))
                toSkip -= taken
                if toSkip == 0 { break }
                switch try input.fill() {
                case .more: continue
                case .none:
                    if batch.count > 0 || !input.wait(milliseconds: Self.tickInterval) { return true }
                case .end:
                    if isUnfinished { return false }
                    throw cut()
                }
            }
            let step: CaptureFileStep
            do throws(CaptureFileDamage) {
                step = try decode()
            } catch {
                let failure = input.damage(error)
                // What came before the damage was decoded.
                if error.offset > input.offset {
                    input.consume(Int(min(error.offset - input.offset, UInt64(input.count))))
                }
                throw failure
            }
            input.consume(step.consumed)
            switch step.wish {
            case .delivery: return true
            case .bytes(let needed):
                while input.count < needed {
                    switch try input.fill() {
                    case .more: continue
                    case .none:
                        if batch.count > 0 || !input.wait(milliseconds: Self.tickInterval) { return true }
                    case .end:
                        if (input.count == 0 && !isAtStart) || isUnfinished { return false }
                        throw cut()
                    }
                }
            case .skip(let length):
                // The loop above goes on with it, also in the next call.
                toSkip = length
                skipped = input.offset
            }
        }
    }

    /// The rest of the last record is still in the writer's buffer.
    private var isUnfinished: Bool { input.isBeingWritten && !isAtStart }

    private mutating func decode() throws(CaptureFileDamage) -> CaptureFileStep {
        let (window, offset) = (input.window, input.offset)
        switch format {
        case .pcapng: return try pcapng.decode(window, offset: offset, into: &batch)
        case .snoop: return try snoop.decode(window, offset: offset, into: &batch)
        case .netMon: return try netMon.decode(window, offset: offset, into: &batch)
        case .erf: return try erf.decode(window, offset: offset, into: &batch)
        case .netScaler: return try netScaler.decode(window, offset: offset, into: &batch)
        case .pcap, .gzip, .zstd, .text, .unknown: return try pcap.decode(window, offset: offset, into: &batch)
        }
    }

    private var isAtStart: Bool {
        switch format {
        case .pcapng: pcapng.isAtStart
        case .snoop: snoop.isAtStart
        case .netMon: netMon.isAtStart
        case .erf: erf.isAtStart
        case .netScaler: netScaler.isAtStart
        case .pcap, .gzip, .zstd, .text, .unknown: pcap.isAtStart
        }
    }

    /// The capture ends where a record should go on.
    private func cut() -> CaptureError {
        let end = input.offset + UInt64(input.count)
        let begin = toSkip > 0 ? skipped : input.offset
        if isAtStart {
            return CaptureError(
                .badInput, subject: input.name, problem: "the file ends at byte \(end), inside its own header",
                advice: "Nothing was captured, or the file was cut")
        }
        return CaptureError(
            .badInput, subject: input.name,
            problem:
                "the capture is cut off at byte \(end), in the middle of a record that begins at byte \(begin)",
            advice: "What came before is complete; the capture was stopped hard, or the file was cut in transfer")
    }

    /// ns of a clock that never goes back.
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
