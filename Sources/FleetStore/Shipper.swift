// SPDX-License-Identifier: Apache-2.0
internal import Fleet
internal import Glibc
internal import NIOCore
internal import Synchronization

/// Sends the batches of a spool to a store, and deletes each only when a server has stored it.
///
/// A batch's bytes never change, and one that was sent twice does no harm: questions count each record once.
package actor Shipper {
    /// Times, all in seconds.
    package struct Times: Sendable {
        /// Between two looks into an empty spool.
        package var interval = 1.0
        /// Between two messages about the same trouble.
        package var silence = 60.0
        /// Between two writes of the metrics.
        package var metrics = 15.0

        package init() {}
    }

    private enum Outcome {
        case stored
        /// It went to `refused/`, or the agent has taken it away.
        case gone
        case failed(StoreError)
    }

    private let client: StoreClient
    private let spool: SpoolDirectory
    private let metricsPath: String?
    private let times: Times
    private let tell: @Sendable (String) -> Void
    private let stopping = Atomic<Bool>(false)

    private var servers: [String]
    private var current: Int
    private var dialects: [String: Dialect] = [:]
    private var backoff = Backoff()
    private var random = SystemRandomNumberGenerator()
    private var counters = ShipCounters()
    private var lastComplaint = -Double.infinity
    private var lastMetrics = -Double.infinity
    private var isTroubled = false

    /// - `tell`: takes a message for the log.
    package init(
        _ client: StoreClient, spool: SpoolDirectory, metricsPath: String?, times: Times = Times(),
        tell: @escaping @Sendable (String) -> Void
    ) {
        self.client = client
        self.spool = spool
        self.metricsPath = metricsPath
        self.times = times
        self.tell = tell
        servers = client.settings.servers
        // Many agents with one list of servers spread over them.
        current = Int.random(in: 0..<max(1, client.settings.servers.count))
    }

    /// Ends `run` after the batch that is on its way.
    package nonisolated func stop() { stopping.store(true, ordering: .relaxed) }

    private nonisolated var isStopping: Bool { stopping.load(ordering: .relaxed) }

    /// Sends batches until `stop`, or once.
    ///
    /// - `once`: ends when the spool is empty or no server takes a batch.
    /// - Returns: the batches that still wait.
    package func run(once: Bool) async throws(SpoolDirectory.Problem) -> Int {
        while !isStopping {
            let failure = try await round()
            writeMetrics(isForced: once)
            if let failure {
                complain(failure)
                if once { break }
                await pause(backoff.pause(using: &random))
            } else {
                backoff.reset()
                if once { break }
                await pause(times.interval)
            }
        }
        note(try spool.batches())
        writeMetrics(isForced: true)
        return counters.waiting
    }

    /// Sends what is there; ends at the first batch that no server takes now.
    private func round() async throws(SpoolDirectory.Problem) -> StoreError? {
        let batches = try spool.batches()
        note(batches)
        for batch in batches {
            if isStopping { return nil }
            switch try await send(batch) {
            case .stored:
                recover()
                counters.batches[batch.kind, default: 0] += 1
                counters.bytes[batch.kind, default: 0] += batch.size
                counters.lastSuccess = Self.now
                try spool.remove(batch)
                counters.waiting -= 1
                counters.waitingBytes -= batch.size
                writeMetrics(isForced: false)
            case .gone: continue
            case .failed(let error): return error
            }
        }
        note(try spool.batches())
        return nil
    }

    /// Sends one batch: to the next server where one does not take it now.
    private func send(_ batch: SpoolDirectory.Batch) async throws(SpoolDirectory.Problem) -> Outcome {
        guard let body = try spool.read(batch) else { return .gone }
        guard body.readableBytes > 0, body.readableBytes <= SpoolDirectory.maximumBatch else {
            return try refuse(batch, "it has \(body.readableBytes) bytes")
        }
        var refusals = 0
        var tries = 0
        var last: StoreError?
        // A batch that is at fault is refused twice, by two servers where there are two.
        while tries < max(2, servers.count) {
            let server = servers[current]
            do throws(StoreError) {
                let dialect = try await dialect(of: server)
                try await client.insert(
                    body, into: batch.kind.table, isCompressed: true, dialect: dialect, on: server)
                return .stored
            } catch {
                counters.fail(error.kind)
                tries += 1
                dialects[server] = nil
                current = (current + 1) % servers.count
                if error.kind == .batch {
                    refusals += 1
                    if refusals == 2 { return try refuse(batch, error.text) }
                } else {
                    last = error
                    // One server: there is nobody else to ask.
                    if servers.count == 1 { break }
                }
                if isStopping { break }
            }
        }
        return .failed(
            last ?? StoreError(.retry, server: servers[current], text: "the batch \(batch.name) was refused once"))
    }

    private func dialect(of server: String) async throws(StoreError) -> Dialect {
        if let known = dialects[server] { return known }
        let dialect = try await client.dialect(of: server)
        dialects[server] = dialect
        return dialect
    }

    private func refuse(_ batch: SpoolDirectory.Batch, _ reason: String) throws(SpoolDirectory.Problem) -> Outcome {
        let dropped = try spool.refuse(batch)
        counters.refused[batch.kind, default: 0] += 1
        tell(
            "\(batch.name) is set aside in refused/: \(reason). "
                + (dropped > 0 ? "\(dropped) older ones were deleted there" : "Its records are missing in the store"))
        return .gone
    }

    // MARK: Telling

    private func note(_ batches: [SpoolDirectory.Batch]) {
        counters.waiting = batches.count
        counters.waitingBytes = batches.reduce(0) { $0 + $1.size }
        counters.oldest = batches.map { max(0, Self.now - $0.modified) }.max() ?? 0
    }

    /// One line a minute at most, whatever fails how often.
    private func complain(_ error: StoreError) {
        isTroubled = true
        guard Self.monotonic - lastComplaint >= times.silence else { return }
        lastComplaint = Self.monotonic
        let remedy =
            error.kind == .configuration
            ? "Somebody has to change that: `rstwho fleet doctor` says more" : "The next attempt comes by itself"
        tell(
            "\(error.server): \(error.text). \(counters.waiting) batches (\(counters.waitingBytes) bytes) wait, the "
                + "oldest for \(counters.oldest) s. \(remedy)")
    }

    private func recover() {
        backoff.reset()
        guard isTroubled else { return }
        isTroubled = false
        lastComplaint = -.infinity
        tell("\(servers[current]) takes batches again; \(counters.waiting) wait")
    }

    private func writeMetrics(isForced: Bool) {
        guard let metricsPath, isForced || Self.monotonic - lastMetrics >= times.metrics else { return }
        lastMetrics = Self.monotonic
        let draft = metricsPath + ".part"
        let text = Array(counters.text.utf8)
        let file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else {
            tell("\(draft): \(String(cString: strerror(errno))); metrics are not written")
            return
        }
        let written = write(file, text, text.count)
        close(file)
        if written == text.count { rename(draft, metricsPath) }
    }

    /// Sleeps in short steps, so that `stop` is obeyed at once.
    private func pause(_ seconds: Double) async {
        let end = Self.monotonic + seconds
        while !isStopping, Self.monotonic < end {
            let step = min(0.1, max(0, end - Self.monotonic))
            guard (try? await Task.sleep(for: .seconds(step))) != nil else { return }
        }
    }

    private static var now: Int { time(nil) }

    private static var monotonic: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
