// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Reporting
import Testing

@Suite struct TextReportTests {
    @Test func aRevisionReplacesAllThatWasTold() throws {
        var report = TextReport()
        var finding = try sampleFinding(sender: .undetermined, cause: .unknown)
        finding.count = 300
        _ = report.text(finding)
        #expect(report.summary(packets: 9) == "300 resets in 9 packets: undetermined 300.\n")
        finding.sender = .middlebox
        finding.revision = 1
        _ = report.text(finding)
        let summary = report.summary(packets: 9)
        #expect(summary.hasPrefix("300 resets in 9 packets: middlebox 300.\n"))
        #expect(summary.contains("A device at hop 2 sent 300 of them"))
    }

    @Test func whatIsNotRevisedStays() throws {
        var report = TextReport()
        _ = report.text(try sampleFinding(sender: .undetermined, cause: .unknown))
        var other = try sampleFinding(id: "01JABCDEFGHJKMNPQRSTVWXYZ1")
        other.revision = 1
        _ = report.text(other)
        #expect(report.summary(packets: 2).hasPrefix("2 resets in 2 packets: middlebox 1, undetermined 1.\n"))
    }

    @Test func whatWouldSettleItIsAdvised() throws {
        var finding = try sampleFinding(sender: .undetermined, cause: .unknown)
        finding.evidence = [Evidence(name: "no_baseline", weight: 0, text: "t")]
        #expect(finding.advice.hasPrefix("Ping 10.4.0.2"))
        finding.evidence = [
            Evidence(name: "ttl_host", weight: 2, text: "t"), Evidence(name: "dscp_kept", weight: -2, text: "t"),
        ]
        #expect(finding.advice.contains("contradicts itself"))
    }
}
