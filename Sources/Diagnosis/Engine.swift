// SPDX-License-Identifier: Apache-2.0
package import Packets

/// Who sent that reset: takes packets in time order, keeps what it needs to know of hosts and flows, gives findings.
///
/// Pure: no I/O and no clock. Time is packet time, moved on by `upTo`.
package struct Engine: ~Copyable {
    package struct Options: Sendable {
        /// Flows remembered at once. When full the flow idle longest gives way; evictions are counted.
        package var flowCapacity = 1 << 17
        /// Hosts remembered at once. Hosts that never proved to be alive give way first; evictions are counted.
        package var hostCapacity = 1 << 16
        /// How long a reset waits for what comes after it, ns of packet time.
        package var settleTime: UInt64 = 2_000_000_000
        /// Undetermined resets remembered for a later revision; the oldest is then final.
        package var undeterminedCapacity = 65_536
        /// True where findings are given while packets still come (live, a pipe): an undetermined one is given when its
        /// settle time is over and revised later. False for a finished file: it is held back until it is decided.
        package var isLive = false
        /// False for a text without timestamps: then nothing is measured in time and everything settles at the end.
        package var hasTime = true
        /// This machine's own addresses, for telling its own resets from those it makes in another's name.
        package var localAddresses: Set<IPAddress> = []

        package init() {}
    }

    /// What the tables hold and what they let go.
    package struct Statistics: Sendable, Equatable {
        package var observed: UInt64 = 0
        /// Records that the engine could not use (a copy of a forwarded packet on its way out, for example).
        package var rejected: UInt64 = 0
        package var connections: UInt64 = 0
        package var hosts = 0
        package var flows = 0
        package var hostEvictions: UInt64 = 0
        package var flowEvictions: UInt64 = 0
        package var undeterminedForgotten: UInt64 = 0

        package init() {}
    }

    package let options: Options
    package private(set) var statistics = Statistics()

    package init(options: Options = Options()) {
        self.options = options
    }

    /// Takes a batch in time order, then moves time on to `watermark` (ns since 1970).
    package mutating func observe(_ packets: UnsafeBufferPointer<ObservedPacket>, upTo watermark: UInt64) {
        statistics.observed += UInt64(packets.count)
    }

    /// Settles everything that is still open: the end of the file.
    package mutating func finish() {
    }

    /// Findings and revisions given since the last call, in the order in which they are to be told.
    package mutating func takeFindings() -> [Finding] {
        []
    }
}
