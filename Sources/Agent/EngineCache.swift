// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import HTTPTypes

/// What the engine knows of hosts and origins, as it was at most a second ago, so that however many ask, the capture thread
/// answers once a second.
actor EngineCache {
    private struct Answer {
        /// All hosts, the one seen last first.
        var hosts: [HostSummary] = []
        var origins: [Origin] = []
    }

    private static let lifetime = Duration.seconds(1)

    private var newest = Answer()
    private var readAt: ContinuousClock.Instant?
    private var reading: Task<Answer, any Error>?

    /// All hosts, the one seen last first.
    func hosts(_ state: AgentState) async throws(Problem) -> [HostSummary] { try await answer(state).hosts }

    /// The devices that send resets for others, in the order in which they were found.
    func origins(_ state: AgentState) async throws(Problem) -> [Origin] { try await answer(state).origins }

    private func answer(_ state: AgentState) async throws(Problem) -> Answer {
        if let readAt, readAt.duration(to: .now) < Self.lifetime { return newest }
        let task =
            reading
            ?? Task {
                try await state.mailbox.ask { engine in
                    Answer(hosts: engine.hostSummaries(limit: .max), origins: engine.origins)
                }
            }
        reading = task
        do {
            let result = try await task.value
            if reading == task {
                reading = nil
                newest = result
                readAt = .now
            }
            return result
        } catch {
            if reading == task { reading = nil }
            throw Problem(
                status: .serviceUnavailable,
                detail: "The capture does not answer; it may not have begun, have ended, or be busy. Ask again.")
        }
    }
}
