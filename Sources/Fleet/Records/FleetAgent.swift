// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The state of an agent at one moment: whether its silence means that nothing passed.
///
/// Written at the start, each minute and at the end. All counts only grow while the agent runs.
package struct FleetAgent: Sendable, Equatable {
    package var reporter: FleetReporter
    /// ns since 1970 by the agent's clock.
    package var time: UInt64
    package var version: String
    package var schema: Int
    /// The start of the agent, ns since 1970: another number is another run.
    package var boot: UInt64
    /// All packets before this time (ns since 1970) have been looked at, and their records precede this one.
    package var complete: UInt64
    /// True in the last record of an orderly end.
    package var isLast: Bool
    /// The fingerprint of the flow hash's key: agents with different ones sample and shed different flows.
    package var hashKey: UInt32
    /// Addresses of the agent's machine, at most 64.
    package var addresses: [IPAddress]
    package var seen: UInt64
    package var recorded: UInt64
    package var shed: UInt64
    package var refused: UInt64
    package var lost: UInt64
    package var lostResets: UInt64
    package var connections: UInt64
    /// The part of flows whose bulk is processed, 1 for all.
    package var keptShare: Double
    /// The part of flows whose handshakes are reported.
    package var sampledShare: Double
    package var spoolBytes: UInt64
    /// The age of the oldest record that waits in the spool.
    package var spoolSeconds: UInt64
    /// Records that found no room, by table.
    package var dropped: [FleetRecord.Kind: UInt64]
    /// Microseconds, as the kernel states them; an error of -1 where the clock is not synchronised.
    package var clockOffset: Int32
    package var clockError: Int32

    package init(reporter: FleetReporter, time: UInt64, version: String, boot: UInt64) {
        self.reporter = reporter
        self.time = time
        self.version = version
        self.boot = boot
        schema = FleetRecord.schema
        (complete, isLast, hashKey, addresses) = (time, false, 0, [])
        (seen, recorded, shed, refused, lost, lostResets, connections) = (0, 0, 0, 0, 0, 0, 0)
        (keptShare, sampledShare, spoolBytes, spoolSeconds) = (1, 1, 0, 0)
        dropped = [:]
        (clockOffset, clockError) = (0, 0)
    }
}
