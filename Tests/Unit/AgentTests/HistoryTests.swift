// SPDX-License-Identifier: Apache-2.0
import Capture
import Diagnosis
import FoundationEssentials
import GRDB
import Packets
import Synchronization
import Testing

@testable import Agent

@Suite struct HistoryTests {
    private func ids(_ query: FindingQuery, in directory: HistoryDirectory) throws -> [String] {
        try History.open(readOnly: directory.path).findings(query).findings.map(\.id)
    }

    @Test func findingsAreThereAfterwards() async throws {
        let directory = HistoryDirectory()
        do {
            let history = directory.history()
            history.queue.offer((0..<5).map { finding($0) })
            await history.store()
            #expect(history.status.isUp)
            #expect(history.status.stored == 5)
            #expect(history.status.bytes > 0)
        }
        let reader = try History.open(readOnly: directory.path)
        let found = try reader.findings(FindingQuery())
        #expect(found.findings.map(\.id) == (0..<5).reversed().map(findingID))
        #expect(!found.hasMore)
        #expect(found.findings.first?.finding?.fiveTuple == finding(4).fiveTuple)
        #expect(try reader.finding(id: findingID(3))?.id == findingID(3))
        #expect(try reader.finding(id: findingID(9)) == nil)
        #expect(directory.told.isEmpty)
    }

    @Test func aRevisionTakesThePlaceOfWhatItRevises() async throws {
        let directory = HistoryDirectory()
        let history = directory.history()
        history.queue.offer([finding(1, sender: .undetermined), finding(2)])
        await history.store()
        history.queue.offer([finding(1, sender: .hostKernel, revision: 1)])
        await history.store()
        #expect(try ids(FindingQuery(), in: directory) == [2, 1].map(findingID))
        let revised = try History.open(readOnly: directory.path).finding(id: findingID(1))?.finding
        #expect(revised?.revision == 1)
        #expect(revised?.reset?.sender == .hostKernel)
        // A revision that comes late does not undo a later one.
        history.queue.offer([finding(1, sender: .undetermined)])
        await history.store()
        #expect(try History.open(readOnly: directory.path).finding(id: findingID(1))?.finding?.revision == 1)
    }

    @Test func filtersChooseAsInMemory() async throws {
        let directory = HistoryDirectory()
        let history = directory.history()
        let all = (0..<40).map { finding($0, sender: $0 % 3 == 0 ? .undetermined : .middlebox) }
        history.queue.offer(all)
        await history.store()
        func query(_ change: (inout FindingQuery) -> Void) -> FindingQuery {
            var query = FindingQuery()
            change(&query)
            return query
        }
        let queries = [
            query { $0.sender = .undetermined }, query { $0.cause = "rejected" }, query { $0.cause = "aborted" },
            query { $0.kind = .reset }, query { $0.kind = .path }, query { $0.stage = .syn },
            query { $0.source = IPAddress("10.4.0.2") }, query { $0.destination = IPAddress("10.4.0.2") },
            query { $0.prefix = IPPrefix("10.1.0.0/16") }, query { $0.prefix = IPPrefix("10.2.0.0/16") },
            query { $0.address = IPAddress("10.4.0.2") }, query { $0.prefix = IPPrefix("::/0") },
            query { $0.port = 7 }, query { $0.port = 22 }, query { $0.port = 443 },
            query { $0.sourcePort = 22 }, query { $0.destinationPort = 11 }, query { $0.interface = "eth0" },
            query { $0.interface = "eth1" }, query { $0.origin = "o-1" },
            query {
                $0.sinceTime = all[10].time
                $0.untilTime = all[20].time
            },
        ]
        for query in queries {
            let expected = all.filter(query.matches).map(\.id).reversed()
            #expect(try ids(query, in: directory) == Array(expected), "\(query)")
        }
    }

