// SPDX-License-Identifier: Apache-2.0
internal import GRDB

/// The tables of the history and how older ones become today's.
enum HistorySchema {
    static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration(oldest) { db in try db.execute(sql: first) }
        migrator.registerMigration("2") { db in try db.execute(sql: paths) }
        // 0.2.0 stores findings of schema 2, which 0.1.0 misreads. The tables stay as they are; 0.1.0 refuses a file
        // with a migration that it does not know.
        migrator.registerMigration("3") { _ in }
        return migrator
    }()

    /// The migration that every history has, whichever version wrote it.
    static let oldest = "1"

    /// `findings.seq` is the order of telling; a revision takes the place of what it revises.
    ///
    /// Addresses are the 16 bytes of an IPv6 address, IPv4 mapped, so that a prefix is a range.
    private static let first = """
        CREATE TABLE findings (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            revision INTEGER NOT NULL,
            time INTEGER NOT NULL,
            kind TEXT NOT NULL,
            src BLOB NOT NULL,
            src_port INTEGER NOT NULL,
            dst BLOB NOT NULL,
            dst_port INTEGER NOT NULL,
            sender TEXT,
            cause TEXT,
            stage TEXT,
            interface TEXT,
            origin TEXT,
            line TEXT NOT NULL
        );
        CREATE INDEX findings_time ON findings (time);
        CREATE INDEX findings_src ON findings (src);
        CREATE INDEX findings_dst ON findings (dst);
        CREATE TABLE hosts (
            address BLOB NOT NULL,
            domain INTEGER NOT NULL,
            is_local INTEGER NOT NULL,
            keeps_dscp INTEGER NOT NULL,
            uses_flow_labels INTEGER NOT NULL,
            newest_ttl INTEGER NOT NULL,
            newest_run INTEGER NOT NULL,
            faded_at INTEGER NOT NULL,
            interfaces TEXT NOT NULL,
            first_seen INTEGER NOT NULL,
            last_seen INTEGER NOT NULL,
            fingerprints BLOB NOT NULL,
            PRIMARY KEY (address, domain)
        ) WITHOUT ROWID;
        CREATE INDEX hosts_last_seen ON hosts (last_seen);
        CREATE TABLE origins (
            id TEXT PRIMARY KEY NOT NULL,
            last_seen INTEGER NOT NULL,
            key TEXT NOT NULL,
            line TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE facts (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
        """

    private static let paths = """
        CREATE TABLE paths (
            network BLOB NOT NULL,
            length INTEGER NOT NULL,
            server BLOB NOT NULL,
            last_seen INTEGER NOT NULL,
            line TEXT NOT NULL,
            PRIMARY KEY (network, length, server)
        ) WITHOUT ROWID;
        CREATE INDEX paths_last_seen ON paths (last_seen);
        """
}
