// SPDX-License-Identifier: Apache-2.0

/// Reads the formats of Microsoft's Network Monitor, 1.x and 2.x, in the order of the file: its table of frames, which
/// stands at the end, is not needed for that.
///
/// Pure: it is handed windows of bytes and does no I/O. Numbers from the file are checked before they are used. Source
/// of the layout: Network Monitor's help, "Capture File Format".
struct NetMonDecoder {
    private static let fileHeader = 128
    /// 100-ns units between 1601 and 1970.
    private static let filetimeShift: UInt64 = 116_444_736_000_000_000

    private var major: UInt8 = 0
    private var minor: UInt8 = 0
    /// The link type of the file; later versions have one with each frame.
    private var link = LinkLayer.ethernet
    /// ns since 1970 of the capture's start, in the time of its zone, which the file does not tell.
    private var start: UInt64 = 0
    /// The offset of what follows the frames.
    private var end: UInt64 = .max

    var isAtStart: Bool { major == 0 }

    /// Takes packets out of `bytes`, which begin at `offset` of the capture.
    mutating func decode(
        _ bytes: UnsafeRawBufferPointer, offset: UInt64, into batch: inout CaptureFileBatch
    ) throws(CaptureFileDamage) -> CaptureFileStep {
        if isAtStart {
            guard bytes.count >= Self.fileHeader else { return CaptureFileStep(0, .bytes(Self.fileHeader)) }
            try readHeader(bytes)
            return CaptureFileStep(Self.fileHeader, .bytes(1))
        }
        let header = major == 1 ? 8 : 16
        let trailer = major == 1 || minor == 0 ? 0 : minor == 1 ? 2 : minor == 2 ? 6 : 15
        var position = 0
        while true {
            if batch.isFull { return CaptureFileStep(position, .delivery) }
            // Tables, comments and names of processes are passed over.
            if offset + UInt64(position) >= end { return CaptureFileStep(bytes.count, .bytes(1)) }
            let rest = bytes.count - position
            if rest < header { return CaptureFileStep(position, .bytes(header)) }
            // rest ≥ header: all of its fields are in the window.
            let wire = major == 1 ? UInt32(bytes.little16(position + 4)) : bytes.little32(position + 8)
            let captured = major == 1 ? Int(bytes.little16(position + 6)) : Int(bytes.little32(position + 12))
            guard captured <= PcapDecoder.maximumPacket else {
                throw CaptureFileDamage(
                    offset: offset + UInt64(position),
                    problem: "a frame is said to have \(captured) bytes, more than any capture tool writes")
            }
            let total = header + captured + trailer
            if rest < total { return CaptureFileStep(position, .bytes(total)) }
            var time =
                major == 1
                ? start &+ UInt64(bytes.little32(position)) * 1_000_000 : start &+ bytes.little64(position) &* 1000
            var frameLink = link
            if trailer >= 2 { frameLink = Self.link(of: bytes.little16(position + header + captured)) }
            if trailer == 15 {
                let stamp = bytes.little64(position + header + captured + 6)
                if stamp > Self.filetimeShift { time = (stamp - Self.filetimeShift) &* 100 }
            }
            append(
                UnsafeRawBufferPointer(rebasing: bytes[position + header..<position + header + captured]),
                link: frameLink,
                time: min(time, PcapngClock.latest), wire: max(wire, UInt32(captured)), into: &batch)
            position += total
        }
    }

    private func append(
        _ frame: UnsafeRawBufferPointer, link: LinkLayer, time: UInt64, wire: UInt32, into batch: inout CaptureFileBatch
    ) {
        var start = 0
        // Network Monitor's own header before an 802.11 frame tells its length.
        if link == .wireless, frame.count >= 3 { start = min(Int(frame.little16(1)), frame.count) }
        guard let base = frame.baseAddress else {
            withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { empty in
                guard let base = empty.baseAddress else { return }
                batch.append(
                    UnsafeRawPointer(base), length: 0, .init(time: time, wireLength: wire, link: link, interface: 0))
            }
            return
        }
        batch.append(
            base + start, length: frame.count - start, .init(time: time, wireLength: wire, link: link, interface: 0))
    }

    private mutating func readHeader(_ bytes: UnsafeRawBufferPointer) throws(CaptureFileDamage) {
        guard bytes[5] == 1 || bytes[5] == 2 else {
            throw CaptureFileDamage(offset: 5, problem: "this is version \(bytes[5]) of Network Monitor's format")
        }
        major = bytes[5]
        minor = bytes[4]
        link = Self.link(of: bytes.little16(6))
        let year = UInt64(bytes.little16(8))
        let month = UInt64(bytes.little16(10))
        // A date that is none is taken for 1970, so that the frames' distances are still right.
        if (1970...2400).contains(year), (1...12).contains(month), (1...31).contains(bytes.little16(14)),
            let days = PrintedClock.days(year: year, month: month, day: UInt64(bytes.little16(14)))
        {
            let hours = UInt64(bytes.little16(16)) * 3600
            let seconds = hours + UInt64(bytes.little16(18)) * 60 + UInt64(bytes.little16(20))
            start = (days * 86_400 + seconds) * 1_000_000_000 + UInt64(bytes.little16(22)) * 1_000_000
        }
        // Of the frame table, user data, comments, processes and network information.
        for place in [24, 32, 40, 48, 56] {
            let offset = UInt64(bytes.little32(place))
            if offset >= UInt64(Self.fileHeader) { end = min(end, offset) }
        }
    }

    private static func link(of network: UInt16) -> LinkLayer {
        switch network {
        case 0, 1: .ethernet
        case 2: .tokenRing
        case 3: .fddi
        case 6: .wireless
        case 7, 8, 9: .ip
        case 0xe000..<0xffe0: LinkLayer(linkType: network & 0x0fff)
        default: .unknown
        }
    }
}
