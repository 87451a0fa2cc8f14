// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Foundation
import GRDB
import Packets
import Reporting
import Testing

@testable import Agent

/// The files that 0.1.0 leaves behind: `Version010` has the contents of a history that it wrote, and the configuration
/// that it shipped.
@Suite struct UpgradeTests {
    private static func file(_ name: String) throws -> String {
        try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Version010/\(name)"),
            encoding: .utf8)
    }

    /// A state directory as 0.1.0 left it on this machine.
    private func oldDirectory() throws -> HistoryDirectory {
        let directory = HistoryDirectory()
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        let sql = try Self.file("history.sql").replacing("0000000000000010", with: MachineIdentity.current())
        try DatabaseQueue(path: directory.database).write { try $0.execute(sql: sql) }
        return directory
    }

    @Test func theHistoryIsTakenOver() async throws {
        let directory = try oldDirectory()
        let history = directory.history()
        #expect(history.status.isUp)
        #expect(directory.told.isEmpty)
        let restored = history.remembered()
        #expect(restored.hosts.map(\.address) == [IPAddress(v4: 0x0a04_0002)])
        #expect(restored.origins.map(\.origin.id) == ["o-1"])
        let reader = try #require(history.reader)
        #expect(try reader.paths().map(\.server) == [IPAddress(v4: 0x0a04_0002)])
        let stored = try reader.findings(FindingQuery()).findings
        #expect(stored.count == 4)
        #expect(stored.allSatisfy { !$0.line.contains("schema") && $0.finding != nil })
        for finding in stored {
            let line = finding.currentLine
            #expect(line.hasPrefix(#"{"schema":2,"kind":"reset","id":"\#(finding.id)""#))
            #expect(line.contains(#""problem":"#))
            #expect(finding.finding?.summary == JSONLines.decode(line)?.summary)
        }
        #expect(stored.map { JSONLines.decode($0.currentLine)?.isProblem } == [false, true, true, true])
        // It goes on in the same file.
        history.queue.offer([finding(1)])
        await history.store()
        #expect(try reader.findings(FindingQuery()).findings.count == 5)
        #expect(!directory.files.contains("history.sqlite.damaged"))
    }

    @Test func whoeverOnlyReadsNeedsNoAgentOfThisVersion() throws {
        let directory = try oldDirectory()
        let reader = try History.open(readOnly: directory.path)
        #expect(try reader.findings(FindingQuery()).findings.count == 4)
        #expect(try reader.origins().map(\.resets) == [3])
        // It is still 0.1.0's.
        let known = try DatabaseQueue(path: directory.database).read {
            try String.fetchAll($0, sql: "SELECT identifier FROM grdb_migrations ORDER BY 1")
        }
        #expect(known == ["1", "2"])
    }

    /// GRDB's own rule, by which 0.1.0 (migrations 1 and 2) refuses a file.
    @Test func thePreviousVersionRefusesAFileOfThisOne() throws {
        let directory = try oldDirectory()
        var previous = DatabaseMigrator()
        for name in ["1", "2"] { previous.registerMigration(name) { _ in } }
        #expect(try !DatabaseQueue(path: directory.database).read { try previous.hasBeenSuperseded($0) })
        do { #expect(directory.history().status.isUp) }
        #expect(try DatabaseQueue(path: directory.database).read { try previous.hasBeenSuperseded($0) })
    }

    @Test func theConfigurationWorksUnchanged() throws {
        let files = try ConfigurationFiles(try Self.file("rstwho.yaml"))
        #expect(files.problems().isEmpty)
        let defaults = try ConfigurationFiles("").load()
        #expect(ConfigurationText.effective(try files.load()).isEmpty == false)
        let old = try files.load().configuration
        #expect(old.settleSeconds == defaults.configuration.settleSeconds)
        #expect(old.historyBytes == defaults.configuration.historyBytes)
        #expect(old.inside == defaults.configuration.inside)
    }

    @Test func whatNoVersionKnewIsExplainedWithItsLine() throws {
        let files = try ConfigurationFiles(try Self.file("rstwho.yaml") + "history_days: 7\n")
        #expect(files.problems().count == 1)
        #expect(files.problems().first?.contains("\"history_days\" is no option") == true)
    }
}
