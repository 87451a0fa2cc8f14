// SPDX-License-Identifier: Apache-2.0

/// Reads the members of one JSON object (RFC 8259) that has no objects of interest inside.
///
/// Records come by the hundred thousand, and a general decoder takes most of an answer's time. Nested values are
/// checked and skipped.
struct FlatJSON {
    /// A member's value.
    enum Value: Equatable {
        case text(String)
        case integer(isNegative: Bool, magnitude: UInt64)
        case real(Double)
        /// An array that holds texts alone.
        case texts([String])
        case null
        /// An object, another array, `true` or `false`.
        case other
    }

    /// Objects and arrays in each other at most.
    private static let maximumDepth = 64

    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    /// Calls `body` for each member; it returns false for a value that the member cannot have.
    ///
    /// - Returns: false where the text is not one object, or `body` said so.
    static func read(_ bytes: UnsafeBufferPointer<UInt8>, _ body: (String, Value) -> Bool) -> Bool {
        var reader = FlatJSON(bytes: bytes)
        return reader.object(depth: 0, body) && reader.isAtEnd
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    private var isAtEnd: Bool {
        mutating get {
            skipBlanks()
            return position == bytes.count
        }
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipBlanks() {
        while let byte = current, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipBlanks()
        guard current == byte else { return false }
        position += 1
        return true
    }

    private mutating func object(depth: Int, _ body: (String, Value) -> Bool) -> Bool {
        guard depth < Self.maximumDepth, take(UInt8(ascii: "{")) else { return false }
        if take(UInt8(ascii: "}")) { return true }
        repeat {
            skipBlanks()
            guard let name = text(), take(UInt8(ascii: ":")), let value = value(depth: depth), body(name, value) else {
                return false
            }
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "}"))
    }

    private mutating func value(depth: Int) -> Value? {
        skipBlanks()
        switch current {
        case UInt8(ascii: "\""): return text().map { .text($0) }
        case UInt8(ascii: "{"): return object(depth: depth + 1) { _, _ in true } ? .other : nil
        case UInt8(ascii: "["): return array(depth: depth + 1)
        case UInt8(ascii: "t"): return word("true") ? .other : nil
        case UInt8(ascii: "f"): return word("false") ? .other : nil
        case UInt8(ascii: "n"): return word("null") ? .null : nil
        default: return number()
        }
    }

    private mutating func array(depth: Int) -> Value? {
        guard depth < Self.maximumDepth, take(UInt8(ascii: "[")) else { return nil }
        if take(UInt8(ascii: "]")) { return .texts([]) }
        var texts: [String] = []
        var isOther = false
        repeat {
            guard let value = value(depth: depth) else { return nil }
            if case .text(let text) = value { texts.append(text) } else { isOther = true }
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { return nil }
        return isOther ? .other : .texts(texts)
    }

    private mutating func word(_ word: StaticString) -> Bool {
        guard bytes.count - position >= word.utf8CodeUnitCount else { return false }
        for index in 0..<word.utf8CodeUnitCount where bytes[position + index] != word.utf8Start[index] { return false }
        position += word.utf8CodeUnitCount
        return true
    }

    // MARK: Numbers

    private mutating func number() -> Value? {
        let start = position
        let isNegative = current == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let first = position
        guard skipDigits() else { return nil }
        // No leading zeros.
        guard bytes[first] != UInt8(ascii: "0") || position - first == 1 else { return nil }
        var isInteger = true
        if current == UInt8(ascii: ".") {
            position += 1
            isInteger = false
            guard skipDigits() else { return nil }
        }
        if let byte = current, byte | 0x20 == UInt8(ascii: "e") {
            position += 1
            isInteger = false
            if let sign = current, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position += 1 }
            guard skipDigits() else { return nil }
        }
        if isInteger, let magnitude = Self.magnitude(bytes[first..<position]) {
            return .integer(isNegative: isNegative, magnitude: magnitude)
        }
        return Double(String(decoding: bytes[start..<position], as: UTF8.self)).map { .real($0) }
    }

    private mutating func skipDigits() -> Bool {
        let start = position
        while let byte = current, byte >= 0x30, byte <= 0x39 { position += 1 }
        return position > start
    }

    /// Decimal digits as a number; `nil` where it is beyond 64 bits.
    private static func magnitude(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> UInt64? {
        var result: UInt64 = 0
        for digit in digits {
            let (product, isTooLarge) = result.multipliedReportingOverflow(by: 10)
            let (sum, isBeyond) = product.addingReportingOverflow(UInt64(digit - 0x30))
            guard !isTooLarge, !isBeyond else { return nil }
            result = sum
        }
        return result
    }

    // MARK: Texts

    private mutating func text() -> String? {
        guard current == UInt8(ascii: "\"") else { return nil }
        position += 1
        let start = position
        while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
        let plain = bytes[start..<position]
        switch current {
        case UInt8(ascii: "\""):
            position += 1
            return String(decoding: plain, as: UTF8.self)
        case UInt8(ascii: "\\"): return escapedText(Array(plain))
        default: return nil
        }
    }

    /// Goes on with a text at its first escape.
    private mutating func escapedText(_ beginning: [UInt8]) -> String? {
        var text = beginning
        while let byte = current {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): guard escape(&text) else { return nil }
            case 0..<0x20: return nil
            default: text.append(byte)
            }
        }
        return nil
    }

    private mutating func escape(_ text: inout [UInt8]) -> Bool {
        guard let byte = current else { return false }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "u"): return unicode(&text)
        default: return false
        }
        return true
    }

    /// Four hexadecimal digits, or eight for a character beyond the first plane (RFC 8259, section 7).
    private mutating func unicode(_ text: inout [UInt8]) -> Bool {
        guard var code = hexadecimal() else { return false }
        if (0xd800..<0xdc00).contains(code) {
            guard word("\\u"), let low = hexadecimal(), (0xdc00..<0xe000).contains(low) else { return false }
            code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(code) else { return false }
        text.append(contentsOf: String(Character(scalar)).utf8)
        return true
    }

    private mutating func hexadecimal() -> UInt32? {
        guard bytes.count - position >= 4 else { return nil }
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(UnicodeScalar(bytes[position])).hexDigitValue, bytes[position] < 0x80 else {
                return nil
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }
}
