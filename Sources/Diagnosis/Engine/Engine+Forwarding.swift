// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

/// A router's view: whether this machine sent on what it got. Only where the kernel part marks what leaves (`egressIsMarked`).
extension Engine {
    /// Findings of one route are told once; flows that follow are counted.
    private static var routeCapacity: Int { 512 }
    /// Marks an identity as that of a path finding: a reset may have the same packet.
    private static var occurrence: UInt64 { 0xd0 }

    // MARK: For the capture

    /// Which flows are to be seen in full, and which no longer, since the last call.
    package mutating func takeFocus() -> [FocusChange] { forwarding.requests.take() }

    /// The flows of which this machine's own knowledge is wanted (`observe(facts:)`), since the last call.
    package mutating func takeQuestions() -> [FiveTuple] { forwarding.takeQuestions() }

    /// Says that all packets of a flow are recorded on both ways from `time` (ns since 1970) on.
    package mutating func noteFocus(on flow: FiveTuple, since time: UInt64) {
        forwarding.isInFocus(flow, since: time)
    }

    /// Says that the capture lost records: what was not seen leaving may have left.
    package mutating func noteRecordLoss() {
        forwarding.noteLoss()
    }

    /// Takes what this machine's kernel said of a packet that it dropped.
    package mutating func observe(drop: DropTrace) {
        forwarding.learn(drop)
    }

    /// Takes what this machine knows of a flow.
    package mutating func observe(facts: ForwardingFacts) {
        forwarding.learn(facts, now: now)
    }

    /// Takes this machine's own counters, read a moment ago.
    package mutating func observe(counters: LocalCounters) {
        localCounters.add(counters, at: now)
    }

    // MARK: For the packet path

    /// Puts a flow into focus, which its packet made suspicious. Does nothing where that flow ends here, or where nothing is
    /// forwarded.
    mutating func requestFocus(_ record: PacketRecord) {
        guard options.egressIsMarked, record.transport == .tcp, record.tunnel == .none,
            !localAddresses.contains(record.source), !localAddresses.contains(record.destination)
        else { return }
        let (key, sourceIsHigh) = FlowKey.of(record)
        guard let flow = flows.find(key) else { return }
        let other = sourceIsHigh ? flow.pointee.low : flow.pointee.high
        let isHalfOpen = record.tcpFlags.contains(.syn) && other.packets == 0
        guard
            let place = forwarding.begin(
                key, flow: record.fiveTuple, isHalfOpen: isHalfOpen, now: now, clockStep: clockStep)
        else { return }
        flow.pointee.watch = UInt32(place + 1)
        nextDue = 0
    }

    /// True where a packet that arrived makes its flow suspicious: it was seen before, and nothing new came since. `side` and
    /// `other` are as they were before it.
    @inline(__always)
    static func isRepeated(_ record: PacketRecord, side: FlowSide, other: FlowSide) -> Bool {
        guard side.hasSeq, !SequenceNumber.isAfter(record.sequenceEnd, side.nextSeq) else { return false }
        let flags = record.tcpFlags
        if flags.contains(.syn) { return side.sentSYN && side.initialSeq == record.seq }
        // Units of 1024 ns: a timer's doing, not a packet out of order.
        let silence = Int32(bitPattern: record.time &- side.seqTime)
        guard silence > 100_000 else { return false }
        if record.payload_length > 1 || flags.contains(.fin) {
            return !other.hasAck || SequenceNumber.isAfter(record.sequenceEnd, other.ack)
        }
        // The acknowledgement of a SYN-ACK that never came past here.
        return record.payload_length == 0 && side.sentSYN && !side.sentSYNACK && other.packets == 0 && side.hasAck
            && side.ack == record.ack && record.seq == side.initialSeq &+ 1
    }

    /// A packet of a flow in focus that arrived, or that this machine made.
    mutating func noteWatched(_ record: PacketRecord, time: UInt64, watch: UInt32) {
        let place = Int(watch) - 1
        guard forwarding.requests.place(of: FlowKey.of(record).key) == place else { return }
        if record.direction == .ingress {
            guard !record.isFirstFragment, record.tunnel == .none else { return }
            // The address may have come to this machine since.
            guard !localAddresses.contains(record.destination) else { return forwarding.madeHere(place) }
            forwarding.arrived(record, time: time, place: place)
        } else {
            forwarding.madeHere(place)
        }
    }

    /// A forwarded packet on its way out.
    mutating func noteLeaving(_ record: PacketRecord, time: UInt64) {
        guard options.egressIsMarked else { return }
        if record.packetClass == .handshake { destinations.learn(record, now: now) }
        guard !forwarding.isIdle, record.transport == .tcp else { return }
        forwarding.left(record, time: time)
    }

