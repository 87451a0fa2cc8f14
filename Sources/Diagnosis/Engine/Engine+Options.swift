// SPDX-License-Identifier: Apache-2.0
package import Packets

extension Engine {
    /// The sizes of the tables, and the properties of the source of the packets.
    package struct Options: Sendable {
        /// Flows remembered at once.
        ///
        /// When full, closed flows give way first, then those that never proved to be alive; evictions are counted.
        package var flowCapacity = 1 << 17
        /// Hosts remembered at once.
        ///
        /// Hosts that never proved to be alive give way first; evictions are counted.
        package var hostCapacity = 1 << 16
        /// The time for which a reset waits for what comes after it, ns of packet time.
        package var settleTime: UInt64 = 2_000_000_000
        /// Undetermined resets remembered for a later revision; the oldest is then final.
        package var undeterminedCapacity = 65_536
        /// The time (ns) by which a packet may have come later than its time says, which the order of two CPUs' packets
        /// depends on: 0 for a file, `LiveCapture.clockStep` for a live capture.
        ///
        /// See `ClockStep`.
        package var clockStep: UInt64 = 0
        /// True where the records say of each outgoing packet whether this machine made it (the kernel part).
        package var egressIsMarked = false
        /// This machine's own addresses at the start, for telling its own resets from those it makes in another's name.
        package var localAddresses: Set<IPAddress> = []
        /// Whether `observe(trace:)` will be called for every reset of this machine's own TCP stack.
        package var resetTracing = ResetTracing.none
        /// Whether `observe(drop:)` will be called for every packet of a flow in focus that the kernel drops.
        package var tellsDrops = false
        /// Prefixes that count as inside, for `Scope`.
        package var inside = InsidePrefixes.standard
        /// Devices that the operator has named.
        package var devices = DeviceNames()
        /// This machine's name and the hook, for `Finding.Vantage`; `nil` for a file.
        package var host: String?
        package var hook: String?
        /// Bytes for packets that are kept as evidence of findings; 0 keeps none.
        package var evidenceBytes = 8 << 20
        /// Names of the interfaces by slot; empty where the source has none.
        package var interfaceNames: [String] = []
        /// The slot that stands for each slot's interface: the first of the members of one bond or bridge.
        ///
        /// Empty where each is one of its own.
        package var interfaceGroups: [UInt8] = []
        /// The key of the hash by which the capture sheds flows (`LiveCapture.Options.hashKey`).
        package var hashKey = FlowHashKey(ends: 0, flow: 0)
        /// Seeds the tables' hashes.
        ///
        /// Any number for a file; one that nobody outside knows for live capture.
        package var seed: UInt64 = 0

        package init() {}
    }

    /// Whether this machine's kernel tells of the resets that its own TCP stack sends.
    package enum ResetTracing: Sendable, Equatable {
        case none
        /// It tells of some: Linux before 6.10 says nothing of a reset without a full socket.
        case incomplete
        /// It tells of all: a reset without an event was made by something else, such as the packet filter.
        case complete
    }
}
