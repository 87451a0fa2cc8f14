// SPDX-License-Identifier: Apache-2.0
import Agent
import Diagnosis
import Glibc
import Reporting
import Synchronization

/// The input of the screen from the agent's threads, with a pipe that wakes it.
final class TopInbox: Sendable {
    struct Content {
        var findings: [Finding] = []
        /// Findings that had no room: the screen is slower than the agent.
        var dropped = 0
        var ledger: (totals: LedgerTotals, time: UInt64)?
        var origins: [Origin]?
        /// Why nothing more comes.
        var end: String?
    }

    private static let capacity = 4096
    private let content = Mutex(Content())
    /// Becomes readable when something has come.
    let wakeup: Int32
    private let waker: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        // Without a pipe the screen still follows once a second.
        if pipe(&ends) == 0 {
            for end in ends {
                _ = fcntl(end, F_SETFD, FD_CLOEXEC)
                _ = fcntl(end, F_SETFL, O_NONBLOCK)
            }
        }
        (wakeup, waker) = (ends[0], ends[1])
        TopSignals.waker.store(waker, ordering: .releasing)
    }

    deinit {
        TopSignals.waker.store(-1, ordering: .releasing)
        close(wakeup)
        close(waker)
    }

    func put(_ change: (inout Content) -> Void) {
        content.withLock { change(&$0) }
        var byte: UInt8 = 1
        // A full pipe wakes as well.
        _ = write(waker, &byte, 1)
    }

    func put(_ finding: Finding) {
        put { content in
            if content.findings.count < Self.capacity { content.findings.append(finding) } else { content.dropped += 1 }
        }
    }

    func take() -> Content {
        var bytes = [UInt8](repeating: 0, count: 512)
        while read(wakeup, &bytes, bytes.count) > 0 {}
        return content.withLock { content in
            defer { content = Content(end: content.end) }
            return content
        }
    }
}

/// Signals while the screen is taken: they only wake the loop, which asks what came.
enum TopSignals {
    static let waker = Atomic<Int32>(-1)
    static let ending = Atomic<Int32>(0)
    /// The number of times that this process continued after a stop.
    static let continued = Atomic<Int32>(0)

    /// From now on.
    static func catchAll() {
        signal(SIGPIPE, SIG_IGN)
        for number in TerminationSignals.numbers {
            signal(number) { number in
                TopSignals.ending.store(number, ordering: .releasing)
                TopSignals.wake()
            }
        }
        signal(SIGWINCH) { _ in TopSignals.wake() }
        signal(SIGCONT) { _ in
            TopSignals.continued.add(1, ordering: .acquiringAndReleasing)
            TopSignals.wake()
        }
    }

    /// Async-signal-safe: an atomic load and write(2).
    private static func wake() {
        let reason = errno
        var byte: UInt8 = 2
        _ = write(waker.load(ordering: .acquiring), &byte, 1)
        errno = reason
    }
}
