// SPDX-License-Identifier: Apache-2.0

/// A connection as this machine's connection tracking has it.
package struct TrackedConnection: Sendable, Equatable {
    /// As the client's packets arrive.
    package var original: FiveTuple
    /// As the server's packets arrive: where addresses are translated, not the other way round of `original`.
    package var reply: FiveTuple
    /// The state's name as conntrack(8) shows it, for example `SYN_SENT`; `nil` where the kernel does not tell.
    package var state: String?
    /// A packet of the reply direction was seen; conntrack(8) shows `[UNREPLIED]` otherwise.
    package var isReplied: Bool
    /// Traffic went both ways for long enough that it is kept when the table is full.
    package var isAssured: Bool
    /// Sequence numbers are changed as well (a helper that rewrites payload, SYNPROXY).
    package var adjustsSequence: Bool

    package init(
        original: FiveTuple, reply: FiveTuple, state: String? = nil, isReplied: Bool = false, isAssured: Bool = false,
        adjustsSequence: Bool = false
    ) {
        self.original = original
        self.reply = reply
        self.state = state
        self.isReplied = isReplied
        self.isAssured = isAssured
        self.adjustsSequence = adjustsSequence
    }

    /// Addresses or ports are translated.
    package var isTranslated: Bool { reply != original.reversed }
}
