// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import FoundationEssentials
internal import GRDB
internal import Packets
internal import Reporting

/// The stored state of the previous engine.
package struct RestoredState: Sendable {
    package var hosts: [HostRecord] = []
    package var origins: [OriginRecord] = []
    /// The time of the last write, in ns since 1970; `nil` if there was none.
    package var writtenAt: UInt64?
    /// The machine that wrote it (`MachineIdentity`).
    package var machine: String?

    package init() {}

    /// Tells an engine that has seen nothing yet.
    package func restore(into engine: inout Engine) {
        engine.handle(.restore(hosts: hosts, origins: origins, now: History.now()))
    }
}

extension HistoryDatabase {
    /// Version of the hosts' fingerprints as bytes.
    private static let format = "1"
    /// Hosts that are kept at most.
    static let maximumHosts = 1 << 17
    private static let maximumOrigins = 1024

    /// Stores hosts, and all origins, in one transaction.
    static func write(
        hosts: [HostRecord], origins: [OriginRecord], machine: String, at time: UInt64, _ db: Database
    ) throws {
        let statement = try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO hosts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        for host in hosts {
            try statement.execute(arguments: [
                host.address.data, Int(host.domain), host.isLocal, host.keepsDSCP, host.usesFlowLabels,
                Int(host.newestTTL), Int(host.newestRun), Int64(host.fadedAt), host.interfaces.joined(separator: "/"),
                Int64(clamping: host.firstSeen), Int64(clamping: host.lastSeen), bytes(host.fingerprints),
            ])
        }
        for origin in origins {
            let key = try String(decoding: JSONEncoder().encode(origin.key), as: UTF8.self)
            try db.execute(
                sql: "INSERT OR REPLACE INTO origins VALUES (?, ?, ?, ?)",
                arguments: [
                    origin.origin.id, Int64(clamping: origin.origin.lastSeen ?? 0), key,
                    String(OriginReport.line(origin.origin).dropLast()),
                ])
        }
        for (name, value) in [("machine", machine), ("written_at", String(time)), ("format", format)] {
            try db.execute(sql: "INSERT OR REPLACE INTO facts VALUES (?, ?)", arguments: [name, value])
        }
    }

    /// Returns the state that was stored last.
    ///
    /// Rows that make no sense are left out; hosts of another format as well.
    static func remembered(_ db: Database) throws -> RestoredState {
        var result = RestoredState()
        result.machine = try fact("machine", db)
        result.writtenAt = try fact("written_at", db).flatMap { UInt64($0) }
        result.origins = try Row.fetchAll(
            db, sql: "SELECT key, line FROM origins ORDER BY last_seen DESC LIMIT ?", arguments: [maximumOrigins]
        ).compactMap(origin).sorted { $0.origin.id.count < $1.origin.id.count }
        guard try fact("format", db) == format else { return result }
        let rows = try Row.fetchCursor(
            db, sql: "SELECT * FROM hosts ORDER BY last_seen DESC LIMIT ?", arguments: [maximumHosts])
        while let row = try rows.next() {
            if let host = host(row) { result.hosts.append(host) }
        }
        return result
    }

    /// Forgets all hosts and origins.
    static func removeBaselines(_ db: Database) throws {
        for table in ["hosts", "origins", "facts"] { try db.execute(sql: "DELETE FROM \(table)") }
    }

    private static func fact(_ name: String, _ db: Database) throws -> String? {
        try String.fetchOne(db, sql: "SELECT CAST(value AS TEXT) FROM facts WHERE name = ?", arguments: [name])
    }

    private static func origin(_ row: Row) -> OriginRecord? {
        guard let key = String.fromDatabaseValue(row[0]), let line = String.fromDatabaseValue(row[1]),
            let known = try? JSONDecoder().decode(OriginRecord.Key.self, from: Data(key.utf8)),
            let origin = OriginReport.decode(Array("{\"items\":[\(line)]}".utf8))?.first
        else { return nil }
        return OriginRecord(key: known, origin: origin)
    }

    private static func host(_ row: Row) -> HostRecord? {
        func number<Number: FixedWidthInteger>(_ column: String, _: Number.Type = Number.self) -> Number? {
            Int64.fromDatabaseValue(row[column]).flatMap { Number(exactly: $0) }
        }
        guard let data = Data.fromDatabaseValue(row["address"]), let address = IPAddress(data: data),
            let domain = number("domain", UInt16.self), let newestTTL = number("newest_ttl", UInt8.self),
            let newestRun = number("newest_run", UInt8.self), let fadedAt = number("faded_at", UInt32.self),
            let interfaces = String.fromDatabaseValue(row["interfaces"]),
            let firstSeen = number("first_seen", UInt64.self), let lastSeen = number("last_seen", UInt64.self),
            let isLocal = number("is_local", Int.self), let keepsDSCP = number("keeps_dscp", Int.self),
            let usesFlowLabels = number("uses_flow_labels", Int.self),
            let fingerprints = Data.fromDatabaseValue(row["fingerprints"]).flatMap(fingerprints)
        else { return nil }
        var host = HostRecord(address: address, domain: domain)
        host.isLocal = isLocal != 0
        host.keepsDSCP = keepsDSCP != 0
        host.usesFlowLabels = usesFlowLabels != 0
        host.newestTTL = newestTTL
        host.newestRun = newestRun
        host.fadedAt = fadedAt
        host.interfaces = interfaces.split(separator: "/").map(String.init)
        host.firstSeen = firstSeen
        host.lastSeen = lastSeen
        host.fingerprints = fingerprints
        return host
    }

    /// For each class: the packets at other TTLs, then four times a TTL and its packets; numbers of 16 bits,
    /// little-endian.
    private static func bytes(_ fingerprints: [HostRecord.Fingerprint]) -> Data {
        var bytes = Data()
        for fingerprint in fingerprints {
            append(fingerprint.others, to: &bytes)
            for slot in 0..<slots {
                let isUsed = slot < fingerprint.ttls.count && slot < fingerprint.counts.count
                bytes.append(isUsed ? fingerprint.ttls[slot] : 0)
                append(isUsed ? fingerprint.counts[slot] : 0, to: &bytes)
            }
        }
        return bytes
    }

    private static let slots = 4
    /// Bytes of one class.
    private static let stride = 2 + slots * 3

    private static func fingerprints(_ data: Data) -> [HostRecord.Fingerprint]? {
        let bytes = Array(data)
        guard bytes.count == HostRecord.classes.count * stride else { return nil }
        return HostRecord.classes.indices.map { index in
            let start = index * stride
            var fingerprint = HostRecord.Fingerprint()
            fingerprint.others = number(bytes, start)
            for slot in 0..<slots where number(bytes, start + 3 + slot * 3) != 0 {
                fingerprint.ttls.append(bytes[start + 2 + slot * 3])
                fingerprint.counts.append(number(bytes, start + 3 + slot * 3))
            }
            return fingerprint
        }
    }

    private static func append(_ number: UInt16, to bytes: inout Data) {
        bytes.append(UInt8(truncatingIfNeeded: number))
        bytes.append(UInt8(truncatingIfNeeded: number >> 8))
    }

    private static func number(_ bytes: [UInt8], _ place: Int) -> UInt16 {
        UInt16(bytes[place]) | UInt16(bytes[place + 1]) << 8
    }
}
