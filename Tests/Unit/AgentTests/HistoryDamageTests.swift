// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import FoundationEssentials
import GRDB
import Glibc
import Synchronization
import Testing

@testable import Agent

@Suite struct HistoryDamageTests {
    private static let isRoot = geteuid() == 0

    private func isUsable(_ history: History) async throws -> Bool {
        history.queue.offer([finding(7)])
        await history.store()
        return try History.open(readOnly: history.options.directory).findings(FindingQuery()).findings.map(\.id)
            == [findingID(7)]
    }

    /// A history with some findings, as bytes.
    private func healthy() async throws -> [UInt8] {
        let directory = HistoryDirectory()
        do {
            let history = directory.history()
            history.queue.offer((0..<500).map { finding($0) })
            await history.store()
            await history.prune()
        }
        let queue = try Data(contentsOf: URL(filePath: directory.database))
        return Array(queue)
    }

    @Test func garbageIsSetAsideAndANewFileBegun() async throws {
        let directory = HistoryDirectory()
        try directory.write([UInt8](repeating: 0x5a, count: 8192))
        let history = directory.history()
        #expect(history.status.isUp)
        #expect(history.status.errors[.damaged] == 1)
        #expect(directory.told.count == 1)
        #expect(directory.files.contains("history.sqlite.damaged"))
        #expect(try await isUsable(history))
    }

    @Test(arguments: [50, 99, 100, 512, 4096, 20_000]) func aTruncatedFileIsSetAside(bytes: Int) async throws {
        let directory = HistoryDirectory()
        try directory.write(Array(try await healthy().prefix(bytes)))
        let history = directory.history()
        #expect(history.status.isUp)
        #expect(directory.told.count == 1, "\(directory.told)")
        #expect(try await isUsable(history))
    }

    @Test func aHealthyFileIsNot() async throws {
        let directory = HistoryDirectory()
        try directory.write(try await healthy())
        let history = directory.history()
        #expect(history.status.isUp)
        #expect(directory.told.isEmpty)
        #expect(!directory.files.contains("history.sqlite.damaged"))
    }

    @Test func bytesThatAreOverwrittenAnywhereTrapNowhere() async throws {
        let healthy = try await healthy()
        for seed in 0..<24 {
            var random = Generator(state: UInt64(seed) + 1)
            var bytes = healthy
            for _ in 0..<(1 << (seed % 6)) * 8 {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            let directory = HistoryDirectory()
            try directory.write(bytes)
            let history = directory.history()
            var engine = Engine()
            history.remembered().restore(into: &engine)
            history.queue.offer([finding(7)])
            await history.store()
            await history.prune()
            history.retry()
            _ = try? History.open(readOnly: directory.path).findings(FindingQuery())
            #expect(history.status.stored + history.status.dropped == 1)
        }
    }

    @Test func aFileFromTheFutureIsLeftAlone() async throws {
        let directory = HistoryDirectory()
        do {
            let history = directory.history()
            let isWritten = await history.write { db in
                try db.execute(sql: "INSERT INTO grdb_migrations VALUES ('99')")
            }
            #expect(isWritten)
        }
        let history = directory.history()
        #expect(!history.status.isUp)
        #expect(history.status.errors[.newer] == 1)
        #expect(!directory.files.contains("history.sqlite.damaged"))
        #expect(throws: HistoryFault.self) { try History.open(readOnly: directory.path) }
        // Findings are counted, and nothing else is said.
        history.queue.offer([finding(1), finding(2)])
        await history.store()
        history.retry()
        #expect(history.status.dropped == 2)
        #expect(directory.told.count == 1)
    }

    @Test func aDirectoryThatCannotBeMadeStopsHistoryOnly() async throws {
        let warnings = HistoryDirectory()
        let history = History(HistoryOptions(directory: "/proc/rstwho")) { text in
            warnings.warnings.withLock { $0.append(text) }
        }
        #expect(!history.status.isUp)
        #expect(history.status.errors[.unwritable] == 1)
        #expect(warnings.told.count == 1)
        #expect(history.remembered().hosts.isEmpty)
    }

    @Test(.enabled(if: !isRoot, "root may write everywhere"))
    func aDirectoryThatMayNotBeWrittenStopsHistoryOnly() async throws {
        let directory = HistoryDirectory()
        mkdir(directory.path, 0o550)
        let history = directory.history()
        #expect(!history.status.isUp)
        #expect(history.status.errors[.unwritable] == 1)
    }

    @Test func findingsThatFindNoRoomInTheQueueAreCounted() async throws {
        let directory = HistoryDirectory()
        let history = directory.history()
        for start in 0..<70 {
            history.queue.offer((start * 1000..<(start + 1) * 1000).map { finding($0) })
        }
        await history.store()
        #expect(history.status.stored == 65_536)
        #expect(history.status.dropped == 70_000 - 65_536)
    }
}
