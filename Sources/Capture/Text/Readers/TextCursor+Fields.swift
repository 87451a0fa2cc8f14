// SPDX-License-Identifier: Apache-2.0
internal import Packets

extension TextCursor {
    /// The stretch cut at each `separator` that stands outside of double quotes; quotes around a field are taken off.
    ///
    /// At most `limit` fields; the last holds the rest.
    func fields(separator: UInt8, limit: Int) -> [TextCursor] {
        var fields: [TextCursor] = []
        var cursor = self
        while fields.count < limit {
            var field = cursor
            if cursor.peek() == UInt8(ascii: "\"") {
                cursor.advance()
                field = cursor
                while !cursor.isAtEnd {
                    if cursor.peek() == UInt8(ascii: "\"") {
                        guard cursor.peek(1) == UInt8(ascii: "\"") else { break }
                        cursor.advance()
                    }
                    cursor.advance()
                }
                fields.append(field.limited(to: cursor.position))
                cursor.advance()
                if cursor.isAtEnd { return fields }
                guard cursor.skip(byte: separator) else { return fields }
                continue
            }
            guard fields.count + 1 < limit, let end = cursor.find(separator) else {
                fields.append(field)
                return fields
            }
            fields.append(field.limited(to: end))
            cursor.move(to: end + 1)
        }
        return fields
    }

    /// The stretch cut at blanks; at most `limit` words, the last of which holds the rest.
    func words(limit: Int) -> [TextCursor] {
        var words: [TextCursor] = []
        var cursor = self
        cursor.skipBlanks()
        while !cursor.isAtEnd {
            if words.count + 1 == limit {
                words.append(cursor)
                return words
            }
            words.append(cursor.word())
            cursor.skipBlanks()
        }
        return words
    }

    /// Flags of a TCP segment written as letters, in any order: `SA`, `R.`, `PA`.
    ///
    /// `nil` where another letter occurs.
    var flagLetters: TCPFlags? {
        var flags: TCPFlags = []
        for offset in 0..<count {
            switch peek(offset) {
            case UInt8(ascii: "F"), UInt8(ascii: "f"): flags.insert(.fin)
            case UInt8(ascii: "S"), UInt8(ascii: "s"): flags.insert(.syn)
            case UInt8(ascii: "R"), UInt8(ascii: "r"): flags.insert(.rst)
            case UInt8(ascii: "P"), UInt8(ascii: "p"): flags.insert(.psh)
            case UInt8(ascii: "A"), UInt8(ascii: "a"), UInt8(ascii: "."): flags.insert(.ack)
            case UInt8(ascii: "U"), UInt8(ascii: "u"): flags.insert(.urg)
            case UInt8(ascii: "E"), UInt8(ascii: "e"): flags.insert(.ece)
            case UInt8(ascii: "C"), UInt8(ascii: "c"), UInt8(ascii: "W"), UInt8(ascii: "w"): flags.insert(.cwr)
            default: return nil
            }
        }
        return flags
    }
}

extension TextCursor {
    /// Flags of a TCP segment written as words with anything but letters between them: `SYN, ACK`, `rst|ack`.
    ///
    /// `nil` where another word occurs, or none.
    var flagWords: TCPFlags? {
        let known: [(StaticString, TCPFlags)] = [
            ("syn", .syn), ("ack", .ack), ("fin", .fin), ("rst", .rst), ("psh", .psh), ("push", .psh), ("urg", .urg),
            ("ece", .ece), ("ecn", .ece), ("cwr", .cwr), ("reset", .rst), ("none", []), ("ns", []), ("ae", []),
        ]
        var flags: TCPFlags = []
        var hasFlags = false
        var cursor = self
        while !cursor.isAtEnd {
            let start = cursor
            while !cursor.isAtEnd, (97...122).contains(cursor.peek() | 0x20) { cursor.advance() }
            let word = start.limited(to: cursor.position)
            if word.isAtEnd {
                cursor.advance()
                continue
            }
            guard word.count < 8, let found = known.first(where: { word.isEqualIgnoringCase(to: $0.0) }) else {
                return nil
            }
            flags.insert(found.1)
            hasFlags = true
        }
        return hasFlags ? flags : nil
    }

    /// Whether the whole stretch is `literal`, which has small letters only, in either case.
    func isEqualIgnoringCase(to literal: StaticString) -> Bool {
        guard count == literal.utf8CodeUnitCount else { return false }
        for offset in 0..<count where peek(offset) | 0x20 != literal.utf8Start[offset] { return false }
        return true
    }
}
