// SPDX-License-Identifier: Apache-2.0

/// A packet of a focused flow that this machine's kernel dropped, as the kernel told it (tracepoint skb:kfree_skb).
package struct DropTrace: Sendable, Equatable {
    /// ns since 1970.
    package var time: UInt64
    /// As the packet's headers were when it was dropped: translated or not yet.
    package var fiveTuple: FiveTuple
    package var seq: UInt32
    package var ack: UInt32
    package var flags: TCPFlags
    /// The kernel's own name for its reason, for example `NETFILTER_DROP` (enum skb_drop_reason without its prefix).
    ///
    /// Absent before Linux 5.17.
    package var reason: String?

    package init(
        time: UInt64, fiveTuple: FiveTuple, seq: UInt32, ack: UInt32, flags: TCPFlags, reason: String? = nil
    ) {
        self.time = time
        self.fiveTuple = fiveTuple
        self.seq = seq
        self.ack = ack
        self.flags = flags
        self.reason = reason
    }
}
