// SPDX-License-Identifier: Apache-2.0
internal import Fleet
internal import Glibc
package import Packets

/// Deletes the records of a prefix's hosts from all servers of a store.
///
/// The prefix is noted in the store. Agents that were offline ship older records later, which the next `forget`, of
/// whatever prefix, deletes as well.
package struct Forgetting: Sendable {
    /// A prefix and the time until which its records go.
    package struct Mark: Sendable, Hashable {
        package var realm: String
        package var prefix: IPPrefix
        /// ns since 1970.
        package var before: UInt64

        package init(realm: String, prefix: IPPrefix, before: UInt64) {
            self.realm = realm
            self.prefix = prefix
            self.before = before
        }
    }

    /// Later than this no record comes that an agent wrote before: seven times the longest that a spool keeps.
    private static let memory: UInt64 = 7 * 86_400 * 1_000_000_000
    /// The condition's columns in each table.
    private static let columns: [(kind: FleetRecord.Kind, columns: [String])] = [
        (.finding, ["low", "high"]), (.sighting, ["low", "high"]), (.host, ["address"]),
    ]

    private let client: StoreClient
    /// Seconds that a server may take for deleting.
    private let patience: Int

    package init(_ client: StoreClient, patience: Int = 600) {
        self.client = client
        self.patience = patience
    }

    /// Deletes on one server; returns the records that were deleted.
    ///
    /// - `mark`: `nil` for what was forgotten earlier alone.
    package func forget(_ mark: Mark?, on server: String) async throws(StoreError) -> Int {
        let dialect = try await client.dialect(of: server)
        if let mark { try await note(mark, on: server) }
        var deleted = 0
        for mark in try await marks(server) { deleted += try await delete(mark, dialect, server) }
        return deleted
    }

    private func note(_ mark: Mark, on server: String) async throws(StoreError) {
        _ = try await client.run(
            "INSERT INTO \(client.settings.database).forgotten (realm, prefix, before, applied) SELECT "
                + "\(StoreStatements.quoted(mark.realm)), \(StoreStatements.quoted(mark.prefix.description)), "
                + "toUInt64(\(mark.before)), now()", on: server)
    }

    /// The prefixes for which records may still arrive.
    private func marks(_ server: String) async throws(StoreError) -> Set<Mark> {
        let now = UInt64(max(0, time(nil))) * 1_000_000_000
        let text = try await client.text(
            "SELECT prefix, before, realm FROM \(client.settings.database).forgotten "
                + "WHERE before > \(now - Self.memory) FORMAT TabSeparated", on: server)
        var marks: Set<Mark> = []
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard parts.count == 3, let prefix = IPPrefix(parts[0]), let before = UInt64(parts[1]) else { continue }
            marks.insert(Mark(realm: Self.plain(parts[2]), prefix: prefix, before: before))
        }
        return marks
    }

    /// A text without the escapes of TabSeparated.
    private static func plain(_ text: Substring) -> String {
        String(text).replacing("\\'", with: "'").replacing("\\\\", with: "\\")
    }

    private func delete(_ mark: Mark, _ dialect: Dialect, _ server: String) async throws(StoreError) -> Int {
        let statements = StoreStatements(
            dialect: dialect, database: client.settings.database, realm: mark.realm)
        var deleted = 0
        for (kind, columns) in Self.columns {
            // A finding's own JSON names more hosts than its ends: routers, resolvers, targets of probes.
            let mentions = kind == .finding ? [statements.isMentioned(in: "line", mark.prefix)] : []
            let condition = statements.all([
                "realm = \(StoreStatements.quoted(mark.realm))", "at <= \(mark.before)",
                statements.any(columns.map { statements.isInside($0, mark.prefix) } + mentions),
            ])
            let table = "\(client.settings.database).\(kind.table)"
            let count = "SELECT count() FROM \(table) WHERE \(condition)"
            let found = Int(try await client.text(count, on: server)) ?? 0
            guard found > 0 else { continue }
            _ = try await client.run("ALTER TABLE \(table) DELETE WHERE \(condition)", on: server)
            try await wait(for: count, server)
            deleted += found
        }
        return deleted
    }

    /// Waits until a mutation is done: the rows are gone for a reader.
    private func wait(for count: String, _ server: String) async throws(StoreError) {
        var waited = 0.0
        while try await client.text(count, on: server) != "0" {
            guard waited < Double(patience) else {
                throw StoreError(
                    .retry, server: server,
                    text: "the deletion has not ended within \(patience) s; it goes on (system.mutations)")
            }
            let step = min(2, 0.1 + waited / 4)
            try? await Task.sleep(for: .seconds(step))
            waited += step
        }
    }
}
