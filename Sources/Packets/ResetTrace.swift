// SPDX-License-Identifier: Apache-2.0

/// A reset that this machine's own TCP stack sent, as its kernel told it (tracepoint tcp:tcp_send_reset).
package struct ResetTrace: Sendable, Equatable {
    /// The process that asked for it.
    package struct Process: Sendable, Equatable {
        package var id: UInt32
        /// The name of the thread, at most 15 bytes.
        package var name: String

        package init(id: UInt32, name: String) {
            self.id = id
            self.name = name
        }
    }

    /// ns since 1970.
    ///
    /// An answer's event comes before its packet, an aborted socket's after it.
    package var time: UInt64
    /// In the reset's own direction, before this machine's address translation.
    package var fiveTuple: FiveTuple
    package var seq: UInt32
    /// The acknowledged sequence number; `nil` for a reset without the ACK flag.
    package var ack: UInt32?
    /// True where no packet drew it: a socket was aborted.
    package var isActive: Bool
    /// True where a full socket was there.
    package var hasSocket: Bool
    /// Absent where nobody asked for it: a timer, the answer to a packet.
    package var process: Process?
    /// The kernel's own name for its reason, for example `NO_SOCKET` (enum sk_rst_reason without its prefix).
    ///
    /// Absent before Linux 6.10.
    package var reason: String?

    package init(
        time: UInt64, fiveTuple: FiveTuple, seq: UInt32, ack: UInt32?, isActive: Bool, hasSocket: Bool,
        process: Process? = nil, reason: String? = nil
    ) {
        self.time = time
        self.fiveTuple = fiveTuple
        self.seq = seq
        self.ack = ack
        self.isActive = isActive
        self.hasSocket = hasSocket
        self.process = process
        self.reason = reason
    }
}
