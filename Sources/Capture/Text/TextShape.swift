// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The shape of a line that no reader knows.
enum TextShape {
    /// So much of a line is looked at.
    private static let reach = 512

    /// True where the line looks like a packet's: two addresses and a sign between them, or a time and two addresses.
    ///
    /// Prose, a table of hosts, and source code hold addresses too, but not so.
    static func looksLikePacket(_ line: TextCursor) -> Bool {
        var cursor = line.limited(to: line.position + reach)
        var addresses = 0
        var hasTime = false
        var hasSign = false
        while !cursor.isAtEnd {
            cursor.skipBlanks()
            let word = cursor.word()
            if word.isAtEnd { continue }
            if isArrow(word) { hasSign = addresses > 0 }
            if word.contains("->") || word.contains("SRC=") || word.contains("DST=") { hasSign = true }
            if isTime(word) { hasTime = true }
            addresses += addressesIn(word)
        }
        return addresses >= 2 && (hasSign || hasTime)
    }

    private static func isArrow(_ word: TextCursor) -> Bool {
        (word.count == 1 && word.peek() == UInt8(ascii: ">")) || (word.count == 2 && word.starts(with: "->"))
            || (word.count == 3 && word.peek() == 0xe2 && word.peek(1) == 0x86 && word.peek(2) == 0x92)
    }

    private static func isTime(_ word: TextCursor) -> Bool {
        var cursor = word
        guard cursor.number(limit: 9_999_999_999) != nil else { return false }
        if cursor.skip(byte: UInt8(ascii: ":")) { return cursor.number(limit: 59) != nil && cursor.peek() == 0x3a }
        return cursor.skip(byte: UInt8(ascii: ".")) && word.count >= 6 && cursor.number(limit: 999_999_999) != nil
            && cursor.isAtEnd
    }

    /// Dotted quads in a word, with what may stand around them: `10.0.0.1.22`, `SRC=10.0.0.1`, `10.0.0.1:22`.
    private static func addressesIn(_ word: TextCursor) -> Int {
        var cursor = word
        var count = 0
        while !cursor.isAtEnd {
            if cursor.number(limit: 255) == nil {
                cursor.advance()
                continue
            }
            var dots = 0
            while dots < 3, cursor.skip(byte: UInt8(ascii: ".")), cursor.number(limit: 255) != nil { dots += 1 }
            guard dots == 3 else { continue }
            count += 1
            // A port, or the rest of a number that is none.
            while cursor.skip(byte: UInt8(ascii: ".")), cursor.number(limit: 65_535) != nil {}
        }
        return count
    }
}
