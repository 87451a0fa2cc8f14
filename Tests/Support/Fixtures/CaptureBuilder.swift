// SPDX-License-Identifier: Apache-2.0

/// Bytes in the order that a capture's writer would have used.
package struct CaptureBytes {
    package var bytes: [UInt8] = []
    package var isBigEndian: Bool

    package init(isBigEndian: Bool) {
        self.isBigEndian = isBigEndian
    }

    package mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        let value = isBigEndian ? number.bigEndian : number.littleEndian
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    package mutating func append(padded payload: [UInt8]) {
        bytes += payload
        bytes += [UInt8](repeating: 0, count: (4 - payload.count % 4) % 4)
    }
}

/// Builds a pcap file.
package struct PcapBuilder {
    package var out: CaptureBytes
    package let isModified: Bool

    /// The magic number decides on the variant.
    package init(magic: UInt32 = 0xa1b2_c3d4, link: UInt32 = 1, isBigEndian: Bool = false) {
        out = CaptureBytes(isBigEndian: isBigEndian)
        isModified = magic == 0xa1b2_cd34
        out.append(magic)
        out.append(UInt16(2))
        out.append(UInt16(4))
        out.append(UInt64(0))
        out.append(UInt32(65535))
        out.append(link)
    }

    package var bytes: [UInt8] { out.bytes }

    package mutating func packet(
        _ frame: [UInt8], seconds: UInt32 = 100, fraction: UInt32 = 0, captured: UInt32? = nil, original: UInt32? = nil,
        packetType: UInt8 = 0
    ) {
        out.append(seconds)
        out.append(fraction)
        out.append(captured ?? UInt32(frame.count))
        out.append(original ?? UInt32(frame.count))
        if isModified {
            out.append(UInt32(3))
            out.append(UInt16(0x0800))
            out.bytes += [packetType, 0]
        }
        out.bytes += frame
    }
}

/// Builds a pcapng file block by block.
package struct PcapngBuilder {
    package var out: CaptureBytes
    package typealias Option = (code: UInt16, value: [UInt8])

    package init(isBigEndian: Bool = false) {
        out = CaptureBytes(isBigEndian: isBigEndian)
    }

    package var bytes: [UInt8] { out.bytes }

    /// A block around `body`; `length` is a lie about its size, `trailer` one about the copy of it at its end.
    package mutating func block(
        _ type: UInt32, length: UInt32? = nil, trailer: UInt32? = nil, _ body: (inout CaptureBytes) -> Void
    ) {
        var content = CaptureBytes(isBigEndian: out.isBigEndian)
        body(&content)
        let total = length ?? UInt32(content.bytes.count + 12)
        out.append(type)
        out.append(total)
        out.bytes += content.bytes
        out.append(trailer ?? total)
    }

    /// A section; what follows is in its byte order.
    ///
    /// `length` −1 is "unknown".
    package mutating func section(isBigEndian: Bool? = nil, length: Int64 = -1) {
        if let isBigEndian { out.isBigEndian = isBigEndian }
        block(0x0a0d_0d0a) { content in
            content.append(UInt32(0x1a2b_3c4d))
            content.append(UInt16(1))
            content.append(UInt16(0))
            content.append(length)
        }
    }

    package mutating func interface(link: UInt16 = 1, snapLength: UInt32 = 0, options: [Option] = []) {
        block(1) { content in
            content.append(link)
            content.append(UInt16(0))
            content.append(snapLength)
            Self.append(options, to: &content)
        }
    }

    package mutating func enhanced(
        _ frame: [UInt8], interface: UInt32 = 0, ticks: UInt64 = 100_000_000, captured: UInt32? = nil,
        original: UInt32? = nil, options: [Option] = [], length: UInt32? = nil, trailer: UInt32? = nil
    ) {
        block(6, length: length, trailer: trailer) { content in
            content.append(interface)
            content.append(UInt32(ticks >> 32))
            content.append(UInt32(truncatingIfNeeded: ticks))
            content.append(captured ?? UInt32(frame.count))
            content.append(original ?? UInt32(frame.count))
            content.append(padded: frame)
            Self.append(options, to: &content)
        }
    }

    package mutating func obsolete(
        _ frame: [UInt8], interface: UInt16 = 0, ticks: UInt64 = 100_000_000, options: [Option] = []
    ) {
        block(2) { content in
            content.append(interface)
            content.append(UInt16(7))
            content.append(UInt32(ticks >> 32))
            content.append(UInt32(truncatingIfNeeded: ticks))
            content.append(UInt32(frame.count))
            content.append(UInt32(frame.count))
            content.append(padded: frame)
            Self.append(options, to: &content)
        }
    }

    package mutating func simple(_ frame: [UInt8], original: UInt32? = nil) {
        block(3) { content in
            content.append(original ?? UInt32(frame.count))
            content.append(padded: frame)
        }
    }

    /// The four bytes of `epb_flags` in the section's byte order.
    package func flags(_ value: UInt32) -> [UInt8] {
        var content = CaptureBytes(isBigEndian: out.isBigEndian)
        content.append(value)
        return content.bytes
    }

    private static func append(_ options: [Option], to content: inout CaptureBytes) {
        guard !options.isEmpty else { return }
        for option in options {
            content.append(option.code)
            content.append(UInt16(option.value.count))
            content.append(padded: option.value)
        }
        content.append(UInt32(0))
    }
}
