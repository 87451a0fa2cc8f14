// SPDX-License-Identifier: Apache-2.0

/// Which characters drawings are made of.
package enum LineDrawing: Sendable {
    /// Box drawing characters and arrows.
    case unicode
    /// Plain ASCII, for terminals that show nothing else.
    case ascii

    /// What the locale of `environment` can show: the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is not empty names it (POSIX,
    /// XBD 8.2).
    package init(environment: [String: String]) {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? "C"
        let codeset = locale.split(separator: ".", maxSplits: 1).dropFirst().first?.prefix { $0 != "@" }.lowercased()
        self = codeset == "utf-8" || codeset == "utf8" ? .unicode : .ascii
    }

    /// `text` so that a terminal shows it and does nothing else: controls, characters that turn the direction of what follows, line
    /// separators, and in ASCII everything beyond it, are written as `\u{1b}`.
    package func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isEscaped) else { return text }
        return text.unicodeScalars.reduce(into: "") { result, scalar in
            if isEscaped(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
    }

    private func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case ..<0x20, 0x7f...0x9f: true
        // Unicode's explicit directional formatting (UAX 9, 2) and its line and paragraph separators.
        case 0x061c, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: true
        default: self == .ascii && !scalar.isASCII
        }
    }
}
