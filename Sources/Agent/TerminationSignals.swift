// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The signals that end the agent in an orderly way.
package enum TerminationSignals {
    /// SIGINT, SIGTERM, and SIGHUP unless this process ignores it, as under nohup(1).
    ///
    /// Ask before handlers are set.
    package static var numbers: [Int32] { ignoresHangup ? [SIGINT, SIGTERM] : [SIGINT, SIGTERM, SIGHUP] }

    private static var ignoresHangup: Bool {
        var action = sigaction()
        guard sigaction(SIGHUP, nil, &action) == 0 else { return false }
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
