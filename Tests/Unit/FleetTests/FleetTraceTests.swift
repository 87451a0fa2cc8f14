// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Fleet
import Packets
import Reporting
import Testing

@Suite("Questions to the fleet about one connection")
struct FleetTraceTests {
    /// r2 rejects: it sends the RST in the server's name, and nothing reaches the server.
    private func rejected(by device: Finding.Sender = .thisMachine) -> FleetStory {
        var story = FleetStory()
        story.status()
        story.packet(.syn, at: 0, by: ["c", "r1", "r2"])
        story.reset(by: "c", at: 3_000_000, sender: .middlebox, hop: 2, hostHop: 3)
        story.reset(by: "r1", at: 3_000_000, sender: .middlebox, hop: 1, hostHop: 2)
        story.reset(by: "r2", at: 2_000_000, sender: device, hop: 0, hostHop: 1)
        return story
    }

    @Test("The device that says so itself is the sender, for all who saw the reset")
    func madeByAgent() throws {
        let traces = try rejected().traces()
        let trace = try #require(traces.first)
        #expect(traces.count == 1)
        #expect(trace.verdict == .madeBy(agent: "r2"))
        #expect(trace.confidence > 0.99 && trace.isProblem)
        #expect(trace.views.map(\.stop.agent.name) == ["c", "r1", "r2", "s"])
        #expect(trace.evidence.contains { $0.name == .hopsAgree })
        let text = FleetTraceReport(trace).text
        #expect(text.hasPrefix("r2 reset 10.1.0.1:50992 > 10.4.0.2:22 in the name of 10.4.0.2"))
        #expect(text.split(separator: "\n")[1].hasPrefix("Next: On r2: `rstwho explain "))
        #expect(trace.line.contains(#""verdict":"reset_by_agent""#))
    }

    @Test("Order and duplicates of records make no difference")
    func duplicates() throws {
        let story = rejected()
        let once = try #require(try story.traces().first)
        var twice = story
        twice.rows = (0..<20).flatMap { _ in story.rows.shuffled() }
        let again = try #require(try twice.traces().first)
        #expect(FleetTraceReport(once).text == FleetTraceReport(again).text)
        #expect(once.line == again.line)
    }

    @Test("Who saw the reset, and who saw the connection and not the reset: it was made between them")
    func madeBetween() throws {
        var story = FleetStory(agents: ["c", "r1", "r2", "r3", "s"])
        story.status()
        story.packet(.syn, at: 0, by: story.agents)
        story.packet(.synACK, at: 4_000_000, by: story.agents)
        story.packet(.reset, at: 9_000_000, by: ["c", "r1"], key: "feed", fromClient: false, hop: 2, reason: .reset)
        story.reset(by: "c", at: 9_000_000, sender: .middlebox, hop: 2, hostHop: 4)
        story.reset(by: "r1", at: 8_000_000, sender: .middlebox, hop: 1, hostHop: 3)
        let trace = try #require(try story.traces().first)
        #expect(trace.verdict == .madeBetween(saw: "r1", sawNot: "r2"))
        #expect(trace.confidence > 0.99)
        #expect(FleetTraceReport(trace).answer.contains("between r1 and r2"))
    }

    @Test("An agent that was asleep, behind, losing or dropping says nothing, and the next one is asked")
    func doubts() throws {
        let cases: [(String, (inout FleetStory) -> Void)] = [
            ("not_running", { $0.status(of: ["r2"], from: 5, until: 9) }),
            ("behind", { $0.status(of: ["r2"], from: -1, until: -1) }),
            ("lost", { $0.status(of: ["r2"]) { $0.lostResets = $1 > 0 ? 3 : 0 } }),
            ("dropped", { $0.status(of: ["r2"]) { $0.dropped = [.sighting: $1 > 0 ? 3 : 0] } }),
            ("restarted", { $0.status(of: ["r2"]) { $0.boot = $1 > 0 ? 8 : 7 } }),
            ("no_status", { _ in }),
        ]
        for (name, change) in cases {
            var story = FleetStory(agents: ["c", "r1", "r2", "r3", "s"])
            story.status(of: ["c", "r1", "r3", "s"])
            change(&story)
            story.packet(.syn, at: 0, by: story.agents)
            story.packet(.synACK, at: 4_000_000, by: story.agents)
            story.packet(.reset, at: 9_000_000, by: ["c", "r1"], fromClient: false, hop: 2, reason: .reset)
            let trace = try #require(try story.traces().first)
            #expect(trace.verdict == .madeBetween(saw: "r1", sawNot: "r3"), "\(name)")
            #expect(trace.views.first { $0.stop.agent.name == "r2" }?.doubt?.name == name)
            #expect(FleetTraceReport(trace).text.contains("Agents that cannot say"))
        }
    }

