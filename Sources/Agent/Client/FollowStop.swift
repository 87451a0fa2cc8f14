// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// Ends a `RunningAgent.follow` from elsewhere.
package final class FollowStop: Sendable {
    private struct State {
        var isStopped = false
        var descriptor: Int32?
    }

    private let state = Mutex(State())

    package init() {}

    package var isStopped: Bool { state.withLock { $0.isStopped } }

    package func stop() {
        state.withLock { state in
            state.isStopped = true
            if let descriptor = state.descriptor { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// Names the connection to end.
    ///
    /// False where it has been stopped already.
    func watch(_ descriptor: Int32) -> Bool {
        state.withLock { state in
            state.descriptor = descriptor
            return !state.isStopped
        }
    }

    /// Must be called before the connection is closed: its number may be another's then.
    func unwatch() {
        state.withLock { $0.descriptor = nil }
    }
}
