// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The open connections by peer, of all machines but this one.
///
/// Holds at most `maximum` peers.
final class ConnectionLimits: Sendable {
    private struct State {
        var all = 0
        var byPeer: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let maximum: Int
    private let perPeer: Int

    init(maximum: Int, perPeer: Int) {
        self.maximum = maximum
        self.perPeer = perPeer
    }

    /// Counts a connection; false where there are too many already, and it is not counted.
    func open(_ peer: String) -> Bool {
        state.withLock { state in
            let count = state.byPeer[peer] ?? 0
            guard state.all < maximum, count < perPeer else { return false }
            state.all += 1
            state.byPeer[peer] = count + 1
            return true
        }
    }

    /// Ends a connection that was counted.
    func close(_ peer: String) {
        state.withLock { state in
            state.all -= 1
            let count = state.byPeer[peer] ?? 1
            state.byPeer[peer] = count > 1 ? count - 1 : nil
        }
    }
}
