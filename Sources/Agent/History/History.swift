// SPDX-License-Identifier: Apache-2.0
internal import Capture
package import Diagnosis
internal import FoundationEssentials
internal import GRDB
internal import Synchronization

/// Findings, origins, paths and hosts' baselines in SQLite, for as long as `HistoryOptions` says.
///
/// Nothing here is called on the packet path, and no failure ends anything but history itself: it stops with one
/// warning, counts what it does not store, and tries again every minute.
package final class History: Sendable {
    /// Findings that may wait to be stored; what finds no room then is counted.
    private static let queueCapacity = 65_536
    /// The time between a failure and the next attempt to store history.
    static let retryInterval = Duration.seconds(60)
    /// A clock that is set back less than this (ns) is a clock's usual correction.
    private static let clockTolerance: UInt64 = 60_000_000_000

    private struct State {
        var database: HistoryDatabase?
        /// The file that is open.
        var file: FileStatus?
        var status = HistoryStatus()
        var stoppedAt: ContinuousClock.Instant?
        var isDamaged = false
        /// The last written state of each host (`HostRecord.essence`).
        var essences: [HostKey: Int] = [:]
        /// Paths that were seen last before this are stored as they are, ns since 1970.
        var pathsStoredUpTo: UInt64 = 0
    }

    /// Takes the findings that are to be stored.
    package let queue = FindingQueue(capacity: queueCapacity, policy: .drop, wake: {})
    package let options: HistoryOptions
    let files: HistoryFiles
    private let machine: String
    private let warn: @Sendable (String) -> Void
    private let lock: Mutex<HeldLock>
    private let secret = Mutex<String?>(nil)
    private let state = Mutex(State())

    /// Opens the history.
    ///
    /// Blocks for as long as the disk does.
    ///
    /// - `warn`: called with sentences for people: once where history stops, once where it goes on.
    package init(_ options: HistoryOptions, warn: @escaping @Sendable (String) -> Void) {
        self.options = options
        self.warn = warn
        files = HistoryFiles(directory: options.directory)
        machine = MachineIdentity.current()
        lock = Mutex(HeldLock())
        open()
    }

    /// Opens what an agent has left, for reading.
    ///
    /// - `directory`: the state directory.
    package static func open(readOnly directory: String) throws(HistoryFault) -> HistoryReader {
        HistoryReader(try HistoryDatabase(readOnly: HistoryFiles(directory: directory).database))
    }

    package var status: HistoryStatus { state.withLock { $0.status } }

    var database: HistoryDatabase? { state.withLock { $0.database } }

    /// The secret that a request to forget must carry; `nil` if nobody may.
    var token: String? { secret.withLock { $0 } }

    /// Lets the next storing of hosts and paths compare with nothing: what the engine still knows is stored again.
    func forgetEssences() {
        state.withLock { state in
            state.essences = [:]
            state.pathsStoredUpTo = 0
        }
    }

    /// For questions; `nil` while history is stopped.
    var reader: HistoryReader? { state.withLock { $0.database.map { HistoryReader($0) } } }

    /// Opens the file, and sets a damaged one aside.
    private func open() {
        do {
            try files.make()
            try lock.withLock { held throws(HistoryFault) in try held.take(options.directory) }
            secret.withLock { if $0 == nil { $0 = Self.makeToken(files.token) } }
            let wasDamaged = state.withLock { $0.isDamaged }
            if wasDamaged { try files.setAside() }
            let database: HistoryDatabase
            do {
                database = try HistoryDatabase(files.database, maximumBytes: options.maximumBytes)
            } catch  where error.reason == .damaged && !wasDamaged {
                note(error)
                warn("\(error). It is \(files.damaged) now")
                try files.setAside()
                database = try HistoryDatabase(files.database, maximumBytes: options.maximumBytes)
            }
            let goesOn = state.withLock { state in
                defer { state.stoppedAt = nil }
                state.database = database
                state.file = FileStatus(at: files.database)
                state.isDamaged = false
                state.essences = [:]
                state.pathsStoredUpTo = 0
                state.status.isUp = true
                state.status.bytes = files.bytes
                return state.stoppedAt != nil
            }
            if goesOn { warn("\(files.database): history goes on") }
        } catch {
            stop(HistoryFault(error, path: files.database))
        }
    }

    private func note(_ fault: HistoryFault) {
        state.withLock { $0.status.errors[fault.reason, default: 0] += 1 }
    }

    /// Stops history, with a warning unless it has stopped already.
    private func stop(_ fault: HistoryFault) {
        let isNew = state.withLock { state in
            defer { state.stoppedAt = .now }
            state.database = nil
            state.status.isUp = false
            state.isDamaged = fault.reason == .damaged
            return state.stoppedAt == nil
        }
        guard isNew else { return }
        note(fault)
        warn("history is not kept: \(fault)")
    }

    /// Begins a new file where somebody has removed or replaced the one that is open, or its directory.
    private func followFile() {
        let isGone = state.withLock { state in
            guard state.database != nil, let file = state.file else { return false }
            guard FileStatus(at: files.database)?.isSameFile(as: file) != true else { return false }
            state.database = nil
            state.status.isUp = false
            return true
        }
        guard isGone else { return }
        lock.withLock { $0.release() }
        secret.withLock { $0 = nil }
        warn("\(files.database): the file was removed or replaced while this agent used it; a new one is begun")
        open()
    }

    /// Opens it again where it is time to.
    func retry() {
        followFile()
        let isDue = state.withLock { state in
            state.stoppedAt.map { state.isDamaged || $0.duration(to: .now) >= Self.retryInterval } ?? false
        }
        if isDue { open() }
    }

    /// Stores what waits.
    func store() async {
        let taken = queue.take()
        if taken.dropped > 0 { state.withLock { $0.status.dropped += UInt64(taken.dropped) } }
        guard !taken.findings.isEmpty else { return }
        let maximumBytes = options.maximumBytes
        let budget = HistoryBudget(maximumBytes: maximumBytes)
        var waiting = HistoryBatch.grouped(taken.findings)[...]
        while !waiting.isEmpty {
            let rows = HistoryBatch.next(&waiting, bytes: budget.transaction)
            var isStored = await write { db in
                try HistoryDatabase.write(rows, maximumBytes: maximumBytes, db)
            }
            if !isStored, state.withLock({ $0.isDamaged }) {
                // A damaged file is set aside; the new one takes what the old one could not.
                open()
                isStored = await write { db in
                    try HistoryDatabase.write(rows, maximumBytes: maximumBytes, db)
                }
            }
            let count = UInt64(rows.reduce(0) { $0 + $1.finding.count })
            state.withLock { [isStored] state in
                if isStored { state.status.stored += count } else { state.status.dropped += count }
            }
            emptyLog(over: budget.log)
        }
        state.withLock { $0.status.bytes = files.bytes }
    }

    /// Moves what the log holds into the file and cuts it, where it has grown.
    private func emptyLog(over bytes: Int) {
        guard files.logBytes > UInt64(bytes), let database = state.withLock({ $0.database }) else { return }
        // Somebody who reads holds it up; the next transaction tries again.
        _ = try? database.connections.writeWithoutTransaction { try $0.checkpoint(.truncate) }
    }

    /// Stores what has changed of the hosts, and the origins.
    package func store(_ memory: PersistedState, _ correction: ClockCorrection = ClockCorrection()) async {
        let records = memory.hostRecords().corrected(by: correction, correction.apply)
        let origins = memory.origins.corrected(by: correction) { correction.apply(to: &$0.origin) }
        let known = state.withLock { $0.essences }
        var essences: [HostKey: Int] = [:]
        essences.reserveCapacity(records.count)
        var changed: [HostRecord] = []
        for record in records {
            let key = HostKey(address: record.address, domain: record.domain)
            let essence = record.essence
            essences[key] = essence
            if known[key] != essence { changed.append(record) }
        }
        let (hosts, machine, now) = (changed, machine, Self.now())
        let isStored = await write { db in
            try HistoryDatabase.write(
                hosts: hosts, origins: origins, machine: machine, at: now, db)
        }
        if isStored { state.withLock { [essences] in $0.essences = essences } }
    }

    /// Stores the paths that were used since they were stored last.
    package func store(_ paths: [PathSummary]) async {
        let known = state.withLock { $0.pathsStoredUpTo }
        let changed = paths.filter { $0.lastSeen >= known }
        guard !changed.isEmpty else { return }
        let isStored = await write { db in try HistoryDatabase.write(paths: changed, db) }
        if isStored { state.withLock { $0.pathsStoredUpTo = changed.map(\.lastSeen).max() ?? known } }
    }

    /// Removes what is too old or too much.
    func prune() async {
        let (options, now) = (options, Self.now())
        let oldest = now - min(now, options.maximumAge * 1_000_000_000)
        // In small steps: each is one transaction, and findings that come meanwhile wait for one step only.
        for _ in 0..<HistoryDatabase.pruningSteps {
            let left = Mutex(false)
            let isDone = await write { db in
                let hasMore = try HistoryDatabase.prune(olderThan: oldest, maximumBytes: options.maximumBytes, db)
                left.withLock { $0 = hasMore }
            }
            guard isDone, left.withLock({ $0 }) else { break }
        }
        files.removeDamaged(olderThan: options.maximumAge)
        state.withLock { $0.status.bytes = files.bytes }
    }

    /// Writes in one transaction.
    ///
    /// False where history is stopped, or stops with this.
    func write(_ body: @escaping @Sendable (Database) throws -> Void) async -> Bool {
        guard let database = state.withLock({ $0.database }) else { return false }
        do {
            // What has been begun is ended, also where the agent ends meanwhile.
            try await Task.detached { try await database.connections.write { try body($0) } }.value
            return true
        } catch {
            stop(HistoryFault(error, path: files.database))
            return false
        }
    }

    /// Notes that reading has shown a damage.
    func noteReadFailure(_ fault: HistoryFault) {
        if fault.reason == .damaged { stop(fault) }
    }

    /// Returns the state of the previous engine; empty, with a warning, if it belongs to another machine or the clock
    /// is wrong.
    package func remembered() -> RestoredState {
        guard let database = state.withLock({ $0.database }) else { return RestoredState() }
        do {
            var remembered = try database.connections.read { try HistoryDatabase.remembered($0) }
            if let writer = remembered.machine, writer != machine {
                warn("\(files.database): another machine's baselines are not taken over; they are learned anew")
                try database.connections.write { try HistoryDatabase.removeBaselines($0) }
                return RestoredState()
            }
            let now = Self.now()
            if let time = remembered.writtenAt, time > now, time - now > Self.clockTolerance {
                warn(
                    """
                    \(files.database): the baselines were written \((time - now) / 1_000_000_000) s from now. The clock is \
                    wrong, or was; they are not taken over
                    """)
                remembered.hosts = []
            }
            return remembered
        } catch {
            stop(HistoryFault(error, path: files.database))
            return RestoredState()
        }
    }

    /// ns since 1970.
    static func now() -> UInt64 {
        UInt64(max(0, Date().timeIntervalSince1970 * 1e9))
    }
}

/// The lock on the state directory, once it is held.
private struct HeldLock: ~Copyable {
    private var lock: DirectoryLock?

    mutating func release() { lock = nil }

    mutating func take(_ directory: String) throws(HistoryFault) {
        if lock == nil { lock = try DirectoryLock(directory) }
    }
}
