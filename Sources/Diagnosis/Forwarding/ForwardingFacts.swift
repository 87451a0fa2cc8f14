// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The facts that this machine knows about a flow that it forwards; requested by `Engine.takeQuestions`.
package struct ForwardingFacts: Sendable, Equatable {
    /// The flow's entry in connection tracking.
    package enum Tracking: Sendable, Equatable {
        /// Nothing here tracks connections: addresses are not translated either.
        case absent
        /// The flow is not in the table.
        case unknown
        /// The table cannot be read, and why.
        case unreadable(String)
        case tracked(TrackedConnection)
    }

    /// The flow as it was asked for.
    package var flow: FiveTuple
    package var tracking: Tracking
    package var counters: LocalCounters

    package init(flow: FiveTuple, tracking: Tracking, counters: LocalCounters = LocalCounters()) {
        self.flow = flow
        self.tracking = tracking
        self.counters = counters
    }
}