    // MARK: NextSteps

    mutating func settleForwarding() {
        for (place, index) in forwarding.settle(now: now) {
            guard let watch = forwarding.watches[place], let missing = watch.directions[index].missing.first else {
                continue
            }
            let surroundings = surroundings(watch.directions[index], missing.record)
            guard let conclusion = forwarding.conclude(place, index, surroundings) else { continue }
            giveDropped(conclusion, missing, surroundings)
        }
    }

    private func surroundings(
        _ direction: ForwardingDirection, _ record: PacketRecord
    ) -> ForwardingJudge.Surroundings {
        let departure = direction.departure
        let (key, isHigh) = FlowKey.of(departure)
        var hasLeft = direction.passed > 0
        if let flow = flows.find(key)?.pointee {
            hasLeft = hasLeft || (isHigh ? flow.high.hasLeft : flow.low.hasLeft)
        }
        let slot = destinations.slot(to: departure.destination, now: now)
        return ForwardingJudge.Surroundings(
            tellsDrops: options.tellsDrops, hasLeft: hasLeft, destinationLeaves: slot != nil,
            interfaceOut: slot.flatMap { interfaceName($0) }, interfaceIn: interfaceName(record.interfaceSlot))
    }

    /// Gives the finding, or counts the flow to that of its route.
    private mutating func giveDropped(
        _ conclusion: ForwardingJudge.Conclusion, _ missing: ForwardingDirection.Arrival,
        _ surroundings: ForwardingJudge.Surroundings
    ) {
        let record = missing.record
        let isFromClient = isFromClient(conclusion)
        let packet = Finding.Forwarding.Packet(record)
        let route = DroppedRoute(
            source: record.source, destination: record.destination,
            port: isFromClient ? record.dst_port : record.src_port, packet: packet)
        if var told = droppedRoutes[route] {
            told.count += 1
            // Told again at powers of two, so that many connections do not make many findings.
            if told.count & (told.count - 1) == 0 {
                told.revision += 1
                context.findings.emit(told)
            }
            droppedRoutes[route] = told
            return
        }
        var path = Finding.Path(cause: .droppedHere)
        path.forwarding = Finding.Forwarding(
            packet: packet, isFromClient: isFromClient, packets: conclusion.direction.missingCount,
            reason: conclusion.reason, interface: surroundings.interfaceIn)
        var finding = Finding(
            id: FindingIdentity.id(record, time: missing.time, occurrence: Self.occurrence),
            fiveTuple: isFromClient ? record.fiveTuple : record.fiveTuple.reversed, details: .path(path),
            evidence: conclusion.evidence)
        finding.confidence = min(EvidenceModel.probability(conclusion.evidence), 0.999)
        context.complete(&finding, time: missing.time, frame: 0, file: context.file, vantage: vantage(record))
        context.findings.emit(finding)
        if droppedRoutes.count >= Self.routeCapacity { droppedRoutes = [:] }
        droppedRoutes[route] = finding
    }

    /// Who opened the connection, as connection tracking or the handshake says, else the ports.
    private func isFromClient(_ conclusion: ForwardingJudge.Conclusion) -> Bool {
        let arrival = conclusion.direction.arrival
        if case .tracked(let connection)? = conclusion.watch.facts?.tracking, connection.isReplied {
            return arrival == connection.original
        }
        if let record = conclusion.direction.missing.first?.record, record.tcpFlags.contains(.syn) {
            return record.tcpFlags.isDisjoint(with: .ack)
        }
        let (key, isHigh) = FlowKey.of(arrival)
        if let flow = flows.find(key)?.pointee {
            let side = isHigh ? flow.high : flow.low
            let other = isHigh ? flow.low : flow.high
            if side.sentSYN { return !side.sentSYNACK }
            if other.sentSYN { return other.sentSYNACK }
        }
        return arrival.sourcePort > arrival.destinationPort
    }
}

/// What findings of dropped packets are told apart by.
struct DroppedRoute: Hashable {
    var source: IPAddress
    var destination: IPAddress
    var port: UInt16
    var packet: Finding.Forwarding.Packet
}

extension Finding.Forwarding.Packet {
    init(_ record: PacketRecord) {
        let flags = record.tcpFlags
        self =
            switch (flags.contains(.syn), flags.contains(.ack)) {
            case (true, false): .syn
            case (true, true): .synAck
            default: record.payload_length > 0 ? .data : flags.contains(.fin) ? .fin : .ack
            }
    }
}
