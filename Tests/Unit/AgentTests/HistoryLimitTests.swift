// SPDX-License-Identifier: Apache-2.0
import Agent
import Capture
import Diagnosis
import Fixtures
import Glibc
import Packets
import Testing

@testable import Agent

/// Tests of what the history's files hold where more comes than they may.
struct HistoryLimitTests {
    private static let limit = 2 << 20

    private static func size(_ directory: HistoryDirectory) -> Int {
        ["", "-wal", "-shm"].reduce(0) { $0 + Int(FileStatus(at: directory.database + $1)?.size ?? 0) }
    }

    /// A reset of a connection: each stays by itself.
    private static func common(_ number: Int) -> Finding {
        var finding = finding(number, sender: .host)
        finding.evidence = [Evidence(name: "ttl_host", weight: -3, text: String(repeating: "long ", count: 200))]
        return finding
    }

    @Test("A flood of findings never takes more than the limit and a tenth, and an earlier accusation survives it")
    func flood() async throws {
        let directory = HistoryDirectory()
        let history = directory.history { $0.maximumBytes = Self.limit }
        history.queue.offer([finding(1)])
        await history.store()
        var largest = 0
        for round in 0..<12 {
            history.queue.offer((0..<1000).map { Self.common(100 + round * 1000 + $0) })
            await history.store()
            largest = max(largest, Self.size(directory))
            #expect(history.status.bytes == UInt64(Self.size(directory)))
        }
        #expect(largest <= Self.limit / 10 * 11)
        // Full, not emptied.
        #expect(largest > Self.limit / 2)
        let reader = try History.open(readOnly: directory.path)
        #expect(try reader.finding(id: findingID(1)) != nil)
        #expect(try reader.finding(id: findingID(12_099)) != nil)
        #expect(try reader.finding(id: findingID(100)) == nil)
        #expect(directory.told.isEmpty)
    }

    @Test("Accusations alone give way to newer ones")
    func accusations() async throws {
        let directory = HistoryDirectory()
        let history = directory.history { $0.maximumBytes = 1 << 20 }
        for round in 0..<6 {
            history.queue.offer(
                (0..<500).map { number in
                    var finding = Self.common(1 + round * 500 + number)
                    finding.reset?.sender = .middlebox
                    return finding
                })
            await history.store()
        }
        #expect(Self.size(directory) <= (1 << 20) / 10 * 11)
        let reader = try History.open(readOnly: directory.path)
        #expect(try reader.finding(id: findingID(1)) == nil)
        #expect(try reader.finding(id: findingID(3000)) != nil)
    }

    @Test("Resets without a connection that one host sends in a row are one; nothing else is")
    func grouped() {
        func stray(_ number: Int, sender: Finding.Sender = .undetermined, revision: Int = 0) -> Finding {
            var finding = finding(number, sender: sender, revision: revision)
            finding.reset?.stage = .none
            return finding
        }
        var other = stray(6)
        other.fiveTuple.source = IPAddress(v4: 0x0a04_0003)
        let findings = [
            stray(1), stray(2), finding(3, sender: .undetermined), stray(4), stray(5, sender: .middlebox), other,
            stray(7, revision: 1),
        ]
        let grouped = HistoryBatch.grouped(findings)
        #expect(grouped.map(\.id) == [1, 3, 5, 6, 7].map(findingID))
        #expect(grouped.map(\.count) == [3, 1, 1, 1, 1])
    }

    @Test("A state directory that is removed is begun anew, with one line")
    func removed() async throws {
        let directory = HistoryDirectory()
        let history = directory.history()
        history.queue.offer([finding(1)])
        await history.store()
        try #require(system("rm -rf '\(directory.path)'") == 0)
        history.retry()
        history.queue.offer([finding(2)])
        await history.store()
        #expect(history.status.isUp)
        #expect(directory.told.count == 1)
        #expect(directory.told.first?.contains("removed or replaced") == true)
        let reader = try History.open(readOnly: directory.path)
        #expect(try reader.finding(id: findingID(2)) != nil)
        // A second look finds nothing new.
        history.retry()
        #expect(directory.told.count == 1)
    }

    @Test("A pipe, a directory or a link in the place of a file gives a message, and never waits")
    func noFiles() async throws {
        for name in ["history.sqlite", "history.sqlite-wal", "history.sqlite-shm"] {
            for make in ["mkfifo", "mkdir", "ln -s /dev/zero"] {
                let directory = HistoryDirectory()
                try #require(system("mkdir '\(directory.path)' && \(make) '\(directory.path)/\(name)'") == 0)
                let history = directory.history()
                #expect(!history.status.isUp, "\(make) \(name)")
                #expect(directory.told.count == 1, "\(make) \(name)")
                #expect(history.status.bytes < 1 << 30)
            }
        }
    }
}
