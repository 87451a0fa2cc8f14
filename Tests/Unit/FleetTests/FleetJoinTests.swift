// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Fleet
import Packets
import Reporting
import Testing

@Suite("Joins over address translation, clocks and realms")
struct FleetJoinTests {
    private static let outside = IPAddress(v4: 0x0a02_0001)

    /// r1 translates the client's address: r2 and s see 10.2.0.1.
    private func translated() -> FleetStory {
        var story = FleetStory()
        story.clients = ["r2": Self.outside, "s": Self.outside]
        story.status()
        story.packet(.syn, at: 0, by: ["c", "r1", "r2"])
        story.reset(by: "c", at: 3_000_000, sender: .middlebox, hop: 2, hostHop: 3)
        story.reset(by: "r2", at: 2_000_000, sender: .thisMachine, hop: 0, hostHop: 1)
        return story
    }

    @Test("Address translation on the way does not matter, from whichever side it is asked")
    func translation() throws {
        for question in ["10.1.0.1:50992 > 10.4.0.2:22", "10.2.0.1 > 10.4.0.2"] {
            let trace = try #require(try translated().traces(question).first)
            #expect(trace.verdict == .madeBy(agent: "r2"), "\(question)")
            #expect(trace.views.map(\.stop.agent.name) == ["c", "r1", "r2", "s"])
        }
        let text = FleetTraceReport(try #require(try translated().traces("10.1.0.1 > 10.4.0.2").first)).text
        #expect(text.contains("as 10.2.0.1:50992 > 10.4.0.2:22"))
    }

    /// Two connections of the same ports, 5 s apart, and a reset without a number after the second.
    private func unnumbered(port: UInt16) -> FleetStory {
        var story = FleetStory()
        story.status()
        story.packet(.syn, at: 0, by: ["c", "r1", "r2"])
        story.isn = 2_000
        story.packet(.syn, at: 5 * FleetStory.second, by: ["c", "r1", "r2"])
        story.isn = 0
        story.port = port
        let moment = 5 * FleetStory.second + 3_000_000
        story.packet(.reset, at: moment, by: ["c", "r1"], key: "feed", fromClient: false, reason: .reset)
        story.reset(by: "r2", at: moment, sender: .thisMachine, hop: 0, hostHop: 1)
        story.reset(by: "c", at: moment + 2_000_000, sender: .middlebox, hop: 2, hostHop: 3)
        return story
    }

    @Test("A reset without a number belongs to the newest connection of its ports before it")
    func resetsWithoutNumbers() throws {
        let traces = try unnumbered(port: 50_992).traces()
        #expect(traces.map(\.clientISN) == [1_000, 2_000])
        #expect(traces.last?.verdict == .madeBy(agent: "r2"))
        #expect(traces.first?.reset == nil)
    }

    @Test("A reset without a number and with other ports is a connection of its own")
    func resetsOfOtherPorts() throws {
        let traces = try unnumbered(port: 1_234).traces()
        #expect(traces.contains { $0.clientISN == 0 && $0.verdict == .madeBy(agent: "r2") })
        #expect(traces.allSatisfy { $0.clientISN == 0 || $0.reset == nil })
    }

    @Test("Equal keys of other connections are not joined")
    func keysAlone() throws {
        var story = translated()
        story.isn = 77
        story.port = 1_234
        story.clients = ["s": IPAddress(v4: 0x0a09_0909)]
        story.agents = ["x", "s"]
        story.reset(by: "s", at: 4_000_000, sender: .hostKernel, hop: 0, hostHop: 0)
        let trace = try #require(try story.traces("10.1.0.1:50992 > 10.4.0.2:22").first)
        #expect(trace.verdict == .madeBy(agent: "r2"))
    }

    @Test("Clocks are measured from shared packets, and times corrected by them")
    func clocks() throws {
        var story = FleetStory()
        story.leads = ["r1": 5 * Int64(FleetStory.second), "r2": -40_000_000_000]
        story.status()
        for connection in 0..<5 as Range<UInt64> {
            story.isn = UInt32(connection + 1)
            story.packet(.syn, at: connection * FleetStory.second, by: story.agents)
            story.packet(.synACK, at: connection * FleetStory.second + 4_000_000, by: story.agents)
            story.packet(.ack, at: connection * FleetStory.second + 8_000_000, by: story.agents)
        }
        let clocks = FleetClocks(story.data.sightings)
        let reference = try #require(clocks.reference)
        let lead = { (agent: String) -> Int64 in
            clocks.offsets[FleetData.AgentKey(realm: "", name: agent)]?.nanoseconds ?? 0
        }
        let base = lead("c")
        #expect(reference.realm.isEmpty)
        #expect(abs(lead("r1") - base - 5_000_000_000) < 1_000_000)
        #expect(abs(lead("r2") - base + 40_000_000_000) < 1_000_000)
        #expect(abs(lead("s") - base) < 1_000_000)
        let trace = try #require(try story.traces().last)
        #expect(trace.verdict == .delivered && trace.alike == 4)
        // r2 was a minute behind: by its own clock it would not have been awake.
        #expect(trace.views.allSatisfy { $0.doubt == nil })
        #expect(FleetTraceReport(trace).text.contains("Clocks:"))
    }

    @Test("Realms are never joined")
    func realms() throws {
        var story = translated()
        var other = FleetStory(realm: "tenant-b")
        other.status()
        other.packet(.syn, at: 0, by: other.agents)
        other.reset(by: "r2", at: 2_000_000, sender: .middlebox, hop: 1, hostHop: 1)
        story.rows += other.rows
        #expect(story.data.realms == ["", "tenant-b"])
        let trace = try #require(try story.traces().first)
        #expect(trace.verdict == .madeBy(agent: "r2"))
        let resets = FleetResets(story.data.findings, realm: nil)
        #expect(resets.all.count == 2)
        #expect(Set(resets.all.map(\.best.reporter.realm)) == ["", "tenant-b"])
    }

    @Test("One reset that several agents saw counts once, and its device is the agent that made it")
    func origins() throws {
        var story = translated()
        story.reset(by: "r1", at: 3_000_000, sender: .middlebox, hop: 1, hostHop: 2)
        let resets = FleetResets(story.data.findings, realm: nil)
        #expect(resets.all.count == 1)
        #expect(resets.all[0].agents == ["c", "r1", "r2"])
        let origins = FleetOrigins(resets)
        #expect(origins.all.map(\.name) == ["r2"])
        #expect(origins.all[0].resets == 1 && origins.all[0].agents.count == 3)
        #expect(origins.text(TableStyle()).hasPrefix("1 device resets connections of others; r2"))
        #expect(resets.text(limit: 5, TableStyle()).contains("rstwho fleet trace"))
        #expect(FleetOrigins(FleetResets([], realm: nil)).text(TableStyle()).hasPrefix("No device"))
    }

    @Test("Repeats of one key by one agent are as many resets")
    func repeats() {
        var story = FleetStory()
        for copy in 0..<3 as Range<UInt64> {
            story.reset(by: "c", at: copy * FleetStory.second, sender: .middlebox, hop: 2, hostHop: 3)
            story.reset(by: "r1", at: copy * FleetStory.second, sender: .middlebox, hop: 1, hostHop: 2)
        }
        let resets = FleetResets(story.data.findings, realm: nil)
        #expect(resets.all.count == 3)
        #expect(resets.all.allSatisfy { $0.agents == ["c", "r1"] })
    }

    @Test("What changed: a burst of resets, a new device, agents that fell silent or were upgraded; else nothing")
    func changes() {
        var story = FleetStory()
        story.status(of: ["c", "r1"], from: -20, until: 20)
        story.status(of: ["r2"], from: -20, until: 2)
        story.status(of: ["s"], from: -20, until: 20) { $0.version = $1 > 0 ? "0.2.0" : "0.1.0" }
        for copy in 0..<30 as Range<UInt64> {
            story.reset(
                by: "r1", at: copy * FleetStory.second, sender: .middlebox, hop: 1, hostHop: 2, key: "k\(copy)")
        }
        let end = FleetStory.start + 1200 * FleetStory.second
        let changes = FleetChanges(story.data, realm: nil, since: FleetStory.start, until: end)
        #expect(changes.counts.map(\.now) == [30] && changes.counts.map(\.before) == [0])
        #expect(changes.newOrigins.count == 1)
        #expect(changes.agents.map(\.name) == ["silent", "upgraded"])
        #expect(changes.text(TableStyle()).hasPrefix("lab: resets by middlebox (rejected) went from 0 to 30"))
        let quiet = FleetChanges(
            story.data, realm: nil, since: FleetStory.start - 600 * FleetStory.second, until: FleetStory.start)
        #expect(quiet.isEmpty)
    }

    @Test("Agents that cannot be trusted come first, and each says why")
    func agents() {
        var story = FleetStory()
        story.status(of: ["c"])
        story.status(of: ["r1"], until: 2)
        story.status(of: ["r2"]) { row, minute in
            row.lost = UInt64(minute + 1)
            row.keptShare = 0.5
            row.hashKey = 1
        }
        story.status(of: ["s"]) { row, _ in row.schema = 7 }
        let now = FleetStory.start + 600 * FleetStory.second
        let agents = FleetAgents(story.data, realm: nil, now: now)
        #expect(agents.items.map(\.row.reporter.agent) == ["r1", "r2", "s", "c"])
        #expect(agents.items[0].complaints == [.silent(seconds: 480)])
        #expect(agents.items[1].complaints == [.shedding(share: 0.5), .losing(packets: 11), .otherKey])
        #expect(agents.items[2].complaints == [.schema(7)])
        #expect(agents.items[3].complaints.isEmpty)
        #expect(agents.isProblem)
        #expect(agents.text(TableStyle()).hasPrefix("3 of 4 agents cannot be trusted now"))
    }
}
