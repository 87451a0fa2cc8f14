// SPDX-License-Identifier: Apache-2.0

/// A capture in a file or coming through a pipe: pcap or pcapng, also compressed with gzip or zstd; or a text, which
/// another reads.
///
/// Memory is constant: a window of 1 MiB, a batch of 512 packets, and a decompressor's (at most 128 MiB for zstd).
package struct CaptureFile: ~Copyable {
    /// The source of a capture.
    package enum Origin {
        case path(String)
        case standardInput
        /// A descriptor that is closed with the capture file; `name` is for messages.
        case descriptor(Int32, name: String)
        /// Bytes that outlive the capture file, read at most `piece` at a time.
        case memory(UnsafeRawBufferPointer, piece: Int)
    }

    /// The silence of a pipe after which a tick is delivered, in ms.
    static let tickInterval: Int32 = 200

    /// A capture's format or `text`, of what is inside where it is compressed.
    package private(set) var format = CaptureFormat.unknown
    var input: CaptureInput
    var batch = CaptureFileBatch()
    var pcap = PcapDecoder()
    var pcapng = PcapngDecoder()
    var snoop = SnoopDecoder()
    var netMon = NetMonDecoder()
    var erf = ERFDecoder()
    var netScaler = NetScalerDecoder()
    /// Bytes of a block that nobody reads and that were not yet passed.
    var toSkip: UInt64 = 0
    /// The offset where that block begins.
    var skipped: UInt64 = 0
    /// The watermark after the last packet, from which ticks count.
    var lastPacketTime: UInt64 = 0

    /// Opens a capture and tells what it is.
    ///
    /// A pipe is waited for until it has said enough for that.
    ///
    /// - `follows`: a file that somebody writes to is read until its writer closes it; otherwise it ends where it
    ///   ends now, and the beginning of a record there is no damage.
    ///
    /// Throws `notFound`, `ioError`, or `badInput` for what is empty, a directory, or neither a capture nor a text.
    package static func open(_ origin: Origin, follows: Bool = true) throws(CaptureError) -> CaptureFile {
        switch origin {
        case .path(let path): try CaptureFile(CaptureInput(path: path, follows: follows))
        case .standardInput:
            try CaptureFile(CaptureInput(descriptor: 0, name: "standard input", follows: follows))
        case .descriptor(let descriptor, let name):
            try CaptureFile(CaptureInput(descriptor: descriptor, name: name, follows: follows))
        case .memory(let bytes, let piece): try CaptureFile(CaptureInput(memory: bytes, piece: piece, name: "memory"))
        }
    }

    init(_ input: consuming CaptureInput) throws(CaptureError) {
        self.input = input
        format = try sniff()
        if self.input.count == 0 {
            throw CaptureError(.badInput, subject: self.input.name, problem: "this is empty")
        }
        if format == .gzip || format == .zstd {
            try self.input.decompress(format)
            format = try sniff()
            if format == .gzip || format == .zstd {
                throw CaptureError(
                    .badInput, subject: self.input.name, problem: "this is compressed twice",
                    advice: "Decompress it once and try again")
            }
        }
        if format == .unknown {
            let foreign = ForeignFile(self.input.window)
            throw CaptureError(
                .badInput, subject: self.input.name,
                problem: foreign?.problem ?? "this is neither a capture nor the text of one",
                advice: foreign?.advice
                    ?? "Give a file of pcap or pcapng (also .gz, .zst), or what `tcpdump -v` prints")
        }
        if format == .netScaler {
            netScaler = NetScalerDecoder(NetScalerDecoder.version(of: self.input.window) ?? .three)
        }
    }

    /// True where packets come while it is read, so that findings are wanted at once: a pipe, or a file that somebody
    /// writes to (which the system tells the file's owner and root).
    ///
    /// Such a file is read until its writer closes it, where it is followed.
    package var isLive: Bool { input.isLive }

    /// True while a file is followed that somebody writes to.
    package var isGrowing: Bool { input.isGrowing }

    /// True for a file that somebody was writing to when it was opened.
    package var isBeingWritten: Bool { input.isBeingWritten }

    /// Bytes read so far, and of how many where that is known.
    ///
    /// Compressed ones where it is compressed.
    package var progress: (read: UInt64, total: UInt64?) { (input.bytesRead, input.size) }

    /// The counts of frames so far, by outcome.
    package var counters: CaptureFileCounters { batch.counters }

    /// Names of interfaces by `PacketRecord.interfaceSlot`, where the capture (pcapng) knows them.
    package var interfaceNames: [UInt8: String] { pcapng.interfaceNames }

    private mutating func sniff() throws(CaptureError) -> CaptureFormat {
        do throws(CaptureError) {
            while input.count < CaptureFormat.sniffedBytes {
                switch try input.fill() {
                case .more: continue
                case .none:
                    // A pipe that says little, such as tcpdump's header alone.
                    if input.count >= 4 { return CaptureFormat(sniffing: input.window) }
                    _ = input.wait(milliseconds: Self.tickInterval)
                case .end: return CaptureFormat(sniffing: input.window)
                }
            }
        } catch {
            // Damage that soon: what stands before it is still read, and reading comes upon the damage again.
            let format = CaptureFormat(sniffing: input.window)
            guard format.isCapture || format == .text else { throw error }
            return format
        }
        return CaptureFormat(sniffing: input.window)
    }
}
