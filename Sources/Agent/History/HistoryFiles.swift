// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import FoundationEssentials
internal import Glibc

/// The files of the state directory.
package struct HistoryFiles: Sendable {
    package let directory: String

    package init(directory: String) {
        self.directory = directory
    }

    package var database: String { "\(directory)/history.sqlite" }
    /// The path that a damaged database is moved to.
    ///
    /// There is one at most: the newest.
    package var damaged: String { "\(directory)/history.sqlite.damaged" }

    /// The path of the secret that authorises forgetting.
    package var token: String { "\(directory)/token" }

    /// SQLite's files beside a database.
    static func companions(of database: String) -> [String] { ["\(database)-wal", "\(database)-shm"] }

    /// Makes the directory where it is missing, and the database's file, which SQLite's other files take their mode
    /// from.
    func make() throws(HistoryFault) {
        if mkdir(directory, 0o750) != 0, errno != EEXIST { throw HistoryFault(errno: errno, path: directory) }
        // Neither a pipe nor a device is waited for.
        let file = open(database, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o640)
        guard file >= 0 else { throw HistoryFault(errno: errno, path: database) }
        defer { close(file) }
        for path in [database] + Self.companions(of: database) {
            guard FileStatus(at: path)?.isRegular != false else {
                throw HistoryFault(.unwritable, path: path, problem: "is no ordinary file")
            }
        }
    }

    /// Renames a damaged database, so that it can be looked at, and the log that belongs to it.
    func setAside() throws(HistoryFault) {
        for suffix in ["", "-wal"] {
            if rename("\(database)\(suffix)", "\(damaged)\(suffix)") != 0, errno != ENOENT {
                throw HistoryFault(errno: errno, path: database)
            }
        }
        unlink("\(database)-shm")
    }

    /// Removes what was set aside.
    ///
    /// Returns whether there was something.
    @discardableResult
    func removeDamaged() -> Bool {
        let wasThere = unlink(damaged) == 0
        unlink("\(damaged)-wal")
        return wasThere
    }

    /// Removes what was set aside if it was written last more than `age` seconds ago.
    func removeDamaged(olderThan age: UInt64) {
        guard let written = (try? FileManager.default.attributesOfItem(atPath: damaged))?[.modificationDate] as? Date
        else { return }
        if Date().timeIntervalSince(written) > Double(age) { removeDamaged() }
    }

    /// Bytes that the database has on the disk.
    var bytes: UInt64 {
        ([database] + Self.companions(of: database)).reduce(0) { $0 + Self.bytes(of: $1) }
    }

    /// Bytes of the database's log.
    var logBytes: UInt64 { Self.bytes(of: "\(database)-wal") }

    /// Asks for the size without opening; what is no ordinary file has none.
    private static func bytes(of path: String) -> UInt64 {
        FileStatus(at: path).map { $0.isRegular ? $0.size : 0 } ?? 0
    }
}
