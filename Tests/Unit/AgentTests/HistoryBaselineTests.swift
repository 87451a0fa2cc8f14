// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import GRDB
import Packets
import Testing

@testable import Agent

@Suite struct HistoryBaselineTests {
    private static let address = IPAddress(v4: 0x0a04_0002)

    /// A host with eight TCP samples at TTL 61.
    private func record(lastSeen: UInt64) -> HostRecord {
        var record = HostRecord(address: Self.address, domain: 7)
        record.fingerprints[1].ttls = [61]
        record.fingerprints[1].counts = [8]
        record.fingerprints[2].others = 3
        record.interfaces = ["eth0", "wan.1"]
        record.newestTTL = 61
        record.newestRun = 8
        record.firstSeen = lastSeen - 1_000_000_000
        record.lastSeen = lastSeen
        record.fadedAt = UInt32(truncatingIfNeeded: lastSeen >> 30)
        record.keepsDSCP = true
        return record
    }

    private func write(_ history: History, machine: String? = nil, at time: UInt64) async throws {
        let (host, name) = (record(lastSeen: time), machine ?? MachineIdentity.current())
        let isWritten = await history.write { db in
            try HistoryDatabase.write(hosts: [host], origins: [], machine: name, at: time, db)
        }
        #expect(isWritten)
    }

    @Test func hostsComeBackAsTheyWere() async throws {
        let directory = HistoryDirectory()
        let now = systemTime()
        do { try await write(directory.history(), at: now) }
        let remembered = directory.history().remembered()
        #expect(remembered.hosts == [record(lastSeen: now)])
        #expect(directory.told.isEmpty)
        var options = Engine.Options()
        options.interfaceNames = ["wan.1"]
        var engine = Engine(options: options)
        remembered.restore(into: &engine)
        let host = try #require(engine.hostSnapshot.summaries().first)
        #expect(host.address == Self.address)
        #expect(host.hop == 4)
        #expect(try History.open(readOnly: directory.path).hosts().map(\.address) == [Self.address])
    }

    @Test func anotherMachinesAreRefused() async throws {
        let directory = HistoryDirectory()
        do { try await write(directory.history(), machine: "another", at: systemTime()) }
        #expect(directory.history().remembered().hosts.isEmpty)
        #expect(directory.told.count == 1)
        #expect(directory.told.first?.contains("another machine") == true)
        // They are gone: the next start finds none, and has nothing to say.
        #expect(directory.history().remembered().hosts.isEmpty)
        #expect(directory.told.count == 1)
    }

    @Test func thoseFromTheTimeToComeAreRefused() async throws {
        let directory = HistoryDirectory()
        do { try await write(directory.history(), at: systemTime() + 3_600_000_000_000) }
        #expect(directory.history().remembered().hosts.isEmpty)
        #expect(directory.told.count == 1)
        #expect(directory.told.first?.contains("clock") == true)
    }

    @Test func anotherFormatIsLeftOut() async throws {
        let directory = HistoryDirectory()
        let history = directory.history()
        try await write(history, at: systemTime())
        _ = await history.write { try $0.execute(sql: "UPDATE facts SET value = '2' WHERE name = 'format'") }
        #expect(history.remembered().hosts.isEmpty)
    }

    @Test(arguments: [
        "address = x'00'", "domain = -1", "domain = 70000", "newest_ttl = 256", "faded_at = -5", "last_seen = -1",
        "fingerprints = x''", "fingerprints = zeroblob(100000)", "fingerprints = 'text'", "interfaces = x'ff'",
        "first_seen = 'soon'", "is_local = 2.5",
    ])
    func rowsThatMakeNoSenseTrapNowhere(change: String) async throws {
        let directory = HistoryDirectory()
        let history = directory.history()
        try await write(history, at: systemTime())
        _ = await history.write { try $0.execute(sql: "UPDATE hosts SET \(change)") }
        var engine = Engine()
        history.remembered().restore(into: &engine)
        #expect(engine.hostSnapshot.summaries().count <= 1)
        #expect(history.status.isUp)
    }

    @Test func onlyWhatHasChangedIsWritten() async throws {
        var record = record(lastSeen: 1_700_000_000_000_000_000)
        let before = record.essence
        record.fingerprints[1].counts = [9]
        record.lastSeen += 1_000_000_000
        #expect(record.essence == before)
        record.fingerprints[1].counts = [12]
        #expect(record.essence != before)
        record.fingerprints[1].counts = [9]
        record.fingerprints[1].ttls = [60]
        #expect(record.essence != before)
    }
}
