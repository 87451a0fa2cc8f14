// SPDX-License-Identifier: Apache-2.0
internal import CCompression

/// Compresses what tests read back.
package enum Compression: CaseIterable, Sendable {
    case gzip, zstd

    /// One gzip member or zstd frame.
    package func callAsFunction(_ bytes: [UInt8]) -> [UInt8] {
        switch self {
        case .gzip: Self.gzip(bytes)
        case .zstd: Self.zstd(bytes)
        }
    }

    private static func gzip(_ bytes: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        var bytes = bytes
        var out = [UInt8](repeating: 0, count: bytes.count + 1000)
        let capacity = out.count
        // 15 bits of window, 16 for gzip's header.
        deflateInit2_(
            &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        let count = bytes.withUnsafeMutableBufferPointer { source in
            out.withUnsafeMutableBufferPointer { target in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(capacity)
                deflate(&stream, Z_FINISH)
                deflateEnd(&stream)
                return capacity - Int(stream.avail_out)
            }
        }
        return Array(out.prefix(count))
    }

    private static func zstd(_ bytes: [UInt8]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
        let count = ZSTD_compress(&out, out.count, bytes, bytes.count, 3)
        return Array(out.prefix(count))
    }
}
