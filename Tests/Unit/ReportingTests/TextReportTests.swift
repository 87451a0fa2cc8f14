// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Testing

@testable import Reporting

@Suite("Text for a terminal")
struct TextReportTests {
    @Test("The first line answers the question, the last says what to do")
    func lines() throws {
        var report = TextReport()
        var finding = try sampleFinding()
        finding.reset?.hostHop = 4
        finding.evidence = [
            Evidence(name: "ttl_host", weight: 4, observed: "63 (64-1)", expected: "61 (64-3)", text: "")
        ]
        let lines = report.text(finding).split(separator: "\n")
        #expect(lines.first == "10.4.0.2:22 > 10.1.0.1:50992  middlebox at hop 2, rejected")
        #expect(lines.dropFirst(2).first == "    ttl_host: TTL 63 (64-1) against 61 (64-3)")
        #expect(lines.last == "    > Ask whoever runs the device at hop 2 to check its rules for tcp/22.")
        #expect(report.summary(packets: 9).hasPrefix("1 reset in 9 packets: middlebox 1."))
    }

    @Test("The summary counts a reset once, as its last revision says; one that is told twice by another id twice")
    func revisions() throws {
        var report = TextReport()
        var finding = try sampleFinding()
        finding.reset?.sender = .host
        _ = report.text(finding)
        finding.reset?.sender = .middlebox
        finding.revision = 1
        #expect(report.text(finding).contains("revised: middlebox at hop 2"))
        #expect(report.summary(packets: 9).hasPrefix("1 reset in 9 packets: middlebox 1."))
        finding.id += "2"
        finding.revision = 0
        _ = report.text(finding)
        #expect(report.summary(packets: 9).hasPrefix("2 resets in 9 packets: middlebox 2."))
    }

    @Test("What is not about a reset is counted beside, once for each finding")
    func otherKinds() throws {
        var report = TextReport()
        #expect(report.summary(packets: 9) == "No resets in 9 packets.\n")
        var finding = try sampleFinding()
        finding.details = .path(Finding.Path(cause: .noAnswer))
        _ = report.text(finding)
        finding.revision = 1
        _ = report.text(finding)
        #expect(report.summary(packets: 9) == "No resets in 9 packets; 1 path finding.\n")
        _ = report.text(try sampleFinding())
        #expect(report.summary(packets: 9).hasPrefix("1 reset in 9 packets: middlebox 1; 1 path finding.\n"))
    }

    @Test("Nothing that comes from elsewhere commands the terminal; colours are only ours")
    func controlCharacters() throws {
        var finding = try sampleFinding()
        finding.file = "evil\u{1b}[2Jname\u{9b}31m"
        finding.evidence = [Evidence(name: "ttl_host", weight: 4, text: "a\u{7}b\r\nc")]
        var plain = TextReport()
        let text = plain.text(finding)
        #expect(!text.unicodeScalars.contains { $0 != "\n" && ($0.value < 0x20 || (0x7f...0x9f).contains($0.value)) })
        var coloured = TextReport(isColoured: true)
        #expect(coloured.text(finding).split(separator: "\u{1b}").count == 3)
    }
}
