// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Glibc
import Logging
import Reporting

/// Buffered text to a descriptor.
///
/// What cannot be written (a closed pipe) ends the command quietly, as `head` expects.
struct StandardOutput: ~Copyable {
    private static let bound = 1 << 16
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    init(descriptor: Int32 = STDOUT_FILENO) {
        self.descriptor = descriptor
    }

    var isTerminal: Bool { isatty(descriptor) == 1 }

    /// True where colours are wanted: a terminal, and `NO_COLOR` is not set (no-color.org).
    var isColoured: Bool {
        guard isTerminal else { return false }
        return getenv("NO_COLOR").map { $0[0] == 0 } ?? true
    }

    /// Columns of the terminal: `COLUMNS` where it is set (POSIX, XBD 8.3), else what the terminal says; 80 where
    /// neither does.
    var columns: Int {
        if let set = getenv("COLUMNS").flatMap({ Int(String(cString: $0)) }), (1...10_000).contains(set) { return set }
        let columns = window.columns
        return columns > 0 ? columns : 80
    }

    /// The size of the terminal; 0 if it is unknown.
    var window: (columns: Int, lines: Int) {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 else { return (0, 0) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// The style of tables and explanations: fitted to the terminal, complete without one.
    var style: TableStyle {
        TableStyle(
            width: isTerminal ? columns : nil, drawing: LineDrawing(environment: ProcessEnvironment.locale),
            isColoured: isColoured, clock: .local)
    }

    mutating func write(_ text: String) throws(OutputError) {
        buffer.append(contentsOf: text.utf8)
        if buffer.count >= Self.bound { try flush() }
    }

    mutating func flush() throws(OutputError) {
        var written = 0
        while written < buffer.count {
            let count = buffer.withUnsafeBytes { bytes in
                Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { throw OutputError(errno: errno) }
            written += count
        }
        buffer.removeAll(keepingCapacity: true)
    }
}

/// Writing the output failed.
struct OutputError: Error {
    var errno: Int32

    /// The exit code of the command; errors are printed on standard error.
    ///
    /// Whoever closes the pipe early has seen enough; everything else is an error.
    var exitCode: ExitCode {
        if errno == EPIPE { return ExitStatus.ok.exitCode }
        printMessage("standard output: \(String(cString: strerror(errno)))")
        return ExitStatus.ioError.exitCode
    }
}

/// A line on standard error: messages go there, findings to standard output.
///
/// - `level`: how urgent it is; `log.level` says what is told.
/// - `fields`: what the journal keeps beside it, for looking for: `interface` becomes RSTWHO_INTERFACE.
func printMessage(_ text: String, level: Logger.Level = .warning, fields: [String: String] = [:]) {
    // Names of interfaces and files may hold anything.
    let text = text.split(separator: "\n", omittingEmptySubsequences: false).map { UntrustedText.printable(String($0)) }
        .joined(separator: "\n")
    guard MessageThreshold.tells(level), !Journal.send(text, level: level, fields: fields) else { return }
    var output = StandardOutput(descriptor: STDERR_FILENO)
    // Where messages cannot be written there is nobody to tell.
    for line in Journal.lines(text, level: level) { try? output.write(line) }
    try? output.flush()
}
