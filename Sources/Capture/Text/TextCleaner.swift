// SPDX-License-Identifier: Apache-2.0

/// Undoes what a page, an editor or a terminal did to the characters of a line.
struct TextCleaner {
    /// The encoding of the text's characters, by its byte order mark.
    private enum Encoding { case utf8, utf16Little, utf16Big }

    private var encoding = Encoding.utf8
    private var decoded = TextBuffer()
    private var cleaned = TextBuffer()

    /// Returns the line without carriage return and blanks at its end, in UTF-8, with plain characters.
    ///
    /// It lies in the raw line where nothing had to be changed.
    mutating func clean(_ bytes: UnsafeBufferPointer<UInt8>, isFirst: Bool) -> TextCursor {
        var line = TextCursor(bytes)
        if isFirst { readMark(&line) }
        if encoding != .utf8 { line = decode(line, isFirst: isFirst) }
        Self.skipQuotes(&line)
        line = Self.trimmed(line)
        guard Self.isDirty(line) else { return line }
        rewrite(line)
        return Self.trimmed(cleaned.cursor)
    }

    /// Steps over the marks of quoted mail: `> `, `> > `, `>> `.
    private static func skipQuotes(_ line: inout TextCursor) {
        while line.peek() == UInt8(ascii: ">") {
            line.advance()
            if line.peek() == 32 { line.advance() }
        }
    }

    private mutating func readMark(_ line: inout TextCursor) {
        if line.peek() == 0xff, line.peek(1) == 0xfe {
            encoding = .utf16Little
            line.advance(2)
        } else if line.peek() == 0xfe, line.peek(1) == 0xff {
            encoding = .utf16Big
            line.advance(2)
        } else if line.peek() == 0xef, line.peek(1) == 0xbb, line.peek(2) == 0xbf {
            line.advance(3)
        }
    }

    /// Lines were split at the byte 10, which is one half of the line feed.
    private mutating func decode(_ line: TextCursor, isFirst: Bool) -> TextCursor {
        decoded.removeAll()
        var line = line
        if encoding == .utf16Little, !isFirst { line.advance() }
        while line.count >= 2 {
            let unit =
                encoding == .utf16Little
                ? UInt32(line.peek()) | UInt32(line.peek(1)) << 8 : UInt32(line.peek()) << 8 | UInt32(line.peek(1))
            line.advance(2)
            guard let scalar = Unicode.Scalar(unit) else { continue }
            for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { decoded.append(byte) }
        }
        return decoded.cursor
    }

    private static func trimmed(_ line: TextCursor) -> TextCursor {
        var count = line.count
        while count > 0, [13, 32, 9].contains(line.peek(count - 1)) { count -= 1 }
        return line.limited(to: line.position + count)
    }

    /// True where the line has a byte that `rewrite` may have to change.
    private static func isDirty(_ line: TextCursor) -> Bool {
        line.withBytes { bytes in
            for byte in bytes
            where byte >= 0x80 || byte == UInt8(ascii: "&") || byte == UInt8(ascii: "`") || byte == 0x1b {
                return true
            }
            return false
        }
    }

    private mutating func rewrite(_ text: TextCursor) {
        cleaned.removeAll()
        var line = text
        while !line.isAtEnd {
            let byte = line.peek()
            switch byte {
            case UInt8(ascii: "&"):
                // "&amp;gt;" was escaped twice.
                while line.skip("&amp;") {
                    if !Self.isEntity(line) { cleaned.append(UInt8(ascii: "&")) } else { break }
                }
                if let character = Self.entity(&line) {
                    cleaned.append(character)
                } else if line.peek() == UInt8(ascii: "&") {
                    cleaned.append(byte)
                    line.advance()
                }
            case UInt8(ascii: "`"): line.advance()
            case 0x1b: Self.skipEscape(&line)
            case 0xc2 where line.peek(1) == 0xa0:
                cleaned.append(32)
                line.advance(2)
            case 0xe2 where line.peek(1) == 0x80 && (0x80...0x8a).contains(line.peek(2)) || Self.isNarrowBlank(line):
                cleaned.append(32)
                line.advance(3)
            // Zero-width characters and the byte order mark.
            case 0xe2 where line.peek(1) == 0x80 && (0x8b...0x8f).contains(line.peek(2)): line.advance(3)
            case 0xef where line.peek(1) == 0xbb && line.peek(2) == 0xbf: line.advance(3)
            default:
                cleaned.append(byte)
                line.advance()
            }
        }
    }

    private static func isNarrowBlank(_ line: TextCursor) -> Bool {
        line.peek() == 0xe2 && line.peek(1) == 0x80 && line.peek(2) == 0xaf
    }

    private static func isEntity(_ line: TextCursor) -> Bool {
        line.starts(with: "gt;") || line.starts(with: "lt;") || line.starts(with: "quot;") || line.starts(with: "nbsp;")
            || line.starts(with: "amp;") || line.starts(with: "#")
    }

    /// Steps over `&gt;` or `gt;` (whose `&amp;` was stepped over before), `&lt;`, `&quot;`, `&nbsp;`, `&#62;`,
    /// `&#x3e;`.
    private static func entity(_ line: inout TextCursor) -> UInt8? {
        var copy = line
        _ = copy.skip(byte: UInt8(ascii: "&"))
        let names: [(StaticString, UInt8)] = [
            ("gt;", 0x3e), ("lt;", 0x3c), ("quot;", 0x22), ("apos;", 0x27), ("nbsp;", 0x20), ("amp;", 0x26),
        ]
        for (name, byte) in names where copy.skip(name) {
            line = copy
            return byte
        }
        guard copy.skip(byte: UInt8(ascii: "#")) else { return nil }
        let value: UInt64?
        if copy.skip(byte: UInt8(ascii: "x")) || copy.skip(byte: UInt8(ascii: "X")) {
            value = copy.hexadecimal().map { UInt64($0) }
        } else {
            value = copy.number(limit: 0xffff)
        }
        guard let value, copy.skip(byte: UInt8(ascii: ";")), value == 160 || (32..<127).contains(value) else {
            return nil
        }
        line = copy
        return value == 160 ? 32 : UInt8(value)
    }

    /// Steps over a colour or another sequence of a terminal (ECMA-48): `ESC [ 0 ; 31 m`.
    private static func skipEscape(_ line: inout TextCursor) {
        line.advance()
        guard line.skip(byte: UInt8(ascii: "[")) else { return }
        while !line.isAtEnd, (0x20...0x3f).contains(line.peek()) { line.advance() }
        line.advance()
    }
}
