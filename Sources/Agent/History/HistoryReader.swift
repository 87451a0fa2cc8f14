// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import GRDB

/// Reads what a history has stored.
package struct HistoryReader: Sendable {
    /// The time limit of one query.
    private static let patience = Duration.seconds(5)

    private let database: HistoryDatabase

    init(_ database: HistoryDatabase) {
        self.database = database
    }

    /// Findings that `query` asks for, from the newest to the oldest, and whether there are more.
    ///
    /// Blocks.
    package func findings(_ query: FindingQuery) throws(HistoryFault) -> (findings: [StoredFinding], hasMore: Bool) {
        try read { try Self.find(query, $0) }
    }

    /// The finding of that id.
    ///
    /// Blocks.
    package func finding(id: String) throws(HistoryFault) -> StoredFinding? {
        try read { db in
            try String.fetchOne(db, sql: "SELECT line FROM findings WHERE id = ?", arguments: [id])
                .map { StoredFinding(id: id, line: $0) }
        }
    }

    /// Returns the stored hosts, the one seen last first.
    ///
    /// Blocks.
    package func hosts() throws(HistoryFault) -> [HostSummary] {
        try read { try HistoryDatabase.remembered($0).hosts.map { HostSummary($0) } }.sorted {
            $0.position < $1.position
        }
    }

    /// The devices that sent resets for others, the one seen last first.
    ///
    /// Blocks.
    package func origins() throws(HistoryFault) -> [Origin] {
        try read { try HistoryDatabase.remembered($0).origins.map(\.origin) }.sorted {
            ($0.lastSeen ?? 0) > ($1.lastSeen ?? 0)
        }
    }

    /// The ways that connections took, the one seen last first.
    ///
    /// Blocks.
    package func paths() throws(HistoryFault) -> [PathSummary] {
        try read { try HistoryDatabase.paths($0) }
    }

    /// Returns the stored findings that follow those that memory gave for `query`.
    ///
    /// - `oldest`: the oldest finding in memory: what was told before it is wanted.
    /// - `known`: the findings in memory, for the case that the oldest is not stored.
    /// - `limit`: findings at most.
    func findings(
        _ query: FindingQuery, behind oldest: String?, known: @escaping @Sendable () -> Set<String>, limit: Int
    ) async throws(HistoryFault) -> (findings: [StoredFinding], hasMore: Bool) {
        try await timed { db in
            var before: Int64?
            var leftOut: Set<String> = []
            if let oldest {
                before = try HistoryDatabase.place(of: oldest, db)
                if before == nil { leftOut = known() }
            }
            return try Self.find(query, limit: limit, before: before, leavingOut: leftOut, db)
        }
    }

    private static func find(
        _ query: FindingQuery, limit: Int? = nil, before: Int64? = nil, leavingOut known: Set<String> = [],
        _ db: Database
    ) throws -> (findings: [StoredFinding], hasMore: Bool) {
        var before = before
        if let id = query.beforeID, before == nil {
            guard let place = try HistoryDatabase.place(of: id, db) else { return ([], false) }
            before = place
        }
        let after = try query.sinceID.flatMap { try HistoryDatabase.place(of: $0, db) }
        return try HistoryDatabase.find(
            query, limit: limit ?? query.limit, before: before, after: after, leavingOut: known, db)
    }

    private func read<Value>(_ body: (Database) throws -> Value) throws(HistoryFault) -> Value {
        do {
            return try database.connections.read { try body($0) }
        } catch {
            throw HistoryFault(error, path: database.path)
        }
    }

    /// Reads beside Swift's shared threads; a question that takes too long is broken off.
    private func timed<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(HistoryFault) -> Value {
        do {
            return try await withThrowingTaskGroup(of: Value?.self) { group in
                group.addTask { try await database.connections.read { try body($0) } }
                group.addTask {
                    try await Task.sleep(for: Self.patience)
                    return nil
                }
                defer { group.cancelAll() }
                guard let first = try await group.next(), let value = first else {
                    throw HistoryFault(.failed, path: database.path, problem: "the question takes too long")
                }
                return value
            }
        } catch {
            throw HistoryFault(error, path: database.path)
        }
    }
}
