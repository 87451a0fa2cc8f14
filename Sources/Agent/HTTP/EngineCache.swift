// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import HTTPTypes

/// A copy of the engine's hosts, origins and paths, at most one second old: the capture thread answers each once a
/// second.
///
/// It only copies; what is done with the copy is done elsewhere.
struct EngineCache: Sendable {
    /// Gives the memory of large answers back.
    let memory = MemoryRelease()
    private let allHosts = CachedAnswer<[HostSummary]>()
    private let allOrigins = CachedAnswer<[Origin]>()
    private let allPaths = CachedAnswer<[PathSummary]>()

    /// All hosts, the one seen last first.
    func hosts(_ state: AgentState) async throws(HTTPProblem) -> [HostSummary] {
        try await allHosts.answer {
            let correction = state.clockCorrection
            return try await state.engineRequests.ask { $0.hostSnapshot }.summaries()
                .corrected(by: correction, correction.apply)
        }
    }

    /// The devices that send resets for others, the one seen last first.
    func origins(_ state: AgentState) async throws(HTTPProblem) -> [Origin] {
        try await allOrigins.answer {
            let correction = state.clockCorrection
            return try await state.engineRequests.ask { $0.origins }
                .corrected(by: correction, correction.apply).sorted { ($0.lastSeen ?? 0) > ($1.lastSeen ?? 0) }
        }
    }

    /// The ways that connections take, the one seen last first.
    func paths(_ state: AgentState) async throws(HTTPProblem) -> [PathSummary] {
        try await allPaths.answer {
            let correction = state.clockCorrection
            return try await state.engineRequests.ask { $0.pathSnapshot }.summaries()
                .corrected(by: correction, correction.apply)
        }
    }
}

/// One answer that is asked for once a second at most, and kept no longer.
private actor CachedAnswer<Answer: Sendable> {
    private let lifetime = Duration.seconds(1)
    private var number: UInt64 = 0
    private var newest: (answer: Answer, readAt: ContinuousClock.Instant)?
    private var reading: Task<Answer, any Error>?

    func answer(_ ask: @escaping @Sendable () async throws -> Answer) async throws(HTTPProblem) -> Answer {
        if let newest, newest.readAt.duration(to: .now) < lifetime { return newest.answer }
        let task = reading ?? Task.detached { try await ask() }
        reading = task
        do {
            let result = try await task.value
            if reading == task {
                reading = nil
                newest = (result, .now)
                number += 1
                Task { [number] in await forget(number) }
            }
            return result
        } catch {
            if reading == task { reading = nil }
            throw HTTPProblem(
                status: .serviceUnavailable,
                detail: "The capture does not answer; it may not have begun, have ended, or be busy. Ask again.")
        }
    }

    /// Lets an answer go that is too old to be given again.
    private func forget(_ answer: UInt64) async {
        try? await Task.sleep(for: lifetime)
        if number == answer { newest = nil }
    }
}
