// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import GRDB
internal import Packets
internal import Reporting

extension HistoryDatabase {
    /// Paths that are kept at most.
    static let maximumPaths = 1 << 14

    /// Stores paths in one transaction: each takes the place of what was stored of it before.
    static func write(paths: [PathSummary], _ db: Database) throws {
        let statement = try db.cachedStatement(sql: "INSERT OR REPLACE INTO paths VALUES (?, ?, ?, ?, ?)")
        for path in paths {
            try statement.execute(arguments: [
                path.network.data, path.length, path.server.data, Int64(clamping: path.lastSeen),
                String(PathReport.line(path).dropLast()),
            ])
        }
    }

    /// The paths as they were stored last, the one seen last first; none where the file is of a version that kept none.
    ///
    /// Rows that make no sense are left out.
    static func paths(_ db: Database) throws -> [PathSummary] {
        guard try db.tableExists("paths") else { return [] }
        return try Row.fetchAll(
            db, sql: "SELECT line FROM paths ORDER BY last_seen DESC, server, network LIMIT \(maximumPaths)"
        ).compactMap { row in
            guard let line = String.fromDatabaseValue(row[0]) else { return nil }
            return PathReport.decode(Array("{\"items\":[\(line)]}".utf8))?.first
        }
    }

    /// Forgets the paths to a server of the prefix, and those of a network in it.
    static func forgetPaths(_ prefix: IPPrefix, _ db: Database) throws -> Int {
        var condition = SQLCondition()
        condition.add(prefix, in: "server", "network")
        try db.execute(sql: "DELETE FROM paths WHERE \(condition.text)", arguments: condition.arguments)
        return db.changesCount
    }
}
