// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The state that all subjects share: the two tables, packet time, the source of the packets, the options, and the
/// findings on their way out.
///
/// The engine passes it to its trackers; what only one subject needs is in that subject's tracker.
struct EngineContext: ~Copyable {
    private let inPlace = InPlace()
    var options: Engine.Options
    var hosts: HostTable
    var flows: FlowTable
    /// Both halves of connections that this machine translates.
    var translations: TranslatedFlows
    /// Addresses on the link.
    var neighbours = NeighbourTable()
    /// Flows of which packets were shed, and when.
    var shedding: SheddingLog
    /// Packet time, ns.
    var now: UInt64 = 0
    /// The capture that the packets come from, for `Finding.file`.
    var file: String?
    /// Findings are wanted while packets still come.
    var isLive = false
    /// This machine's own addresses.
    var localAddresses: OwnAddresses
    /// Findings on their way out.
    var findings = FindingOutbox()
    /// No tracker has anything to settle before, ns of packet time; 0 where that has to be asked anew.
    var nextDue: UInt64 = 0
    /// `options.clockStep`.
    let clockStep: ClockStep
    /// `options.egressIsMarked`, and for each slot the one that stands for it (`options.interfaceGroups`): without the
    /// reference counts of the options beside them.
    let egressIsMarked: Bool
    /// `options.settleTime`.
    let settleTime: UInt64
    private let groups: FixedTable<UInt8>

    /// Slots that a record can name.
    private static var slots: Int { 32 }

    init(options: Engine.Options) {
        self.options = options
        hosts = HostTable(capacity: options.hostCapacity, seed: options.seed)
        flows = FlowTable(capacity: options.flowCapacity, seed: options.seed)
        localAddresses = OwnAddresses(options.localAddresses)
        let clockStep = ClockStep(nanoseconds: options.clockStep)
        self.clockStep = clockStep
        shedding = SheddingLog(hashKey: options.hashKey)
        translations = TranslatedFlows(seed: options.seed, clockStep: clockStep)
        egressIsMarked = options.egressIsMarked
        settleTime = options.settleTime
        groups = FixedTable(count: Self.slots)
        setGroups(options.interfaceGroups)
    }

    // MARK: Interfaces

    /// Takes other interfaces, by slot.
    mutating func setInterfaces(names: [String], groups: [UInt8]) {
        options.interfaceNames = names
        options.interfaceGroups = groups
        setGroups(groups)
    }

    private func setGroups(_ named: [UInt8]) {
        for slot in 0..<Self.slots { groups[slot].pointee = slot < named.count ? named[slot] : UInt8(slot) }
    }

    /// The interface on which a packet arrived; empty for one that was seen leaving.
    @inline(__always)
    func arrival(_ record: PacketRecord) -> InterfaceSet {
        record.direction == .ingress ? InterfaceSet(slot: group(of: record.interfaceSlot)) : []
    }

    /// The slot that stands for an interface and for those that are one with it.
    @inline(__always)
    func group(of slot: UInt8) -> UInt8 { groups[Int(slot)].pointee }

    /// The name of the interface in a slot.
    func interfaceName(_ slot: UInt8) -> String? {
        Int(slot) < options.interfaceNames.count ? options.interfaceNames[Int(slot)] : nil
    }

    func vantage(_ record: PacketRecord) -> Finding.Vantage? {
        let interface = interfaceName(record.interfaceSlot)
        guard options.host != nil || interface != nil else { return nil }
        return Finding.Vantage(
            host: options.host, interface: interface, hook: options.hook,
            direction: record.direction == .ingress ? "in" : "out")
    }

    // MARK: Hosts

    /// Takes back hosts that an engine before this one knew, at `now` (ns since 1970).
    mutating func restore(_ records: [HostRecord], now: UInt64) {
        var slots: [String: InterfaceSet] = [:]
        for (slot, name) in options.interfaceNames.prefix(32).enumerated() {
            slots[name] = InterfaceSet(slot: group(of: UInt8(slot)))
        }
        for record in records where record.lastSeen <= now {
            guard let entry = record.restored(slots: slots, now: now) else { continue }
            _ = hosts.restore(entry, now: now)
        }
    }

    // MARK: Shedding

    /// The parts of a record's flow that were shed since it was opened; of a flow whose SYN was not seen, in the last
    /// hour.
    ///
    /// - `time`: the record's, ns since 1970.
    /// - `sides`: what was seen of both directions; empty for a flow that is not known.
    func shedParts(_ record: PacketRecord, time: UInt64, sides: [FlowSide]) -> ShedParts {
        guard !shedding.isEmpty else { return [] }
        var since: UInt64 = 0
        // A record's 32 bits of time go round once in 73 minutes, more than the log looks back.
        if let client = sides.first(where: { $0.sentSYN && !$0.sentSYNACK }) {
            let age = UInt64(record.time &- client.openTime) << 10
            since = time > age ? time - age : 0
        }
        return shedding.parts(record, since: since, until: max(time, now))
    }

    // MARK: Findings

    /// Emits a finding: at once while packets still come, else after the resets that were seen before.
    mutating func emitInOrder(_ finding: Finding) {
        if isLive { findings.emit(finding) } else { findings.emitInOrder(finding) }
    }

    /// Completes a finding with what all kinds have: when and where its packet was seen, whose connection it is, and
    /// how long the verdict took.
    ///
    /// - `time`: of the packet, ns since 1970; 0 where the source tells no time.
    /// - `frame`: 0 where the source does not number packets.
    func complete(
        _ finding: inout Finding, time: UInt64, frame: UInt64, file: String?, vantage: Finding.Vantage?
    ) {
        finding.time = time == 0 ? nil : time
        finding.frame = frame == 0 ? nil : frame
        finding.file = file
        finding.vantage = vantage
        finding.scope = options.inside.scope(finding.fiveTuple.source, finding.fiveTuple.destination)
        finding.delay = time != 0 && now > time ? now - time : 0
    }
}
