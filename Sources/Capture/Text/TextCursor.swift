// SPDX-License-Identifier: Apache-2.0

/// A position in a stretch of bytes.
///
/// Every read is checked against the stretch, also in release builds: past the end it gives 0, which no rule of the
/// grammar accepts.
///
/// Valid only as long as the memory it was made from.
struct TextCursor {
    private let base: UnsafePointer<UInt8>?
    /// The position of the next byte.
    private(set) var position: Int
    /// The end of the range.
    private(set) var end: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        base = bytes.baseAddress
        position = 0
        end = base == nil ? 0 : bytes.count
    }

    var isAtEnd: Bool { position >= end }
    var count: Int { end - position }

    /// The byte at `position + offset`, or 0 outside the stretch.
    func peek(_ offset: Int = 0) -> UInt8 {
        let index = position + offset
        guard let base, index >= 0, index < end else { return 0 }
        return base[index]
    }

    mutating func advance(_ count: Int = 1) {
        position = min(end, position + max(0, count))
    }

    mutating func move(to newPosition: Int) {
        position = max(0, min(end, newPosition))
    }

    /// The stretch from here up to `newEnd`, an absolute position.
    func limited(to newEnd: Int) -> TextCursor {
        var copy = self
        copy.end = max(position, min(end, newEnd))
        return copy
    }

    func starts(with literal: StaticString, at offset: Int = 0) -> Bool {
        let length = literal.utf8CodeUnitCount
        guard let base, position + offset >= 0, end - position - offset >= length else { return false }
        let text = base + position + offset
        for index in 0..<length where text[index] != literal.utf8Start[index] { return false }
        return true
    }

    /// Steps over `literal` if it comes next.
    mutating func skip(_ literal: StaticString) -> Bool {
        guard starts(with: literal) else { return false }
        position += literal.utf8CodeUnitCount
        return true
    }

    mutating func skip(byte: UInt8) -> Bool {
        guard !isAtEnd, peek() == byte else { return false }
        position += 1
        return true
    }

    /// Steps over blanks and tabs and says how many columns they are wide (a tab is 8).
    @discardableResult
    mutating func skipBlanks() -> Int {
        var columns = 0
        while true {
            switch peek() {
            case UInt8(ascii: " "): columns += 1
            case UInt8(ascii: "\t"): columns += 8
            default: return columns
            }
            position += 1
        }
    }

    /// The absolute position of the next `byte`, or `nil`.
    func find(_ byte: UInt8) -> Int? {
        guard let base else { return nil }
        var index = position
        while index < end {
            if base[index] == byte { return index }
            index += 1
        }
        return nil
    }

    /// The absolute position of the next `literal`, or `nil`.
    func find(_ literal: StaticString) -> Int? {
        let length = literal.utf8CodeUnitCount
        guard let base, length > 0 else { return nil }
        var copy = self
        while copy.end - copy.position >= length {
            if base[copy.position] == literal.utf8Start[0], copy.starts(with: literal) { return copy.position }
            copy.position += 1
        }
        return nil
    }

    func find(_ literal: StaticString, from position: Int) -> Int? {
        var cursor = self
        cursor.move(to: position)
        return cursor.find(literal)
    }

    func contains(_ literal: StaticString) -> Bool { find(literal) != nil }

    /// Reads decimal digits.
    ///
    /// `nil`, without moving, where there are none or the number exceeds `limit`.
    mutating func number(limit: UInt64 = UInt64(UInt32.max)) -> UInt64? {
        let start = position
        var value: UInt64 = 0
        while case let digit = peek() &- UInt8(ascii: "0"), digit < 10 {
            // 64 bits hold ten times any accepted value and a digit: limit is at most 2^60.
            value = value * 10 + UInt64(digit)
            guard value <= min(limit, 1 << 60) else {
                position = start
                return nil
            }
            position += 1
        }
        return position == start ? nil : value
    }

    /// Reads `0x` and hexadecimal digits, or digits alone.
    ///
    /// `nil`, without moving, where there are none or over 8.
    mutating func hexadecimal() -> UInt32? {
        let start = position
        _ = skip("0x")
        let first = position
        var value: UInt32 = 0
        while let digit = Self.hexadecimalDigit(peek()), position - first < 9 {
            value = value << 4 | UInt32(digit)
            position += 1
        }
        guard position > first, position - first <= 8 else {
            position = start
            return nil
        }
        return value
    }

    static func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Steps over a group in round brackets, nested ones included, and returns its inside.
    ///
    /// `nil`, without moving, where none begins here or it is not closed.
    mutating func group() -> TextCursor? {
        guard peek() == UInt8(ascii: "(") else { return nil }
        var depth = 0
        var index = position
        while index < end {
            switch peek(index - position) {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"):
                depth -= 1
                if depth == 0 {
                    var inside = limited(to: index)
                    inside.advance()
                    position = index + 1
                    return inside
                }
            default: break
            }
            index += 1
        }
        return nil
    }

    /// Steps over bytes up to the next blank, tab or the end and returns them.
    mutating func word() -> TextCursor {
        let start = self
        while !isAtEnd, peek() != UInt8(ascii: " "), peek() != UInt8(ascii: "\t") { position += 1 }
        return start.limited(to: position)
    }

    /// Calls `body` with the stretch's bytes.
    func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        body(UnsafeBufferPointer(start: base.map { $0 + position }, count: base == nil ? 0 : end - position))
    }

    /// The stretch as text; bytes that are not UTF-8 become U+FFFD.
    var text: String {
        guard let base, end > position else { return "" }
        return String(decoding: UnsafeBufferPointer(start: base + position, count: end - position), as: UTF8.self)
    }
}

extension TextCursor {
    /// The absolute position of the stretch's last dot.
    func lastDot() -> Int? {
        var index = end
        while index > position {
            index -= 1
            if peek(index - position) == UInt8(ascii: ".") { return index }
        }
        return nil
    }
}

extension TextCursor {
    /// The stretch for a message: what is not printable ASCII is shown as a dot.
    var printable: String {
        var text = ""
        for offset in 0..<count {
            let byte = peek(offset)
            text.append(byte >= 32 && byte < 127 ? Character(UnicodeScalar(byte)) : ".")
        }
        return text
    }
}
