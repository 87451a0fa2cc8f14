// SPDX-License-Identifier: Apache-2.0
internal import GRDB
internal import Glibc

/// Why history is not kept, or cannot be read.
package struct HistoryFault: Error, Sendable {
    package enum Reason: String, CaseIterable, Sendable {
        /// No room on the disk.
        case full
        /// The directory or the file may not be written.
        case unwritable
        /// The file is no history, or is damaged.
        case damaged
        /// A newer version has made the file.
        case newer
        /// Another agent keeps its history there.
        case locked
        /// Anything else that the system reports.
        case failed
    }

    package var reason: Reason
    /// The file or directory.
    package var path: String
    /// The system's error text.
    package var problem: String

    package init(_ reason: Reason, path: String, problem: String) {
        self.reason = reason
        self.path = path
        self.problem = problem
    }

    /// The failure of a system call.
    init(errno code: Int32, path: String) {
        let reason: Reason =
            switch code {
            case ENOSPC, EDQUOT: .full
            case EACCES, EPERM, EROFS, ENOENT, ENOTDIR, ELOOP, EISDIR: .unwritable
            default: .failed
            }
        self.init(reason, path: path, problem: String(cString: strerror(code)))
    }

    /// The failure of SQLite (https://www.sqlite.org/rescode.html).
    init(_ error: any Error, path: String) {
        if let fault = error as? HistoryFault {
            self = fault
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(.failed, path: path, problem: "\(error)")
            return
        }
        let reason: Reason
        switch error.resultCode {
        case .SQLITE_FULL: reason = .full
        // Also what other files answer to questions about tables that they do not have.
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_MISMATCH, .SQLITE_SCHEMA: reason = .damaged
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH: reason = .unwritable
        // The files beside the database fail so where the disk has no room for them.
        case .SQLITE_IOERR: reason = Self.isFull(path) ? .full : .failed
        case .SQLITE_BUSY, .SQLITE_LOCKED: reason = .locked
        default: reason = .failed
        }
        self.init(reason, path: path, problem: error.message ?? "SQLite error \(error.extendedResultCode.rawValue)")
    }

    /// True where less than a megabyte is left for this process.
    private static func isFull(_ path: String) -> Bool {
        var figures = statvfs()
        guard statvfs(path, &figures) == 0 else { return false }
        return UInt64(figures.f_bavail) * UInt64(figures.f_frsize) < 1 << 20
    }

    /// The next step, as a sentence.
    package var advice: String {
        switch reason {
        case .full: "History goes on when there is room again."
        case .unwritable: "Give the account that rstwho runs as the directory, or choose another with --state."
        case .damaged: "The file is set aside and a new one begun."
        case .newer: "A newer rstwho has made it: install that version again, or move the file away."
        case .locked: "Another rstwho keeps its history there: choose another directory with --state."
        case .failed: "History is tried again every minute."
        }
    }
}

extension HistoryFault: CustomStringConvertible {
    package var description: String { "\(path): \(problem). \(advice)" }
}
