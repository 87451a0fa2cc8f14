// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Dispatch
internal import Logging
internal import Packets
package import Reporting
internal import Synchronization

/// Sends findings to a collector of logs, on a thread of its own: a target that is slow or away holds up nobody.
///
/// At most `ExportOptions.queue` findings wait; what exceeds that is counted and gone. A connection that fails is made
/// again after 1, 2, 4 … 60 seconds.
package final class FindingExporter: Sendable {
    /// The account of all findings that were to be exported.
    package struct Status: Sendable, Equatable {
        package var isUp = false
        package var sent: UInt64 = 0
        package var dropped: UInt64 = 0
        package var waiting = 0
        /// Failures of the connection.
        package var failures: UInt64 = 0
    }

    private static let longestPause: UInt64 = 60_000_000_000

    private let options: ExportOptions
    private let source: ExportSource
    private let privacy: AddressPrivacy
    private let queue: FindingQueue
    private let wakeup: DispatchSemaphore
    private let done = DispatchSemaphore(value: 0)
    private let state = Mutex(Status())
    private let problem: @Sendable (String) -> Void
    private let shortestPause: UInt64

    /// - `problem`: called when the target fails for the first time, and when it takes findings again.
    /// - `pause`: before the first attempt to connect again, s.
    package init(
        _ options: ExportOptions, _ source: ExportSource, pause: Double = 1,
        problem: @escaping @Sendable (String) -> Void
    ) {
        self.options = options
        self.source = source
        self.problem = problem
        privacy = AddressPrivacy(options.addresses)
        shortestPause = UInt64(pause * 1e9)
        let wakeup = DispatchSemaphore(value: 0)
        self.wakeup = wakeup
        // The thread takes them out at once, and keeps them itself.
        queue = FindingQueue(capacity: options.queue, policy: .drop) { wakeup.signal() }
    }

    package var status: Status { state.withLock { $0 } }

    /// Begins to send.
    package func start() {
        do {
            try BlockingThread.start(named: "rstwho-export") {
                self.sendAll()
                self.done.signal()
            }
        } catch {
            problem("\(error). Findings are told all the same; none is exported")
            done.signal()
        }
    }

    /// Takes findings just given.
    ///
    /// Called on the capture thread; never waits.
    package func offer(_ findings: [Finding]) {
        queue.offer(findings)
    }

    /// Waits until everything is sent, but not longer than `seconds`.
    package func finish(seconds: Int) {
        queue.close()
        if done.wait(timeout: .now() + .seconds(seconds)) == .timedOut {
            let left = status.waiting
            if left > 0 { problem("\(options.target): \(left) findings were not exported") }
        }
    }

    /// The thread's own state.
    private struct Work {
        /// Those behind `first` wait.
        var pending: [Finding] = []
        var first = 0
        var isClosed = false
        var pause: UInt64 = 0
        /// The time of the next attempt to connect, ns of uptime.
        var next: UInt64 = 0
        var isBroken = false

        var count: Int { pending.count - first }

        mutating func removeFirst() {
            first += 1
            guard first == pending.count || first >= 1024 else { return }
            pending.removeFirst(first)
            first = 0
        }
    }

    private func sendAll() {
        var work = Work()
        var connection: ExportConnection? = nil
        connect(&connection, &work)
        while !(work.isClosed && work.count == 0) {
            let now = DispatchTime.now().uptimeNanoseconds
            if work.count == 0 {
                wakeup.wait()
            } else if connection == nil, work.next > now {
                _ = wakeup.wait(timeout: .now() + .nanoseconds(Int(work.next - now)))
            }
            take(&work)
            if connection == nil, DispatchTime.now().uptimeNanoseconds >= work.next { connect(&connection, &work) }
            send(&connection, &work)
            // Nobody waits for an attempt after the end.
            if work.isClosed, connection == nil, work.pause > shortestPause { break }
        }
    }

    private func take(_ work: inout Work) {
        let taken = queue.take()
        let wanted = options.isProblemsOnly ? taken.findings.filter(\.isProblem) : taken.findings
        let room = max(options.queue - work.count, 0)
        work.pending += wanted.prefix(room)
        work.isClosed = work.isClosed || taken.isClosed
        let dropped = UInt64(taken.dropped + max(wanted.count - room, 0))
        let waiting = work.count
        state.withLock { state in
            state.dropped += dropped
            state.waiting = waiting
        }
    }

    private func connect(_ connection: inout ExportConnection?, _ work: inout Work) {
        do throws(ExportConnection.Failure) {
            connection = try ExportConnection(options.target)
            state.withLock { $0.isUp = true }
        } catch {
            fail(error.problem, &connection, &work)
        }
    }

    private func fail(_ reason: String, _ connection: inout ExportConnection?, _ work: inout Work) {
        connection = nil
        state.withLock { state in
            state.isUp = false
            state.failures += 1
        }
        work.pause = min(max(work.pause * 2, shortestPause), Self.longestPause)
        work.next = DispatchTime.now().uptimeNanoseconds + work.pause
        guard !work.isBroken else { return }
        work.isBroken = true
        problem(
            "\(options.target): findings cannot be exported: \(reason). Up to \(options.queue) wait, and another attempt follows"
        )
    }

    private func send(_ connection: inout ExportConnection?, _ work: inout Work) {
        while work.count > 0, connection != nil {
            do throws(ExportConnection.Failure) {
                try send(work.pending[work.first], &connection)
                state.withLock { $0.sent += 1 }
                work.pause = 0
                if work.isBroken {
                    work.isBroken = false
                    problem("\(options.target): findings are exported again")
                }
                work.removeFirst()
            } catch {
                if error.isOfMessage || isDatagram {
                    // Nobody says which datagram it was that found no receiver: this one goes.
                    state.withLock { $0.dropped += 1 }
                    work.removeFirst()
                }
                if !error.isOfMessage { fail(error.problem, &connection, &work) }
            }
            let waiting = work.count
            state.withLock { $0.waiting = waiting }
        }
    }

    private var isDatagram: Bool { if case .udp = options.target { true } else { false } }

    private func send(_ finding: Finding, _ connection: inout ExportConnection?) throws(ExportConnection.Failure) {
        if options.target == .journal {
            try connection?.send(entry: journalEntry(finding))
            return
        }
        var isFile = false
        if case .file = options.target { isFile = true }
        let message = privacy.apply(to: options.format.message(finding, source, hasHeader: !isFile))
        try connection?.send(message, isFramed: options.format != .ecs)
    }

    private func journalEntry(_ finding: Finding) -> [UInt8] {
        var fields = [
            "kind": finding.kind.rawValue, "id": finding.id, "cause": finding.causeName,
            "sender": finding.reset?.sender.rawValue, "hop": finding.reset?.hop.map { String($0) },
            "src": finding.text(finding.fiveTuple.source), "dst": finding.text(finding.fiveTuple.destination),
            "src_port": String(finding.fiveTuple.sourcePort), "dst_port": String(finding.fiveTuple.destinationPort),
            "interface": finding.vantage?.interface, "problem": finding.isProblem ? "1" : "0",
        ].compactMapValues { $0 }
        fields["json"] = String(JSONLines.line(finding).dropLast())
        return Journal.entry(
            privacy.apply(to: PacketComment.headline(finding)), level: finding.isProblem ? .warning : .info,
            fields: fields.mapValues { privacy.apply(to: $0) })
    }
}

extension FindingExporter.Status {
    var metrics: MetricsSnapshot.Export {
        var export = MetricsSnapshot.Export()
        export.isUp = isUp
        export.sent = sent
        export.dropped = dropped
        export.waiting = waiting
        export.failures = failures
        return export
    }
}
