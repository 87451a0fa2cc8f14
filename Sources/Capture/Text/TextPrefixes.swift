// SPDX-License-Identifier: Apache-2.0

/// A prefix of each line that is not the program's own: the time and name that a logger adds, a container's
/// name, the number of the line, a bullet.
///
/// A prefix is learned from a line in which a packet begins behind some words, as long as no packet was seen at the
/// beginning of a line. It is recognised by the number and the shape of its words: digits and letters may change.
struct TextPrefixes {
    /// The words that a prefix has at most, and the prefixes of one text.
    private static let maximumWords = 8
    private static let capacity = 8
    /// Lines without a prefix that are looked at; beyond, the text has none.
    private static let patience = 20_000

    private struct Prefix: Equatable {
        var words: Int
        var shape: UInt64
        /// Blanks and tabs between the prefix and the line.
        var gap: Int
    }

    private var known: [Prefix] = []
    private var isOver = false
    private var seen = 0

    /// Takes the prefix off a line, if it has one.
    mutating func strip(_ line: inout TextCursor) {
        guard !isOver else { return }
        if !known.isEmpty, take(&line) { return }
        guard TextWrap.mayBegin(line) else { return }
        if TextWrap.begins(line) {
            isOver = known.isEmpty
            return
        }
        seen += 1
        if seen > Self.patience, known.isEmpty { isOver = true }
        guard known.count < Self.capacity, let found = Self.find(in: line) else { return }
        known.append(found)
        _ = take(&line)
    }

    private func take(_ line: inout TextCursor) -> Bool {
        for prefix in known {
            var cursor = line
            guard let shape = Self.shape(&cursor, words: prefix.words), shape == prefix.shape else { continue }
            for _ in 0..<prefix.gap where cursor.peek() == 32 || cursor.peek() == 9 { cursor.advance() }
            line = cursor
            return true
        }
        return false
    }

    /// The words behind which a packet begins.
    private static func find(in line: TextCursor) -> Prefix? {
        var found: Prefix?
        for words in 1...maximumWords {
            var cursor = line
            guard let shape = shape(&cursor, words: words) else { break }
            let start = cursor.position
            cursor.skipBlanks()
            let gap = cursor.position - start
            guard gap > 0, !cursor.isAtEnd else { break }
            // The packet's own time stands last: before it is the logger's.
            let hasStamp = TextWrap.beginsWithStamp(cursor)
            if hasStamp || (found == nil && TextWrap.begins(cursor)) {
                found = Prefix(words: words, shape: shape, gap: gap)
            }
        }
        return found
    }

    /// Steps over words and returns a number for their shapes: which of their characters are digits, letters or others.
    private static func shape(_ cursor: inout TextCursor, words: Int) -> UInt64? {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for _ in 0..<words {
            cursor.skipBlanks()
            guard !cursor.isAtEnd else { return nil }
            var last: UInt8 = 0
            while !cursor.isAtEnd, cursor.peek() != 32, cursor.peek() != 9 {
                let kind = kind(of: cursor.peek())
                if kind != last || kind > 2 { hash = (hash ^ UInt64(kind)) &* 0x100_0000_01b3 }
                last = kind
                cursor.advance()
            }
            hash = (hash ^ 0xff) &* 0x100_0000_01b3
        }
        return hash
    }

    private static func kind(of byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): 1
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...: 2
        default: byte
        }
    }
}
