// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension MatrixTests {
    /// Each row's connection is asked for as a tool prints it, another tool in turn.
    @Test("The connection of each row is explained: who, which hop, and what to do", arguments: MatrixGroup.quick)
    func explanations(group: MatrixGroup) throws {
        let run = try MatrixRun.of(group)
        var asked = 0
        for row in run.group.rows {
            for version in [4, 6] {
                guard let played = run.played(row, version: version),
                    let reset = played.ofServer(run.plainFile).first
                else { continue }
                let forms = ReportedExplanation.forms(reset)
                let (explanation, status) = try ReportedExplanation.of(forms[asked % forms.count], in: run.capture)
                asked += 1
                row.expect(explanation, status, of: reset, version)
            }
        }
        #expect(asked > 0 || run.group.rows.allSatisfy { $0.sender == nil })
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
        let hops = [lead.sender == "middlebox" ? lead.hop : lead.hostHop].compactMap { $0 }.filter { $0 > 0 }
        #expect(hops.allSatisfy { explanation.answer.contains("the \(Self.ordinal($0)) hop") }, "\(title)")
        switch lead.sender {
        case "middlebox": #expect(explanation.answer.hasPrefix("A device "), "\(title)")
        case "this_machine": #expect(explanation.answer.hasPrefix("This machine "), "\(title)")
        case "undetermined": #expect(explanation.answer == "Who sent this reset is not known.", "\(title)")
        default: #expect(explanation.answer.contains(lead.src), "\(title)")
        }
        #expect((status == 1) == explanation.findings.contains(where: \.isProblem), "\(title)")
        #expect(explanation.hypotheses.count == (lead.stage == "syn" ? 3 : 0), "\(title)")
        if lead.sender == "middlebox", lead.stage == "syn" {
            #expect(explanation.hypotheses.map(\.state) == ["ruled_out", "ruled_out", "shown"], "\(title)")
        }
    }

    private static func ordinal(_ number: Int) -> String {
        switch number {
        case 1: "1st"
        case 2: "2nd"
        case 3: "3rd"
        default: "\(number)th"
        }
    }
}
