// SPDX-License-Identifier: Apache-2.0

/// Counters of this machine's own network stack that explain why a packet went no further.
///
/// They only grow, but for `tracked`; `nil` where the kernel does not tell.
package struct LocalCounters: Sendable, Equatable {
    /// Connections that a listening socket had no room for (TcpExt ListenOverflows), and all that it turned away
    /// (ListenDrops).
    package var listenOverflows: UInt64?
    package var listenDrops: UInt64?
    /// Packets whose source is not routed back by the interface that they came by (TcpExt IPReversePathFilter; IPv4
    /// only).
    package var reversePathFilter: UInt64?
    /// Packets that belong to no connection that connection tracking knows, or do not fit it.
    package var trackingInvalid: UInt64?
    /// Packets for whose connection there was no room: dropped, or not entered.
    package var trackingDropped: UInt64?
    package var trackingInsertFailed: UInt64?
    /// Connections tracked now, and how many may be.
    package var tracked: UInt64?
    package var trackedMaximum: UInt64?

    package init() {}
}
