// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension MatrixTests {
    @Test("The connection of each row is explained: who, which hop, and what to do", arguments: MatrixGroup.quick)
    func explanations(group: MatrixGroup) throws {
        try expectExplanations(of: group)
    }

    @Test(
        "The connection of each row is explained, the long ones",
        .enabled(if: runsLong, "takes minutes: make test-all"),
        arguments: MatrixGroup.long)
    func longExplanations(group: MatrixGroup) throws {
        try expectExplanations(of: group)
    }

    /// Each row's connection is asked for as a tool prints it, another tool in turn.
    private func expectExplanations(of group: MatrixGroup) throws {
        let run = try MatrixRun.of(group)
        var asked = 0
        for row in run.group.rows {
            for version in [4, 6] {
                guard let played = run.played(row, version: version) else { continue }
                let resets = played.ofServer(run.plainFile)
                guard let reset = resets.first else { continue }
                let forms = ReportedExplanation.forms(reset)
                let (explanation, status) = try ReportedExplanation.of(forms[asked % forms.count], in: run.capture)
                asked += 1
                row.expect(explanation, status, of: reset, version)
                guard row.knownIssue == nil, let lead = explanation.lead, lead.src == played.server,
                    let truth = row.truth(of: lead, among: resets, played)
                else { continue }
                let outcome = MatrixRow.outcome(of: lead.sender ?? "-", truth: truth)
                #expect(
                    outcome == .right || outcome == .abstained && row.undecidable.contains(version),
                    "\(row.name) over IPv\(version), \(outcome.rawValue): \(explanation.answer)")
                if outcome == .right, case .device(let hop?) = truth, truth == row.sender {
                    #expect(explanation.answer.contains("hop \(hop)"), "\(explanation.answer)")
                }
            }
        }
        #expect(asked > 0 || run.group.rows.allSatisfy { $0.sender == nil })
    }

    @Test("No address of the lab leaves where they are to be hidden", arguments: MatrixGroup.quick)
    func hiddenAddresses(group: MatrixGroup) throws {
        let run = try MatrixRun.of(group)
        let addresses = Set(run.played.flatMap { [$0.client, $0.server] })
        let one = try #require(run.plainFile.first { $0.kind == "reset" })
        let commands = [
            ["read", "--format", "json", run.capture.path], ["read", run.capture.path],
            ["resets", "--from", run.capture.path], ["hosts", "--from", run.capture.path],
            ["explain", one.src, "--from", run.capture.path],
            ["explain", one.id, "--format", "json", "--from", run.capture.path],
        ]
        for command in commands {
            for kind in ["truncated", "pseudonyms", "full"] {
                let scratch = try Scratch()
                let child = try ChildProcess(
                    [Requirements.built("rstwho")] + command + ["--addresses", kind],
                    standardOutput: scratch.file("out"), standardError: scratch.file("err"))
                #expect(try child.wait(timeout: 30) <= 1)
                let text = String(decoding: try Data(contentsOf: child.standardOutput), as: UTF8.self)
                let words = Set(text.split { !($0.isHexDigit || $0 == "." || $0 == ":") }.map(Self.withoutPort))
                let shown = addresses.intersection(words)
                if kind == "full" {
                    #expect(!shown.isEmpty, "\(command)")
                } else {
                    #expect(shown.isEmpty, "\(command), \(kind)")
                    #expect(!text.contains(one.id), "\(command), \(kind)")
                }
            }
        }
    }

    private static func withoutPort(_ word: Substring) -> String {
        let isVersion4 = word.contains(".")
        let address = isVersion4 ? word.split(separator: ":").first ?? word : word
        return String(address).trimmingCharacters(in: CharacterSet(charactersIn: ".:"))
    }
}

extension MatrixRow {
    fileprivate func expect(
        _ explanation: ReportedExplanation, _ status: Int32, of reset: ReportedFinding, _ version: Int
    ) {
        let title = "\(name) over IPv\(version): \(explanation.answer)"
        guard let lead = explanation.lead else {
            Issue.record("\(title): no finding is named")
            return
        }
        #expect(Set([lead.src, lead.dst]) == Set([reset.src, reset.dst]), "\(title)")
        // Only redirects and the like need nobody to do anything.
        #expect(explanation.action?.isEmpty == false, "\(title)")
        guard lead.kind == "reset" else { return }
        let hop = lead.sender == "middlebox" ? lead.hop : lead.sender == "undetermined" ? nil : lead.hostHop
        let hops = [hop].compactMap { $0 }.filter { $0 > 0 }
        // A device that copies the host's TTL has no hop.
        if !explanation.answer.hasPrefix("A device on the path ") {
            #expect(hops.allSatisfy { explanation.answer.contains("hop \($0)") }, "\(title)")
        }
        switch lead.sender {
        case "middlebox": #expect(explanation.answer.hasPrefix("A device "), "\(title)")
        case "this_machine": #expect(explanation.answer.hasPrefix("This machine "), "\(title)")
        case "undetermined": #expect(explanation.answer == "The sender of this reset is undetermined.", "\(title)")
        default: #expect(explanation.answer.contains(lead.src), "\(title)")
        }
        #expect((status == 1) == explanation.findings.contains(where: \.isProblem), "\(title)")
        #expect(explanation.hypotheses.count == (lead.stage == "syn" ? 3 : 0), "\(title)")
        if lead.sender == "middlebox", lead.stage == "syn" {
            #expect(explanation.hypotheses.map(\.state) == ["ruled_out", "ruled_out", "shown"], "\(title)")
        }
    }
}
