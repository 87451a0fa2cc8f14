// SPDX-License-Identifier: Apache-2.0

/// Reads the format of Solaris' snoop (RFC 1761).
///
/// Pure: it is handed windows of bytes and does no I/O. Numbers from the file are checked before they are used.
struct SnoopDecoder {
    /// `snoop` and three zeros.
    static let magic: [UInt8] = [0x73, 0x6e, 0x6f, 0x6f, 0x70, 0, 0, 0]
    private static let fileHeader = 16
    private static let recordHeader = 24

    private var link: LinkLayer?

    var isAtStart: Bool { link == nil }

    /// Takes packets out of `bytes`, which begin at `offset` of the capture.
    mutating func decode(
        _ bytes: UnsafeRawBufferPointer, offset: UInt64, into batch: inout CaptureFileBatch
    ) throws(CaptureFileDamage) -> CaptureFileStep {
        guard let link else {
            guard bytes.count >= Self.fileHeader else { return CaptureFileStep(0, .bytes(Self.fileHeader)) }
            guard bytes.big32(8) == 2 else {
                throw CaptureFileDamage(
                    offset: 8, problem: "this is version \(bytes.big32(8)) of snoop's format, not 2")
            }
            self.link = Self.link(of: bytes.big32(12))
            return CaptureFileStep(Self.fileHeader, .bytes(Self.recordHeader))
        }
        var position = 0
        while true {
            if batch.isFull { return CaptureFileStep(position, .delivery) }
            let rest = bytes.count - position
            if rest < Self.recordHeader { return CaptureFileStep(position, .bytes(Self.recordHeader)) }
            // rest ≥ 24: all fields of the header are in the window.
            let wire = bytes.big32(position)
            let captured = Int(bytes.big32(position + 4))
            let total = Int(bytes.big32(position + 8))
            guard captured <= PcapDecoder.maximumPacket, total >= captured + Self.recordHeader,
                total <= captured + Self.recordHeader + 4096
            else {
                throw CaptureFileDamage(
                    offset: offset + UInt64(position),
                    problem: "a record of \(total) bytes is said to hold a packet of \(captured)")
            }
            if rest < total { return CaptureFileStep(position, .bytes(total)) }
            let time = UInt64(bytes.big32(position + 16)) * 1_000_000_000 + UInt64(bytes.big32(position + 20)) * 1000
            if let base = bytes.baseAddress {
                batch.append(
                    base + position + Self.recordHeader, length: captured,
                    .init(time: time, wireLength: max(wire, UInt32(captured)), link: link, interface: 0))
            }
            position += total
        }
    }

    /// The media types of RFC 1761 and of Solaris' dlpi.h.
    private static func link(of type: UInt32) -> LinkLayer {
        switch type {
        case 0, 4: .ethernet
        case 2: .tokenRing
        case 8: .fddi
        default: .unknown
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Numbers in either byte order; the caller has checked that their bytes are there.
    func big32(_ offset: Int) -> UInt32 { loadUnaligned(fromByteOffset: offset, as: UInt32.self).bigEndian }
    func big16(_ offset: Int) -> UInt16 { loadUnaligned(fromByteOffset: offset, as: UInt16.self).bigEndian }
    func little16(_ offset: Int) -> UInt16 { loadUnaligned(fromByteOffset: offset, as: UInt16.self).littleEndian }
    func little32(_ offset: Int) -> UInt32 { loadUnaligned(fromByteOffset: offset, as: UInt32.self).littleEndian }
    func little64(_ offset: Int) -> UInt64 { loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian }
}
