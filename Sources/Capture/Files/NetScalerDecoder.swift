// SPDX-License-Identifier: Apache-2.0
internal import CPacket

/// Reads NetScaler's nstrace, 1.0 to 3.5: pages of 8 KiB (1.0, 2.0) or 16 KiB (3.0, 3.5) with records, whose packets
/// are Ethernet frames.
///
/// Pure: it is handed windows of bytes and does no I/O. Numbers from the file are checked before they are used. The
/// layout is public through Citrix's contribution to Wireshark (wiretap/netscaler.c and netscaler.h).
struct NetScalerDecoder {
    enum Version { case one, two, three }

    private let version: Version
    private(set) var isAtStart = true
    /// Seconds since 1970 of the first record of absolute time, and ns that the relative times sum up to.
    private var base: UInt64 = 0
    private var elapsed: UInt64 = 0

    init(_ version: Version = .three) {
        self.version = version
    }

    /// The version by the signature record among the first bytes; `nil` without one.
    static func version(of bytes: UnsafeRawBufferPointer) -> Version? {
        guard bytes.count >= 40, bytes[0] == 1 else { return nil }
        let head = String(decoding: bytes.prefix(64), as: UTF8.self)
        if head.contains("NetScaler Performance Data") { return .one }
        if head.contains("NetScaler V20 Performance Data") { return .two }
        if head.contains("Netscaler V30 Performance Data") || head.contains("Netscaler V35 Performance Data") {
            return .three
        }
        return nil
    }

    private var page: Int { version == .three ? 16_384 : 8192 }

    /// Takes packets out of `bytes`, which begin at `offset` of the capture.
    mutating func decode(
        _ bytes: UnsafeRawBufferPointer, offset: UInt64, into batch: inout CaptureFileBatch
    ) throws(CaptureFileDamage) -> CaptureFileStep {
        var position = 0
        while true {
            if batch.isFull { return CaptureFileStep(position, .delivery) }
            let rest = bytes.count - position
            guard rest > 0 else { return CaptureFileStep(position, .bytes(1)) }
            let place = Int((offset + UInt64(position)) % UInt64(page))
            if bytes[position] == 0 {
                // The rest of the page is unused; in 2.0 the rest of its half.
                let next = version == .two && place < page / 2 ? page / 2 : page
                let gap = min(next - place, rest)
                position += gap
                continue
            }
            let header = version == .one ? 4 : 3
            if rest < header {
                // The file's last page may be short.
                return CaptureFileStep(position, .bytes(header))
            }
            let size: Int
            if version == .one {
                size = Int(bytes.little16(position + 2))
            } else {
                let low = Int(bytes[position + 1])
                size = low & 0x80 == 0 ? low : Int(bytes[position + 2]) * 128 + (low & 0x7f)
            }
            guard size >= 2 else {
                throw CaptureFileDamage(
                    offset: offset + UInt64(position), problem: "a record is said to have \(size) bytes")
            }
            if rest < size { return CaptureFileStep(position, .bytes(size)) }
            isAtStart = false
            let record = UnsafeRawBufferPointer(rebasing: bytes[position..<position + size])
            if version == .one { readOld(record, into: &batch) } else { read(record, into: &batch) }
            position += size
        }
    }

    /// The headers of a kind of packet record.
    private struct Layout {
        /// Bytes before the frame, names of virtual machines not counted.
        var header: Int
        /// The packet may be cut: its length stands at that offset.
        var lengthAt: Int?
        var hasAbsoluteTime = true
        /// The offset of the lengths of two names, which follow the header.
        var namesAt: Int?
        /// The offset where the header tells its own length.
        var headerLengthAt: Int?
    }

