// SPDX-License-Identifier: Apache-2.0
import Agent
import Diagnosis
import Testing

@Suite struct CaptureMailboxTests {
    /// Why a question is not answered; `nil` where it is.
    private func refusal(
        by mailbox: CaptureMailbox, timeout: Duration = .seconds(5)
    ) async -> CaptureMailbox.Refusal.Reason? {
        do throws(CaptureMailbox.Refusal) {
            _ = try await mailbox.ask(timeout: timeout) { _ in 1 }
            return nil
        } catch {
            return error.reason
        }
    }

    @Test func aQuestionIsAnsweredBetweenBatches() async throws {
        let mailbox = CaptureMailbox()
        mailbox.open()
        async let answer = mailbox.ask { engine in engine.statistics.hosts + 42 }
        var engine = Engine()
        let begun = ContinuousClock.now
        while mailbox.isEmpty, begun.duration(to: .now) < .seconds(30) {
            try await Task.sleep(for: .milliseconds(1))
        }
        mailbox.answer(&engine)
        #expect(try await answer == 42)
    }

    @Test func whoAsksTooEarlyOrTooLateIsRefused() async {
        let mailbox = CaptureMailbox()
        #expect(await refusal(by: mailbox) == .notCapturing)
        mailbox.open()
        mailbox.close()
        #expect(await refusal(by: mailbox) == .notCapturing)
    }

    @Test func aCaptureThatDoesNotAnswerHoldsNobodyUp() async {
        let mailbox = CaptureMailbox()
        mailbox.open()
        #expect(await refusal(by: mailbox, timeout: .milliseconds(20)) == .timeout)
        #expect(mailbox.isEmpty)
    }

    @Test func aFullMailboxRefusesAtOnce() async {
        let mailbox = CaptureMailbox(capacity: 0)
        mailbox.open()
        #expect(await refusal(by: mailbox) == .busy)
    }
}
