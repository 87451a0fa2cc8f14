// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Tests of the sender against the truth of each row's construction, live and from the file of the same traffic.
@Suite(
    "Lab, the matrix", .serialized,
    .enabled(if: Requirements.areMet && Requirements.has("python3"), "\(Requirements.reason), and python3"))
struct MatrixTests {
    static let runsLong: Bool = ProcessInfo.processInfo.environment["RSTWHO_TEST_ALL"] != nil

    @Test("Each reset has its sender", arguments: MatrixGroup.quick)
    func senders(group: MatrixGroup) throws {
        try expectTruth(try MatrixRun.of(group))
    }

    @Test("Live and file say the same", arguments: MatrixGroup.quick)
    func agreement(group: MatrixGroup) throws {
        expectAgreement(try MatrixRun.of(group))
    }

    @Test(
        "Each reset has its sender, the long ones", .enabled(if: runsLong, "takes minutes: make test-all"),
        arguments: MatrixGroup.long)
    func longSenders(group: MatrixGroup) throws {
        try expectTruth(try MatrixRun.of(group))
    }

    @Test(
        "Live and file say the same, the long ones", .enabled(if: runsLong, "takes minutes: make test-all"),
        arguments: MatrixGroup.long)
    func longAgreement(group: MatrixGroup) throws {
        expectAgreement(try MatrixRun.of(group))
    }

    @Test(
        "With one flow of four, kept ones are judged as before, and of the others nothing wrong is said",
        arguments: MatrixGroup.quick)
    func shedding(group: MatrixGroup) throws {
        let run = try MatrixRun.of(group)
        var (kept, same, shed) = (0, 0, 0)
        for row in run.group.rows where row.knownIssue == nil {
            for version in [4, 6] {
                guard let played = run.played(row, version: version) else { continue }
                let whole = played.ofServer(run.live)
                let resets = played.ofServer(run.shed)
                // Every reset is told.
                #expect(resets.map(\.packet).sorted() == whole.map(\.packet).sorted(), "\(row.name) over IPv\(version)")
                for reset in resets {
                    guard let sender = row.truth(of: reset, among: resets, played) else { continue }
                    let outcome = MatrixRow.outcome(of: reset.sender ?? "-", truth: sender)
                    let text: Comment = "\(row.name): \(reset.essence), \(reset.evidence?.map(\.name) ?? [])"
                    if reset.isShed {
                        shed += 1
                        #expect(outcome == .right || outcome == .abstained, text)
                        #expect(reset.words.contains("shed"), text)
                        #expect(reset.stage != "idle" && reset.stage != "none", text)
                    } else {
                        kept += 1
                        // Each agent takes the time itself: equal packets have two identities.
                        let before = whole.first { $0.packet == reset.packet && $0.seq == reset.seq }
                        if let before,
                            [reset.sender, reset.cause, reset.stage] == [before.sender, before.cause, before.stage]
                        {
                            same += 1
                        }
                        // What is known of its host may have come by flows that were shed.
                        #expect(outcome == .right || outcome == .abstained, text)
                    }
                }
            }
        }
        print("\(group.name): \(shed) resets of shed flows, \(kept) of kept ones, \(same) of them judged as before")
        #expect(shed > 0 && kept > 0)
        #expect(same > 0)
        // Negative: who sheds nothing says so of nothing.
        #expect(run.live.allSatisfy { !$0.isShed })
    }

    private func expectTruth(_ run: MatrixRun) throws {
        var explained = 0
        for row in run.group.rows {
            for version in [4, 6] {
                guard let played = run.played(row, version: version) else { continue }
                let resets = played.ofServer(run.live)
                let own = played.ofClient(run.live)
                explained += resets.count + own.count
                if let issue = row.knownIssue {
                    withKnownIssue("\(row.name): \(issue)") { row.expect(resets, own: own, played) }
                } else {
                    row.expect(resets, own: own, played)
                }
            }
        }
        #expect(run.played.map(\.row).allSatisfy { name in run.group.rows.contains { $0.name == name } })
        #expect(Set(run.played.map(\.row)).count == run.group.rows.count)
        // No finding without a row.
        #expect(explained == run.live.count { $0.kind == "reset" })
    }

    private func expectAgreement(_ run: MatrixRun) {
        // Of its own resets the client's kernel says live which part of it sent them; no file holds that.
        let clients = run.group.vantage == .client ? Set(run.played.map(\.client)) : []
        #expect(
            run.live.filter { !clients.contains($0.src) }.essences
                == run.file.filter { !clients.contains($0.src) }.essences)
        #expect(
            run.live.filter { clients.contains($0.src) }.map(\.packet).sorted()
                == run.file.filter { clients.contains($0.src) }.map(\.packet).sorted())
        // Without directions the client itself is a neighbour like any other.
        #expect(
            run.live.filter { !clients.contains($0.src) }.essences
                == run.plainFile.filter { !clients.contains($0.src) }.essences)
        #expect(run.live.count == run.plainFile.count)
    }
}

extension MatrixRow {
    /// Expects what the row's construction says of `resets`, and that the client's own are the client's.
    func expect(_ resets: [ReportedFinding], own: [ReportedFinding], _ played: MatrixRun.Played) {
        let title = "\(name) over IPv\(played.version)"
        #expect(count.contains(resets.count), "\(title): \(resets.map(\.essence))")
        for reset in own {
            #expect(reset.sender?.hasPrefix("host") == true, "\(title): \(reset.essence)")
        }
        for reset in resets {
            guard let sender = truth(of: reset, among: resets, played) else { continue }
            let verdict = reset.sender ?? "-"
            let outcome = Self.outcome(of: verdict, truth: sender)
            let text = "\(title): \(reset.essence), evidence \(reset.evidence?.map(\.name) ?? [])"
            if outcome == .abstained, undecidable.contains(played.version) {
                #expect(reset.cause == "unknown", "\(text)")
                continue
            }
            #expect(outcome == .right, "\(outcome.rawValue): \(text)")
            guard outcome == .right, sender == self.sender else { continue }
            if named.contains(played.version) { #expect(verdict == sender.name, "\(text)") }
            #expect(causes.contains(reset.cause ?? "-"), "\(text)")
            if case .device(let hop?) = sender { #expect(reset.hop == hop, "\(text)") }
        }
    }
}
