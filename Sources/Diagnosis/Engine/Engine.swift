// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

/// Who sent that reset: takes packets in time order, keeps what it needs to know of hosts and flows, gives findings.
///
/// Pure: no I/O and no clock. Time is packet time, moved on by `upTo`. Packets without a time (`ObservedPacket.time` 0: a text
/// without timestamps) are judged at the end of their file, and nothing about them is measured in time.
package struct Engine: ~Copyable {
    package struct Options: Sendable {
        /// Flows remembered at once. When full, closed flows give way first, then those that never proved to be alive;
        /// evictions are counted.
        package var flowCapacity = 1 << 17
        /// Hosts remembered at once. Hosts that never proved to be alive give way first; evictions are counted.
        package var hostCapacity = 1 << 16
        /// How long a reset waits for what comes after it, ns of packet time.
        package var settleTime: UInt64 = 2_000_000_000
        /// Undetermined resets remembered for a later revision; the oldest is then final.
        package var undeterminedCapacity = 65_536
        /// How much later (ns) than its time says a packet may have come, which the order of two CPUs' packets depends on: 0 for a
        /// file, `LiveCapture.clockStep` for a live capture. See `ClockStep`.
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
        /// The slot that stands for each slot's interface: the first of the members of one bond or bridge. Empty where each is
        /// one of its own.
        package var interfaceGroups: [UInt8] = []
        /// Seeds the tables' hashes. Any number for a file; one that nobody outside knows for live capture.
        package var seed: UInt64 = 0

        package init() {}
    }

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

    package private(set) var options: Options
    var hosts: HostTable
    var flows: FlowTable
    var recent = RecentResets()
    var copies: DuplicateFilter
    var samples: PacketSamples
    var undetermined: UndeterminedResets
    var pending = PendingResets()
    var told = JudgedResets()
    var flood = ResetFlood()
    /// Resets that this machine made with its own address, until its kernel's word of them must have come.
    var awaitingTrace = PendingResets()
    var traces = ResetTraces()
    var counters = IdentificationCounters()
    var rewriting = RewritingLinks()
    var pathChanges = PathChanges()
    var hopAddresses = HopAddresses()
    var redirects = Redirects()
    var icmpErrors = ICMPErrors()
    var paths: PathTracker
    var resetOrigins = ResetOrigins()
    var forwarding = ForwardingJudge()
    var destinations: ForwardedDestinations
    var translations: TranslatedFlows
    var localCounters = CounterHistory()
    var shedding = SheddingLog()
    var droppedRoutes: [DroppedRoute: Finding] = [:]
    var given: [Finding] = []
    var counts = Statistics()
    let judge = ResetJudge()
    /// This machine's own addresses now.
    package var localAddresses: Set<IPAddress>
    /// Packet time, ns.
    var now: UInt64 = 0
    var file: String?
    var isLive = false
    /// `options.clockStep`.
    let clockStep: ClockStep
    /// `options.egressIsMarked`, and for each slot the one that stands for it (`options.interfaceGroups`): without the reference
    /// counts of what is beside them.
    let egressIsMarked: Bool
    let groups: FixedTable<UInt8>
    /// Of the next packets in the batch at hand.
    let lookups = FixedTable<PacketLookup>(count: PacketLookup.found + 1)
    /// Hashes of packets that come without.
    let hashes = FixedTable<PacketHashes>(count: hashed)
    static var hashed: Int { 512 }
    /// Nothing is due before, ns of packet time; 0 where that has to be asked anew.
    var nextDue: UInt64 = 0

    /// Other interfaces are watched from now on.
    ///
    /// - Parameters:
    ///   - names: by slot; a slot keeps what was learnt in it.
    ///   - groups: as `Options.interfaceGroups`.
    package mutating func setInterfaces(names: [String], groups: [UInt8]) {
        options.interfaceNames = names
        options.interfaceGroups = groups
        setGroups(groups)
    }

    private func setGroups(_ named: [UInt8]) {
        for slot in 0..<Self.slots { groups[slot].pointee = slot < named.count ? named[slot] : UInt8(slot) }
    }

    /// Slots that a record can name.
    private static var slots: Int { 32 }

    /// Other prefixes count as inside, and devices have other names, from now on.
    package mutating func set(inside: InsidePrefixes, devices: DeviceNames) {
        options.inside = inside
        options.devices = devices
    }

    package init(options: Options = Options()) {
        self.options = options
        hosts = HostTable(capacity: options.hostCapacity, seed: options.seed)
        flows = FlowTable(capacity: options.flowCapacity, seed: options.seed)
        let clockStep = ClockStep(nanoseconds: options.clockStep)
        self.clockStep = clockStep
        copies = DuplicateFilter(seed: options.seed, clockStep: clockStep)
        destinations = ForwardedDestinations(seed: options.seed)
        translations = TranslatedFlows(seed: options.seed, clockStep: clockStep)
        samples = PacketSamples(bytes: options.evidenceBytes, seed: options.seed)
        paths = PathTracker(seed: options.seed)
        undetermined = UndeterminedResets(capacity: options.undeterminedCapacity)
        localAddresses = options.localAddresses
        egressIsMarked = options.egressIsMarked
        groups = FixedTable(count: Self.slots)
        setGroups(options.interfaceGroups)
    }

    package var statistics: Statistics {
        var result = counts
        result.hosts = hosts.count
        result.flows = flows.count
        result.origins = resetOrigins.origins.count
        result.expectedOrigins = options.devices.entries.isEmpty ? 0 : origins.count { $0.device?.isExpected == true }
        result.hostEvictions = hosts.evictions
        result.flowEvictions = flows.evictions
        result.undeterminedForgotten = undetermined.forgotten
        return result
    }

    /// Says where the following packets come from. What came before without a time is settled.
    ///
    /// - Parameters:
    ///   - file: For `Finding.file`.
    ///   - isLive: Findings are wanted while packets still come (an interface, a pipe): an undetermined one is given when
    ///     its settle time is over and revised later. In a finished file it is held back until it is decided.
    package mutating func begin(file: String?, isLive: Bool) {
        if isLive, !self.isLive { given.append(contentsOf: undetermined.tell()) }
        self.isLive = isLive
        self.file = file
        if (!pending.isEmpty && pending.firstTime == 0) || icmpErrors.first?.time == 0 { settlePending() }
    }

    /// Settles everything that is still open: the end of the file, or of the capture.
    package mutating func finish() {
        settleAllPaths()
        settlePending()
        given.append(contentsOf: paths.routes.finish())
        given.append(contentsOf: undetermined.tell())
        undetermined.removeAll()
    }

    /// Findings and revisions given since the last call, in the order in which they are to be told.
    package mutating func takeFindings() -> [Finding] {
        guard !given.isEmpty else { return [] }
        defer { given = [] }
        guard !options.devices.entries.isEmpty else { return given }
        return given.map { finding in
            var finding = finding
            options.devices.name(&finding)
            return finding
        }
    }

    /// What one flow and one host take of memory, bytes: the tables are made for all at the start and never grow.
    package static var entryBytes: (flow: Int, host: Int) {
        (FlowEntry.tableStride, HostEntry.tableStride)
    }

    /// Devices that sent resets for others, in the order in which they were found.
    package var origins: [Origin] {
        options.devices.named(resetOrigins.origins)
    }

    /// The hosts as they are now: a copy, for working on it elsewhere.
    package var hostSnapshot: HostSnapshot {
        var entries: [HostEntry] = []
        entries.reserveCapacity(hosts.count)
        hosts.forEach { entries.append($0) }
        return HostSnapshot(entries: entries, devices: options.devices)
    }
}
