// SPDX-License-Identifier: Apache-2.0

/// The set of characters for drawings.
package enum LineDrawing: Sendable {
    /// Box drawing characters and arrows.
    case unicode
    /// Plain ASCII, for terminals that show nothing else.
    case ascii

    /// Creates the drawing that the locale of `environment` can show: the first of `LC_ALL`, `LC_CTYPE` and `LANG` that
    /// is not empty names it (POSIX, XBD 8.2).
    package init(environment: [String: String]) {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? "C"
        let codeset = locale.split(separator: ".", maxSplits: 1).dropFirst().first?.prefix { $0 != "@" }.lowercased()
        self = codeset == "utf-8" || codeset == "utf8" ? .unicode : .ascii
    }

    /// `text` so that a terminal shows it and does nothing else: what `UntrustedText` does not let through, and in
    /// ASCII everything beyond it, is written as `\u{1b}`.
    package func printable(_ text: String) -> String {
        switch self {
        case .unicode: UntrustedText.printable(text)
        case .ascii: UntrustedText.escaped(text) { !$0.isASCII || UntrustedText.isUnseen($0) }
        }
    }
}
