// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Diagnosis

@Suite("Where evidence has been observed")
struct EvidenceSightingsTests {
    private static let page: String? = {
        let file = URL(filePath: #filePath)
        let root = file.deletingLastPathComponent().appending(path: "../../..")
        return try? String(contentsOf: root.appending(path: "docs/evidence.md"), encoding: .utf8)
    }()

    @Test("Each row says on which systems it was seen, in code and document alike", arguments: EvidenceName.allCases)
    func seenOn(name: EvidenceName) throws {
        let seenOn = EvidenceModel.seenOn(name)
        #expect(!seenOn.isEmpty)
        let page = try #require(Self.page)
        // Rows of the tables that have the column; the others explain, or are of other kinds of findings.
        let tables = page.components(separatedBy: "\n\n").filter { $0.contains("| seen on |") }
        let rows = tables.flatMap { $0.split(separator: "\n") }
        #expect(rows.count { $0.hasPrefix("| `") } > 30)
        guard let row = rows.first(where: { $0.hasPrefix("| `\(name.rawValue)`") }) else { return }
        #expect(row.hasSuffix("| \(seenOn) |"), "\(row)")
    }

    @Test("Each stack of the table has its source, in code and document alike", arguments: StackTable.rows.map(\.stack))
    func stacks(stack: String) throws {
        let row = try #require(StackTable.rows.first { $0.stack == stack })
        #expect(!row.source.isEmpty && !row.initialTTL.isEmpty)
        let page = try #require(Self.page)
        let line = try #require(page.split(separator: "\n").first { $0.hasPrefix("| \(stack) |") })
        #expect(line.hasSuffix("| \(row.source) |"), "\(line)")
    }
}
