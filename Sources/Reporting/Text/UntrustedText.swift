// SPDX-License-Identifier: Apache-2.0

/// Text that comes from elsewhere: names in files, what a reset carries, another agent's sentences.
///
/// The one rule of what of it is written as it is.
package enum UntrustedText {
    /// True for a character that a terminal takes for a command, or that is not seen and changes how others are:
    /// controls (C0, DEL, C1), line and paragraph separators, and format characters, which turn the direction of what
    /// follows (UAX 9, 2) or have no width.
    package static func isUnseen(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case ..<0x20, 0x7f...0x9f: return true
        case ..<0xad: return false
        default: break
        }
        return switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// `text` on one line in which everything is seen: what is not is written as `\u{1b}`.
    ///
    /// Bytes that are no UTF-8, and surrogates without a partner, are U+FFFD in any `String` already.
    package static func printable(_ text: String) -> String {
        escaped(text, where: isUnseen)
    }

    static func escaped(_ text: String, where isEscaped: (Unicode.Scalar) -> Bool) -> String {
        guard text.unicodeScalars.contains(where: isEscaped) else { return text }
        return text.unicodeScalars.reduce(into: "") { result, scalar in
            if isEscaped(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
    }
}
