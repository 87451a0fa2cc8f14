// SPDX-License-Identifier: Apache-2.0
internal import CPacket

/// Reads the classic capture format (draft-ietf-opsawg-pcap) in both byte orders, with microseconds or nanoseconds, and
/// the "modified" one of old Linux distributions, whose records say more.
///
/// Pure: it is handed windows of bytes and does no I/O. Numbers from the file are checked before they are used.
struct PcapDecoder {
    /// The kinds of file that the magic number tells apart.
    struct Variant {
        /// Nanoseconds in a unit of the fraction of a second.
        var fraction: UInt64
        /// Bytes before a packet.
        var recordHeader: Int

        /// `magic` in the file's byte order.
        init?(magic: UInt32) {
            switch magic {
            case 0xa1b2_c3d4: self.init(fraction: 1000, recordHeader: 16)
            case 0xa1b2_3c4d: self.init(fraction: 1, recordHeader: 16)
            case 0xa1b2_cd34: self.init(fraction: 1000, recordHeader: 24)
            default: return nil
            }
        }

        private init(fraction: UInt64, recordHeader: Int) {
            self.fraction = fraction
            self.recordHeader = recordHeader
        }
    }

    /// No capture tool writes longer packets (libpcap's MAXIMUM_SNAPLEN).
    static let maximumPacket = 262_144

    private static let fileHeader = 24

    private var variant: Variant?
    private var isSwapped = false
    private var link = LinkLayer.unknown

    /// Whether the input ends before the file header is complete; used in the message.
    var isAtStart: Bool { variant == nil }

    /// Takes packets out of `bytes`, which begin at `offset` of the capture.
    mutating func decode(
        _ bytes: UnsafeRawBufferPointer, offset: UInt64, into batch: inout CaptureFileBatch
    ) throws(CaptureFileDamage) -> CaptureFileStep {
        guard let variant else { return try decodeFileHeader(bytes) }
        guard let base = bytes.baseAddress else { return CaptureFileStep(0, .bytes(variant.recordHeader)) }
        let header = variant.recordHeader
        var position = 0
        while true {
            if batch.isFull { return CaptureFileStep(position, .delivery) }
            let rest = bytes.count - position
            if rest < header { return CaptureFileStep(position, .bytes(header)) }
            // The header's bytes are in the window: rest ≥ header ≥ 16.
            let record = base + position
            let captured = Int(load32(record + 8))
            if captured > Self.maximumPacket {
                throw CaptureFileDamage(
                    offset: offset + UInt64(position),
                    problem: "a packet is said to have \(captured) bytes, more than any capture tool writes")
            }
            if rest - header < captured { return CaptureFileStep(position, .bytes(header + captured)) }
            // 32-bit numbers: seconds · 10⁹ + fraction · 1000 stays below 2⁶³.
            let time = UInt64(load32(record)) &* 1_000_000_000 &+ UInt64(load32(record + 4)) &* variant.fraction
            var interface: UInt8 = 0
            if header == 24 {
                interface = UInt8(truncatingIfNeeded: load32(record + 16)) & UInt8(PACKET_INTERFACE_SLOT_MASK)
                if (record + 22).load(as: UInt8.self) == LinkLayer.packetOutgoing {
                    interface |= UInt8(PACKET_INTERFACE_EGRESS)
                }
            }
            // All `captured` bytes behind the header are in the window.
            batch.append(
                record + header, length: captured,
                .init(
                    time: time, wireLength: max(load32(record + 12), UInt32(captured)), link: link, interface: interface
                ))
            position += header + captured
        }
    }

    private mutating func decodeFileHeader(
        _ bytes: UnsafeRawBufferPointer
    ) throws(CaptureFileDamage) -> CaptureFileStep {
        guard let base = bytes.baseAddress, bytes.count >= Self.fileHeader else {
            return CaptureFileStep(0, .bytes(Self.fileHeader))
        }
        let magic = base.loadUnaligned(as: UInt32.self)
        isSwapped = Variant(magic: magic) == nil
        guard let variant = Variant(magic: isSwapped ? magic.byteSwapped : magic) else {
            throw CaptureFileDamage(offset: 0, problem: "this is no pcap file", advice: "")
        }
        // The upper half of the link type tells of frame check sequences, which the parser never reaches.
        link = LinkLayer(linkType: UInt16(truncatingIfNeeded: load32(base + 20)))
        self.variant = variant
        return CaptureFileStep(Self.fileHeader, .bytes(variant.recordHeader))
    }

    /// Four bytes at `address`, which the caller knows to be in the window.
    @inline(__always)
    private func load32(_ address: UnsafeRawPointer) -> UInt32 {
        let value = address.loadUnaligned(as: UInt32.self)
        return isSwapped ? value.byteSwapped : value
    }
}
