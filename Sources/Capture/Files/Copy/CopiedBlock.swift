// SPDX-License-Identifier: Apache-2.0

/// A pcapng block on its way from one capture to another, in the byte order of its section.
package struct CopiedBlock {
    /// The kinds of block that a copy distinguishes.
    package enum Kind: Equatable, Sendable {
        case section
        /// Enhanced, or the obsolete one; options begin at `options`.
        case packet(options: Int)
        /// A simple packet: it has neither a time nor options.
        case simplePacket
        case other
    }

    /// The block; of one longer than `PcapngDecoder.windowLimit` only the beginning, and the rest follows.
    package let bytes: UnsafeRawBufferPointer
    /// Bytes of the whole block.
    package let total: Int
    package let kind: Kind
    package let isSwapped: Bool
    /// 1-based number of the packet, as Wireshark counts; 0 for what is no packet.
    package let frame: UInt64
    /// The newest time on interface 0, in its units: an enhanced block needs one, and a simple one has none.
    let ticks: UInt64
    /// Bytes of a simple packet.
    let captured: Int

    /// A complete block that was kept: `simple` is that of the block as it was handed over.
    package init(
        _ bytes: UnsafeRawBufferPointer, kind: Kind, isSwapped: Bool, frame: UInt64,
        simple: (ticks: UInt64, captured: Int)
    ) {
        self.init(
            bytes: bytes, total: bytes.count, kind: kind, isSwapped: isSwapped, frame: frame, ticks: simple.ticks,
            captured: simple.captured)
    }

    init(
        bytes: UnsafeRawBufferPointer, total: Int, kind: Kind, isSwapped: Bool, frame: UInt64, ticks: UInt64,
        captured: Int
    ) {
        self.bytes = bytes
        self.total = total
        self.kind = kind
        self.isSwapped = isSwapped
        self.frame = frame
        self.ticks = ticks
        self.captured = captured
    }

    /// The fields by which a simple packet becomes an enhanced one.
    package var simple: (ticks: UInt64, captured: Int) { (ticks, captured) }

    package var isComplete: Bool { bytes.count == total }

    package var isPacket: Bool { frame != 0 }

    /// Appends the block with `comments` as its first options, whatever else it has unchanged.
    ///
    /// A simple packet becomes an enhanced one if it gets a comment. Of a block that is not complete the trailing
    /// length is left to the caller.
    ///
    /// Returns the length of the whole block as written.
    package func append(comments: [[UInt8]], to out: inout [UInt8]) -> Int {
        var added: [UInt8] = []
        for comment in comments {
            // Options are less than 64 KiB long.
            PcapngOption.append(1, comment.prefix(Self.commentLimit), isSwapped: isSwapped, to: &added)
        }
        let longest = Int(UInt32.max) & ~3
        guard isPacket, !added.isEmpty, total + added.count + 36 <= longest else {
            out.append(contentsOf: bytes)
            return total
        }
        switch kind {
        case .packet(let options): return append(added, at: options, to: &out)
        case .simplePacket where isComplete: return appendEnhanced(added, to: &out)
        case .simplePacket, .section, .other:
            out.append(contentsOf: bytes)
            return total
        }
    }

    /// Bytes of a comment at most.
    package static let commentLimit = 16_384

    private func append(_ added: [UInt8], at options: Int, to out: inout [UInt8]) -> Int {
        let hasOptions = options < total - 4
        let written = total + added.count + (hasOptions ? 0 : 4)
        out.append(contentsOf: bytes[..<4])
        append(UInt32(written), to: &out)
        out.append(contentsOf: bytes[8..<options])
        out.append(contentsOf: added)
        out.append(contentsOf: bytes[options..<(isComplete ? total - 4 : bytes.count)])
        if !hasOptions { out.append(contentsOf: [0, 0, 0, 0]) }
        if isComplete { append(UInt32(written), to: &out) }
        return written
    }

    private func appendEnhanced(_ added: [UInt8], to out: inout [UInt8]) -> Int {
        let padded = (captured + 3) & ~3
        let written = 32 + padded + added.count + 4
        append(6, to: &out)
        append(UInt32(written), to: &out)
        append(0, to: &out)
        append(UInt32(truncatingIfNeeded: ticks >> 32), to: &out)
        append(UInt32(truncatingIfNeeded: ticks), to: &out)
        append(UInt32(captured), to: &out)
        out.append(contentsOf: bytes[8..<12])
        out.append(contentsOf: bytes[12..<12 + captured])
        out.append(contentsOf: repeatElement(0, count: padded - captured))
        out.append(contentsOf: added)
        out.append(contentsOf: [0, 0, 0, 0])
        append(UInt32(written), to: &out)
        return written
    }

    private func append(_ number: UInt32, to out: inout [UInt8]) {
        PcapngOption.append(number, isSwapped: isSwapped, to: &out)
    }
}

/// Numbers and options as pcapng has them, in either byte order.
enum PcapngOption {
    static func append<Number: FixedWidthInteger>(_ number: Number, isSwapped: Bool, to out: inout [UInt8]) {
        withUnsafeBytes(of: isSwapped ? number.byteSwapped : number) { out.append(contentsOf: $0) }
    }

    /// Code, length, value padded to four bytes.
    static func append(_ code: UInt16, _ value: some Collection<UInt8>, isSwapped: Bool, to out: inout [UInt8]) {
        append(code, isSwapped: isSwapped, to: &out)
        append(UInt16(clamping: value.count), isSwapped: isSwapped, to: &out)
        out.append(contentsOf: value)
        out.append(contentsOf: repeatElement(0, count: (4 - value.count % 4) % 4))
    }
}
