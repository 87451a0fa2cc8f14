// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Tests of `compare` with captures of the same traffic at all points of a group.
@Suite(
    "Lab, the paths compared", .serialized,
    .enabled(if: Requirements.areMet && Requirements.has("python3"), "\(Requirements.reason), and python3"))
struct PathComparisonTests {
    @Test("The ACK vanishes at the router that has seen no SYN-ACK")
    func caseTwo() throws {
        let run = try PathRun.of(.caseTwo)
        let comparison = run.comparison
        #expect(comparison.status == 1, "\(comparison.message)")
        for version in [4, 6] {
            let played = try #require(run.played.first { $0.row == "case2" && $0.version == version })
            let findings = played.paths(comparison.findings)
            #expect(findings.map(\.label) == ["dropped_between"], "IPv\(version)")
            for finding in findings {
                #expect(finding.words.contains("r1"), "\(finding.words)")
                #expect(finding.words.contains("ACK"), "\(finding.words)")
                // The cure: the same path for both directions, or no state for this connection.
                #expect(finding.advice?.contains("both directions") == true, "\(finding.advice ?? "-")")
                #expect(finding.advice?.contains("track") == true, "\(finding.advice ?? "-")")
            }
        }
        let others = Set(run.played.filter { !$0.row.hasPrefix("case2") }.map(\.server))
        #expect(comparison.findings.filter { others.contains($0.dst) }.map(\.essence) == [])
    }

    @Test("Healthy connections vanish nowhere, whatever way they take", arguments: [PathGroup.healthy, .stateless])
    func healthy(group: PathGroup) throws {
        let run = try PathRun.of(group)
        let comparison = run.comparison
        #expect(comparison.findings.map(\.essence) == [])
        #expect(comparison.status == 0, "\(comparison.message)")
    }

    /// Something is swallowed at the firewall, and stays away.
    private static let swallowed: Set = [
        "silent_syn", "silent_syn_ack", "silent_ack", "silent_data", "narrow_untold", "translated_silent_data",
    ]
    /// The firewall resets a connection in another's name.
    private static let forged: Set = ["rejected_midstream"]

    @Test("What the firewall swallows vanishes there; what it rewrites or loses once does not")
    func faults() throws {
        let run = try PathRun.of(.faults)
        let comparison = run.comparison
        #expect(comparison.status == 1, "\(comparison.message)")
        for played in run.played {
            let title = "\(played.row) over IPv\(played.version)"
            let findings = comparison.findings.filter { [$0.src, $0.dst].contains(played.server) }
            let labels = Set(findings.map(\.label))
            switch played.row {
            case let row where Self.swallowed.contains(row):
                #expect(labels == ["dropped_between"], "\(title): \(findings.map(\.essence))")
                #expect(findings.allSatisfy { $0.words.contains("firewall") }, "\(title): \(findings.map(\.words))")
            case let row where Self.forged.contains(row):
                #expect(findings.contains { $0.kind == "reset" && $0.isProblem }, "\(title): \(labels)")
            default:
                #expect(labels.isSubset(of: ["loss"]), "\(title): \(findings.map(\.essence))")
            }
        }
        let rewritten = Set(comparison.legs.flatMap(\.rewritten).map(\.field))
        #expect(rewritten.isSuperset(of: ["ttl", "mss", "seq", "src"]), "\(rewritten)")
    }

    @Test("What cannot be compared is an error that says why")
    func errors() throws {
        let run = try PathRun.of(.caseTwo)
        for (name, wrong) in run.wrongComparisons {
            #expect(wrong.status == 65, "\(name): \(wrong.message)")
            #expect(!wrong.message.isEmpty, "\(name)")
            #expect(wrong.findings.isEmpty, "\(name)")
        }
        #expect(run.wrongComparisons.count == 3)
    }
}
