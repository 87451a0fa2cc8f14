// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
package import Packets

/// Everything that `/metrics` shows, at one moment.
package struct MetricsSnapshot: Sendable {
    /// One watched interface.
    package struct Interface: Sendable {
        package var name: String
        /// `tc`, `xdp` or `xdp-generic`.
        package var hook: String
        /// False once it has gone, or while it cannot be watched; what was counted stays.
        package var isUp = true
        /// Packets that arrived, a GRO packet counted as what was on the wire.
        package var arrived: UInt64 = 0
        /// Packets that left, a GSO packet counted as what goes on the wire.
        package var left: UInt64 = 0
        /// The interface's own count of packets received; `nil` where it has none.
        package var received: UInt64?
        /// `arrived` over `received` in the last minutes; `nil` where nothing was received.
        package var coverage: Double?

        package init(name: String, hook: String) {
            self.name = name
            self.hook = hook
        }
    }

    /// The figures of the history.
    package struct History: Sendable {
        package var isUp = false
        /// The number of failures, for every reason that exists.
        package var errors: [(reason: String, count: UInt64)] = []
        package var stored: UInt64 = 0
        package var dropped: UInt64 = 0
        package var bytes: UInt64 = 0

        package init() {}
    }

    /// The figures of exported findings.
    package struct Export: Sendable {
        package var isUp = false
        package var sent: UInt64 = 0
        package var dropped: UInt64 = 0
        package var waiting = 0
        package var failures: UInt64 = 0

        package init() {}
    }

    /// The figures of the records for the fleet, by table.
    package struct Fleet: Sendable {
        package var isUp = false
        package var rows: [(table: String, count: UInt64)] = []
        package var dropped: [(table: String, count: UInt64)] = []
        package var spoolBytes: UInt64 = 0
        package var spoolSeconds: UInt64 = 0
        package var sampledShare = 0.0

        package init() {}
    }

    package var version = ""
    package var interfaces: [Interface] = []
    /// Packets that were not even looked at, because another one was on the same CPU.
    package var missed: UInt64 = 0
    /// Packets that were not even looked at, because the agent had no CPU time to renew its lease.
    package var idle: UInt64 = 0
    /// Seconds for which nothing was looked at, because the agent stood still.
    package var blindSeconds = 0.0
    package var refused: [RefusalReason: UInt64] = [:]
    package var recorded: [PacketClass: UInt64] = [:]
    package var shed: [PacketClass: UInt64] = [:]
    /// The part of flows that is shed now, 0 to 1.
    package var shedRatio: [PacketClass: Double] = [:]
    package var lost: [PacketClass: [LossReason: UInt64]] = [:]
    package var ringUsedBytes: UInt64 = 0
    package var ringSizeBytes: UInt64 = 0
    package var connections: [Scope: UInt64] = [:]
    package var hosts = 0
    package var flows = 0
    package var origins = 0
    package var expectedOrigins = 0
    package var hostEvictions: UInt64 = 0
    package var flowEvictions: UInt64 = 0
    package var undeterminedForgotten: UInt64 = 0
    package var findings = FindingCounters()
    /// `nil` where nothing is kept.
    package var history: History?
    /// `nil` where nothing is exported.
    package var export: Export?
    /// `nil` where no records are written for the fleet.
    package var fleet: Fleet?

    package init() {}
}
