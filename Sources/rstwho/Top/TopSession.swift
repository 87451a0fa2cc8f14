// SPDX-License-Identifier: Apache-2.0
import Agent
import Diagnosis
import Glibc
import Reporting
import Synchronization

/// One run of `rstwho top`.
struct TopSession {
    /// The screen is drawn so often at most, and so seldom at least, ms.
    private static let quickest: UInt64 = 100
    private static let slowest: UInt64 = 1000
    /// Figures are asked for so often, s; and so many times in vain before the agent counts as gone.
    private static let patience = 3
    /// Findings of that long ago are counted, ns.
    private static let past: UInt64 = 3_600_000_000_000

    let agent: RunningAgent

    /// Runs until a key, a signal, or the agent's end.
    ///
    /// - Throws: `OutputError`'s status where the terminal cannot be written.
    func run() throws -> ExitStatus {
        let inbox = TopInbox()
        let stop = FollowStop()
        defer { stop.stop() }
        guard var screen = Screen() else { return .usage }
        TopSignals.catchAll()
        follow(inbox, stop)
        poll(inbox, stop)
        let end: End
        do throws(OutputError) {
            end = try loop(inbox, &screen)
        } catch {
            screen.giveBack()
            throw error.exitCode
        }
        screen.giveBack()
        switch end {
        case .quit: return .ok
        case .agentGone(let problem):
            printMessage("\(agent.address): \(problem)")
            return .unavailable
        case .signalled(let number):
            // Whoever waits for this process is told what ended it.
            signal(number, SIG_DFL)
            // Swift's main thread is Dispatch's, which blocks signals: one to the process reaches another thread.
            kill(getpid(), number)
            usleep(UInt32(Self.slowest) * 1000)
            return .ok
        }
    }

    private enum End {
        case quit
        case signalled(Int32)
        case agentGone(String)
    }

    // MARK: The screen

    private func loop(_ inbox: TopInbox, _ screen: inout Screen) throws(OutputError) -> End {
        var state = TopState()
        state.title = title
        // What is shown while nothing is to move.
        var frozen: TopState?
        var style = StandardOutput().style
        try screen.take()
        var drawn: UInt64 = 0
        while true {
            let content = inbox.take()
            Self.add(content, to: &state)
            let ending = TopSignals.ending.load(ordering: .acquiring)
            if ending != 0 { return .signalled(ending) }
            if let end = content.end { return .agentGone(end) }
            let size = screen.size
            // To erase what is behind a whole line would erase its last character.
            style.width = max(1, size.columns - 1)
            try screen.draw((frozen ?? state).frame(height: size.lines, now: WallClock.now(), style: style))
            drawn = Self.milliseconds()
            // What comes at once is drawn together.
            guard let keys = Self.wait(inbox, screen, since: drawn) else { return .quit }
            for key in keys {
                switch key {
                // q, Q, Ctrl-C, Ctrl-D
                case 0x71, 0x51, 0x03, 0x04: return .quit
                case 0x20:
                    frozen = frozen == nil ? state : nil
                    frozen?.isPaused = true
                case 0x70:
                    state.showsProblemsOnly.toggle()
                    frozen?.showsProblemsOnly = state.showsProblemsOnly
                case 0x1a: try suspend(&screen)
                default: break
                }
            }
        }
    }

    /// Ctrl-Z: the terminal is the shell's until the process goes on.
    private func suspend(_ screen: inout Screen) throws(OutputError) {
        screen.giveBack()
        let before = TopSignals.continued.load(ordering: .acquiring)
        kill(getpid(), SIGTSTP)
        // Another thread takes the signal; where nobody controls jobs it is ignored.
        for _ in 0..<20 where TopSignals.continued.load(ordering: .acquiring) == before { usleep(10_000) }
        try screen.take()
    }

    private static func add(_ content: TopInbox.Content, to state: inout TopState) {
        for finding in content.findings { state.take(finding) }
        if let ledger = content.ledger { state.take(ledger.totals, at: ledger.time) }
        if let origins = content.origins { state.origins = origins }
    }

    /// Waits for a key, a wakeup or a second.
    ///
    /// Returns the keys; `nil` where the terminal has gone.
    private static func wait(_ inbox: TopInbox, _ screen: borrowing Screen, since drawn: UInt64) -> [UInt8]? {
        var polled = [
            pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
            pollfd(fd: inbox.wakeup, events: Int16(POLLIN), revents: 0),
        ]
        let ready = Glibc.poll(&polled, nfds_t(polled.count), Int32(slowest))
        if ready > 0, polled[0].revents != 0 {
            guard polled[0].revents & Int16(POLLIN) != 0 else { return nil }
            guard let keys = screen.keys() else { return nil }
            // Ready and nothing to read: the other side of the terminal has closed it.
            if keys.isEmpty, polled[0].revents & Int16(POLLHUP) != 0 { return nil }
            return keys
        }
        let elapsed = milliseconds() - drawn
        if elapsed < quickest { usleep(UInt32(quickest - elapsed) * 1000) }
        return []
    }

    private var title: String {
        let names = agent.interfaces.joined(separator: ", ")
        return "\(agent.address)  \(names)  (\(agent.version))"
    }

    private static func milliseconds() -> UInt64 {
        UInt64(max(0, ContinuousClock.now.duration(to: start) / .milliseconds(-1)))
    }

    private static let start = ContinuousClock.now

    // MARK: The agent

    private func follow(_ inbox: TopInbox, _ stop: FollowStop) {
        let since = WallClock.now()
        Task {
            let problem: String? = try? await BlockingThread.run(named: "rstwho-follow") {
                do throws(AgentConnection.Failure) {
                    try agent.follow(since: since > Self.past ? since - Self.past : 0, stop: stop) {
                    } _: { _, finding in
                        inbox.put(finding)
                        return true
                    }
                    return "the agent has ended"
                } catch {
                    return error.problem
                }
            }
            inbox.put { $0.end = problem ?? "the agent cannot be followed" }
        }
    }

    private func poll(_ inbox: TopInbox, _ stop: FollowStop) {
        Task {
            try? await BlockingThread.run(named: "rstwho-figures") {
                var failures = 0
                while !stop.isStopped {
                    if let ledger = get("/api/v1/ledger").flatMap(LedgerTotals.init),
                        let origins = get("/api/v1/origins?limit=1000").flatMap(OriginReport.decode)
                    {
                        failures = 0
                        inbox.put { content in
                            content.ledger = (ledger, Self.milliseconds() * 1_000_000)
                            content.origins = origins
                        }
                    } else {
                        failures += 1
                        if failures >= Self.patience {
                            return inbox.put { $0.end = "the agent does not answer any more" }
                        }
                    }
                    usleep(UInt32(Self.slowest) * 1000)
                }
            }
        }
    }

    private func get(_ path: String) -> [UInt8]? {
        guard var connection = try? AgentConnection(agent.address, timeout: 3),
            (try? connection.get(path, host: "localhost")) == 200
        else { return nil }
        return try? connection.body(limit: 1 << 26)
    }
}
