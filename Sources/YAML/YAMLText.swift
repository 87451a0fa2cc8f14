// SPDX-License-Identifier: Apache-2.0

/// Values as YAML that `PlainYAML` reads back.
package enum YAMLText {
    package static func list(_ items: [String]) -> String {
        "[" + items.map(scalar).joined(separator: ", ") + "]"
    }

    /// Plain where nothing in it means anything to YAML, else in double quotes.
    package static func scalar(_ text: String) -> String {
        let isPlain =
            !text.isEmpty && !text.hasPrefix("-") && !text.hasPrefix(":") && !text.hasSuffix(":")
            && text.utf8.allSatisfy { plainBytes.contains($0) }
        return isPlain ? text : quoted(text)
    }

    private static let plainBytes = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:-+".utf8)

    /// Longest text of somebody's that a message repeats, in characters.
    private static let longest = 80

    /// Returns a short excerpt for messages, without anything that moves a terminal's cursor.
    package static func excerpt(_ text: String) -> String {
        text.count > longest ? quoted(String(text.prefix(longest))) + "…" : quoted(text)
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}": result += "\\x" + hexadecimal(scalar.value, digits: 2)
            case "\u{2028}", "\u{2029}", "\u{202a}"..."\u{202e}", "\u{2066}"..."\u{2069}", "\u{feff}",
                "\u{fffe}", "\u{ffff}":
                result += "\\u" + hexadecimal(scalar.value, digits: 4)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func hexadecimal(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
