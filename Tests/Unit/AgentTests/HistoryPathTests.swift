// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Explanation
import GRDB
import Packets
import Reporting
import Testing

@testable import Agent

@Suite("Paths in a history")
struct HistoryPathTests {
    private static let second: UInt64 = 1_000_000_000

    /// The path of a network to 10.4.0.2 with a number of connections, seen last some seconds ago.
    private func path(_ network: UInt8, ago seconds: UInt64, connections: Int = 1) -> PathSummary {
        let now = systemTime() - seconds * Self.second
        var path = PathSummary(
            network: IPAddress(v4: 0x0a01_0000 | UInt32(network) << 8), length: 24, server: IPAddress(v4: 0x0a04_0002),
            firstSeen: now - Self.second, lastSeen: now)
        path.there = PathSummary.Way(interface: "eth0", isOutgoing: true, to: "02:00:00:00:00:01", connections: 1)
        path.symmetry = .different
        path.connections = connections
        path.failingPorts = [22, 443]
        return path
    }

    private func stored(_ directory: HistoryDirectory) throws -> [PathSummary] {
        try History.open(readOnly: directory.path).paths()
    }

    @Test func pathsAreReadWithoutAnAgentAsTheyWereStoredLast() async throws {
        let directory = HistoryDirectory()
        let (old, other, changed) = (path(1, ago: 9), path(2, ago: 8), path(1, ago: 5, connections: 7))
        do {
            let history = directory.history()
            await history.store([old, other])
            await history.store([changed])
        }
        #expect(try stored(directory) == [changed, other])
        #expect(directory.told.isEmpty)
        // The next agent begins with none, and takes none away.
        let next = directory.history()
        await next.store([PathSummary]())
        await next.prune()
        #expect(try stored(directory) == [changed, other])
        await next.store([path(3, ago: 0)])
        #expect(try stored(directory).map(\.network.description) == ["10.1.3.0", "10.1.1.0", "10.1.2.0"])
    }

    @Test func whatWasNotUsedIsNotWrittenAgain() async throws {
        let directory = HistoryDirectory()
        let history = directory.history()
        let unused = path(1, ago: 9)
        await history.store([unused, path(2, ago: 5)])
        _ = await history.write { try $0.execute(sql: "DELETE FROM paths") }
        await history.store([unused, path(2, ago: 3)])
        #expect(try stored(directory).map(\.network.description) == ["10.1.2.0"])
    }

    @Test func oldOnesGoAndSoDoesWhatIsForgotten() async throws {
        let directory = HistoryDirectory()
        do {
            let history = directory.history { $0.maximumAge = 3600 }
            await history.store([path(1, ago: 3601), path(2, ago: 5), path(3, ago: 5)])
            await history.prune()
        }
        #expect(try stored(directory).count == 2)
        #expect(try History.forget(#require(IPPrefix("10.9.0.0/16")), in: directory.path) == Forgotten())
        #expect(try History.forget(#require(IPPrefix("10.1.2.0/24")), in: directory.path).paths == 1)
        #expect(try stored(directory).map(\.network.description) == ["10.1.3.0"])
        #expect(try History.forget(#require(IPPrefix("10.4.0.2/32")), in: directory.path).paths == 1)
        #expect(try stored(directory).isEmpty)
    }

    @Test func anExplanationHasThePathAndWhatWasFoundOfIt() async throws {
        let directory = HistoryDirectory()
        let (client, server) = (IPAddress(v4: 0x0a01_0001), IPAddress(v4: 0x0a04_0002))
        var moved = Finding(
            id: findingID(1),
            fiveTuple: FiveTuple(source: server, sourcePort: 0, destination: client, destinationPort: 0),
            details: .pathChange(Finding.PathChange(hop: 3, hostHop: 4, hosts: 2)))
        var hangs = Finding(
            id: findingID(2),
            fiveTuple: FiveTuple(source: client, sourcePort: 50_000, destination: server, destinationPort: 22),
            details: .path(Finding.Path(cause: .ackNotDelivered)))
        (moved.time, hangs.time) = (systemTime() - 7200 * Self.second, systemTime() - 60 * Self.second)
        do {
            let history = directory.history()
            history.queue.offer([moved, hangs])
            await history.store()
            await history.store([path(0, ago: 5)])
        }
        let reader = try History.open(readOnly: directory.path)
        for (kind, id) in [(Finding.Kind.pathChange, moved.id), (.path, hangs.id)] {
            var query = FindingQuery()
            query.kind = kind
            #expect(try reader.findings(query).findings.map(\.id) == [id])
        }
        var query = FindingQuery()
        query.sinceTime = systemTime() - 3600 * Self.second
        #expect(try reader.findings(query).findings.map(\.id) == [hangs.id])
        let knowledge = try reader.knowledge(of: Question(parsing: "10.4.0.2"))
        #expect(knowledge.findings.map(\.id) == [hangs.id, moved.id])
        #expect(knowledge.paths.map(\.network.description) == ["10.1.0.0"])
        #expect(try reader.knowledge(of: Question(parsing: "10.5.0.2")).paths.isEmpty)
    }

    @Test func aHistoryOfTheVersionBeforeIsReadAndTakenOver() async throws {
        let directory = HistoryDirectory()
        do {
            let history = directory.history()
            history.queue.offer([finding(7)])
            await history.store()
            _ = await history.write { db in
                try db.execute(sql: "DROP TABLE paths; DELETE FROM grdb_migrations WHERE identifier = '2'")
            }
        }
        #expect(try stored(directory).isEmpty)
        #expect(try History.open(readOnly: directory.path).findings(FindingQuery()).findings.count == 1)
        let history = directory.history()
        await history.store([path(1, ago: 0)])
        #expect(history.status.isUp && directory.told.isEmpty)
        #expect(try stored(directory).count == 1)
        #expect(try History.open(readOnly: directory.path).findings(FindingQuery()).findings.count == 1)
    }
}
