// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Glibc
package import Packets

/// Reads the text that `tcpdump -v` prints, from a file, a pipe or a terminal, and hands out its packets in the order of
/// the text.
///
/// Memory is bounded: one block of the input, one line of at most 64 KiB, and the parser's tables.
package struct TcpdumpText: ~Copyable {
    /// Longer lines are counted and stepped over.
    static let maximumLine = 65_536
    /// Without a packet in this much text, it is taken for something else.
    static let maximumPreface: UInt64 = 4 << 20

    private let descriptor: CInt
    private let ownsDescriptor: Bool
    private let subject: String
    private var prefix: [UInt8]
    /// The parser: what it counted and what it could not read.
    package private(set) var parser = TcpdumpTextParser()

    /// Opens a file.
    package init(path: String) throws(CaptureError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let number = Glibc.errno
            let code: CaptureError.Code =
                switch number {
                case ENOENT, ENOTDIR: .notFound
                case EACCES: .noPermission
                default: .ioError
                }
            throw CaptureError(code, subject: path, problem: String(cString: strerror(number)), errno: number)
        }
        self.descriptor = descriptor
        ownsDescriptor = true
        subject = path
        prefix = []
    }

    /// Reads from an open descriptor, which stays the caller's.
    ///
    /// - Parameters:
    ///   - subject: what errors call the source, for example `standard input`.
    ///   - prefix: bytes that were read from it already, to find out what it is.
    package init(descriptor: CInt, subject: String, prefix: [UInt8] = []) {
        self.descriptor = descriptor
        ownsDescriptor = false
        self.subject = subject
        self.prefix = prefix
    }

    deinit {
        if ownsDescriptor { close(descriptor) }
    }

    /// Whether packets carry a timestamp; `nil` before the first packet. Without, every packet's time is 0.
    package var hasTime: Bool? { parser.hasTime }
    /// What the text held so far.
    package var counts: TcpdumpTextParser.Counts { parser.counts }
    /// The first line that was not understood.
    package var firstProblem: TcpdumpTextParser.Problem? { parser.firstProblem }
    /// The name that stands in the text in the place of an address; the addresses are of 100::/64.
    package var hostNames: [IPAddress: String] { parser.hostNames }

    /// Reads to the end of the input and hands over the packets as they come: what can be read without waiting makes one
    /// batch.
    ///
    /// Throws what `handler` throws, or `CaptureError`: `.badInput` where the text is not tcpdump's or was printed
    /// without `-v`, `.ioError` where reading fails. What came before was handed over.
    package mutating func read(_ handler: (PacketBatch) throws -> Void) throws {
        var carry: [UInt8] = []
        var watermark: UInt64 = 0
        var firstLine: String?
        var consumed: UInt64 = 0
        var isSkipping = false
        var block = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = try fill(&block)
            consumed += UInt64(count)
            block.withUnsafeBufferPointer { bytes in
                feed(bytes, count: count, &carry, &isSkipping, &firstLine)
            }
            if count == 0 {
                if !carry.isEmpty, !isSkipping {
                    carry.withUnsafeBufferPointer { feedLine($0, &firstLine) }
                }
                parser.finish()
            }
            if !parser.ready.isEmpty {
                for packet in parser.ready { watermark = max(watermark, packet.time) }
                try parser.ready.withUnsafeBufferPointer { packets in
                    try handler(PacketBatch(packets: packets, watermark: watermark))
                }
                parser.ready.removeAll(keepingCapacity: true)
            }
            if count == 0 { break }
            if parser.counts.packets == 0, consumed > Self.maximumPreface { break }
        }
        try checkOutcome(firstLine)
    }

    /// Fills the block from what was read before, or from the descriptor. 0 at the end.
    private mutating func fill(_ block: inout [UInt8]) throws(CaptureError) -> Int {
        if !prefix.isEmpty {
            let count = min(prefix.count, block.count)
            block.replaceSubrange(..<count, with: prefix[..<count])
            prefix.removeFirst(count)
            return count
        }
        while true {
            let size = block.count
            let count = block.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, size) }
            if count >= 0 { return count }
            let number = Glibc.errno
            if number == EINTR { continue }
            throw CaptureError(
                number == EISDIR ? .badInput : .ioError, subject: subject, problem: String(cString: strerror(number)),
                errno: number)
        }
    }

    private mutating func feed(
        _ bytes: UnsafeBufferPointer<UInt8>, count: Int, _ carry: inout [UInt8], _ isSkipping: inout Bool,
        _ firstLine: inout String?
    ) {
        var start = 0
        while start < count {
            let rest = UnsafeRawPointer(bytes.baseAddress.map { $0 + start })
            guard let rest, let feedAt = memchr(rest, 10, count - start) else { break }
            let length = UnsafeRawPointer(feedAt) - rest
            let line = UnsafeBufferPointer(rebasing: bytes[start..<start + length])
            start += length + 1
            if isSkipping || carry.count + length > Self.maximumLine {
                isSkipping = false
                carry.removeAll(keepingCapacity: true)
                parser.skipLongLine()
            } else if carry.isEmpty {
                feedLine(line, &firstLine)
            } else {
                carry.append(contentsOf: line)
                carry.withUnsafeBufferPointer { feedLine($0, &firstLine) }
                carry.removeAll(keepingCapacity: true)
            }
        }
        guard start < count else { return }
        if isSkipping || carry.count + count - start > Self.maximumLine {
            isSkipping = true
            carry.removeAll(keepingCapacity: true)
        } else {
            carry.append(contentsOf: bytes[start..<count])
        }
    }

    private mutating func feedLine(_ line: UnsafeBufferPointer<UInt8>, _ firstLine: inout String?) {
        if firstLine == nil, line.contains(where: { $0 > 32 }) {
            firstLine = TcpdumpTextCursor(UnsafeBufferPointer(rebasing: line.prefix(60))).printable
        }
        parser.feed(line)
    }

    /// The error for a text that gave nothing, where it is the text's fault.
    private func checkOutcome(_ firstLine: String?) throws(CaptureError) {
        let counts = parser.counts
        guard counts.records == 0 else { return }
        if counts.withoutTTL > 0 {
            throw CaptureError(
                .badInput, subject: subject,
                problem: "none of the \(counts.packets) packets shows its TTL, which tcpdump prints only with -v",
                advice: "Run tcpdump with -v: tcpdump -nv -i IFACE")
        }
        guard counts.packets == 0 else { return }
        guard let firstLine else {
            throw CaptureError(
                .badInput, subject: subject, problem: "there is nothing in it",
                advice: "Give it a capture file, or what tcpdump -nv prints")
        }
        throw CaptureError(
            .badInput, subject: subject,
            problem: "this is neither a capture file nor the text of tcpdump -v: it begins with \"\(firstLine)\"",
            advice:
                "A line such as \"IP (tos 0x0, ttl 63, id 0, offset 0, flags [DF], proto TCP (6), length 40)\" is expected"
        )
    }
}
