// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import CLibbpf
internal import Glibc
package import Packets

/// Reads the text in which a program prints packets, from a file, a pipe or a terminal, and hands out its packets in
/// the order of the text.
///
/// Memory is bounded: the input's window, one batch of what is read at once, and the parser's tables.
package struct PacketText: ~Copyable {
    /// Longer lines are counted and stepped over.
    static let maximumLine = 65_536
    /// Without a packet in this much text, it is taken for something else.
    static let maximumPreface: UInt64 = 4 << 20

    private var input: CaptureInput
    /// The parser: what it counted and what it could not read.
    package private(set) var parser: PacketTextParser
    private var isSkipping = false
    /// The first line with something in it, for messages.
    private var firstLine: String?
    /// The first line of a session log, for messages.
    private var sessionLog: SessionLog?
    /// The program that printed the text, where it is known and not read, for messages.
    private var unreadable: UnreadableFormat?
    /// Lines that were looked at for one.
    private var logLines = 0

    /// Opens a file.
    ///
    /// Throws `notFound`, `badInput` (a directory) or `ioError`.
    package init(path: String) throws(CaptureError) {
        input = try CaptureInput(path: path)
        parser = PacketTextParser()
    }

    /// Goes on with a capture file whose `format` is `.text`: compressed or not, from where it was opened.
    ///
    /// - `names`: the names in texts that were read before into the same engine.
    package init(_ file: consuming CaptureFile, names: TextNames = TextNames()) {
        input = file.input
        parser = PacketTextParser(names: names)
    }

    /// True where packets come while it is read, so that findings are wanted at once.
    package var isLive: Bool { input.isLive }
    /// Bytes read so far, and of how many where that is known.
    package var progress: (read: UInt64, total: UInt64?) { (input.bytesRead, input.size) }
    /// Whether packets carry a timestamp; `nil` before the first packet.
    ///
    /// Without, every packet's time is 0.
    package var hasTime: Bool? { parser.hasTime }
    /// The counts of the text so far.
    package var counts: TextCounts { parser.counts }
    /// The first line that was not understood.
    package var firstProblem: TextProblem? { parser.firstProblem }
    /// The name that stands in the text in the place of an address; the addresses are of 100::/64.
    package var hostNames: [IPAddress: String] { parser.hostNames }
    /// Names of interfaces by `PacketRecord.interfaceSlot`, where the text tells them (`-i any`).
    package var interfaceNames: [UInt8: String] { parser.interfaceNames }

    /// Reads to the end of the input and hands over the packets as they come: what can be read without waiting makes
    /// one batch.
    ///
    /// While a pipe is silent, an empty batch (a tick) comes about every 200 ms, whose watermark goes on with the
    /// clock; not where the text has no times.
    ///
    /// Throws what `handler` throws, at once; or `CaptureError`, after everything before was handed over: `badInput`
    /// where the text is not tcpdump's, was printed without `-v`, nothing in it is understood, or its compressed data
    /// are damaged; `ioError`.
    package mutating func read(_ handler: (PacketBatch) throws -> Void) throws {
        var watermark: UInt64 = 0
        var arrival = CaptureFile.now()
        var scanned = 0
        reading: while true {
            let filling: CaptureInput.Filling
            do throws(CaptureError) {
                filling = try input.fill()
            } catch {
                // A line that the damage cut is not fed: a number in it may be cut as well.
                feedLines(&scanned)
                parser.finish()
                try deliver(&watermark, to: handler)
                throw error
            }
            switch filling {
            case .more:
                feedLines(&scanned)
                try deliver(&watermark, to: handler)
                arrival = CaptureFile.now()
            case .none:
                guard !input.wait(milliseconds: CaptureFile.tickInterval) else { continue }
                parser.pause()
                try deliver(&watermark, to: handler)
                guard watermark > 0 else { continue }
                let elapsed = CaptureFile.now() &- arrival
                let time = watermark.addingReportingOverflow(elapsed).partialValue
                try handler(PacketBatch(packets: UnsafeBufferPointer(start: nil, count: 0), watermark: time))
            case .end:
                feedLines(&scanned)
                // The rest of the last line may still be in the writer's buffer.
                if input.count > 0, !isSkipping, !input.isBeingWritten { feedLine(input.window) }
                parser.finish()
                try deliver(&watermark, to: handler)
                break reading
            }
            if parser.counts.packets == 0, input.offset > Self.maximumPreface { break }
        }
        try checkOutcome()
    }

    private mutating func deliver(_ watermark: inout UInt64, to handler: (PacketBatch) throws -> Void) throws {
        guard !parser.ready.isEmpty else { return }
        for packet in parser.ready { watermark = max(watermark, packet.time) }
        try parser.ready.withUnsafeBufferPointer { packets in
            var batch = PacketBatch(packets: packets, watermark: watermark)
            batch.bytesRead = input.bytesRead
            batch.hostNames = parser.hostNames
            try handler(batch)
        }
        parser.removeReady()
    }

    /// Feeds the window's complete lines.
    ///
    /// `scanned` bytes of what is left are known to hold no line feed.
    private mutating func feedLines(_ scanned: inout Int) {
        let window = input.window
        guard let base = window.baseAddress else { return }
        var start = 0
        var from = scanned
        while from < window.count, let found = memchr(base + from, 10, window.count - from) {
            let end = UnsafeRawPointer(found) - base
            if isSkipping || end - start > Self.maximumLine {
                isSkipping = false
                parser.skipLongLine()
            } else {
                feedLine(UnsafeRawBufferPointer(rebasing: window[start..<end]))
            }
            start = end + 1
            from = start
        }
        if isSkipping || window.count - start > Self.maximumLine {
            isSkipping = true
            start = window.count
        }
        scanned = window.count - start
        input.consume(start)
    }

    private mutating func feedLine(_ line: UnsafeRawBufferPointer) {
        let bytes = line.assumingMemoryBound(to: UInt8.self)
        if firstLine == nil, bytes.contains(where: { $0 > 32 }) {
            firstLine = TextCursor(UnsafeBufferPointer(rebasing: bytes.prefix(60))).printable
        }
        parser.feed(bytes)
        // A text without packets may be a log that says something all the same. Its first lines show it.
        guard sessionLog == nil, logLines < 64, parser.counts.packets == 0 else { return }
        logLines += 1
        let text = String(decoding: bytes.prefix(2048), as: UTF8.self)
        sessionLog = SessionLog(text)
        if unreadable == nil { unreadable = UnreadableFormat(text) }
    }

    /// The error for a text that gave nothing, where it is the text's fault.
    private func checkOutcome() throws(CaptureError) {
        let counts = parser.counts
        guard counts.records == 0 else { return }
        if counts.notUnderstood > 0, let problem = firstProblem {
            throw CaptureError(
                .badInput, subject: input.name,
                problem: "none of the \(counts.packets) packets is understood; line \(problem.line): \(problem.reason)",
                advice: "Run tcpdump with -v and without -q: tcpdump -nv -i IFACE")
        }
        guard counts.packets == 0 else { return }
        if let sessionLog {
            throw CaptureError(
                .badInput, subject: input.name,
                problem:
                    "this is a log, without packets. \(sessionLog.program) says \"\(sessionLog.word.filter { $0 != "\"" })\": "
                    + sessionLog.meaning.dropLast(),
                advice: "To find the sender, capture there: \(sessionLog.capture)")
        }
        if let unreadable {
            throw CaptureError(
                .badInput, subject: input.name,
                problem: "this looks like \(unreadable.program), which is not read: \(unreadable.reason)",
                advice: "To get a capture there: \(unreadable.capture)")
        }
        if let unread = parser.firstUnread {
            let lines =
                counts.unreadLines == 1 ? "1 line looks like a packet" : "\(counts.unreadLines) lines look like packets"
            throw CaptureError(
                .badInput, subject: input.name,
                problem: "\(lines) and none is in a format that is read; line \(unread.line): \"\(unread.reason)\"",
                advice: "Give a capture file, or what tcpdump -nv prints")
        }
        guard let firstLine else {
            throw CaptureError(
                .badInput, subject: input.name, problem: "there is nothing in it",
                advice: "Give it a capture file, or what tcpdump -nv prints")
        }
        throw CaptureError(
            .badInput, subject: input.name,
            problem:
                "there is neither a packet nor the output of a known program in it: it begins with \"\(firstLine)\"",
            advice:
                "Capture where it happens, tcpdump -ni any -w FILE host HOST and port PORT, or paste what tcpdump -nv "
                + "prints")
    }
}
