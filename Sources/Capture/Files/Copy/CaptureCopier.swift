// SPDX-License-Identifier: Apache-2.0

/// The receiver of a copied capture.
package protocol CopiedBlockReceiver: AnyObject {
    /// Takes a block, or the beginning of one that is not complete.
    ///
    /// Returns the length of the whole block as it is written.
    func receive(_ block: CopiedBlock) -> Int
    /// Takes what follows of a block that was not complete.
    func receiveRest(_ bytes: UnsafeRawBufferPointer)
}

/// Turns the records of a capture into pcapng blocks: those of pcapng as they are, those of pcap with all their fields.
///
/// Takes the bytes that the decoders have accepted, so that both count the same packets. Not thread-safe.
package final class CaptureCopier {
    private enum Block {
        static let interface: UInt32 = 1
        static let packet: UInt32 = 2
        static let simplePacket: UInt32 = 3
        static let enhancedPacket: UInt32 = 6
    }

    /// Interfaces that a pcap file's records may name (`ifindex`); packets of further ones go to the first.
    private static let interfaceLimit = 4096

    private let receiver: any CopiedBlockReceiver
    private let application: String
    private let comment: String
    private var format = CaptureFormat.unknown
    private var frame: UInt64 = 0
    private var isSwapped = false
    /// Bytes of the current block that are still to come, its trailing length not counted.
    private var rest: UInt64 = 0
    /// The length that ends the current block, and how many of its bytes the source still has.
    private var trailer: (value: UInt32, left: Int)?

    // pcapng
    private var interfaces = 0
    private var snapLength: UInt32 = 0
    private var ticks: UInt64 = 0

    // pcap
    private var variant: PcapDecoder.Variant?
    private var link: UInt32 = 0
    /// Numbers of the interfaces described so far, by the index that records give.
    private var numbers: [UInt32: UInt32] = [:]
    private var scratch: [UInt8] = []

    /// - `application`: the program that writes a section of its own: that of a pcap file.
    /// - `comment`: what that section is about.
    package init(to receiver: any CopiedBlockReceiver, application: String, comment: String) {
        self.receiver = receiver
        self.application = application
        self.comment = comment
    }

    /// True in the middle of a block whose beginning was handed over.
    package var isInsideBlock: Bool { rest > 0 || trailer != nil }

    func begin(_ format: CaptureFormat) {
        self.format = format
    }

    /// Takes whole records, or pieces of one that is longer than a window.
    func take(_ bytes: UnsafeRawBufferPointer) {
        var position = 0
        while position < bytes.count {
            let left = UnsafeRawBufferPointer(rebasing: bytes[position...])
            if isInsideBlock {
                position += takeRest(left)
            } else if format == .pcapng {
                position += takeBlock(left)
            } else {
                position += takeRecord(left)
            }
        }
    }

    private func takeRest(_ bytes: UnsafeRawBufferPointer) -> Int {
        if rest > 0 {
            let count = Int(min(rest, UInt64(bytes.count)))
            receiver.receiveRest(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            rest -= UInt64(count)
            return count
        }
        guard let (value, left) = trailer else { return 0 }
        let count = min(left, bytes.count)
        trailer = left > count ? (value, left - count) : nil
        if trailer == nil {
            var number = isSwapped ? value.byteSwapped : value
            withUnsafeBytes(of: &number) { receiver.receiveRest($0) }
        }
        return count
    }

    // MARK: pcapng

    private func takeBlock(_ bytes: UnsafeRawBufferPointer) -> Int {
        // The decoder hands over nothing shorter; 12 bytes are in the window.
        guard bytes.count >= 12 else { return bytes.count }
        let type = load32(bytes, 0)
        if type == PcapngDecoder.sectionHeader { isSwapped = load32(bytes, 8, false) != 0x1a2b_3c4d }
        let total = Int(load32(bytes, 4))
        let visible = UnsafeRawBufferPointer(rebasing: bytes[..<min(total, bytes.count)])
        switch type {
        case PcapngDecoder.sectionHeader where total >= 28 && visible.count >= 28:
            interfaces = 0
            ticks = 0
            // The section's length changes: it is given as unknown.
            scratch = Array(visible)
            scratch.replaceSubrange(16..<24, with: repeatElement(0xff, count: 8))
            scratch.withUnsafeBytes { hand($0, total, .section) }
        case Block.interface where visible.count >= 16:
            if interfaces == 0 { snapLength = load32(bytes, 12) }
            interfaces += 1
            hand(visible, total, .other)
        case Block.enhancedPacket where visible.count >= 28, Block.packet where visible.count >= 28:
            frame += 1
            let captured = Int(load32(bytes, 20))
            let isFirst = type == Block.packet ? load16(bytes, 8) == 0 : load32(bytes, 8) == 0
            if isFirst { ticks = UInt64(load32(bytes, 12)) << 32 | UInt64(load32(bytes, 16)) }
            hand(visible, total, .packet(options: 28 + (captured + 3) & ~3), frame)
        case Block.simplePacket where visible.count >= 12:
            frame += 1
            var captured = min(load32(bytes, 8), UInt32(clamping: max(total - 16, 0)))
            if snapLength != 0 { captured = min(captured, snapLength) }
            hand(visible, total, .simplePacket, frame, captured: Int(captured))
        default: hand(visible, total, .other)
        }
        return visible.count
    }

    private func hand(
        _ bytes: UnsafeRawBufferPointer, _ total: Int, _ kind: CopiedBlock.Kind, _ frame: UInt64 = 0, captured: Int = 0
    ) {
        // The trailing length may change, so it is written when the block is over.
        let isComplete = bytes.count == total
        let first = isComplete ? bytes : UnsafeRawBufferPointer(rebasing: bytes[..<min(bytes.count, total - 4)])
        let written = receiver.receive(
            CopiedBlock(
                bytes: first, total: total, kind: kind, isSwapped: isSwapped, frame: frame, ticks: ticks,
                captured: captured))
        guard !isComplete else { return }
        rest = UInt64(total - 4 - first.count)
        trailer = (UInt32(clamping: written), 4 - (bytes.count - first.count))
    }

    // MARK: pcap

    private func takeRecord(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let variant else { return takeFileHeader(bytes) }
        let header = variant.recordHeader
        guard bytes.count >= header else { return bytes.count }
        let captured = Int(load32(bytes, 8))
        guard bytes.count >= header + captured else { return bytes.count }
        frame += 1
        var flags = fcsFlags
        var number: UInt32 = 0
        if header == 24 {
            number = interface(load32(bytes, 16))
            flags |= Self.flags(packetType: bytes[22])
        }
        let perSecond: UInt64 = variant.fraction == 1 ? 1_000_000_000 : 1_000_000
        let time = UInt64(load32(bytes, 0)) &* perSecond &+ UInt64(load32(bytes, 4))
        scratch.removeAll(keepingCapacity: true)
        let padded = (captured + 3) & ~3
        let total = 32 + padded + (flags == 0 ? 0 : 12)
        write(6)
        write(UInt32(total))
        write(number)
        write(UInt32(truncatingIfNeeded: time >> 32))
        write(UInt32(truncatingIfNeeded: time))
        write(UInt32(captured))
        write(load32(bytes, 12))
        scratch.append(contentsOf: bytes[header..<header + captured])
        scratch.append(contentsOf: repeatElement(0, count: padded - captured))
        if flags != 0 {
            // epb_flags, end of options.
            write(4 << 16 | 2)
            write(flags)
            write(0)
        }
        write(UInt32(total))
        give(.packet(options: 28 + padded), frame)
        return header + captured
    }

    private func takeFileHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count >= 24 else { return bytes.count }
        let magic = load32(bytes, 0, false)
        isSwapped = PcapDecoder.Variant(magic: magic) == nil
        variant = PcapDecoder.Variant(magic: isSwapped ? magic.byteSwapped : magic)
        link = load32(bytes, 20)
        snapLength = load32(bytes, 16)
        scratch.removeAll(keepingCapacity: true)
        var options: [UInt8] = []
        PcapngOption.append(1, comment.utf8.prefix(CopiedBlock.commentLimit), isSwapped: false, to: &options)
        PcapngOption.append(4, application.utf8.prefix(255), isSwapped: false, to: &options)
        options += [0, 0, 0, 0]
        write(PcapngDecoder.sectionHeader)
        write(UInt32(28 + options.count))
        write(0x1a2b_3c4d)
        write(1)
        write(.max)
        write(.max)
        scratch += options
        write(UInt32(28 + options.count))
        give(.section, 0)
        // Modified files name the interface of each packet.
        if variant?.recordHeader != 24 { describe(name: nil) }
        return 24
    }

    /// The number of the interface with that index, described when it is first met.
    private func interface(_ index: UInt32) -> UInt32 {
        if let known = numbers[index] { return known }
        guard numbers.count < Self.interfaceLimit else { return 0 }
        let number = UInt32(numbers.count)
        numbers[index] = number
        describe(name: "interface \(index)")
        return number
    }

    private func describe(name: String?) {
        scratch.removeAll(keepingCapacity: true)
        var options: [UInt8] = []
        if let name { PcapngOption.append(2, name.utf8, isSwapped: false, to: &options) }
        PcapngOption.append(9, [variant?.fraction == 1 ? 9 : 6], isSwapped: false, to: &options)
        options += [0, 0, 0, 0]
        let total = UInt32(20 + options.count)
        write(1)
        write(total)
        write(link & 0xffff)
        write(snapLength)
        scratch += options
        write(total)
        give(.other, 0)
    }

    private func give(_ kind: CopiedBlock.Kind, _ frame: UInt64) {
        scratch.withUnsafeBytes { bytes in
            _ = receiver.receive(
                CopiedBlock(
                    bytes: bytes, total: bytes.count, kind: kind, isSwapped: false, frame: frame, ticks: 0, captured: 0)
            )
        }
    }

    /// The length of the frame check sequence in bits 5 to 8 of epb_flags; in a pcap header it is in units of 16 bits,
    /// if bit 26 is set (draft-ietf-opsawg-pcap, 4).
    private var fcsFlags: UInt32 { link & 1 << 26 == 0 ? 0 : ((link >> 28) * 2 & 15) << 5 }

    /// Direction and kind of reception (epb_flags) of a packet type of Linux (`linux/if_packet.h`).
    private static func flags(packetType: UInt8) -> UInt32 {
        switch packetType {
        case 0: 1 | 1 << 2
        case 1: 1 | 3 << 2
        case 2: 1 | 2 << 2
        case 3: 1 | 4 << 2
        case 4: 2
        default: 0
        }
    }

    private func write(_ number: UInt32) {
        PcapngOption.append(number, isSwapped: false, to: &scratch)
    }

    // MARK: Numbers

    /// Four bytes at `offset`, which the caller knows to be there.
    private func load32(_ bytes: UnsafeRawBufferPointer, _ offset: Int, _ swaps: Bool? = nil) -> UInt32 {
        let value = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
        return swaps ?? isSwapped ? value.byteSwapped : value
    }

    private func load16(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt16 {
        let value = bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
        return isSwapped ? value.byteSwapped : value
    }
}
