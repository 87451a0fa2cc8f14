// SPDX-License-Identifier: Apache-2.0
internal import Capture
package import Diagnosis
internal import Dispatch
package import Packets
internal import Synchronization

/// Finds out what this machine itself knows of flows that it forwards, beside the capture: connection tracking's entry
/// and the network stack's counters.
///
/// At most `capacity` flows wait; what exceeds that is not asked. A flow takes one question to the kernel and some
/// small files.
package final class ConntrackLookup: Sendable {
    private static let capacity = 128

    private struct State {
        var waiting: [FiveTuple] = []
        var wantsCounters = false
        var done: [ForwardingFacts] = []
        var counters: LocalCounters?
        var isBusy = false
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "rstwho-flows")
    private let tracking: @Sendable (FiveTuple) -> ForwardingFacts.Tracking
    private let readCounters: @Sendable () -> LocalCounters

    /// Asks this machine's kernel, in the process's network namespace.
    package convenience init(_ inquiries: PrivilegedQueries = .direct) {
        self.init(tracking: inquiries.tracking, counters: { .read() })
    }

    /// - `tracking`: says what connection tracking has of a flow. Called on a queue of its own, as `counters` is.
    package init(
        tracking: @escaping @Sendable (FiveTuple) -> ForwardingFacts.Tracking,
        counters: @escaping @Sendable () -> LocalCounters
    ) {
        self.tracking = tracking
        readCounters = counters
    }

    /// Asks for facts of flows, and for the counters alone where `wantsCounters`.
    ///
    /// Returns at once.
    package func ask(_ flows: [FiveTuple], wantsCounters: Bool) {
        guard !flows.isEmpty || wantsCounters else { return }
        state.withLock { state in
            state.waiting += flows.prefix(Self.capacity - min(Self.capacity, state.waiting.count))
            state.wantsCounters = state.wantsCounters || wantsCounters
            if !state.isBusy {
                state.isBusy = true
                queue.async { [self] in answer() }
            }
        }
    }

    /// Returns the facts found since the last call.
    package func take() -> (facts: [ForwardingFacts], counters: LocalCounters?) {
        state.withLock { state in
            defer {
                state.done = []
                state.counters = nil
            }
            return (state.done, state.counters)
        }
    }

    private func answer() {
        while true {
            let flows = state.withLock { state -> [FiveTuple]? in
                guard !state.waiting.isEmpty || state.wantsCounters else {
                    state.isBusy = false
                    return nil
                }
                state.wantsCounters = false
                defer { state.waiting = [] }
                return state.waiting
            }
            guard let flows else { return }
            let counters = readCounters()
            let facts = flows.map { ForwardingFacts(flow: $0, tracking: tracking($0), counters: counters) }
            state.withLock { state in
                state.counters = counters
                state.done += facts
            }
        }
    }
}

extension ForwardingFacts.Tracking {
    /// Asks the kernel, in the calling thread's network namespace.
    package init(of flow: FiveTuple) {
        guard ConnectionTracking.isThere else {
            self = .absent
            return
        }
        self.init(ConnectionTracking.connection(arrivingAs: flow))
    }

    init(_ answer: ConnectionTracking.Answer) {
        self =
            switch answer {
            case .found(let connection): .tracked(connection)
            case .notFound: .unknown
            case .failed(let problem): .unreadable(problem)
            }
    }
}
