// SPDX-License-Identifier: Apache-2.0
package import Capture
package import Diagnosis
package import Reporting
internal import Synchronization

/// The agent's state, shared by the capture thread that writes it and all readers.
///
/// The capture thread takes the lock once per batch that brought findings, and otherwise a few times a second.
package final class AgentState: Sendable {
    /// The phase of the agent's life.
    package enum Phase: Sendable, Equatable {
        case starting
        case capturing
        case ended
    }

    /// One watched interface.
    package struct Interface: Sendable, Equatable {
        package var name: String
        /// `tc`, `xdp` or `xdp-generic`.
        package var hook: String
        /// The kernel's number of it; 0 where there is none.
        package var index: Int32 = 0
        /// False once it has gone.
        package var isAttached = true
        /// The interface's own count of packets received when it was attached; `nil` where it has none.
        package var receivedAtStart: UInt64?
        /// Packets that had arrived in its slot by then, as the ledger counts them.
        package var arrivedAtStart: UInt64 = 0

        package init(name: String, hook: String, receivedAtStart: UInt64? = nil) {
            self.name = name
            self.hook = hook
            self.receivedAtStart = receivedAtStart
        }

        /// An interface that is being attached.
        package init(_ attachment: AttachmentInfo, hook: String) {
            self.init(
                name: attachment.interface, hook: hook, receivedAtStart: InterfaceCounter.received(attachment.interface)
            )
            index = attachment.index
            isAttached = attachment.isAttached
        }
    }

    private struct State {
        var phase = Phase.starting
        var interfaces: [Interface] = []
        var store: FindingStore
        var counters = FindingCounters()
        var statistics = Engine.Statistics()
        var readers: [ObjectIdentifier: FindingQueue] = [:]
    }

    /// Readers of the stream that there can be at once, standard output's included.
    package static let maximumReaders = 33

    private let state: Mutex<State>
    package let engineRequests = EngineRequests()
    /// The directory of the evidence files; `nil` if none are kept.
    package let evidence: EvidenceDirectory?
    /// The store of findings; `nil` if findings are not stored.
    package let history: History?
    private let readLedger: @Sendable () -> Ledger

    /// - Parameters:
    ///   - findingCapacity: findings kept in memory for the API.
    ///   - history: gets every finding.
    ///   - evidence: the directory with the newest findings' files.
    ///   - ledger: gives the capture's ledger as of a moment ago.
    package init(
        findingCapacity: Int = 10_000, history: History? = nil, evidence: EvidenceDirectory? = nil,
        ledger: @escaping @Sendable () -> Ledger
    ) {
        state = Mutex(State(store: FindingStore(capacity: findingCapacity)))
        self.history = history
        self.evidence = evidence
        readLedger = ledger
    }

    package var phase: Phase { state.withLock { $0.phase } }
    package var interfaces: [Interface] { state.withLock { $0.interfaces } }
    package var statistics: Engine.Statistics { state.withLock { $0.statistics } }
    package var ledger: Ledger { readLedger() }

    /// The capture has begun.
    package func begin(_ interfaces: [Interface]) {
        state.withLock { state in
            state.interfaces = interfaces
            state.phase = .capturing
        }
        engineRequests.open()
    }

    /// The capture has ended: streams end, questions are refused.
    package func end() {
        engineRequests.close()
        let readers = state.withLock { state in
            defer { state.readers = [:] }
            state.phase = .ended
            return Array(state.readers.values)
        }
        for reader in readers { reader.close() }
    }

    /// Interfaces have come or gone; called once the ledger knows them.
    package func follow(_ attachments: [AttachmentInfo]) {
        let ledger = readLedger()
        state.withLock { state in
            let hook = state.interfaces.first?.hook ?? LiveCapture.Hook.tc.rawValue
            state.interfaces = attachments.enumerated().map { slot, attachment in
                if slot < state.interfaces.count, state.interfaces[slot].index == attachment.index {
                    var interface = state.interfaces[slot]
                    interface.isAttached = attachment.isAttached
                    return interface
                }
                var interface = Interface(attachment, hook: hook)
                interface.arrivedAtStart =
                    ledger.rows
                    .first { Int($0.slot) == slot && $0.way == .ingress }?.count.segments ?? 0
                return interface
            }
        }
    }

    /// Keeps and hands on what the engine gave.
    package func record(_ findings: [Finding], _ statistics: Engine.Statistics) {
        let readers: [FindingQueue] = state.withLock { state in
            state.statistics = statistics
            guard !findings.isEmpty else { return [] }
            for finding in findings {
                let previous = state.store.add(finding)
                state.counters.count(finding, replacing: previous?.reset?.sender)
            }
            return Array(state.readers.values)
        }
        if !findings.isEmpty { history?.queue.offer(findings) }
        for reader in readers where !reader.offer(findings) {
            remove(reader)
        }
    }

    /// Adds a reader of everything that follows.
    ///
    /// - `since`: called with the stored findings' store under the lock, to read what came before without a
    ///   gap.
    ///
    /// Returns `nil` where there are too many readers, or where nothing will follow.
    package func add<Before: Sendable>(
        _ reader: FindingQueue, _ since: (borrowing FindingStore) -> Before
    ) -> Before? {
        state.withLock { state in
            guard state.phase != .ended, state.readers.count < Self.maximumReaders else { return nil }
            state.readers[ObjectIdentifier(reader)] = reader
            return since(state.store)
        }
    }

    /// Readers that get every finding now.
    package var readerCount: Int { state.withLock { $0.readers.count } }

    package func remove(_ reader: FindingQueue) {
        state.withLock { $0.readers[ObjectIdentifier(reader)] = nil }
    }

    /// Reads the stored findings; `body` must be short.
    package func withFindings<Result: Sendable>(_ body: (borrowing FindingStore) -> Result) -> Result {
        state.withLock { body($0.store) }
    }

    /// Removes findings from memory; `isUnwanted` must be short.
    ///
    /// Returns their ids.
    func removeFindings(where isUnwanted: (Finding) -> Bool) -> [String] {
        state.withLock { $0.store.remove(where: isUnwanted) }
    }

    /// Everything that `/metrics` shows.
    package func metrics() -> MetricsSnapshot {
        let ledger = readLedger()
        var snapshot = MetricsSnapshot()
        let interfaces = state.withLock { state in
            snapshot.findings = state.counters
            snapshot.fill(from: state.statistics)
            return state.interfaces
        }
        snapshot.version = AgentVersion.number
        snapshot.history = history?.status.metrics
        snapshot.fill(from: ledger)
        snapshot.interfaces = interfaces.enumerated().map { Self.metrics(of: $1, slot: $0, in: ledger) }
        return snapshot
    }

    private static func metrics(
        of interface: Interface, slot: Int, in ledger: Ledger
    ) -> MetricsSnapshot.Interface {
        var result = MetricsSnapshot.Interface(name: interface.name, hook: interface.hook)
        result.isAttached = interface.isAttached
        for row in ledger.rows where Int(row.slot) == slot {
            switch row.way {
            case .ingress: result.arrived = row.count.segments
            case .egress: result.left = row.count.segments
            }
        }
        if interface.isAttached, let start = interface.receivedAtStart,
            let now = InterfaceCounter.received(interface.name), now > start
        {
            result.coverage = Double(result.arrived &- interface.arrivedAtStart) / Double(now - start)
        }
        return result
    }
}
