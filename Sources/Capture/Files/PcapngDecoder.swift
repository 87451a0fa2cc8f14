// SPDX-License-Identifier: Apache-2.0
internal import CPacket

/// Reads pcapng (draft-ietf-opsawg-pcapng): sections of either byte order and of unknown length, several interfaces,
/// enhanced, simple and the obsolete packet blocks; other blocks are skipped.
///
/// Pure: it is handed windows of bytes and does no I/O. Numbers from the file are checked before they are used.
struct PcapngDecoder {
    static let sectionHeader: UInt32 = 0x0a0d_0d0a

    /// Block types (draft-ietf-opsawg-pcapng, 11.1).
    private enum Block {
        static let interface: UInt32 = 1
        static let packet: UInt32 = 2
        static let simplePacket: UInt32 = 3
        static let enhancedPacket: UInt32 = 6
    }

    /// No capture tool writes longer packets (libpcap's MAXIMUM_SNAPLEN).
    static let maximumPacket = PcapDecoder.maximumPacket
    /// Of a longer block only the beginning is looked at.
    ///
    /// A packet of any legal length fits with kilobytes of options.
    static let windowLimit = 512 * 1024
    /// More interfaces in a section are taken for damage: their table must not grow with the file.
    static let maximumInterfaces = 65_536
    /// The shortest block: type, length, length.
    private static let minimumBlock = 12

    private var isSwapped = false
    private(set) var isAtStart = true
    private var interfaces: [PcapngInterface] = []
    private var lastTime: UInt64 = 0
    /// True for a block that is longer than what is looked at of it.
    private var isCut = false
    /// Names (`if_name`) of the first interface of each slot.
    private(set) var interfaceNames: [UInt8: String] = [:]

    /// Takes packets out of `bytes`, which begin at `offset` of the capture.
    mutating func decode(
        _ bytes: UnsafeRawBufferPointer, offset: UInt64, into batch: inout CaptureFileBatch
    ) throws(CaptureFileDamage) -> CaptureFileStep {
        guard let base = bytes.baseAddress else { return CaptureFileStep(0, .bytes(Self.minimumBlock)) }
        var position = 0
        while true {
            if batch.isFull { return CaptureFileStep(position, .delivery) }
            let rest = bytes.count - position
            if rest < Self.minimumBlock { return CaptureFileStep(position, .bytes(Self.minimumBlock)) }
            // rest ≥ 12: type, length and the byte-order magic of a section are in the window.
            let block = base + position
            let place = offset + UInt64(position)
            let type = load32(block)
            if type == Self.sectionHeader {
                try beginSection(block, at: place)
            } else if isAtStart {
                throw CaptureFileDamage(offset: place, problem: "this is no pcapng file", advice: "")
            }
            let total = Int(load32(block + 4))
            guard total >= Self.minimumBlock, total & 3 == 0 else {
                throw CaptureFileDamage(
                    offset: place,
                    problem:
                        "a block is said to have \(total) bytes, which is no multiple of 4 or less than a block has")
            }
            let isRead =
                type == Block.enhancedPacket || type == Block.interface || type == Self.sectionHeader
                || type == Block.simplePacket || type == Block.packet
            if !isRead {
                if rest >= total {
                    position += total
                    continue
                }
                return CaptureFileStep(position, .skip(UInt64(total)))
            }
            let visible = min(total, Self.windowLimit)
            isCut = visible < total
            if rest < visible { return CaptureFileStep(position, .bytes(visible)) }
            if !isCut, load32(block + total - 4) != UInt32(truncatingIfNeeded: total) {
                throw CaptureFileDamage(
                    offset: place, problem: "a block's length is \(total) at its begin and another one at its end")
            }
            // The block's body and options, without the trailing length.
            let body = UnsafeRawBufferPointer(start: block, count: isCut ? visible : total - 4)
            switch type {
            case Block.enhancedPacket: try decodeEnhancedPacket(body, at: place, into: &batch)
            case Block.interface: try decodeInterface(body, at: place)
            case Block.simplePacket: try decodeSimplePacket(body, at: place, into: &batch)
            case Block.packet: try decodePacket(body, at: place, into: &batch)
            default: break
            }
            if isCut { return CaptureFileStep(position, .skip(UInt64(total))) }
            position += total
        }
    }

    private mutating func beginSection(_ block: UnsafeRawPointer, at place: UInt64) throws(CaptureFileDamage) {
        switch (block + 8).loadUnaligned(as: UInt32.self) {
        case 0x1a2b_3c4d: isSwapped = false
        case 0x4d3c_2b1a: isSwapped = true
        default:
            throw CaptureFileDamage(offset: place, problem: "a section's byte-order magic is none")
        }
        let total = load32(block + 4)
        guard total >= 28 else {
            throw CaptureFileDamage(
                offset: place, problem: "a section header is said to have \(total) bytes, not 28 or more")
        }
        isAtStart = false
        interfaces.removeAll(keepingCapacity: true)
    }

    private mutating func decodeInterface(_ body: UnsafeRawBufferPointer, at place: UInt64) throws(CaptureFileDamage) {
        guard body.count >= 16 else {
            throw CaptureFileDamage(offset: place, problem: "an interface description is too short to be one")
        }
        guard interfaces.count < Self.maximumInterfaces else {
            throw CaptureFileDamage(
                offset: place, problem: "the section describes more than \(Self.maximumInterfaces) interfaces")
        }
        var interface = PcapngInterface(
            link: LinkLayer(linkType: load16(body, 8)), snapLength: load32(body, 12))
        let slot = UInt8(interfaces.count & Int(PACKET_INTERFACE_SLOT_MASK))
        try eachOption(body, from: 16, at: place) { code, value in
            switch (code, value.count) {
            case (2, 1...):
                if interfaceNames[slot] == nil {
                    interfaceNames[slot] = String(decoding: value.prefix(255).prefix { $0 != 0 }, as: UTF8.self)
                }
            case (9, 1...): interface.clock.setResolution(value[0])
            case (14, 8...):
                let seconds = value.loadUnaligned(as: UInt64.self)
                interface.clock.setOffset(seconds: Int64(bitPattern: isSwapped ? seconds.byteSwapped : seconds))
            default: break
            }
        }
        interfaces.append(interface)
    }

