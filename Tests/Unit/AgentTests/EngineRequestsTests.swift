// SPDX-License-Identifier: Apache-2.0
import Agent
import Diagnosis
import Testing

@Suite struct EngineRequestsTests {
    /// Why a question is not answered; `nil` where it is.
    private func refusal(
        by engineRequests: EngineRequests, timeout: Duration = .seconds(5)
    ) async -> EngineRequests.Refusal.Reason? {
        do throws(EngineRequests.Refusal) {
            _ = try await engineRequests.ask(timeout: timeout) { _ in 1 }
            return nil
        } catch {
            return error.reason
        }
    }

    @Test func aQuestionIsAnsweredBetweenBatches() async throws {
        let engineRequests = EngineRequests()
        engineRequests.open()
        async let answer = engineRequests.ask { engine in engine.statistics.hosts + 42 }
        var engine = Engine()
        let begun = ContinuousClock.now
        while engineRequests.isEmpty, begun.duration(to: .now) < .seconds(30) {
            try await Task.sleep(for: .milliseconds(1))
        }
        engineRequests.answer(&engine)
        #expect(try await answer == 42)
    }

    @Test func whoAsksTooEarlyOrTooLateIsRefused() async {
        let engineRequests = EngineRequests()
        #expect(await refusal(by: engineRequests) == .notCapturing)
        engineRequests.open()
        engineRequests.close()
        #expect(await refusal(by: engineRequests) == .notCapturing)
    }

    @Test func aCaptureThatDoesNotAnswerHoldsNobodyUp() async {
        let engineRequests = EngineRequests()
        engineRequests.open()
        #expect(await refusal(by: engineRequests, timeout: .milliseconds(20)) == .timeout)
        #expect(engineRequests.isEmpty)
    }

    @Test func aFullMailboxRefusesAtOnce() async {
        let engineRequests = EngineRequests(capacity: 0)
        engineRequests.open()
        #expect(await refusal(by: engineRequests) == .busy)
    }
}
