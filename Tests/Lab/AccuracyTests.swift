// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Writes the page of figures.
///
/// `make accuracy` asks for it.
@Suite("Accuracy", .serialized)
struct AccuracyTests {
    private static let page = ProcessInfo.processInfo.environment["RSTWHO_ACCURACY"]
    static let isWanted = page != nil
    /// Real captures, found by RSTWHO_CAPTURES or beside the package.
    private static let captures: URL =
        ProcessInfo.processInfo.environment["RSTWHO_CAPTURES"].map { URL(filePath: $0) }
        ?? URL(filePath: "../shared/captures")

    @Test(
        "Verdicts of the matrix and of the captures", .enabled(if: isWanted, "writes a page: make accuracy"),
        .enabled(if: Requirements.areMet && Requirements.has("python3") && Requirements.has("tshark"), "needs the lab"),
        .enabled(
            if: FileManager.default.fileExists(atPath: captures.appending(path: "resets.tsv").path),
            "needs the captures"))
    func figures() throws {
        var lab: [AccuracyCase] = []
        var issues: [String] = []
        for group in MatrixGroup.quick + MatrixGroup.long {
            let run = try MatrixRun.of(group)
            let rules = try #require(run.rules)
            lab += AccuracyCase.of(run, rules: rules)
            issues += group.rows.compactMap { row in row.knownIssue.map { "`\(row.name)`: \($0)" } }
        }
        let captures = try AccuracyCase.ofCaptures(in: Self.captures)
        let report = AccuracyReport(lab: lab, captures: captures, knownIssues: issues)
        try report.markdown.write(toFile: try #require(Self.page), atomically: true, encoding: .utf8)

        // The captures decide: none of their hosts is accused, none of their devices missed.
        #expect(captures.filter { $0.outcome == .falseAccusation || $0.outcome == .missed }.map(\.scenario) == [])
        #expect(captures.count > 100)
        #expect(lab.count > 100)
    }

    @Test("The plain rules compare with the most frequent TTL of the others")
    func plainRules() throws {
        func line(_ frame: Int, ttl: Int, port: Int, reset: Bool = false) -> String {
            "\(frame)\t10.0.0.1\t\t10.0.0.2\t\t\(ttl)\t\t\(port)\t5000\t\(reset ? 1 : 0)\t\t"
        }
        let rules = try PlainRules(
            text: [
                line(1, ttl: 61, port: 80), line(2, ttl: 61, port: 80), line(3, ttl: 63, port: 81),
                line(4, ttl: 63, port: 80, reset: true), line(5, ttl: 63, port: 81, reset: true),
                line(6, ttl: 61, port: 82, reset: true),
                // A quote of another packet, and a packet in a tunnel.
                "7\t10.9.0.1,10.0.0.1\t\t10.0.0.2,10.0.0.2\t\t64,1\t\t81\t5000\t0\t11\t",
                "8\t10.9.0.1,10.0.0.1\t\t10.9.0.2,10.0.0.2\t\t64,61\t\t80\t5000\t1\t\t",
            ].joined(separator: "\n"))
        #expect(rules.byFlow == [4: .device, 5: .host, 6: .silent, 8: .host])
        #expect(rules.byHost == [4: .device, 5: .device, 6: .host, 8: .host])
    }
}
