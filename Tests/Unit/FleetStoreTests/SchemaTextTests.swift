// SPDX-License-Identifier: Apache-2.0
import FleetStore
import Testing

/// Migrations as servers of two ages get them.
struct SchemaTextTests {
    private static let old = Dialect(major: 18, minor: 16)

    private func statements(_ dialect: Dialect, isReplicated: Bool = false) -> String {
        let text = SchemaText(dialect: dialect, database: "lab", isReplicated: isReplicated)
        return Migration.all.flatMap { text.statements($0.text) }.joined(separator: "\n;\n")
    }

    @Test func migrationsAreNumbered() {
        #expect(Migration.all.map(\.version) == Array(1...Migration.newest))
        for migration in Migration.all {
            let number = String(migration.version)
            let name = String(repeating: "0", count: 4 - number.count) + number + "_"
            #expect(migration.name.hasPrefix(name))
        }
    }

    @Test func currentServersGetTypesAndTTL() {
        let text = statements(.floor)
        #expect(text.contains("low IPv6,"))
        #expect(text.contains("realm LowCardinality(String),"))
        #expect(text.contains("TTL time + toIntervalDay(7)"))
        #expect(text.contains("INDEX by_packet packet_key TYPE bloom_filter(0.01) GRANULARITY 4"))
        #expect(text.contains("CREATE TABLE IF NOT EXISTS lab.findings ("))
    }

    @Test func oldServersDoNot() {
        let text = statements(Self.old)
        #expect(text.contains("low String,"))
        for word in ["TTL ", "CODEC", "IPv6", "LowCardinality", "INDEX by", "ttl_only_drop_parts"] {
            #expect(!text.contains(word), "\(word)")
        }
    }

    @Test(arguments: [Dialect.floor, old]) func nothingStaysUnrendered(_ dialect: Dialect) {
        #expect(!statements(dialect).contains("{"))
    }

    @Test func replicatedTablesNameTheirPlace() {
        let text = statements(.floor, isReplicated: true)
        #expect(
            text.contains(
                "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/lab/findings', '{replica}', revision)"))
        #expect(text.contains("ReplicatedMergeTree('/clickhouse/tables/{shard}/lab/forgotten', '{replica}')"))
        #expect(!text.contains("lab/migrations"))
        #expect(!text.contains("non_replicated"))
    }

    @Test func versionsAreCompared() throws {
        let current = try #require(Dialect(version: "26.9.2.1"))
        let debian = try #require(Dialect(version: "18.16.1"))
        let between = try #require(Dialect(version: "21.3.20.1"))
        #expect(current.isCurrent && current.isSupported)
        #expect(!debian.isCurrent && debian.isSupported)
        #expect(!between.isCurrent && !between.isSupported)
        #expect(Dialect(version: "Ok.") == nil)
    }
}