    /// Interface, time (high, low), captured length, original length, packet, options.
    private mutating func decodeEnhancedPacket(
        _ body: UnsafeRawBufferPointer, at place: UInt64, into batch: inout CaptureFileBatch
    ) throws(CaptureFileDamage) {
        guard body.count >= 28 else {
            throw CaptureFileDamage(offset: place, problem: "a packet block is too short to be one")
        }
        try append(
            body, header: 28, interface: load32(body, 8),
            ticks: UInt64(load32(body, 12)) << 32 | UInt64(load32(body, 16)),
            captured: load32(body, 20), original: load32(body, 24), at: place, into: &batch)
    }

    /// As the enhanced one, but for 16 bits of interface and 16 of a drop count.
    private mutating func decodePacket(
        _ body: UnsafeRawBufferPointer, at place: UInt64, into batch: inout CaptureFileBatch
    ) throws(CaptureFileDamage) {
        guard body.count >= 28 else {
            throw CaptureFileDamage(offset: place, problem: "a packet block is too short to be one")
        }
        try append(
            body, header: 28, interface: UInt32(load16(body, 8)),
            ticks: UInt64(load32(body, 12)) << 32 | UInt64(load32(body, 16)), captured: load32(body, 20),
            original: load32(body, 24), at: place, into: &batch)
    }

    /// A packet of interface 0 without a time: it is given that of the packet before it.
    private mutating func decodeSimplePacket(
        _ body: UnsafeRawBufferPointer, at place: UInt64, into batch: inout CaptureFileBatch
    ) throws(CaptureFileDamage) {
        guard body.count >= 12 else {
            throw CaptureFileDamage(offset: place, problem: "a packet block is too short to be one")
        }
        let original = load32(body, 8)
        var captured = min(original, UInt32(truncatingIfNeeded: body.count - 12))
        if let limit = interfaces.first?.snapLength, limit != 0 { captured = min(captured, limit) }
        try append(
            body, header: 12, interface: 0, ticks: nil, captured: captured, original: original, at: place, into: &batch)
    }

    @inline(__always)
    private mutating func append(
        _ body: UnsafeRawBufferPointer, header: Int, interface index: UInt32, ticks: UInt64?, captured: UInt32,
        original: UInt32, at place: UInt64, into batch: inout CaptureFileBatch
    ) throws(CaptureFileDamage) {
        guard index < interfaces.count else {
            throw CaptureFileDamage(
                offset: place,
                problem: "a packet names interface \(index), but the section describes \(interfaces.count)")
        }
        guard captured <= Self.maximumPacket, Int(captured) <= body.count - header else {
            throw CaptureFileDamage(
                offset: place, problem: "a packet is said to have \(captured) bytes, more than its block holds")
        }
        let interface = interfaces[Int(index)]
        if let ticks { lastTime = interface.clock.nanoseconds(ticks) }
        var bits = UInt8(truncatingIfNeeded: index) & UInt8(PACKET_INTERFACE_SLOT_MASK)
        let options = header + (Int(captured) + 3) & ~3
        if ticks != nil, options < body.count {
            try eachOption(body, from: options, at: place) { code, value in
                // epb_flags and pack_flags: the lowest two bits are 2 for outbound.
                if code == 2, value.count >= 4, load32(value, 0) & 3 == 2 { bits |= UInt8(PACKET_INTERFACE_EGRESS) }
            }
        }
        // header + captured ≤ body.count was checked above; an empty body is excluded by its minimum length.
        guard let start = body.baseAddress else { return }
        batch.append(
            start + header, length: Int(captured),
            .init(time: lastTime, wireLength: max(original, captured), link: interface.link, interface: bits))
    }

    /// Code, length, value padded to four bytes, until code 0 or the end.
    @inline(__always)
    private func eachOption(
        _ body: UnsafeRawBufferPointer, from start: Int, at place: UInt64,
        _ handle: (UInt16, UnsafeRawBufferPointer) -> Void
    ) throws(CaptureFileDamage) {
        var position = start
        while position + 4 <= body.count {
            let code = load16(body, position)
            let length = Int(load16(body, position + 2))
            if code == 0 { return }
            position += 4
            guard length <= body.count - position else {
                if isCut { return }
                throw CaptureFileDamage(offset: place, problem: "an option of a block is longer than the block")
            }
            handle(code, UnsafeRawBufferPointer(rebasing: body[position..<position + length]))
            position += (length + 3) & ~3
        }
    }

    /// Four bytes at `address`, which the caller knows to be in the window.
    @inline(__always)
    private func load32(_ address: UnsafeRawPointer) -> UInt32 {
        let value = address.loadUnaligned(as: UInt32.self)
        return isSwapped ? value.byteSwapped : value
    }

    @inline(__always)
    private func load32(_ body: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
        let value = body.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
        return isSwapped ? value.byteSwapped : value
    }

    @inline(__always)
    private func load16(_ body: UnsafeRawBufferPointer, _ offset: Int) -> UInt16 {
        let value = body.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
        return isSwapped ? value.byteSwapped : value
    }
}
