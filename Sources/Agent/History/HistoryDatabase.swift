// SPDX-License-Identifier: Apache-2.0
internal import GRDB
internal import GRDBSQLite

/// The history's SQLite file, open.
struct HistoryDatabase: Sendable {
    let path: String
    let connections: any DatabaseWriter

    /// Opens the file for reading and writing; makes it where it is empty.
    ///
    /// Throws `HistoryFault`; `damaged` also where the hosts' table, which is looked at as a whole, has a damage.
    /// - `maximumBytes`: `HistoryOptions.maximumBytes`.
    init(_ path: String, maximumBytes: Int = HistoryOptions.standardBytes) throws(HistoryFault) {
        self.path = path
        do {
            let pool = try DatabasePool(
                path: path, configuration: Self.configuration(logBytes: HistoryBudget(maximumBytes: maximumBytes).log))
            guard try !pool.read({ try HistorySchema.migrator.hasBeenSuperseded($0) }) else {
                throw HistoryFault(.newer, path: path, problem: "the file has tables that this version does not know")
            }
            try HistorySchema.migrator.migrate(pool)
            try pool.read { try Self.check($0, path) }
            try pool.write { try $0.execute(sql: Self.pruningIndices) }
            connections = pool
        } catch {
            throw HistoryFault(error, path: path)
        }
    }

    /// Opens the file for reading, whether an agent writes to it or not.
    init(readOnly path: String) throws(HistoryFault) {
        self.path = path
        do {
            var configuration = Self.configuration(logBytes: 0)
            configuration.readonly = true
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let (isKnown, isNewer) = try queue.read {
                // The tables become today's when an agent starts; until then there is less in them.
                (
                    try HistorySchema.migrator.appliedIdentifiers($0).contains(HistorySchema.oldest),
                    try HistorySchema.migrator.hasBeenSuperseded($0)
                )
            }
            guard !isNewer else {
                throw HistoryFault(.newer, path: path, problem: "the file has tables that this version does not know")
            }
            guard isKnown else { throw HistoryFault(.damaged, path: path, problem: "the file is no history") }
            connections = queue
        } catch {
            throw HistoryFault(error, path: path)
        }
    }

    private static func configuration(logBytes: Int) -> GRDB.Configuration {
        var configuration = GRDB.Configuration()
        configuration.label = "rstwho-history"
        configuration.maximumReaderCount = 3
        configuration.busyMode = .timeout(2)
        configuration.prepareDatabase { db in
            // Whoever only reads finds the log's files also where no agent runs.
            var isPersistent: CInt = 1
            sqlite3_file_control(db.sqliteConnection, nil, SQLITE_FCNTL_PERSIST_WAL, &isPersistent)
            guard !db.configuration.readonly else { return }
            // Before the first table: rows that go give their room back.
            try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            // What is deleted is overwritten; what is forgotten must not be found in the file.
            try db.execute(sql: "PRAGMA secure_delete = ON")
            // After each transaction that leaves the log larger than this, what it holds goes into the file.
            _ = try Int.fetchOne(db, sql: "PRAGMA journal_size_limit = \(logBytes)")
            _ = try Int.fetchOne(db, sql: "PRAGMA wal_autocheckpoint = \(max(8, logBytes / 4096))")
        }
        return configuration
    }

    /// The baselines are taken back at the start, so their table is checked then; damage elsewhere shows when it is
    /// read.
    private static func check(_ db: Database, _ path: String) throws {
        let result = try String.fetchOne(db, sql: "PRAGMA quick_check(hosts)")
        guard result == "ok" else {
            throw HistoryFault(.damaged, path: path, problem: result ?? "the file cannot be checked")
        }
    }
}
