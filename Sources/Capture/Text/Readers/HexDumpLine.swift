// SPDX-License-Identifier: Apache-2.0

/// One line of a hex dump: `0x0010:  4500 003c …  E..<`, `0010  45 00 00 3c   E..<`, `00000010: 4500 003c  E..<`,
/// `0000020 45 00 00 3c`.
///
/// Reads the lines of tcpdump -x/-X, tshark -x, FortiGate, ASA, IOS, Junos, xxd, od -x/-t x1, hexdump and text2pcap.
struct HexDumpLine {
    /// The longest line that is read: `xxd -c 64`.
    static let maximumBytes = 64

    /// The offset as its digits read in each base; `nil` where they are no number in it, or there is no offset.
    struct Offset: Equatable {
        var hexadecimal: Int
        var decimal: Int?
        var octal: Int?

        /// Whether the digits are `value` in some base that the dump's program may have used.
        func matches(_ value: Int) -> Bool {
            hexadecimal == value || octal == value || decimal == value
        }
    }

    var offset: Offset?
    /// Bytes in a group: 1, 2, 4 or 8.
    var groupSize = 1
    /// Bytes that were appended to the array.
    var count = 0

    /// Reads a line and appends its bytes.
    ///
    /// `nil`, with nothing appended, where it is not a dump's line.
    ///
    /// - `needsOffset`: False where a line of bytes alone is accepted (tcpdump 3.x).
    init?(_ text: TextCursor, needsOffset: Bool = true, into bytes: inout [UInt8]) {
        var cursor = text
        cursor.skipBlanks()
        let start = cursor
        if let found = Self.offset(&cursor) {
            offset = found
        } else {
            guard !needsOffset else { return nil }
            cursor = start
        }
        let before = bytes.count
        readGroups(&cursor, into: &bytes)
        count = bytes.count - before
        if count == 0 {
            // The last line of od and hexdump is an offset alone.
            guard offset != nil, cursor.isAtEnd else { return nil }
            return
        }
        if needsOffset { return }
        // Without an offset nothing but bytes may stand in the line.
        cursor.skipBlanks()
        guard cursor.isAtEnd, groupSize == 2, offset == nil else {
            bytes.removeLast(count)
            return nil
        }
    }

    /// `0x0010:`, `0x0010 `, `0010 `, `00000010:`.
    private static func offset(_ cursor: inout TextCursor) -> Offset? {
        let hasPrefix = cursor.skip("0x") || cursor.skip("0X")
        let digits = cursor.position
        var hexadecimal = 0
        var decimal: Int? = 0
        var octal: Int? = 0
        while let digit = TextCursor.hexadecimalDigit(cursor.peek()) {
            guard cursor.position - digits < 10 else { return nil }
            hexadecimal = hexadecimal << 4 | Int(digit)
            decimal = digit < 10 ? decimal.map { $0 * 10 + Int(digit) } : nil
            octal = digit < 8 ? octal.map { $0 << 3 | Int(digit) } : nil
            cursor.advance()
        }
        let count = cursor.position - digits
        let hasColon = cursor.skip(byte: UInt8(ascii: ":"))
        guard count >= (hasPrefix || hasColon ? 1 : 4) else { return nil }
        guard cursor.skipBlanks() > 0 || cursor.isAtEnd else { return nil }
        if hasPrefix { return Offset(hexadecimal: hexadecimal, decimal: nil, octal: nil) }
        return Offset(hexadecimal: hexadecimal, decimal: decimal, octal: octal)
    }

    /// Groups of hexadecimal digits, all of one length but for the last, up to what cannot be one.
    private mutating func readGroups(_ cursor: inout TextCursor, into bytes: inout [UInt8]) {
        var digits = 0
        var read = 0
        while read < Self.maximumBytes {
            let length = Self.groupLength(cursor)
            if digits == 0 {
                guard length == 2 || length == 4 || length == 8 || length == 16 else { return }
                digits = length
                groupSize = length / 2
            }
            guard length > 0, length <= digits, length.isMultiple(of: 2) else { return }
            for _ in 0..<length / 2 {
                guard let high = TextCursor.hexadecimalDigit(cursor.peek()),
                    let low = TextCursor.hexadecimalDigit(cursor.peek(1))
                else { return }
                bytes.append(high << 4 | low)
                cursor.advance(2)
            }
            read += length / 2
            // A shorter group is the last one.
            guard length == digits, Self.separator(&cursor, at: read) else { return }
        }
    }

    /// Hexadecimal digits up to a blank or the end; 0 where something else follows them, or none are there.
    private static func groupLength(_ cursor: TextCursor) -> Int {
        var length = 0
        while length <= 16, TextCursor.hexadecimalDigit(cursor.peek(length)) != nil { length += 1 }
        let isWhole = cursor.position + length >= cursor.end
        guard isWhole || cursor.peek(length) == UInt8(ascii: " ") || cursor.peek(length) == UInt8(ascii: "\t") else {
            return 0
        }
        return length
    }

    /// Steps over what stands between two groups: one blank, or two in the middle of a line.
    ///
    /// False where the text column comes next: tabs, more blanks.
    private static func separator(_ cursor: inout TextCursor, at read: Int) -> Bool {
        guard cursor.skip(byte: UInt8(ascii: " ")) else { return false }
        if cursor.peek() == UInt8(ascii: " "), read == 8 { cursor.advance() }
        return cursor.peek() != UInt8(ascii: " ") && cursor.peek() != UInt8(ascii: "\t")
    }
}
