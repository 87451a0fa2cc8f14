// SPDX-License-Identifier: Apache-2.0
internal import CPacket

/// Reads Endace's Extensible Record Format, which has no file header.
///
/// Pure: it is handed windows of bytes and does no I/O. Numbers from the file are checked before they are used. Source
/// of the layout: Endace, "EDM11-01 ERF types reference guide".
struct ERFDecoder {
    private static let recordHeader = 16

    private(set) var isAtStart = true

    /// Whether the bytes begin with records: a known type, a length that fits, times from 1990 on that do not jump.
    static func isFormat(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        var last: UInt32 = 0
        var records = 0
        while bytes.count - position >= recordHeader {
            let seconds = bytes.little32(position + 4)
            let type = bytes[position + 8] & 0x7f
            let length = Int(bytes.big16(position + 10))
            // Metadata may have no time.
            let isTimed = type != 27 || seconds != 0
            guard !isTimed || seconds > 631_152_000, (1...48).contains(type), length >= recordHeader,
                !isTimed || last == 0 || (seconds >= last && seconds - last < 86_400),
                bytes.big16(position + 14) <= 65_000
            else { return false }
            if isTimed { last = seconds }
            records += 1
            position += length
        }
        return records > 1 || (records == 1 && position == bytes.count)
    }

    /// Takes packets out of `bytes`, which begin at `offset` of the capture.
    mutating func decode(
        _ bytes: UnsafeRawBufferPointer, offset: UInt64, into batch: inout CaptureFileBatch
    ) throws(CaptureFileDamage) -> CaptureFileStep {
        var position = 0
        while true {
            if batch.isFull { return CaptureFileStep(position, .delivery) }
            let rest = bytes.count - position
            if rest < Self.recordHeader { return CaptureFileStep(position, .bytes(Self.recordHeader)) }
            let length = Int(bytes.big16(position + 10))
            guard length >= Self.recordHeader else {
                throw CaptureFileDamage(
                    offset: offset + UInt64(position), problem: "a record is said to have \(length) bytes, less than 16"
                )
            }
            if rest < length { return CaptureFileStep(position, .bytes(length)) }
            isAtStart = false
            append(UnsafeRawBufferPointer(rebasing: bytes[position..<position + length]), into: &batch)
            position += length
        }
    }

    private func append(_ record: UnsafeRawBufferPointer, into batch: inout CaptureFileBatch) {
        let type = record[8]
        var start = Self.recordHeader
        // Extension headers follow each other as long as the top bit of the one before is set.
        var hasMore = type & 0x80 != 0
        while hasMore, start + 8 <= record.count {
            hasMore = record[start] & 0x80 != 0
            start += 8
        }
        let link: LinkLayer
        switch type & 0x7f {
        case 2, 11, 16, 21:
            link = .ethernet
            start += 2
        case 1, 10, 15, 20: link = .pppHDLC
        case 22, 23: link = .ip
        // Padding and metadata are no frames.
        case 27, 48: return
        default: link = .unknown
        }
        start = min(start, record.count)
        guard let base = record.baseAddress else { return }
        let fraction = (UInt64(record.little32(0)) * 1_000_000_000) >> 32
        let time = UInt64(record.little32(4)) * 1_000_000_000 + fraction
        let length = min(record.count - start, Int(record.big16(14)))
        batch.append(
            base + start, length: length,
            .init(
                time: time, wireLength: max(UInt32(record.big16(14)), UInt32(length)), link: link,
                interface: record[9] & 3))
    }
}
