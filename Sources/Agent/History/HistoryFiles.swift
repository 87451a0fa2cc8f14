// SPDX-License-Identifier: Apache-2.0
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
        let file = open(database, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard file >= 0 else { throw HistoryFault(errno: errno, path: database) }
        close(file)
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
        ([database] + Self.companions(of: database)).reduce(0) { sum, path in
            let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            guard file >= 0 else { return sum }
            defer { close(file) }
            return sum + UInt64(clamping: lseek(file, 0, SEEK_END))
        }
    }
}
