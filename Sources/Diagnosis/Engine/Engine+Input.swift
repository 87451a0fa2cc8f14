// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

/// The way in: one verb for everything that the engine is to know.
extension Engine {
    /// Packets in time order, and what the capture knows besides them.
    ///
    /// The order in which it was written down does not matter: the engine takes what has to be known of the packets
    /// first.
    package struct Batch {
        /// The packets, oldest first; valid while the batch is handled.
        ///
        /// Empty for a tick.
        package var packets: UnsafeBufferPointer<ObservedPacket>
        /// The packets' hashes as `hashing` makes them, where that was done.
        package var hashes: UnsafePointer<PacketHashes>?
        /// The time (ns since 1970) that every source has passed: no older packet will follow.
        ///
        /// 0 where there is no time.
        package var watermark: UInt64
        /// Resets that this machine's kernel sent, as it told them.
        package var traces: [ResetTrace] = []
        /// False where the kernel could not hand over all of them, up to the watermark.
        package var hasAllTraces = true
        /// Packets of flows in focus that this machine's kernel dropped.
        package var drops: [DropTrace] = []
        /// Other flows than before are shed.
        package var shedding: SheddingChange?
        /// The time (ns since 1970) in which the capture looked at nothing: all flows count as shed in it.
        package var gap: Range<UInt64>?
        /// Stations on the link that named themselves.
        package var neighbours: [Neighbour] = []
        /// The capture lost records since the batch before: what was not seen leaving may have left.
        package var hasLostRecords = false

        package init(
            _ packets: UnsafeBufferPointer<ObservedPacket>, hashes: UnsafePointer<PacketHashes>? = nil,
            upTo watermark: UInt64
        ) {
            self.packets = packets
            self.hashes = hashes
            self.watermark = watermark
        }
    }

    /// Everything that the engine can be told.
    package enum Input {
        /// Another source of packets begins: what came before without a time is settled.
        ///
        /// - file: for `Finding.file`.
        /// - isLive: Findings are wanted while packets still come (an interface, a pipe): an undetermined one is
        ///   emitted when its settle time is over and revised later. In a finished file it is held back until it is
        ///   decided.
        case source(file: String?, isLive: Bool)
        case batch(Batch)
        /// Other interfaces are watched, by slot; a slot keeps what was learnt in it.
        ///
        /// `groups` as `Options.interfaceGroups`.
        case interfaces(names: [String], groups: [UInt8])
        /// Other prefixes count as inside, and devices have other names.
        case configuration(inside: InsidePrefixes, devices: DeviceNames)
        /// This machine's own addresses have changed.
        ///
        /// The packets of the next batch were sent before or after that: for them both the old addresses and these are
        /// its own.
        case addresses(Set<IPAddress>)
        /// All packets of a flow are recorded on both ways from `since` (ns since 1970) on.
        case focus(FiveTuple, since: UInt64)
        /// This machine's knowledge of a flow, which `Output.lookUp` asked for.
        case facts(ForwardingFacts)
        /// This machine's own counters, read a moment ago.
        case counters(LocalCounters)
        /// The state of an engine before this one, at `now` (ns since 1970).
        ///
        /// What happened since then weakens it: counts are halved for each hour that passed, as they are while packets
        /// come. Hosts that came by interfaces which are not watched any more, and hosts that were seen later than
        /// `now`, are left out.
        case restore(hosts: [HostRecord], origins: [OriginRecord], now: UInt64)
        /// Everything about the addresses of a prefix is to be forgotten: hosts, their resets that wait for a verdict
        /// or for a revision, the hosts in whose names devices spoke, and the paths from and to them.
        ///
        /// Flows go on: their addresses are of packets that come now.
        case forget(IPPrefix)
        /// No more packets come: everything that is still open is settled.
        case end
    }

    /// Takes an input.
    ///
    /// What comes of it is had from `poll`.
    package mutating func handle(_ input: Input) {
        switch input {
        case .source(let file, let isLive): begin(file: file, isLive: isLive)
        case .batch(let batch): handle(batch)
        case .interfaces(let names, let groups): context.setInterfaces(names: names, groups: groups)
        case .configuration(let inside, let devices):
            context.options.inside = inside
            context.options.devices = devices
        case .addresses(let addresses): context.localAddresses.change(to: addresses)
        case .focus(let flow, let since): forwarding.observe(focusOn: flow, since: since)
        case .facts(let facts): forwarding.observe(facts: facts, now: context.now)
        case .counters(let counters): stalls.observe(counters: counters, at: context.now)
        case .restore(let hosts, let origins, let now):
            context.restore(hosts, now: now)
            witnesses.origins.restore(origins)
        case .forget(let prefix): forget(prefix)
        case .end: end()
        }
    }

    /// Takes a batch: first what has to be known of its packets, then these, then the time that has come.
    private mutating func handle(_ batch: Batch) {
        resets.observe(traces: batch.traces, isComplete: batch.hasAllTraces, upTo: batch.watermark)
        if let change = batch.shedding { context.shedding.note(change) }
        if let gap = batch.gap {
            context.shedding.note(gap: gap)
            resets.observe(traces: [], isComplete: false, upTo: gap.upperBound)
            forwarding.noteLoss()
        }
        for neighbour in batch.neighbours { context.neighbours.note(neighbour) }
        for drop in batch.drops { forwarding.observe(drop: drop) }
        if batch.hasLostRecords { forwarding.noteLoss() }
        take(batch.packets, hashes: batch.hashes, upTo: batch.watermark)
        context.localAddresses.settle()
    }

    private mutating func begin(file: String?, isLive: Bool) {
        if isLive, !context.isLive { resets.emitUndetermined(&context) }
        context.isLive = isLive
        context.file = file
        if resets.hasTimeless || icmp.hasTimeless { settlePending() }
    }

    private mutating func forget(_ prefix: IPPrefix) {
        _ = context.hosts.remove { prefix.contains($0.address) }
        context.neighbours.forget(prefix)
        resets.forget(prefix)
        witnesses.origins.forget(prefix)
        stalls.forget(prefix)
        // Packets that may become evidence are kept by flow, not by address; they come again.
        evidence = PacketSamples(bytes: context.options.evidenceBytes, seed: context.options.seed)
    }

    private mutating func end() {
        stalls.settleAll(&context, icmp, forwarding)
        settlePending()
        stalls.finish(&context)
        resets.finish(&context, &witnesses)
    }
}
