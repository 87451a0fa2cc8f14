// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Foundation
import Reporting
import Testing

struct ExportFormatTests {
    private let source = ExportSource(host: "fw 1", version: "0.2.0", facility: .local3)

    @Test func aSyslogMessageHasHeaderDataAndJSON() throws {
        let text = ExportFormat.syslog.message(try sampleFinding(), source)
        // Facility 19 (local3), severity 4 (warning): 19 * 8 + 4.
        #expect(text.hasPrefix("<156>1 - fw1 rstwho - reset [rstwho@32473 id=\"01JABCDEFGHJKMNPQRSTVWXYZ0\""))
        let start = try #require(text.firstIndex(of: "{"))
        let object = try JSONSerialization.jsonObject(with: Data(text[start...].utf8)) as? [String: Any]
        #expect(object?["sender"] as? String == "middlebox")
    }

    @Test func aFindingWithoutAProblemIsInformational() throws {
        let finding = try sampleFinding(sender: .host, cause: .portClosed)
        #expect(!finding.isProblem)
        #expect(ExportFormat.syslog.message(finding, source).hasPrefix("<158>1 "))
        #expect(ExportFormat.cef.message(finding, source, hasHeader: false).contains("|3|"))
    }

    @Test func structuredDataEscapesWhatWouldEndIt() throws {
        var finding = try sampleFinding()
        finding.vantage = .init(host: nil, interface: "e\"t]h\\0", hook: nil, direction: nil)
        #expect(ExportFormat.syslog.message(finding, source).contains("interface=\"e\\\"t\\]h\\\\0\""))
    }

    @Test func anECSDocumentHasTheFindingWithin() throws {
        let text = ExportFormat.ecs.message(try sampleFinding(), source)
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        #expect((object?["event"] as? [String: Any])?["kind"] as? String == "alert")
        #expect((object?["source"] as? [String: Any])?["port"] as? Int == 22)
        #expect((object?["rstwho"] as? [String: Any])?["cause"] as? String == "rejected")
        #expect(!text.contains("\n"))
    }

    @Test func aCEFEventHasSevenHeaderFields() throws {
        let text = ExportFormat.cef.message(try sampleFinding(), source, hasHeader: false)
        #expect(text.hasPrefix("CEF:0|rstwho|rstwho|0.2.0|reset.rejected|"))
        #expect(text.contains("|7|"))
        #expect(text.contains(" spt=22 ") && text.contains(" cs1=middlebox"))
    }
}
