// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Fleet
import Testing

/// Notes of a store about records that are missing.
struct FleetSourceNoteTests {
    private let partial = FleetSourceNote(asked: 2, missing: ["http://b: no answer within 10 s"])

    @Test func aNoteIsReadAmongRecords() {
        var data = FleetData()
        data.add(line: partial.line)
        #expect(data.notes == [partial])
        #expect(data.unread == 0)
        #expect(data.isPartial)
    }

    @Test func aCompleteAnswerIsNotPartial() {
        var data = FleetData()
        data.add(line: FleetSourceNote(asked: 2).line)
        #expect(!data.isPartial)
        #expect(FleetSourceNote(asked: 2).text.isEmpty)
    }

    @Test func anythingElseIsUnread() {
        var data = FleetData()
        data.add(line: "{\"record\":\"sources\"}")
        #expect(data.unread == 1)
        #expect(data.notes.isEmpty)
    }

    @Test func missingServersAreNamed() {
        #expect(
            partial.text.hasPrefix("1 of 2 servers of the store did not answer: http://b: no answer within 10 s.\n"))
        #expect(partial.answerLine.contains("\"kind\":\"fleet_source\""))
    }

    @Test func silenceProvesNothingWhereRecordsAreMissing() throws {
        var story = FleetStory()
        story.status()
        story.packet(.syn, at: FleetStory.second, by: ["c", "r1", "r2", "s"])
        story.packet(.synACK, at: 2 * FleetStory.second, by: ["s", "r2", "r1", "c"])
        story.reset(by: "r1", at: 3 * FleetStory.second, sender: .middlebox, hop: 1, hostHop: 2)
        story.reset(by: "c", at: 3 * FleetStory.second + 1_000_000, sender: .middlebox, hop: 2, hostHop: 3)
        #expect(try story.traces().last?.verdict == .madeBetween(saw: "r1", sawNot: "r2"))

        var data = story.data
        data.add(line: partial.line)
        let join = FleetJoin(data, realm: "")
        let agent = FleetData.AgentKey(realm: "", name: "r2")
        #expect(join.watch.doubtOfReset(agent, at: FleetStory.start + FleetStory.second) == .recordsMissing)
    }
}
