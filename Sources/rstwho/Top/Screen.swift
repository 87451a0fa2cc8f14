// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The whole terminal for as long as this lives: the alternate screen, no echo, no cursor.
///
/// Left as it was found.
struct Screen: ~Copyable {
    private static let enter = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l"
    private static let leave = "\u{1b}[?7h\u{1b}[?25h\u{1b}[0m\u{1b}[?1049l"

    private let before: termios
    private var output = StandardOutput()
    private var isTaken = false

    /// `nil` where standard input is no terminal.
    init?() {
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        before = settings
    }

    deinit {
        guard isTaken else { return }
        Self.restore(before)
    }

    /// Takes the terminal.
    mutating func take() throws(OutputError) {
        var settings = before
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
        settings.c_iflag &= ~tcflag_t(IXON | ICRNL)
        withUnsafeMutableBytes(of: &settings.c_cc) { characters in
            characters[Int(VMIN)] = 0
            characters[Int(VTIME)] = 0
        }
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
        isTaken = true
        try output.write(Self.enter)
        try output.flush()
    }

    /// Gives it back as it was.
    mutating func giveBack() {
        guard isTaken else { return }
        isTaken = false
        Self.restore(before)
    }

    private static func restore(_ before: termios) {
        var output = StandardOutput()
        // A terminal that has gone needs nothing any more.
        try? output.write(leave)
        try? output.flush()
        var settings = before
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
    }

    /// Columns and lines.
    var size: (columns: Int, lines: Int) {
        let size = output.window
        return size.columns > 0 && size.lines > 0 ? size : (80, 24)
    }

    /// Draws over what was there, in one write: nothing is cleared first, so nothing flickers.
    mutating func draw(_ lines: [String]) throws(OutputError) {
        try output.write("\u{1b}[H" + lines.map { $0 + "\u{1b}[K" }.joined(separator: "\r\n") + "\u{1b}[J")
        try output.flush()
    }

    /// Keys that were pressed; `nil` where the terminal has gone.
    ///
    /// Keys that send an escape sequence mean nothing here.
    func keys() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        if count < 0 { return errno == EINTR || errno == EAGAIN ? [] : nil }
        return bytes[0] == 0x1b ? [] : Array(bytes[..<count])
    }
}
