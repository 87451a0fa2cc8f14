// SPDX-License-Identifier: Apache-2.0

/// Writes one JSON value (RFC 8259) into a byte buffer, fields in the order in which they are given.
///
/// Absent instead of null: a field whose value is `nil` is not written. Every string comes out as valid UTF-8 on one
/// line, and what `UntrustedText` does not let through is escaped, which RFC 8259 does not ask for of all of it: what a
/// hostile packet carries must not steer the terminal that shows the line.
package struct JSONWriter {
    /// The bytes written so far.
    package private(set) var bytes: [UInt8] = []
    /// True where the next member or element needs a comma before it.
    private var needsComma = false

    /// - Parameter capacity: bytes that it has room for at once.
    package init(capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    /// The bytes written so far, as text.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Writes an object whose members `body` writes.
    package mutating func object(_ body: (inout JSONWriter) -> Void) {
        enclose(UInt8(ascii: "{"), UInt8(ascii: "}"), body)
    }

    /// Writes an array whose elements `body` writes.
    package mutating func array(_ body: (inout JSONWriter) -> Void) {
        enclose(UInt8(ascii: "["), UInt8(ascii: "]"), body)
    }

    /// Writes a member whose value `value` writes.
    package mutating func member(_ name: String, _ value: (inout JSONWriter) -> Void) {
        string(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
        value(&self)
    }

    /// Writes a member with a string, or nothing.
    package mutating func member(_ name: String, _ value: String?) {
        guard let value else { return }
        member(name) { $0.string(value) }
    }

    /// Writes a member with an integer, or nothing.
    package mutating func member(_ name: String, _ value: (some FixedWidthInteger)?) {
        guard let value else { return }
        member(name) { $0.raw(String(value)) }
    }

    /// Writes a member with a truth value, or nothing.
    package mutating func member(_ name: String, _ value: Bool?) {
        guard let value else { return }
        member(name) { $0.raw(value ? "true" : "false") }
    }

    /// Writes a member with a decimal number of at most `digits` digits behind the point, or nothing.
    ///
    /// JSON has no infinity: a value that is not finite is left out.
    package mutating func member(_ name: String, _ value: Double?, digits: Int) {
        guard let value, value.isFinite else { return }
        member(name) { $0.raw(DecimalText.format(value, digits: digits)) }
    }

    /// Writes a string as a value.
    package mutating func string(_ value: String) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        var value = value
        // Nearly all of it is letters: written at once.
        let isPlain = value.withUTF8 { text in
            guard text.allSatisfy(Self.isPlain) else { return false }
            bytes.append(contentsOf: text)
            return true
        }
        if !isPlain {
            for scalar in value.unicodeScalars { append(scalar) }
        }
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// Writes text that is JSON already.
    package mutating func raw(_ json: String) {
        separate()
        bytes.append(contentsOf: json.utf8)
        needsComma = true
    }

    /// Ends a line of JSON Lines: what follows is a value of its own.
    package mutating func endLine() {
        bytes.append(UInt8(ascii: "\n"))
        needsComma = false
    }

    private mutating func enclose(_ open: UInt8, _ close: UInt8, _ body: (inout JSONWriter) -> Void) {
        separate()
        bytes.append(open)
        needsComma = false
        body(&self)
        bytes.append(close)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    /// True of ASCII that stands for itself.
    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x20..<0x7f).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private mutating func append(_ scalar: Unicode.Scalar) {
        switch scalar.value {
        case 0x22, 0x5c:
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(UInt8(truncatingIfNeeded: scalar.value))
        case 0x0a:
            bytes.append(contentsOf: "\\n".utf8)
        case 0x0d:
            bytes.append(contentsOf: "\\r".utf8)
        case 0x09:
            bytes.append(contentsOf: "\\t".utf8)
        case _ where UntrustedText.isUnseen(scalar):
            for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                let hex = String(unit, radix: 16)
                bytes.append(contentsOf: "\\u".utf8)
                bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 4 - hex.utf8.count))
                bytes.append(contentsOf: hex.utf8)
            }
        default:
            bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
    }
}