    /// The layout by the record's type: in its upper bits the version, then whether the packet may be cut.
    private static func layout(_ type: UInt8) -> Layout? {
        switch type {
        case 0xc0...0xc2: Layout(header: 8, hasAbsoluteTime: false)
        case 0xc4...0xc6: Layout(header: 12, lengthAt: 8, hasAbsoluteTime: false)
        case 0xd0...0xd2: Layout(header: 16, hasAbsoluteTime: false)
        case 0xd4...0xd6: Layout(header: 20, lengthAt: 8, hasAbsoluteTime: false)
        case 0xe0...0xe2: Layout(header: 18, hasAbsoluteTime: false)
        case 0xe4...0xe6: Layout(header: 22, lengthAt: 8, hasAbsoluteTime: false)
        case 0xf0...0xf2: Layout(header: 24)
        case 0xf4...0xf6: Layout(header: 28, lengthAt: 12)
        case 0xf8...0xfb: Layout(header: 29)
        case 0xfc...0xff: Layout(header: 33, lengthAt: 12)
        case 0xb0...0xb3: Layout(header: 31, namesAt: 29)
        case 0xb4...0xb7: Layout(header: 35, lengthAt: 12, namesAt: 33)
        case 0xa0...0xa3: Layout(header: 48, namesAt: 29)
        case 0xa4...0xa7: Layout(header: 52, lengthAt: 12, namesAt: 33)
        case 0xa8...0xab: Layout(header: 52, lengthAt: 20, namesAt: 31)
        case 0xac...0xaf: Layout(header: 35, lengthAt: 20, headerLengthAt: 26)
        default: nil
        }
    }

    private mutating func read(_ record: UnsafeRawBufferPointer, into batch: inout CaptureFileBatch) {
        let type = record[0]
        // Absolute time, in seconds: the first one counts, because the relative times go on across later ones.
        if type == 0x07, record.count >= 8, base == 0 { base = UInt64(record.little32(4)) }
        guard let layout = Self.layout(type), record.count >= layout.header else { return }
        var start = layout.header
        if let place = layout.namesAt { start += Int(record[place]) + Int(record[place + 1]) }
        if let place = layout.headerLengthAt { start = max(Int(record.little16(place)), 28) }
        let time: UInt64
        if layout.hasAbsoluteTime {
            time = record.little64(4)
        } else {
            elapsed &+= Self.nanoseconds(record.little32(4))
            time = base &* 1_000_000_000 &+ elapsed
        }
        append(
            record, start: start, time: time, wire: layout.lengthAt.map { UInt32(record.little16($0)) }, kind: type & 3,
            device: record[3], into: &batch)
    }

    /// A record of 1.0: type and size have two bytes each, the device has four.
    private mutating func readOld(_ record: UnsafeRawBufferPointer, into batch: inout CaptureFileBatch) {
        let type = record.little16(0)
        if type == 0x0107, record.count >= 12, base == 0 { base = UInt64(record.little32(8)) }
        let isFull = (0x0310...0x0312).contains(type)
        guard isFull || (0x0314...0x0316).contains(type), record.count >= (isFull ? 12 : 16) else { return }
        elapsed &+= Self.nanoseconds(record.little32(8))
        append(
            record, start: isFull ? 12 : 16, time: base &* 1_000_000_000 &+ elapsed,
            wire: isFull ? nil : UInt32(record.little16(12)), kind: UInt8(type & 3), device: record[4], into: &batch)
    }

    /// A relative time: its upper two bits are the unit.
    private static func nanoseconds(_ value: UInt32) -> UInt64 {
        let number = UInt64(value & 0x3fff_ffff)
        switch value >> 30 {
        case 0: return number * 1_000_000_000
        case 1: return number * 1_000_000
        case 2: return number * 1000
        default: return number
        }
    }

    /// Appends the frame of a record.
    ///
    /// `kind` is 0 for sent, 1 for put into the transmit buffer, 2 and 3 for received before and after pipelining.
    private func append(
        _ record: UnsafeRawBufferPointer, start: Int, time: UInt64, wire: UInt32?, kind: UInt8, device: UInt8,
        into batch: inout CaptureFileBatch
    ) {
        let start = min(start, record.count)
        guard let address = record.baseAddress else { return }
        let length = record.count - start
        // Each kind is a capture point of its own: a packet may be in the trace at both.
        var interface = (device << 2 | kind) & UInt8(PACKET_INTERFACE_SLOT_MASK)
        if kind < 2 { interface |= UInt8(PACKET_INTERFACE_EGRESS) }
        batch.append(
            address + start, length: length,
            .init(
                time: min(time, PcapngClock.latest), wireLength: max(wire ?? 0, UInt32(length)), link: .ethernet,
                interface: interface))
    }
}
