// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import HTTPTypes

/// The host table as it was at most a second ago, so that however many ask, the capture thread answers once a second.
actor HostCache {
    private static let lifetime = Duration.seconds(1)

    private var hosts: [HostSummary] = []
    private var readAt: ContinuousClock.Instant?
    private var reading: Task<[HostSummary], any Error>?

    /// All hosts, the one seen last first.
    func hosts(_ state: AgentState) async throws(Problem) -> [HostSummary] {
        if let readAt, readAt.duration(to: .now) < Self.lifetime { return hosts }
        let task =
            reading
            ?? Task {
                try await state.mailbox.ask { engine in engine.hostSummaries(limit: .max) }
            }
        reading = task
        do {
            let result = try await task.value
            if reading == task {
                reading = nil
                hosts = result
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
