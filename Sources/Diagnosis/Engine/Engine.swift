// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The answer to "who sent that reset?": takes packets in time order, remembers hosts and flows, and gives findings.
///
/// Everything goes in by `handle` and comes out by `poll`:
///
///     engine.handle(.batch(batch))
///     while let output = engine.poll() { … }
///
/// It owns the tables and packet time (`EngineContext`) and hands each packet to the trackers of the subjects that it
/// concerns; a tracker owns its subject's state and timers.
///
/// Pure: no I/O and no clock. Time is packet time, moved on by a batch's watermark. Packets without a time
/// (`ObservedPacket.time` 0: a text without timestamps) are judged at the end of their file, and nothing about them is
/// measured in time.
package struct Engine: ~Copyable {
    var context: EngineContext
    var resets: ResetTracker
    var witnesses: ResetWitnesses
    var stalls: StallTracker
    var forwarding: ForwardingTracker
    var icmp = ICMPTracker()
    var evidence: PacketSamples
    var counts = Statistics()
    /// Of the next packets in the batch at hand.
    let lookups = FixedTable<PacketLookup>(count: PacketLookup.found + 1)
    /// Hashes of packets that come without.
    let hashes = FixedTable<PacketHashes>(count: hashed)
    static var hashed: Int { 512 }

    package init(options: Options = Options()) {
        let context = EngineContext(options: options)
        resets = ResetTracker(undeterminedCapacity: options.undeterminedCapacity, seed: options.seed)
        witnesses = ResetWitnesses(seed: options.seed, clockStep: context.clockStep)
        stalls = StallTracker(seed: options.seed)
        forwarding = ForwardingTracker(seed: options.seed)
        evidence = PacketSamples(bytes: options.evidenceBytes, seed: options.seed)
        self.context = context
    }

    /// The contents of the tables, and the entries that they gave up.
    package struct Statistics: Sendable, Equatable {
        /// Packets that taught something or were judged.
        package var observed: UInt64 = 0
        /// Packets that the engine set aside: copies, and forwarded packets on their way out.
        package var rejected: UInt64 = 0
        /// New connections (a SYN of a flow that was not open), by scope.
        package var connectionsInside: UInt64 = 0
        package var connectionsOutside: UInt64 = 0
        package var connectionsTransit: UInt64 = 0
        package var hosts = 0
        package var flows = 0
        /// Devices found that send resets in other hosts' names.
        package var origins = 0
        /// Those of them whose resets are meant to be.
        package var expectedOrigins = 0
        package var hostEvictions: UInt64 = 0
        package var flowEvictions: UInt64 = 0
        /// Undetermined resets that can no longer be revised.
        package var undeterminedForgotten: UInt64 = 0

        package init() {}
    }
}
