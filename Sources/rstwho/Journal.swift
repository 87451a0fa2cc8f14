// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging
import Reporting

/// Messages as standard error takes them: for people, or for the journal.
enum Journal {
    /// True where standard error is a stream of systemd's journal, which JOURNAL_STREAM names by device and inode (systemd.exec(5)).
    static let isThere: Bool = {
        guard let stream = getenv("JOURNAL_STREAM") else { return false }
        var status = stat()
        guard fstat(STDERR_FILENO, &status) == 0 else { return false }
        return String(cString: stream) == "\(status.st_dev):\(status.st_ino)"
    }()

    /// A message's lines, each with its line feed. The journal reads a priority off each (sd-daemon(3)); it knows the program's name.
    static func lines(_ text: String, level: Logger.Level, forJournal: Bool = isThere) -> [String] {
        let lines = text.split(whereSeparator: \.isNewline).map { ForeignText.printable(String($0)) }
        guard forJournal else { return ["rstwho: \(lines.joined(separator: "\n"))\n"] }
        return lines.map { "<\(priority(level))>\($0)\n" }
    }

    /// The priorities of syslog(3).
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
