// SPDX-License-Identifier: Apache-2.0

/// Brings the servers of a store to the program's schema, one after the other.
///
/// Every statement creates what is missing, so that an interrupted migration is carried on, and the row that tells of a
/// migration is written last. There is no `ON CLUSTER`: each server is asked itself.
package struct Migrator: Sendable {
    /// One server's outcome.
    package struct Outcome: Sendable, Equatable {
        package var server: String
        package var before: Int
        package var after: Int
        /// The version of ClickHouse.
        package var dialect: Dialect
    }

    private let client: StoreClient
    private let isReplicated: Bool
    private let program: String

    package init(_ client: StoreClient, isReplicated: Bool, program: String) {
        self.client = client
        self.isReplicated = isReplicated
        self.program = program
    }

    /// The version of a server's schema; 0 where it has none.
    package static func version(_ client: StoreClient, on server: String) async throws(StoreError) -> Int {
        do throws(StoreError) {
            let statement = "SELECT max(version) FROM \(client.settings.database).migrations"
            return Int(try await client.text(statement, on: server)) ?? 0
        } catch {
            // No such table, or no such database.
            guard error.code == 60 || error.code == 81 else { throw error }
            return 0
        }
    }

    /// The text that `migrate` would send, for administrators who apply it themselves.
    package static func script(_ text: SchemaText) -> String {
        Migration.all.map { migration in
            "-- \(migration.name)\n" + text.statements(migration.text).map { $0 + ";\n" }.joined(separator: "\n")
        }.joined(separator: "\n")
    }

    package func migrate(_ server: String) async throws(StoreError) -> Outcome {
        let dialect = try await client.dialect(of: server)
        let before = try await Self.version(client, on: server)
        let text = SchemaText(dialect: dialect, database: client.settings.database, isReplicated: isReplicated)
        for migration in Migration.all where migration.version > before {
            for statement in text.statements(migration.text) { _ = try await client.run(statement, on: server) }
            _ = try await client.run(
                "INSERT INTO \(client.settings.database).migrations (version, name, applied, program) "
                    + "SELECT \(migration.version), '\(migration.name)', now(), '\(program)'", on: server)
        }
        return Outcome(server: server, before: before, after: max(before, Migration.newest), dialect: dialect)
    }
}
