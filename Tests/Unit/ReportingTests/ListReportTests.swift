// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Testing

@testable import Reporting

@Suite("Lists of hosts and resets")
struct ListReportTests {
    private func host() throws -> HostSummary {
        var host = HostSummary(
            address: try #require(IPAddress("10.4.0.2")), domain: 100, firstSeen: 1_767_225_600_000_000_000,
            lastSeen: 1_767_225_609_000_000_000)
        (host.hop, host.ttl, host.initialTTL, host.isShared) = (4, 61, 64, true)
        host.samples = [(.echo, 4), (.tcp, 2), (.udp, 0), (.unproven, 9)]
        host.ttls = [(61, 5), (60, 1)]
        return host
    }

    @Test func aHostIsReadAsItWasWritten() throws {
        let line = HostReport.line(try host())
        let read = try #require(HostReport.decode(Array("{\"items\":[\(line)]}".utf8))?.first)
        #expect(HostReport.line(read) == line)
        #expect(
            HostReport.decode(Array("{\"items\":[\(line.replacing("\"hop\":4", with: "\"hop\":400"))]}".utf8)) == nil)
        #expect(
            HostReport.decode(Array("{\"items\":[\(line.replacing("\"echo\":4", with: "\"echo\":-4"))]}".utf8)) == nil)
        #expect(HostReport.decode([]) == nil)
    }

    @Test func hostsAreATable() throws {
        #expect(
            HostReport.text([try host()]) == """
                ADDRESS   VLAN  HOP  TTL        PACKETS  KNOWN BY                   REMARK             FIRST SEEN           LAST SEEN
                10.4.0.2   100    4  61 (64-3)        6  echo 4, tcp 2, unproven 9  several distances  2026-01-01 00:00:00  2026-01-01 00:00:09

                """)
        #expect(HostReport.text([]).contains("No such host"))
        #expect(
            HostReport.csv([try host()]).hasSuffix(
                ",61:5 60:1,2026-01-01T00:00:00.000000000Z,2026-01-01T00:00:09.000000000Z,,\r\n"))
    }

    @Test func resetsAreATable() throws {
        var finding = try sampleFinding()
        finding.time = 1_767_225_600_000_000_000
        finding.confidence = 0.9999
        #expect(
            ResetReport.text([finding]) == """
                TIME                 FROM         TO              SENT BY          CAUSE     STAGE  SURE  COUNT  ID
                2026-01-01 00:00:00  10.4.0.2:22  10.1.0.1:50992  device at hop 2  rejected  syn    99 %      1  01JABCDEFGHJKMNPQRSTVWXYZ0

                """)
        let narrow = ResetReport.text([finding], style: TableStyle(width: 70))
        #expect(narrow.contains("00:00:00  10.4.0.2:22"))
        #expect(!narrow.contains("2026"))
        #expect(narrow.split(separator: "\n").allSatisfy { $0.count <= 90 })
        #expect(ResetReport.text([]).contains("No such reset"))
    }

    @Test func csvNamesComeFromStrangers() throws {
        var finding = try sampleFinding()
        finding.names = [finding.fiveTuple.source: "=cmd|' /C calc'!A0"]
        let row = try #require(ResetReport.csv([finding]).split(separator: "\r\n").last)
        #expect(row.contains(",'=cmd|' /C calc'!A0,22,"))
    }

    @Test func aListOfFindingsIsRead() throws {
        let line = JSONLines.line(try sampleFinding())
        #expect(JSONLines.decodeList(Array("{\"items\":[\(line)]}".utf8))?.count == 1)
        #expect(JSONLines.decodeList(Array("{\"items\":7}".utf8)) == nil)
    }
}
