// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetStore
import Foundation
import Testing

/// A spool's files.
struct SpoolDirectoryTests {
    /// Runs a test in a directory of its own.
    private func inSpool(_ names: [String], _ body: (SpoolDirectory, String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "/spool-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        for name in names { try Data("x".utf8).write(to: URL(filePath: "\(path)/\(name)")) }
        try body(SpoolDirectory(path), path)
    }

    @Test(arguments: [
        "finding-0000018c5d1e2f3a.jsonl.gz", "sighting-0000000000000000.jsonl.gz", "host-ffffffffffffffff.jsonl.gz",
    ]) func finishedBatchesAreTaken(_ name: String) {
        #expect(SpoolDirectory.parse(name) != nil)
    }

    @Test(arguments: [
        "finding-0000018c5d1e2f3a.jsonl.gz.part", "finding-18c5d1e2f3a.jsonl.gz", "findings-0000018c5d1e2f3a.jsonl.gz",
        "finding-0000018C5D1E2F3A.jsonl.gz", "finding-0000018c5d1e2f3a.jsonl", ".jsonl.gz", "refused",
        "finding-+000018c5d1e2f3a.jsonl.gz",
    ]) func everythingElseIsLeftAlone(_ name: String) {
        #expect(SpoolDirectory.parse(name) == nil)
    }

    @Test func agentsRowsGoLast() throws {
        let names = [
            "agent-0000000000000001.jsonl.gz", "sighting-0000000000000003.jsonl.gz",
            "finding-0000000000000002.jsonl.gz", "finding-0000000000000004.jsonl.gz.part",
        ]
        try inSpool(names) { spool, _ in
            let found = try spool.batches().map(\.name)
            #expect(found == [names[2], names[1], names[0]])
        }
    }

    @Test func refusedBatchesAreBounded() throws {
        let names = (10..<35).map { "finding-00000000000000\($0).jsonl.gz" }
        try inSpool(names) { spool, path in
            for batch in try spool.batches() { try spool.refuse(batch) }
            let left = try spool.batches()
            let aside = try FileManager.default.contentsOfDirectory(atPath: path + "/refused")
            #expect(left.isEmpty)
            #expect(aside.count == 20)
        }
    }

    @Test func aBatchThatTheAgentTookAwayIsNoError() throws {
        try inSpool(["host-0000000000000001.jsonl.gz"]) { spool, path in
            let batch = try #require(try spool.batches().first)
            try FileManager.default.removeItem(atPath: "\(path)/\(batch.name)")
            let bytes = try spool.read(batch)
            #expect(bytes == nil)
            try spool.remove(batch)
        }
    }

    @Test func aSpoolThatIsNotThereIsAnError() {
        #expect(throws: SpoolDirectory.Problem.self) { try SpoolDirectory("/nonexistent").batches() }
    }
}
