// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Synchronization

/// Questions to the capture thread, which alone may look at the engine.
///
/// It answers them between batches.
///
/// Holds at most `capacity` questions; more are refused at once. Asking never holds up the capture.
package final class EngineRequests: Sendable {
    package struct Refusal: Error, Sendable {
        package enum Reason: Sendable {
            /// Too many questions wait already.
            case busy
            /// The capture has not begun or has ended.
            case notCapturing
            /// No answer came in time.
            case timeout
        }
        package var reason: Reason
    }

    private typealias Request = @Sendable (inout Engine) -> Void

    private struct State {
        var requests: [(number: UInt64, request: Request, refuse: @Sendable (Refusal) -> Void)] = []
        var next: UInt64 = 0
        var isOpen = false
    }

    private let state = Mutex(State())
    /// Lets the capture thread look without taking the lock.
    private let hasMail = Atomic(false)
    private let capacity: Int

    package init(capacity: Int = 16) {
        self.capacity = capacity
    }

    /// Asks the capture thread.
    ///
    /// - `timeout`: how long to wait for the answer.
    /// - `question`: runs on the capture thread; must be short.
    package func ask<Answer: Sendable>(
        timeout: Duration = .seconds(2), _ question: @escaping @Sendable (borrowing Engine) -> Answer
    ) async throws(Refusal) -> Answer {
        try await change(timeout: timeout) { question($0) }
    }

    /// Asks the capture thread to change something.
    ///
    /// - `timeout`: how long to wait for the answer.
    /// - `question`: runs on the capture thread; must be short.
    package func change<Answer: Sendable>(
        timeout: Duration = .seconds(2), _ question: @escaping @Sendable (inout Engine) -> Answer
    ) async throws(Refusal) -> Answer {
        let box = AnswerBox<Answer>()
        guard let number = try post(question, box) else { throw Refusal(reason: .notCapturing) }
        let timer = Task {
            try await Task.sleep(for: timeout)
            withdraw(number)
            box.settle(.failure(Refusal(reason: .timeout)))
        }
        let result = await box.result()
        timer.cancel()
        return try result.get()
    }

    /// True where no question waits.
    package var isEmpty: Bool { state.withLock { $0.requests.isEmpty } }

    /// Begins to take questions.
    package func open() {
        state.withLock { $0.isOpen = true }
    }

    /// Refuses what waits and everything that comes.
    package func close() {
        let requests = state.withLock { state in
            defer { state.requests = [] }
            state.isOpen = false
            return state.requests
        }
        for request in requests { request.refuse(Refusal(reason: .notCapturing)) }
    }

    /// Answers what waits; called on the capture thread.
    package func answer(_ engine: inout Engine) {
        guard hasMail.load(ordering: .acquiring) else { return }
        hasMail.store(false, ordering: .relaxed)
        let requests = state.withLock { state in
            defer { state.requests = [] }
            return state.requests
        }
        for request in requests { request.request(&engine) }
    }

    private func post<Answer: Sendable>(
        _ question: @escaping @Sendable (inout Engine) -> Answer, _ box: AnswerBox<Answer>
    ) throws(Refusal) -> UInt64? {
        let (number, isBusy): (UInt64?, Bool) = state.withLock { state in
            guard state.isOpen else { return (nil, false) }
            guard state.requests.count < capacity else { return (nil, true) }
            state.next += 1
            state.requests.append(
                (state.next, { engine in box.settle(.success(question(&engine))) }, { box.settle(.failure($0)) }))
            return (state.next, false)
        }
        if isBusy { throw Refusal(reason: .busy) }
        hasMail.store(true, ordering: .releasing)
        return number
    }

    private func withdraw(_ number: UInt64) {
        state.withLock { state in state.requests.removeAll { $0.number == number } }
    }
}

/// One answer, given once by whoever is first.
private final class AnswerBox<Answer: Sendable>: Sendable {
    private enum State {
        case empty
        case awaited(CheckedContinuation<Result<Answer, EngineRequests.Refusal>, Never>)
        case settled(Result<Answer, EngineRequests.Refusal>)
        case done
    }

    private let state = Mutex(State.empty)

    func settle(_ result: Result<Answer, EngineRequests.Refusal>) {
        let continuation: CheckedContinuation<Result<Answer, EngineRequests.Refusal>, Never>? = state.withLock {
            state in
            switch state {
            case .empty:
                state = .settled(result)
                return nil
            case .awaited(let continuation):
                state = .done
                return continuation
            case .settled, .done:
                return nil
            }
        }
        continuation?.resume(returning: result)
    }

    func result() async -> Result<Answer, EngineRequests.Refusal> {
        await withCheckedContinuation { continuation in
            let settled: Result<Answer, EngineRequests.Refusal>? = state.withLock { state in
                if case .settled(let result) = state {
                    state = .done
                    return result
                }
                state = .awaited(continuation)
                return nil
            }
            if let settled { continuation.resume(returning: settled) }
        }
    }
}
