// SPDX-License-Identifier: Apache-2.0
internal import CCompression
internal import Glibc

/// gzip (RFC 1952, several members) and zstd (RFC 8878, several frames) as a stream: bounded memory whatever the data
/// expand to.
///
/// A zstd window above 128 MiB is refused.
final class Decompressor {
    private enum Engine {
        case gzip(UnsafeMutablePointer<z_stream>)
        case zstd(OpaquePointer)
    }

    private static let capacity = 1 << 18
    /// The shortest beginning of a zstd frame (RFC 8878, 3.1.1).
    private static let firstBlock = 5

    private let engine: Engine
    /// Compressed bytes; `begin ..< end` were not yet decompressed.
    private let input: UnsafeMutableRawBufferPointer
    private var begin = 0
    private var end = 0
    /// Compressed bytes before those in `input`.
    private var base: UInt64 = 0
    /// True at the start and where one member or frame has ended and no other begun.
    private(set) var isBetweenFrames = true
    /// True behind the last gzip member, where only padding may follow.
    private var isPadding = false
    private var isFirst = true
    /// True where the last call had no room left: only then can the library hold back output.
    ///
    /// (Asking zstd again and again without input is an error.)
    private var isOutputFull = false
    /// The damage of the data; thrown after everything before it was delivered, and from then on.
    private var failure: CaptureFileDamage?
    /// Compressed bytes to hand to zstd at once: a block.
    ///
    /// What it made of the blocks before a damaged one would be lost if it got all of them.
    private var blockSize = firstBlock

    /// Begins with the `compressed` bytes that were already read.
    ///
    /// `nil` where memory is short.
    init?(_ format: CaptureFormat, compressed: UnsafeRawBufferPointer) {
        switch format {
        case .gzip:
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            // 15 bits of window, 16 for "gzip and nothing else".
            guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
                stream.deallocate()
                return nil
            }
            engine = .gzip(stream)
        default:
            guard let context = ZSTD_createDCtx() else { return nil }
            ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 27)
            engine = .zstd(context)
        }
        input = .allocate(byteCount: max(Self.capacity, compressed.count), alignment: 64)
        input.copyMemory(from: compressed)
        end = compressed.count
    }

    deinit {
        switch engine {
        case .gzip(let stream):
            inflateEnd(stream)
            stream.deallocate()
        case .zstd(let context):
            ZSTD_freeDCtx(context)
        }
        input.deallocate()
    }

    /// Returns the space for compressed bytes once `decompress` has delivered nothing; `add` then takes their number.
    func makeSpace() -> UnsafeMutableRawBufferPointer {
        base &+= UInt64(begin)
        if begin == end {
            begin = 0
            end = 0
        } else if begin > 0, let base = input.baseAddress {
            memmove(base, base + begin, end - begin)
            end -= begin
            begin = 0
        }
        return UnsafeMutableRawBufferPointer(rebasing: input[end...])
    }

    func add(_ count: Int) {
        end += count
    }

    /// Fills `output` as far as the compressed bytes go.
    ///
    /// 0 means: more of those are needed.
    func decompress(into output: UnsafeMutableRawBufferPointer) throws(CaptureFileDamage) -> Int {
        if let failure { throw failure }
        // What the library held back comes alone: were the next block damaged, it would be lost.
        if isOutputFull && !isBetweenFrames {
            isOutputFull = false
            let produced = try advance(into: output, by: 0)
            if produced > 0 { return produced }
        }
        while begin < end {
            let before = begin
            let produced = try advance(into: output, by: blockSize)
            if produced > 0 { return produced }
            // Neither consumed nor produced: it waits for bytes that are not there yet.
            if begin == before { break }
        }
        return 0
    }

    /// One call of the library, with at most `limit` compressed bytes where that is zstd.
    ///
    /// Returns what it produced.
    private func advance(
        into output: UnsafeMutableRawBufferPointer, by limit: Int
    ) throws(CaptureFileDamage) -> Int {
        switch engine {
        case .gzip(let stream): try inflate(stream, into: output)
        case .zstd(let context): try decompress(context, upTo: min(end, begin + limit), into: output)
        }
    }

    private func inflate(
        _ stream: UnsafeMutablePointer<z_stream>, into output: UnsafeMutableRawBufferPointer
    ) throws(CaptureFileDamage) -> Int {
        if isBetweenFrames && begin < end {
            if isPadding || (!isFirst && input[begin] == 0) {
                // gzip pads with zeros where it writes to tapes and block devices.
                isPadding = true
                guard input[begin..<end].allSatisfy({ $0 == 0 }) else {
                    let failure = damage("what follows the compressed data is neither gzip nor padding")
                    self.failure = failure
                    throw failure
                }
                begin = end
                return 0
            }
            isFirst = false
            isBetweenFrames = false
        }
        stream.pointee.next_in = input.baseAddress.map { ($0 + begin).assumingMemoryBound(to: UInt8.self) }
        stream.pointee.avail_in = UInt32(end - begin)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(output.count)
        let result = CCompression.inflate(stream, Z_NO_FLUSH)
        begin = end - Int(stream.pointee.avail_in)
        isOutputFull = stream.pointee.avail_out == 0
        switch result {
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END:
            isBetweenFrames = true
            inflateReset(stream)
        default:
            failure = damage(stream.pointee.msg.map { String(cString: $0) } ?? "zlib's error \(result)")
            if let failure, stream.pointee.avail_out == UInt32(output.count) { throw failure }
        }
        return output.count - Int(stream.pointee.avail_out)
    }

    private func decompress(
        _ context: OpaquePointer, upTo limit: Int, into output: UnsafeMutableRawBufferPointer
    ) throws(CaptureFileDamage) -> Int {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: limit, pos: begin)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let result = ZSTD_decompressStream(context, &target, &source)
        begin = source.pos
        if ZSTD_isError(result) != 0 {
            let failure = damage(String(cString: ZSTD_getErrorName(result)))
            self.failure = failure
            throw failure
        }
        // The size of the next block, or of what is missing of this one; 0 at a frame's end.
        blockSize = result == 0 ? Self.firstBlock : result
        // 0: a frame is complete and all of it is in the output.
        isBetweenFrames = result == 0
        isOutputFull = target.pos == target.size
        return target.pos
    }

    /// The damage is at or shortly before what the library has taken.
    private func damage(_ reason: String) -> CaptureFileDamage {
        CaptureFileDamage(
            offset: base &+ UInt64(begin), problem: "of the compressed data: \(reason)",
            advice: "What came before is complete; fetch the file again if it was damaged in transfer")
    }
}
