// SPDX-License-Identifier: Apache-2.0
internal import GRDB

extension HistoryDatabase {
    /// Findings that one step removes.
    private static let step = 2000
    /// Steps in a row.
    static let pruningSteps = 20

    /// Removes findings, hosts, origins and paths from before `oldest`, and the oldest findings where the file is
    /// larger than `maximumBytes`.
    ///
    /// One step: at most `step` findings.
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
        if !hasMore, try usedBytes(db) > maximumBytes {
            try db.execute(
                sql: "DELETE FROM findings WHERE seq IN (SELECT seq FROM findings ORDER BY seq LIMIT \(step))")
            hasMore = db.changesCount == step
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
