// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Tracks, on a machine that forwards, whether it sends on what it gets: joins the two ways of the flows in focus.
///
/// Only where the kernel part marks what leaves (`Engine.Options.egressIsMarked`).
///
/// Bounded by the places of `FocusRequests`, and by `routeCapacity`.
struct ForwardingTracker: ~Copyable {
    private let inPlace = InPlace()
    /// The interval (ns of packet time) at which watches are settled.
    private static var settleInterval: UInt64 { 20_000_000 }
    /// Findings of one route are emitted once; flows that follow are counted.
    private static var routeCapacity: Int { 512 }
    /// Marks an identity as that of a path finding: a reset may have the same packet.
    private static var occurrence: UInt64 { 0xd0 }

    private var requests = FocusRequests()
    private var watches = [ForwardingWatch?](repeating: nil, count: FocusRequests.capacity)
    private var questions: [FiveTuple] = []
    private var destinations: ForwardedDestinations
    private var droppedRoutes: [DroppedRoute: Finding] = [:]
    private var nextSettle: UInt64 = 0
    /// Why nothing could be said of the directions that were suspicious last, by place.
    private(set) var doubts = [ForwardingJudge.Doubt?](repeating: nil, count: FocusRequests.capacity)

    init(seed: UInt64) {
        destinations = ForwardedDestinations(seed: seed)
    }

    // MARK: For the capture

    /// The next flow that is to be seen in full, or no longer.
    mutating func takeFocus() -> FocusChange? { requests.take() }

    /// The next flow of which `ForwardingFacts` are wanted.
    mutating func takeQuestion() -> FiveTuple? { questions.isEmpty ? nil : questions.removeFirst() }

    /// Takes what this machine's kernel said of a packet that it dropped.
    mutating func observe(drop trace: DropTrace) {
        guard let place = requests.place(of: FlowKey.of(trace.fiveTuple).key) else { return }
        watches[place]?.dropped(trace)
    }

    /// Takes what this machine knows of a flow.
    mutating func observe(facts: ForwardingFacts, now: UInt64) {
        guard let place = requests.place(of: FlowKey.of(facts.flow).key) else { return }
        guard let other = watches[place]?.learn(facts, now: now) else { return }
        requests.translate(place, to: other, key: FlowKey.of(other).key)
    }

    /// Says that all packets of a flow are recorded on both ways from `time` (ns since 1970) on.
    mutating func observe(focusOn flow: FiveTuple, since time: UInt64) {
        guard let place = requests.place(of: FlowKey.of(flow).key), let watch = watches[place] else { return }
        // A translated flow is seen on both ways once it is in focus under both names.
        let isOtherName = watch.flow != flow && watch.flow != flow.reversed
        if !watch.isTranslated || isOtherName { watches[place]?.isInFocus(since: time) }
    }

    /// Says that the capture lost packets: what did not leave may have been among them.
    mutating func noteLoss() {
        for place in watches.indices { watches[place]?.forget() }
    }

    // MARK: Packets

    /// Puts a flow into focus, which its packet made suspicious.
    ///
    /// Does nothing where that flow ends here, or where nothing is forwarded.
    @inline(never)
    mutating func observe(suspicious record: PacketRecord, _ context: inout EngineContext) {
        guard context.egressIsMarked, record.transport == .tcp, record.tunnel == .none,
            !context.localAddresses.contains(record.source), !context.localAddresses.contains(record.destination)
        else { return }
        let (key, sourceIsHigh) = FlowKey.of(record)
        guard let flow = context.flows.find(key) else { return }
        let other = sourceIsHigh ? flow.pointee.low : flow.pointee.high
        let isHalfOpen = record.tcpFlags.contains(.syn) && other.packets == 0
        guard let place = begin(key, flow: record.fiveTuple, isHalfOpen: isHalfOpen, context) else { return }
        flow.pointee.watch = UInt16(place + 1)
        context.nextDue = 0
    }

    /// True where a packet that arrived makes its flow suspicious: it was seen before, and nothing new came since.
    ///
    /// `side` and `other` are as they were before it.
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

    /// Takes a packet of a flow in focus that arrived, or that this machine made.
    @inline(never)
    mutating func observe(
        watched record: PacketRecord, time: UInt64, watch: UInt32, _ context: borrowing EngineContext
    ) {
        let place = Int(watch) - 1
        guard requests.place(of: FlowKey.of(record).key) == place else { return }
        guard record.direction == .ingress else {
            watches[place]?.madeHere()
            return
        }
        guard !record.isFirstFragment, record.tunnel == .none else { return }
        if context.localAddresses.contains(record.destination) {
            // The address may have come to this machine since.
            watches[place]?.madeHere()
        } else {
            watches[place]?.arrived(record, time: time)
        }
    }

    /// Takes a forwarded packet on its way out.
    mutating func observe(leaving record: PacketRecord, time: UInt64, _ context: borrowing EngineContext) {
        guard context.egressIsMarked else { return }
        if record.packetClass == .handshake { destinations.learn(record, now: context.now) }
        guard !requests.isEmpty, record.transport == .tcp,
            let place = requests.place(of: FlowKey.of(record).key)
        else { return }
        watches[place]?.left(record, time: time)
    }

