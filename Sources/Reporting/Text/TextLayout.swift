// SPDX-License-Identifier: Apache-2.0

/// Lines of sentences in the width of a terminal.
package enum TextLayout {
    /// `text` in lines of at most `width` characters, a line feed at the end of each; words are not taken apart.
    ///
    /// Further lines are set in as far as the first, or to `hanging`.
    ///
    /// - `width`: columns; `nil`: one line.
    /// - `hanging`: columns left free in front of the further lines.
    package static func wrapped(
        _ text: String, width: Int?, hanging: Int? = nil, drawing: LineDrawing = .unicode
    ) -> String {
        let text = drawing.printable(text)
        guard let width, text.count > width else { return text + "\n" }
        let lead = text.prefix { $0 == " " }
        let indent = String(repeating: " ", count: min(hanging ?? lead.count, width / 2))
        var lines = ""
        var line = String(lead)
        var isStart = true
        for word in text.dropFirst(lead.count).split(separator: " ", omittingEmptySubsequences: false) {
            if !isStart, line.count + 1 + word.count > width {
                lines += line + "\n"
                line = indent
                isStart = true
            }
            line += isStart ? word : " " + word
            isStart = false
        }
        return lines + line + "\n"
    }
}
