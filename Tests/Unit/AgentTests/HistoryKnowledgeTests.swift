// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Explanation
import Packets
import Reporting
import Testing

@testable import Agent

@Suite("Explanations from a history")
struct HistoryKnowledgeTests {
    @Test(arguments: ["10.1.0.1:3 > 10.4.0.2:22", "10.4.0.2:22 > 10.1.0.1:3", findingID(3)])
    func whatWasFoundIsExplainedAfterwards(what: String) async throws {
        let directory = HistoryDirectory()
        do {
            let history = directory.history()
            history.queue.offer((0..<9).map { finding($0) })
            await history.store()
        }
        let question = try Question(parsing: what)
        let explanation = Explanation(question, try History.open(readOnly: directory.path).knowledge(of: question))
        #expect(explanation.lead?.id == findingID(3))
        #expect(explanation.answer.hasPrefix("A device at hop 2 sent this reset"))
    }

    @Test(arguments: ["192.0.2.1", "192.0.2.1:3 > 10.4.0.2:22", findingID(10)])
    func whatWasNotFoundIsNot(what: String) async throws {
        let directory = HistoryDirectory()
        let history = directory.history()
        history.queue.offer((0..<9).map { finding($0) })
        await history.store()
        let question = try Question(parsing: what)
        #expect(Explanation(question, try History.open(readOnly: directory.path).knowledge(of: question)).lead == nil)
        #expect(throws: HistoryFault.self) { try History.open(readOnly: directory.path + "/none") }
    }
}