    /// Watches a flow.
    ///
    /// Returns its place, or `nil` where that is not possible.
    private mutating func begin(
        _ key: FlowKey, flow: FiveTuple, isHalfOpen: Bool, _ context: borrowing EngineContext
    ) -> Int? {
        guard let place = requests.request(key, as: flow, isHalfOpen: isHalfOpen, at: context.now) else { return nil }
        watches[place] = ForwardingWatch(flow: flow, now: context.now, clockStep: context.clockStep)
        doubts[place] = nil
        questions.append(flow)
        return place
    }

    private mutating func end(_ place: Int) {
        requests.release(place)
        watches[place] = nil
    }

    // MARK: Answers

    /// True where this machine was found to drop packets of that route.
    func hasDropped(_ subject: PathCase) -> Bool {
        guard !droppedRoutes.isEmpty else { return false }
        let halves = subject.connection.map { [$0.original, $0.translated] } ?? [subject.fiveTuple]
        return halves.contains { hasDropped($0) }
    }

    private func hasDropped(_ tuple: FiveTuple) -> Bool {
        Finding.Forwarding.Packet.allCases.contains { packet in
            [(tuple.source, tuple.destination), (tuple.destination, tuple.source)].contains { source, destination in
                droppedRoutes[
                    DroppedRoute(
                        source: source, destination: destination, port: tuple.destinationPort, packet: packet)] != nil
            }
        }
    }

    // MARK: Findings

    /// The time at which `settle` has work; `.max` where nothing is watched.
    var due: UInt64 { requests.isEmpty ? .max : nextSettle }

    /// The directions that have become suspicious and of which enough is known, by place.
    private mutating func suspicious(now: UInt64) -> [(place: Int, direction: Int)] {
        guard now >= due else { return [] }
        nextSettle = now &+ Self.settleInterval
        for place in requests.expired(at: now) { end(place) }
        var due: [(Int, Int)] = []
        for place in watches.indices {
            guard var watch = watches[place] else { continue }
            if watch.endsHere {
                end(place)
                continue
            }
            watch.settle(now: now)
            for index in watch.directions.indices where watch.directions[index].isSuspicious && !watch.isTold[index] {
                switch watch.knowledge(of: index, now: now) {
                case .complete: due.append((place, index))
                case .awaited: break
                case .wanted: questions.append(watch.flow)
                }
            }
            watches[place] = watch
            if watch.isHealthy { end(place) }
        }
        return due
    }

    /// Judges the directions that have become suspicious.
    mutating func settle(_ context: inout EngineContext) {
        for (place, index) in suspicious(now: context.now) {
            guard let watch = watches[place], let missing = watch.directions[index].missing.first else { continue }
            let surroundings = surroundings(watch.directions[index], missing.record, context)
            switch ForwardingJudge.judge(watch, index, surroundings) {
            case .doubt(let doubt): doubts[place] = doubt
            case .conclusion(let conclusion):
                watches[place]?.isTold[index] = true
                emit(conclusion, missing, surroundings, &context)
            }
        }
    }

    private func surroundings(
        _ direction: ForwardingDirection, _ record: PacketRecord, _ context: borrowing EngineContext
    ) -> ForwardingJudge.Surroundings {
        let departure = direction.departure
        let (key, isHigh) = FlowKey.of(departure)
        var hasLeft = direction.passed > 0
        if let flow = context.flows.find(key)?.pointee {
            hasLeft = hasLeft || (isHigh ? flow.high.hasLeft : flow.low.hasLeft)
        }
        let slot = destinations.slot(to: departure.destination, now: context.now)
        var interfaceOut: String?
        if let slot { interfaceOut = context.interfaceName(slot) }
        return ForwardingJudge.Surroundings(
            tellsDrops: context.options.tellsDrops, hasLeft: hasLeft, destinationLeaves: slot != nil,
            interfaceOut: interfaceOut, interfaceIn: context.interfaceName(record.interfaceSlot))
    }

    /// Emits the finding, or counts the flow to that of its route.
    private mutating func emit(
        _ conclusion: ForwardingJudge.Conclusion, _ missing: ForwardingDirection.Arrival,
        _ surroundings: ForwardingJudge.Surroundings, _ context: inout EngineContext
    ) {
        let record = missing.record
        let isFromClient = isFromClient(conclusion, context)
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
        context.complete(&finding, time: missing.time, frame: 0, file: context.file, vantage: context.vantage(record))
        context.findings.emit(finding)
        if droppedRoutes.count >= Self.routeCapacity { droppedRoutes = [:] }
        droppedRoutes[route] = finding
    }

    /// True where the client sent the packet, as connection tracking or the handshake says, else the ports.
    private func isFromClient(
        _ conclusion: ForwardingJudge.Conclusion, _ context: borrowing EngineContext
    ) -> Bool {
        let arrival = conclusion.direction.arrival
        if case .tracked(let connection)? = conclusion.watch.facts?.tracking, connection.isReplied {
            return arrival == connection.original
        }
        if let record = conclusion.direction.missing.first?.record, record.tcpFlags.contains(.syn) {
            return record.tcpFlags.isDisjoint(with: .ack)
        }
        let (key, isHigh) = FlowKey.of(arrival)
        if let flow = context.flows.find(key)?.pointee {
            let side = isHigh ? flow.high : flow.low
            let other = isHigh ? flow.low : flow.high
            if side.sentSYN { return !side.sentSYNACK }
            if other.sentSYN { return other.sentSYNACK }
        }
        return arrival.sourcePort > arrival.destinationPort
    }
}

/// The key by which findings of dropped packets are told apart.
private struct DroppedRoute: Hashable {
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
