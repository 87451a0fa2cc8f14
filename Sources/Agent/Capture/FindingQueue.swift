// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Synchronization

/// Findings on their way to one reader.
///
/// The writer never waits.
///
/// Holds at most `capacity`; what happens then is the queue's policy.
package final class FindingQueue: Sendable {
    package enum Policy: Sendable {
        /// Findings that find no room are counted and gone.
        case drop
        /// The reader is cut off: the queue closes and what waited is gone.
        case close
    }

    /// The result of one read from the queue.
    package struct Take: Sendable {
        package var findings: [Finding] = []
        /// Findings that found no room since the last call.
        package var dropped = 0
        /// Nothing will follow.
        package var isClosed = false
    }

    private let waiting = Mutex(Take())
    private let capacity: Int
    private let policy: Policy
    private let wake: @Sendable () -> Void

    /// - `wake`: called when there is something to take; must return at once.
    package init(capacity: Int, policy: Policy, wake: @escaping @Sendable () -> Void) {
        self.capacity = capacity
        self.policy = policy
        self.wake = wake
    }

    /// Hands over findings.
    ///
    /// False if the reader has been cut off or has gone.
    @discardableResult
    package func offer(_ findings: [Finding]) -> Bool {
        let isOpen = waiting.withLock { waiting in
            if waiting.isClosed { return false }
            let room = capacity - waiting.findings.count
            if findings.count <= room {
                waiting.findings += findings
                return true
            }
            switch policy {
            case .drop:
                waiting.findings += findings.prefix(room)
                waiting.dropped += findings.count - room
                return true
            case .close:
                waiting.findings = []
                waiting.isClosed = true
                return false
            }
        }
        wake()
        return isOpen
    }

    /// Ends the queue; what waits can still be taken.
    package func close() {
        waiting.withLock { $0.isClosed = true }
        wake()
    }

    /// Takes what waits; does not wait itself.
    package func take() -> Take {
        waiting.withLock { waiting in
            defer {
                waiting.findings = []
                waiting.dropped = 0
            }
            return waiting
        }
    }
}
