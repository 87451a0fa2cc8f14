// SPDX-License-Identifier: Apache-2.0

/// Writes a pcapng section in little-endian order (draft-ietf-opsawg-pcapng).
struct PcapngWriter {
    /// Option codes: those of all blocks, and those of the block that they are named after.
    private enum Option {
        static let end: UInt16 = 0
        static let comment: UInt16 = 1
        static let application: UInt16 = 4
        static let interfaceName: UInt16 = 2
        static let timeResolution: UInt16 = 9
        static let packetFlags: UInt16 = 2
    }

    /// A frame's way relative to the capturing machine, as epb_flags has it.
    enum Direction: UInt32 {
        case unknown = 0
        case inbound = 1
        case outbound = 2
    }

    /// Bytes of a comment at most.
    private static let commentLimit = 8192

    private(set) var bytes: [UInt8] = []

    /// - Parameters:
    ///   - comment: what the whole file is about.
    ///   - application: the program that writes it.
    init(comment: String, application: String) {
        block(0x0a0d_0d0a) { body in
            body.append(0x1a2b_3c4d as UInt32)
            body.append(1 as UInt16)
            body.append(0 as UInt16)
            // The section's length is not told in advance.
            body.append(UInt64.max)
            body.option(Option.comment, Self.text(comment))
            body.option(Option.application, Self.text(application))
            body.option(Option.end, [])
        }
    }

    /// Describes the next interface; times are ns.
    mutating func interface(link: UInt16, name: String?) {
        block(1) { body in
            body.append(link)
            body.append(0 as UInt16)
            body.append(0 as UInt32)
            if let name { body.option(Option.interfaceName, Self.text(name)) }
            body.option(Option.timeResolution, [9])
            body.option(Option.end, [])
        }
    }

    /// - `time`: ns since 1970.
    /// - `wireLength`: bytes that the frame had; more than `frame` has where only headers were kept.
    mutating func packet(
        _ frame: [UInt8], wireLength: Int, interface: Int, time: UInt64, direction: Direction, comment: String
    ) {
        block(6) { body in
            body.append(UInt32(truncatingIfNeeded: interface))
            body.append(UInt32(truncatingIfNeeded: time >> 32))
            body.append(UInt32(truncatingIfNeeded: time))
            body.append(UInt32(clamping: frame.count))
            body.append(UInt32(clamping: max(wireLength, frame.count)))
            body.appendPadded(frame)
            body.option(Option.comment, Self.text(comment))
            if direction != .unknown {
                var flags: [UInt8] = []
                flags.append(direction.rawValue)
                body.option(Option.packetFlags, flags)
            }
            body.option(Option.end, [])
        }
    }

    private mutating func block(_ type: UInt32, _ write: (inout [UInt8]) -> Void) {
        var body: [UInt8] = []
        write(&body)
        let length = UInt32(clamping: body.count + 12)
        bytes.append(type)
        bytes.append(length)
        bytes += body
        bytes.append(length)
    }

    /// Text without control characters but line ends: names come from packets and files.
    private static func text(_ text: String) -> [UInt8] {
        let clean = text.unicodeScalars.map { scalar in
            scalar == "\n" || (scalar.value >= 0x20 && !(0x7f...0x9f).contains(scalar.value)) ? scalar : "?"
        }
        var result = String.UnicodeScalarView()
        result.append(contentsOf: clean)
        var bytes = Array(String(result).utf8.prefix(commentLimit))
        // A character that was cut in half goes.
        while let last = bytes.last, last & 0x80 != 0, String(validating: bytes, as: UTF8.self) == nil {
            bytes.removeLast()
        }
        return bytes
    }
}

extension [UInt8] {
    fileprivate mutating func append<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }

    fileprivate mutating func appendPadded(_ content: [UInt8]) {
        append(contentsOf: content)
        append(contentsOf: repeatElement(0, count: (4 - content.count % 4) % 4))
    }

    fileprivate mutating func option(_ code: UInt16, _ value: [UInt8]) {
        append(code)
        append(UInt16(clamping: value.count))
        appendPadded(value)
    }
}
