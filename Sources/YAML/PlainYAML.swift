// SPDX-License-Identifier: Apache-2.0

/// The part of YAML that configurations use: every line stands for itself.
///
/// Looked at before the library composes the document. Aliases would let a short file stand for a huge one, and deep
/// nesting is read by recursion; what is refused here is also what nobody needs for a few dozen options: anchors,
/// aliases, tags, directives, texts and brackets over several lines, complex keys. As no quote and no bracket stays
/// open at the end of a line, this scanner cannot lose its place for longer than that.
struct PlainYAML {
    /// Brackets in brackets, and dashes on one line.
    private static let maximumDepth = 4
    /// Blanks before the first text of a line.
    private static let maximumIndentation = 32

    private let line: Int
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    private init(line: Int, _ text: Substring) {
        self.line = line
        bytes = Array(text.utf8)
    }

    /// The first thing in `text` that is not taken, with its line.
    static func firstProblem(in text: String) -> (line: Int, problem: String)? {
        var line = 1
        for part in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if let scalar = part.unicodeScalars.first(where: isForbidden) {
                return (line, "holds the control character U+\(String(scalar.value, radix: 16, uppercase: true))")
            }
            var scanner = PlainYAML(line: line, part)
            if let problem = scanner.scan() { return (line, problem) }
            line += 1
        }
        return nil
    }

    /// Control characters, and what else YAML takes for the end of a line.
    private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\t": false
        case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{2028}", "\u{2029}": true
        default: false
        }
    }

    private mutating func scan() -> String? {
        while position < bytes.count, bytes[position] == UInt8(ascii: " ") { position += 1 }
        guard position <= Self.maximumIndentation else { return "is indented too deep" }
        if position == 0, bytes.first == UInt8(ascii: "%") { return "begins with %: directives are not taken" }
        if position == 0, bytes.starts(with: "---".utf8) || bytes.starts(with: "...".utf8) { position = 3 }
        var dashes = 0
        while let byte = current {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: ","), UInt8(ascii: ":"):
                position += 1
            case UInt8(ascii: "#") where isAfterBlank:
                return bracketProblem
            case UInt8(ascii: "&"), UInt8(ascii: "*"):
                return
                    "has a text that begins with \(Character(UnicodeScalar(byte))), which YAML takes for an anchor or an "
                    + "alias; put it in quotes"
            case UInt8(ascii: "!"):
                return "has a text that begins with !, which YAML takes for a tag; put it in quotes"
            case UInt8(ascii: "|") where depth == 0, UInt8(ascii: ">") where depth == 0:
                return "begins a text over several lines, which no option takes"
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                position += 1
                if depth > Self.maximumDepth { return "has too many brackets in brackets" }
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                depth -= 1
                position += 1
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                guard skipQuoted(byte) else { return "has a quote that does not end on its line" }
            case UInt8(ascii: "-") where isBeforeBlank:
                dashes += 1
                position += 1
                if dashes > Self.maximumDepth { return "has too many lists in lists" }
            case UInt8(ascii: "?") where isBeforeBlank:
                return "has a key that begins with ?, which no option has"
            default:
                skipPlain()
            }
        }
        return bracketProblem
    }

    private var bracketProblem: String? {
        depth > 0
            ? "has a bracket that does not end on its line; or write each item on a line of its own, after a dash" : nil
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private var isAfterBlank: Bool { position == 0 || Self.isBlank(bytes[position - 1]) }

    private var isBeforeBlank: Bool { position + 1 >= bytes.count || Self.isBlank(bytes[position + 1]) }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private static func isFlow(_ byte: UInt8) -> Bool { ",[]{}".utf8.contains(byte) }

    /// Moves behind a quoted text; false where it has no end.
    private mutating func skipQuoted(_ quote: UInt8) -> Bool {
        position += 1
        while let byte = current {
            position += 1
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                position += 1
            } else if byte == quote {
                // Two single quotes are one that is meant.
                guard quote == UInt8(ascii: "'"), current == quote else { return true }
                position += 1
            }
        }
        return false
    }

    /// Moves behind a text without quotes: to a colon that ends a key, a comment, or what ends an item in brackets.
    private mutating func skipPlain() {
        while let byte = current {
            if byte == UInt8(ascii: ":"), isBeforeBlank || (depth > 0 && Self.isFlow(bytes[position + 1])) { return }
            if byte == UInt8(ascii: "#"), isAfterBlank { return }
            if depth > 0, Self.isFlow(byte) { return }
            position += 1
        }
    }
}
