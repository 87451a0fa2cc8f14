// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Who sent that reset: takes packets in time order, keeps what it needs to know of hosts and flows, gives findings.
///
/// Pure: no I/O and no clock. Time is packet time, moved on by `upTo`. Packets without a time (`ObservedPacket.time` 0: a text
/// without timestamps) are judged at the end of their file, and nothing about them is measured in time.
package struct Engine: ~Copyable {
    /// What the tables hold and what they let go.
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

    var context: EngineContext
    var resets: ResetTracker
    var icmp = ICMPTracker()
    var witnesses: ResetWitnesses
    var samples: PacketSamples
    var paths: PathTracker
    var forwarding = ForwardingJudge()
    var destinations: ForwardedDestinations
    var localCounters = CounterHistory()
    var droppedRoutes: [DroppedRoute: Finding] = [:]
    var counts = Statistics()
    /// Of the next packets in the batch at hand.
    let lookups = FixedTable<PacketLookup>(count: PacketLookup.found + 1)
    /// Hashes of packets that come without.
    let hashes = FixedTable<PacketHashes>(count: hashed)
    static var hashed: Int { 512 }

    /// Other interfaces are watched from now on.
    ///
    /// - Parameters:
    ///   - names: by slot; a slot keeps what was learnt in it.
    ///   - groups: as `Options.interfaceGroups`.
    package mutating func setInterfaces(names: [String], groups: [UInt8]) {
        context.setInterfaces(names: names, groups: groups)
    }

    /// Other prefixes count as inside, and devices have other names, from now on.
    package mutating func set(inside: InsidePrefixes, devices: DeviceNames) {
        context.options.inside = inside
        context.options.devices = devices
    }

    package init(options: Options = Options()) {
        let context = EngineContext(options: options)
        resets = ResetTracker(undeterminedCapacity: options.undeterminedCapacity)
        witnesses = ResetWitnesses(seed: options.seed, clockStep: context.clockStep)
        destinations = ForwardedDestinations(seed: options.seed)
        samples = PacketSamples(bytes: options.evidenceBytes, seed: options.seed)
        paths = PathTracker(seed: options.seed)
        self.context = context
    }

    package var statistics: Statistics {
        var result = counts
        result.hosts = context.hosts.count
        result.flows = context.flows.count
        result.origins = witnesses.origins.origins.count
        result.expectedOrigins = options.devices.entries.isEmpty ? 0 : origins.count { $0.device?.isExpected == true }
        result.hostEvictions = context.hosts.evictions
        result.flowEvictions = context.flows.evictions
        result.undeterminedForgotten = resets.undetermined.forgotten
        return result
    }

    /// Says where the following packets come from. What came before without a time is settled.
    ///
    /// - Parameters:
    ///   - file: For `Finding.file`.
    ///   - isLive: Findings are wanted while packets still come (an interface, a pipe): an undetermined one is given when
    ///     its settle time is over and revised later. In a finished file it is held back until it is decided.
    package mutating func begin(file: String?, isLive: Bool) {
        if isLive, !context.isLive { resets.emitUndetermined(&context) }
        context.isLive = isLive
        context.file = file
        if resets.hasTimeless || icmp.hasTimeless { settlePending() }
    }

    /// Settles everything that is still open: the end of the file, or of the capture.
    package mutating func finish() {
        settleAllPaths()
        settlePending()
        context.findings.emit(paths.routes.finish())
        resets.finish(&context)
    }

    /// Findings and revisions given since the last call, in the order in which they are to be told.
    package mutating func takeFindings() -> [Finding] {
        var findings: [Finding] = []
        while var finding = context.findings.take() {
            options.devices.name(&finding)
            findings.append(finding)
        }
        return findings
    }

    /// What one flow and one host take of memory, bytes: the tables are made for all at the start and never grow.
    package static var entryBytes: (flow: Int, host: Int) {
        (FlowEntry.tableStride, HostEntry.tableStride)
    }

    /// Devices that sent resets for others, in the order in which they were found.
    package var origins: [Origin] {
        options.devices.named(witnesses.origins.origins)
    }

    /// The hosts as they are now: a copy, for working on it elsewhere.
    package var hostSnapshot: HostSnapshot {
        var entries: [HostEntry] = []
        entries.reserveCapacity(context.hosts.count)
        context.hosts.forEach { entries.append($0) }
        return HostSnapshot(entries: entries, devices: options.devices)
    }
}
