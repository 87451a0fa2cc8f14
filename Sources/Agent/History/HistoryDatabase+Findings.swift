// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import GRDB
internal import Packets
internal import Reporting

/// A finding as the history has it.
package struct StoredFinding: Sendable, Equatable {
    package var id: String
    /// The finding as a line of JSON, without a line feed.
    package var line: String

    /// The finding taken apart; `nil` where this version does not understand it.
    package var finding: Finding? { JSONLines.decode(line) }

    /// The line as this version writes it, whichever version stored it.
    package var currentLine: String { JSONLines.current(line) }
}

extension HistoryDatabase {
    /// Stores findings in one transaction, in which room is made for them first.
    ///
    /// A revision takes the place of what it revises.
    ///
    /// - `maximumBytes`: `HistoryOptions.maximumBytes`.
    static func write(_ rows: [HistoryBatch.Row], maximumBytes: Int, _ db: Database) throws {
        try makeRoom(for: rows.reduce(0) { $0 + $1.bytes }, maximumBytes: maximumBytes, db)
        let statement = try db.cachedStatement(sql: insertion)
        for row in rows {
            let finding = row.finding
            var values: [(any DatabaseValueConvertible)?] = [
                finding.id, finding.revision, Int64(clamping: finding.time ?? 0), row.line,
            ]
            for filter in FindingSchema.filters {
                values.append(FilterValue(FindingSchema.filterValue(filter.name, of: finding))?.column)
            }
            try statement.execute(arguments: StatementArguments(values))
        }
    }

    /// A column for each filter of `FindingSchema`; a revision replaces what it can change.
    private static let insertion: String = {
        let filters = FindingSchema.filters
        let columns = ["id", "revision", "time", "line"] + filters.map(\.name)
        let changing = ["revision", "line"] + filters.filter(\.isRevised).map(\.name)
        return """
            INSERT INTO findings (\(columns.joined(separator: ", ")))
            VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))
            ON CONFLICT (id) DO UPDATE SET \(changing.map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
            WHERE excluded.revision >= findings.revision
            """
    }()

    /// A finding's place in the order of telling.
    static func place(of id: String, _ db: Database) throws -> Int64? {
        try Int64.fetchOne(db, sql: "SELECT seq FROM findings WHERE id = ?", arguments: [id])
    }

    /// Findings that `query` asks for, from the newest to the oldest, at most `limit`.
    ///
    /// - `before`: only those with a lower place in the order of telling.
    /// - `after`: only those with a higher one.
    /// - `known`: ids to leave out.
    ///
    /// Returns the findings, and whether there are more.
    static func find(
        _ query: FindingQuery, limit: Int, before: Int64?, after: Int64?, leavingOut known: Set<String>, _ db: Database
    ) throws -> (findings: [StoredFinding], hasMore: Bool) {
        var condition = query.sql
        if let before { condition.add("seq < ?", before) }
        if let after { condition.add("seq > ?", after) }
        // A time window is small beside the whole; without one the newest rows are looked at first.
        let index = query.sinceTime == nil ? "" : "INDEXED BY findings_time"
        let rows = try Row.fetchCursor(
            db, sql: "SELECT seq, id FROM findings \(index) WHERE \(condition.text) ORDER BY seq DESC",
            arguments: condition.arguments)
        let line = try db.cachedStatement(sql: "SELECT line FROM findings WHERE seq = ?")
        var found: [StoredFinding] = []
        while let row = try rows.next() {
            let id: String = row[1]
            guard !known.contains(id) else { continue }
            if found.count == limit { return (found, true) }
            let place: Int64 = row[0]
            guard let text = try String.fetchOne(line, arguments: [place]) else { continue }
            found.append(StoredFinding(id: id, line: text))
        }
        return (found, false)
    }
}
