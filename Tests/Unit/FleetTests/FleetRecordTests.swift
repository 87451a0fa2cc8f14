// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Fleet
import Packets
import Reporting
import Testing

@Suite("Records of the fleet")
struct FleetRecordTests {
    @Test("Every kind of record comes back as it was written, on one line")
    func roundTrip() throws {
        var story = FleetStory(realm: "tenant \"a\"\n")
        story.packet(.synACK, at: 0, by: ["r1"])
        story.reset(by: "r2", at: 0, sender: .middlebox, hop: 1, hostHop: 3)
        story.status(of: ["s"], from: 0, until: 0) { row, _ in
            row.dropped = [.finding: 1, .sighting: .max, .agent: 2, .host: 3]
            row.keptShare = 0.25
            row.sampledShare = 1.0 / 64
            row.clockOffset = -5
            row.boot = .max
        }
        var rows = story.rows
        rows.append(
            .host(
                FleetHost(
                    reporter: FleetReporter(agent: "r1"), time: 5, address: try #require(IPAddress("fd00::1")), hop: -1)
            ))
        #expect(rows.count == 4)
        for row in rows {
            let line = row.line
            #expect(line.filter { $0 == "\n" }.count == 1 && line.hasSuffix("\n"))
            #expect(FleetRecord.decode(line) == row, "\(line)")
        }
    }

    @Test("The finding's own JSON is inside as the agent has it")
    func embedsFinding() throws {
        var story = FleetStory()
        story.reset(by: "r2", at: 0, sender: .middlebox, hop: 1, hostHop: 3)
        guard case .finding(let record)? = FleetRecord.decode(story.rows[0].line) else {
            Issue.record("no finding")
            return
        }
        let finding = try #require(record.finding)
        #expect(JSONLines.line(finding).hasPrefix(String(record.line.prefix(100))))
        #expect(finding.reset?.packetKey == "feed")
        #expect(record.isFromServer && record.isProblem)
    }

    @Test("Unknown members are ignored, absent ones are an older agent's, quoted integers are read")
    func versions() throws {
        let line =
            #"{"record":"agent","schema":9,"agent":"x","at":"1796000000000000001","new":{"a":[1]},"seen":"18446744073709551615"}"#
        guard case .agent(let agent)? = FleetRecord.decode(line) else {
            Issue.record("no agent")
            return
        }
        #expect(agent.time == 1_796_000_000_000_000_001)
        #expect(agent.seen == .max && agent.schema == 9)
        #expect(agent.keptShare == 1 && agent.sampledShare == 0 && agent.reporter.realm.isEmpty)
    }

    @Test(
        "What is no record is none",
        arguments: [
            "", "{}", "[]", "null", "42", #"{"record":"other","agent":"x"}"#, #"{"record":"agent","at":1}"#,
            #"{"record":"agent","agent":"","at":1}"#, #"{"record":"agent","agent":"x","at":-1.5}"#,
            #"{"record":"host","agent":"x","at":1,"address":"10.0.0.1","hop":999}"#,
            #"{"record":"host","agent":"x","at":1,"address":"10.0.0.300","hop":1}"#,
            #"{"record":"sighting","agent":"x","at":1,"packet":"fin","why":"sampled"}"#,
            #"{"record":"finding","agent":"x","at":1,"id":"a"}"#, "{\"record\":\"agent\"",
        ])
    func noRecord(line: String) {
        #expect(FleetRecord.decode(line) == nil)
    }

    @Test("Records are kept once, however often they come, and never more than there is room for")
    func bounded() {
        var story = FleetStory()
        story.status()
        story.packet(.syn, at: 0, by: story.agents)
        story.reset(by: "r1", at: 0, sender: .middlebox, hop: 1, hostHop: 3)
        story.reset(by: "r1", at: 0, sender: .undetermined, hop: 1, hostHop: nil, revision: 1)
        var data = FleetData()
        for _ in 0..<20 { for row in story.rows.shuffled() { data.add(line: row.line) } }
        data.add(line: "no record")
        data.add(line: "  \n")
        #expect(data.count == story.rows.count - 1)
        #expect(data.findings.map(\.revision) == [1])
        #expect(data.unread == 1)
        var small = FleetData(capacity: 10)
        for row in story.rows { small.add(row) }
        #expect(small.count == 10 && small.left == story.rows.count - 10)
    }
}
