// SPDX-License-Identifier: Apache-2.0
internal import GRDB

/// The shares of `HistoryOptions.maximumBytes`.
///
/// The sum stays below 1.1 times the limit: pages of the file, and its log with one transaction over the mark at which
/// it is emptied.
struct HistoryBudget {
    /// Bytes of pages that hold something.
    let pages: Int
    /// Bytes of the log beyond which it is emptied.
    let log: Int
    /// Bytes of findings that one transaction stores.
    let transaction: Int

    init(maximumBytes: Int) {
        pages = maximumBytes / 20 * 17
        log = max(min(maximumBytes / 32, 8 << 20), 32 << 10)
        transaction = max(min(maximumBytes / 64, 1 << 20), 16 << 10)
    }
}

extension HistoryDatabase {
    /// Findings that one step removes.
    private static let step = 2000
    /// Steps in a row.
    static let pruningSteps = 20
    /// Bytes that a finding takes at least: so many findings go at once as room is wanted for.
    private static let rowBytes = 1024

    /// Removes the oldest findings until so many bytes more have room.
    static func makeRoom(for bytes: Int, maximumBytes: Int, _ db: Database) throws {
        let limit = HistoryBudget(maximumBytes: maximumBytes).pages
        guard try usedBytes(db) + bytes > limit else { return }
        var counts = try counts(db)
        // Pages become free when all that is on them has gone: it may take some steps.
        for _ in 0..<64 {
            let excess = try usedBytes(db) + bytes - limit
            guard excess > 0, try removeOldest(min(step, excess / rowBytes + 8), &counts, db) else { return }
        }
    }

    /// Findings that accuse somebody, and the others.
    private static func counts(_ db: Database) throws -> (accusing: Int, others: Int) {
        let accusing = "SELECT COUNT(*) FROM findings INDEXED BY findings_accusing WHERE \(accuses)"
        let others = "SELECT COUNT(*) FROM findings INDEXED BY findings_not_accusing WHERE NOT \(accuses)"
        return (try Int.fetchOne(db, sql: accusing) ?? 0, try Int.fetchOne(db, sql: others) ?? 0)
    }

    /// Removes findings: the oldest that accuse nobody, as long as accusations are less than half of all.
    ///
    /// - Returns: whether there were any.
    private static func removeOldest(
        _ count: Int, _ counts: inout (accusing: Int, others: Int), _ db: Database
    ) throws -> Bool {
        let isAccusing = counts.accusing > counts.others
        let (index, condition) =
            isAccusing ? ("findings_accusing", accuses) : ("findings_not_accusing", "NOT \(accuses)")
        try db.execute(
            sql: """
                DELETE FROM findings WHERE seq IN (
                    SELECT seq FROM findings INDEXED BY \(index) WHERE \(condition) ORDER BY seq LIMIT \(count))
                """)
        if isAccusing { counts.accusing -= db.changesCount } else { counts.others -= db.changesCount }
        return db.changesCount > 0
    }

    /// True of the findings that say that a device on the path sent a reset in another's name.
    private static let accuses = "(sender IS 'middlebox')"

    /// The indices by which findings are removed; older versions work with them, too.
    static let pruningIndices = """
        CREATE INDEX IF NOT EXISTS findings_accusing ON findings (seq) WHERE \(accuses);
        CREATE INDEX IF NOT EXISTS findings_not_accusing ON findings (seq) WHERE NOT \(accuses);
        """

    /// Removes findings, hosts, origins and paths from before `oldest`, and the oldest findings where the file is
    /// larger than `maximumBytes` allows.
    ///
    /// One step: at most `step` findings for each reason.
    ///
    /// - Returns: whether there is more to remove.
    static func prune(olderThan oldest: UInt64, maximumBytes: Int, _ db: Database) throws -> Bool {
        let oldest = Int64(clamping: oldest)
        try db.execute(
            sql: """
                DELETE FROM findings WHERE seq IN (
                    SELECT seq FROM findings WHERE time < ? ORDER BY time LIMIT \(step))
                """, arguments: [oldest])
        var hasMore = db.changesCount == step
        if !hasMore, try usedBytes(db) > HistoryBudget(maximumBytes: maximumBytes).pages {
            var counts = try counts(db)
            hasMore = try removeOldest(step, &counts, db)
        }
        try db.execute(sql: "DELETE FROM hosts WHERE last_seen < ?", arguments: [oldest])
        try db.execute(sql: "DELETE FROM origins WHERE last_seen < ?", arguments: [oldest])
        try db.execute(sql: "DELETE FROM paths WHERE last_seen < ?", arguments: [oldest])
        try db.execute(
            sql: """
                DELETE FROM hosts WHERE (address, domain) IN (
                    SELECT address, domain FROM hosts ORDER BY last_seen DESC LIMIT -1 OFFSET \(maximumHosts))
                """)
        try db.execute(
            sql: """
                DELETE FROM paths WHERE (network, length, server) IN (
                    SELECT network, length, server FROM paths ORDER BY last_seen DESC LIMIT -1 OFFSET \(maximumPaths))
                """)
        _ = try Row.fetchAll(db, sql: "PRAGMA incremental_vacuum")
        return hasMore
    }

    /// Bytes of the pages that hold something.
    private static func usedBytes(_ db: Database) throws -> Int {
        let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
        let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
        let size = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0
        return (pages - free) * size
    }
}
