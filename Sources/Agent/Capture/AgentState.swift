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
        /// False once it has gone, or while it cannot be watched.
        package var isAttached = true
        /// True while it is there, is wanted and cannot be watched.
        package var isBlind = false
        /// The counts of the last minutes.
        package var coverage = CoverageWindow()

        package init(name: String, hook: String) {
            self.name = name
            self.hook = hook
        }

        /// An interface that is being attached.
        package init(_ attachment: AttachmentInfo, hook: String) {
            self.init(name: attachment.interface, hook: hook)
            index = attachment.index
            isAttached = attachment.isAttached
            isBlind = attachment.isBlind
            if let received = InterfaceCounter.received(name) {
                coverage.add(received: received, arrived: 0, now: .now)
            }
        }
    }

    private struct State {
        var phase = Phase.starting
        var interfaces: [Interface] = []
        var store: FindingStore
        var counters = FindingCounters()
        var statistics = Engine.Statistics()
        var readers: [ObjectIdentifier: FindingQueue] = [:]
        var clockCorrection = ClockCorrection()
    }

    /// Readers of the stream that there can be at once, standard output's included.
    package static let maximumReaders = 33

    private let state: Mutex<State>
    package let engineRequests = EngineRequests()
    /// The directory of the evidence files; `nil` if none are kept.
    package let evidence: EvidenceDirectory?
    /// The store of findings; `nil` if findings are not stored.
    package let history: History?
    /// Sends findings to a collector of logs; `nil` if none is wanted.
    package let exporter: FindingExporter?
    /// Writes records for the fleet; `nil` if none are wanted.
    package let fleet: FleetWriter?
    private let readLedger: @Sendable () -> Ledger

    /// - Parameters:
    ///   - findingCapacity: findings kept in memory for the API.
    ///   - history: gets every finding.
    ///   - evidence: the directory with the newest findings' files.
    ///   - exporter: gets every finding.
    ///   - fleet: gets every finding.
    ///   - ledger: gives the capture's ledger as of a moment ago.
    package init(
        findingCapacity: Int = 10_000, history: History? = nil, evidence: EvidenceDirectory? = nil,
        exporter: FindingExporter? = nil, fleet: FleetWriter? = nil,
        ledger: @escaping @Sendable () -> Ledger
    ) {
        state = Mutex(State(store: FindingStore(capacity: findingCapacity)))
        self.history = history
        self.evidence = evidence
        self.exporter = exporter
        self.fleet = fleet
        readLedger = ledger
    }

    /// True while it captures on every wanted interface that is there.
    package var isReady: Bool {
        state.withLock { state in state.phase == .capturing && !state.interfaces.contains(where: \.isBlind) }
    }

    package var phase: Phase { state.withLock { $0.phase } }
    package var interfaces: [Interface] { state.withLock { $0.interfaces } }
    package var statistics: Engine.Statistics { state.withLock { $0.statistics } }
    package var ledger: Ledger { readLedger() }
    /// The correction of packet times that holds now.
    package var clockCorrection: ClockCorrection { state.withLock { $0.clockCorrection } }

    /// The time of day was set.
    package func set(_ correction: ClockCorrection) {
        state.withLock { $0.clockCorrection = correction }
    }

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
                    interface.isBlind = attachment.isBlind
                    return interface
                }
                var interface = Interface(attachment, hook: hook)
                interface.coverage = CoverageWindow()
                if let received = InterfaceCounter.received(interface.name) {
                    interface.coverage.add(received: received, arrived: ledger.arrived(slot: slot), now: .now)
                }
                return interface
            }
        }
    }

    /// Keeps and hands on what the engine gave, with the time of day; a revision keeps the time that its finding had.
    package func record(_ given: [Finding], _ statistics: Engine.Statistics) {
        let (readers, findings): ([FindingQueue], [Finding]) = state.withLock { state in
            state.statistics = statistics
            guard !given.isEmpty else { return ([], []) }
            let correction = state.clockCorrection
            var findings = given
            for index in findings.indices {
                if findings[index].revision > 0, let first = state.store[findings[index].id] {
                    findings[index].time = first.time
                } else {
                    correction.apply(to: &findings[index])
                }
                let previous = state.store.add(findings[index])
                state.counters.count(
                    findings[index], replacing: previous?.reset?.sender, previousCount: previous?.count)
            }
            return (Array(state.readers.values), findings)
        }
        if !findings.isEmpty {
            history?.queue.offer(findings)
            exporter?.offer(findings)
            fleet?.offer(findings)
        }
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
        let names = state.withLock { $0.interfaces.map(\.name) }
        let received = names.map { InterfaceCounter.received($0) }
        let interfaces = state.withLock { state in
            snapshot.findings = state.counters
            snapshot.fill(from: state.statistics)
            for (slot, count) in received.enumerated() where slot < state.interfaces.count {
                guard let count, state.interfaces[slot].name == names[slot] else { continue }
                state.interfaces[slot].coverage.add(received: count, arrived: ledger.arrived(slot: slot), now: .now)
            }
            return state.interfaces
        }
        snapshot.version = AgentVersion.number
        snapshot.history = history?.status.metrics
        snapshot.export = exporter?.status.metrics
        snapshot.fleet = fleet?.status.metrics
        snapshot.fill(from: ledger)
        snapshot.interfaces = interfaces.enumerated().map { slot, interface in
            var metrics = Self.metrics(of: interface, slot: slot, in: ledger)
            metrics.received = slot < received.count ? received[slot] : nil
            return metrics
        }
        return snapshot
    }

    private static func metrics(
        of interface: Interface, slot: Int, in ledger: Ledger
    ) -> MetricsSnapshot.Interface {
        var result = MetricsSnapshot.Interface(name: interface.name, hook: interface.hook)
        result.isUp = interface.isAttached
        for row in ledger.rows where Int(row.slot) == slot {
            switch row.way {
            case .ingress: result.arrived = row.count.segments
            case .egress: result.left = row.count.segments
            }
        }
        result.coverage = interface.coverage.ratio
        return result
    }
}

extension Ledger {
    /// Packets that have arrived in a slot, each GRO packet counted as those on the wire.
    fileprivate func arrived(slot: Int) -> UInt64 {
        rows.first { Int($0.slot) == slot && $0.way == .ingress }?.count.segments ?? 0
    }
}