    @Test func memoryAndHistoryAreOneList() async throws {
        let directory = HistoryDirectory()
        let history = directory.history()
        let state = AgentState(findingCapacity: 4, history: history) { Ledger() }
        state.record((0..<10).map { finding($0) }, Engine.Statistics())
        await history.store()
        // Told, and not stored yet.
        state.record([finding(10)], Engine.Statistics())
        var query = FindingQuery()
        query.limit = 3
        var seen: [String] = []
        for _ in 0..<10 {
            let page = try await state.findings(query)
            seen += page.items.map(\.id)
            guard let next = page.next else { break }
            query.beforeID = next
        }
        #expect(seen == (0...10).reversed().map(findingID))
        // What memory has forgotten altogether is no place to begin at.
        query.beforeID = findingID(99)
        #expect(try await state.findings(query).items.isEmpty)
        // After one of memory; after one that only the history has.
        query = FindingQuery()
        query.sinceID = findingID(9)
        #expect(try await state.findings(query).items.map(\.id) == [findingID(10)])
        query.sinceID = findingID(4)
        #expect(try await state.findings(query).items.map(\.id) == (5...10).reversed().map(findingID))
    }

    @Test func afterARestartTheAPIHasWhatWasToldBefore() async throws {
        let directory = HistoryDirectory()
        do {
            let history = directory.history()
            history.queue.offer((0..<3).map { finding($0) })
            await history.store()
        }
        let history = directory.history()
        let state = AgentState(history: history) { Ledger() }
        #expect(try await state.findings(FindingQuery()).items.map(\.id) == [2, 1, 0].map(findingID))
        state.record([finding(3)], Engine.Statistics())
        #expect(try await state.findings(FindingQuery()).items.map(\.id) == [3, 2, 1, 0].map(findingID))
    }

    @Test func whatIsOldGoes() async throws {
        let directory = HistoryDirectory()
        let history = directory.history { $0.maximumAge = 86_400 }
        var new = finding(2)
        new.time = systemTime()
        history.queue.offer([finding(1), new])
        await history.store()
        await history.prune()
        #expect(try ids(FindingQuery(), in: directory) == [findingID(2)])
    }

    @Test func beyondTheSizeTheOldestGo() async throws {
        let directory = HistoryDirectory()
        let history = directory.history {
            $0.maximumAge = 100 * 365 * 86_400
            $0.maximumBytes = 1 << 20
        }
        for start in 0..<10 {
            history.queue.offer((start * 500..<(start + 1) * 500).map { finding($0) })
            await history.store()
        }
        await history.prune()
        var query = FindingQuery()
        query.limit = 10_000
        let left = try ids(query, in: directory)
        #expect(!left.isEmpty && left.count < 5000)
        #expect(left == Array((5000 - left.count..<5000).reversed().map(findingID)))
        #expect(history.status.isUp)
        let size = Mutex(0)
        _ = await history.write { db in
            let bytes = try Int.fetchOne(
                db, sql: "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
            size.withLock { $0 = bytes ?? 0 }
        }
        #expect((1...1 << 20).contains(size.withLock { $0 }))
    }

    @Test func filesAreNotForEverybody() async throws {
        let directory = HistoryDirectory()
        let history = directory.history()
        history.queue.offer([finding(1)])
        await history.store()
        #expect(directory.files == ["history.sqlite", "history.sqlite-shm", "history.sqlite-wal", "token"])
        for file in directory.files {
            let mode = try FileManager.default.attributesOfItem(atPath: "\(directory.path)/\(file)")[.posixPermissions]
            #expect((mode as? Int).map { $0 & 0o007 } == 0, "\(file)")
        }
    }

    @Test func twoAgentsDoNotShareADirectory() async throws {
        let directory = HistoryDirectory()
        let first = directory.history()
        let second = directory.history()
        #expect(first.status.isUp)
        #expect(!second.status.isUp)
        #expect(second.status.errors[.locked] == 1)
        #expect(directory.told.count == 1)
        withExtendedLifetime(first) {}
    }
}