    @Test("The host's own agent saw no reset leave")
    func hostSilent() throws {
        var story = FleetStory()
        story.status()
        story.packet(.syn, at: 0, by: ["c", "r1"])
        story.packet(.reset, at: 5_000_000, by: ["c", "r1"], fromClient: false, hop: 1, reason: .reset)
        let trace = try #require(try story.traces().first)
        // r2 saw neither: whether it is on this path is open.
        #expect(trace.verdict == .madeBetween(saw: "r1", sawNot: "s"))
        #expect(trace.evidence.contains { $0.name == .hostSilent && $0.agent == "s" })
    }

    @Test("The host that sent it itself is the sender, and nobody is accused")
    func madeByHost() throws {
        var story = FleetStory()
        story.status()
        story.packet(.syn, at: 0, by: story.agents)
        story.reset(by: "c", at: 9_000_000, sender: .hostKernel, hop: 3, hostHop: 3)
        story.reset(by: "s", at: 6_000_000, sender: .hostKernel, hop: 0, hostHop: 0)
        let trace = try #require(try story.traces().first)
        #expect(trace.verdict == .madeByHost(agent: "s"))
        #expect(!trace.isProblem)
    }

    @Test("Where no agent is nearer to the sender, it is beyond the nearest")
    func beyond() throws {
        var story = FleetStory()
        story.status(of: ["c", "r1"])
        story.packet(.syn, at: 0, by: ["c", "r1"])
        story.reset(by: "c", at: 9_000_000, sender: .middlebox, hop: 3, hostHop: 5)
        story.reset(by: "r1", at: 8_000_000, sender: .middlebox, hop: 2, hostHop: 4)
        let trace = try #require(try story.traces().first)
        #expect(trace.verdict == .madeBeyond(agent: "r1"))
        #expect(FleetTraceReport(trace).answer.contains("2 hops from r1"))
    }

    @Test("The ACK that passes one router and not the next is lost between them")
    func lost() throws {
        var story = FleetStory()
        story.status()
        story.packet(.syn, at: 0, by: story.agents)
        for copy in 0..<3 as Range<UInt64> {
            story.packet(.synACK, at: 4_000_000 + copy * FleetStory.second, by: story.agents)
            story.packet(.ack, at: 8_000_000 + copy * FleetStory.second, by: ["c", "r1"], key: "ack")
        }
        let trace = try #require(try story.traces().first)
        #expect(trace.verdict == .lostBetween(.ack, after: "r1", before: "r2"))
        #expect(trace.confidence > 0.99)
        // The router says that it dropped it itself.
        story.path(by: "r1", at: 9_000_000, .droppedHere)
        let named = try #require(try story.traces().first)
        #expect(named.verdict == .droppedBy(agent: "r1"))
        #expect(FleetTraceReport(named).text.hasPrefix("r1 dropped packets of"))
    }

    @Test("A SYN that the server's own agent never saw")
    func lostSYN() throws {
        var story = FleetStory()
        story.status()
        story.packet(.syn, at: 0, by: ["c", "r1", "r2"])
        let trace = try #require(try story.traces().first)
        #expect(trace.verdict == .lostBetween(.syn, after: "r2", before: "s"))
        #expect(trace.evidence.contains { $0.name == .notDelivered })
    }

    @Test("An agent with another key, or that samples less, need not have reported the flow")
    func sampling() throws {
        for (key, share, name) in [
            (UInt32(5), 0.5, "other_key"), (99, 0.25, "samples_less"), (99, 0.5, nil as String?),
        ] {
            var story = FleetStory()
            story.status(of: ["c", "r1"]) { row, _ in row.sampledShare = 0.5 }
            story.status(of: ["r2"]) { row, _ in
                row.sampledShare = share
                row.hashKey = key
            }
            story.packet(.syn, at: 0, by: ["c", "r1"])
            // r2 sees packets of these hosts, of another connection.
            story.isn = 2_000
            story.port = 40_000
            story.packet(.syn, at: FleetStory.second, by: ["c", "r1", "r2"])
            story.packet(.synACK, at: FleetStory.second, by: ["c", "r1", "r2"])
            story.packet(.ack, at: FleetStory.second, by: ["c", "r1", "r2"])
            let traces = try story.traces("10.1.0.1:50992 > 10.4.0.2:22")
            let trace = try #require(traces.first)
            let view = try #require(trace.views.first { $0.stop.agent.name == "r2" })
            #expect(view.doubt?.name == name)
            #expect(
                trace.verdict
                    == (name == nil
                        ? .lostBetween(.syn, after: "r1", before: "r2") : .lostBeyond(.syn, after: "r1")))
        }
    }

    @Test("A connection that got through accuses nobody")
    func delivered() throws {
        var story = FleetStory()
        story.status()
        story.packet(.syn, at: 0, by: story.agents)
        story.packet(.synACK, at: 4_000_000, by: story.agents)
        story.packet(.ack, at: 8_000_000, by: story.agents)
        let trace = try #require(try story.traces().first)
        #expect(trace.verdict == .delivered && !trace.isProblem)
        #expect(try story.traces("10.9.9.9").isEmpty)
    }
}
