// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import FoundationEssentials
internal import GRDB
internal import Packets
internal import Reporting

extension HistoryDatabase {
    /// Findings that one step looks at.
    private static let forgettingStep = 5000

    /// Removes everything about the addresses of a prefix, and what SQLite's log still has of it.
    ///
    /// Blocks.
    ///
    /// - Returns: what was removed; `ids` are those of the findings.
    func forget(_ prefix: IPPrefix) throws -> (removed: Forgotten, ids: Set<String>) {
        var ids: Set<String> = []
        var place = Int64.min
        while true {
            let step = try connections.write { try Self.forget(prefix, behind: place, $0) }
            ids.formUnion(step.ids)
            guard let last = step.last else { break }
            place = last
        }
        var removed = Forgotten()
        removed.findings = ids.count
        (removed.hosts, removed.origins, removed.paths) = try connections.write { db in
            (try Self.forgetHosts(prefix, db), try Self.forgetOrigins(prefix, db), try Self.forgetPaths(prefix, db))
        }
        // The log has the pages as they were before.
        try connections.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        return (removed, ids)
    }

    /// Removes the findings that mention an address of the prefix, of the next ones in the order of telling.
    ///
    /// - Returns: their ids, and the last place that was looked at; `nil` at the end.
    private static func forget(
        _ prefix: IPPrefix, behind place: Int64, _ db: Database
    ) throws -> (ids: [String], last: Int64?) {
        let rows = try Row.fetchCursor(
            db, sql: "SELECT seq, id, line FROM findings WHERE seq > ? ORDER BY seq LIMIT \(forgettingStep)",
            arguments: [place])
        var found: [(place: Int64, id: String)] = []
        var last: Int64?
        while let row = try rows.next() {
            let seq: Int64 = row[0]
            last = seq
            guard let line = String.fromDatabaseValue(row[2]), let id = String.fromDatabaseValue(row[1]) else {
                continue
            }
            if AddressText.mentions(prefix, in: line.utf8) { found.append((seq, id)) }
        }
        for finding in found {
            try db.execute(sql: "DELETE FROM findings WHERE seq = ?", arguments: [finding.place])
        }
        return (found.map(\.id), last)
    }

    private static func forgetHosts(_ prefix: IPPrefix, _ db: Database) throws -> Int {
        try db.execute(
            sql: "DELETE FROM hosts WHERE address BETWEEN ? AND ?",
            arguments: [prefix.bounds.lowerBound.data, prefix.bounds.upperBound.data])
        return db.changesCount
    }

    /// Takes the addresses out of the devices' lists; a device that spoke for no other host goes.
    private static func forgetOrigins(_ prefix: IPPrefix, _ db: Database) throws -> Int {
        var count = 0
        for row in try Row.fetchAll(db, sql: "SELECT id, key, line FROM origins") {
            guard let id = String.fromDatabaseValue(row[0]), let line = String.fromDatabaseValue(row[2]),
                AddressText.mentions(prefix, in: line.utf8)
            else { continue }
            count += 1
            let origin = OriginReport.decode(Array("{\"items\":[\(line)]}".utf8))?.first
            if var origin, !origin.hosts.allSatisfy(prefix.contains) {
                origin.hosts = origin.hosts.filter { !prefix.contains($0) }
                if let address = origin.address, prefix.contains(address) { origin.address = nil }
                try db.execute(
                    sql: "UPDATE origins SET line = ? WHERE id = ?",
                    arguments: [String(OriginReport.line(origin).dropLast()), id])
            } else {
                try db.execute(sql: "DELETE FROM origins WHERE id = ?", arguments: [id])
            }
        }
        return count
    }
}
