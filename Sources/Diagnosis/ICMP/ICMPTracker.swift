// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Tracks ICMP errors and redirects: those that say the same are counted together and emitted once.
struct ICMPTracker: ~Copyable {
    private let inPlace = InPlace()
    /// Sequence numbers this far from what was seen of a connection are none of it: more than a window, less than
    /// chance would hit often (RFC 5927, 4.1; a guess hits one in 2048).
    private static var sequenceReach: UInt32 { 1 << 20 }
    /// A connection that was silent here for longer (ns) may have gone on unseen (shed): its numbers prove nothing.
    private static var sequenceFreshness: UInt64 { 5_000_000_000 }

    private var errors = ICMPErrors()
    /// The redirects that routers sent, evidence of an asymmetric path.
    private(set) var redirects = Redirects()
    /// Clients, servers and ports whose packets a device refused lately.
    private(set) var refused = RecentPairs()

    // MARK: Packets

    /// Takes an ICMP packet that is no echo.
    mutating func observe(
        _ packet: ObservedPacket, passage: ResetCase.Passage, _ context: inout EngineContext,
        _ origins: inout OriginTracker
    ) {
        guard let message = ICMPMessage(packet) else { return }
        let flow = quotedFlow(message.quote, context)
        // Who does not see the traffic does not know which flows there are: a forger fills no table.
        if flow != nil { origins.observe(error: packet.record, quotedDestination: message.quote.destination) }
        if message.kind == .redirect {
            redirects.learn(message, isFlowSeen: flow != nil, now: context.now)
        }
        if let flow { noteRefusal(message, flow, context) }
        let own = Self.key(message, flow: flow)
        guard !errors.count(message, as: own, now: packet.time) else { return }
        let (key, breadth) = errors.key(own)
        guard breadth == .kind || !errors.count(message, as: key, now: packet.time) else { return }
        var entry = ICMPCase(
            message: message, record: packet.record, time: packet.time, frame: packet.frame, file: context.file,
            passage: passage, vantage: context.vantage(packet.record), flow: flow)
        entry.breadth = breadth
        entry.hostDistance = hostDistance(message, context)
        entry.isShed = isShed(message.quote, time: packet.time, context)
        errors.insert(entry, as: key)
    }

    /// Notes that a client's packets are refused: what then stays without an answer is the same story.
    private mutating func noteRefusal(
        _ message: ICMPMessage, _ flow: ICMPCase.Flow, _ context: borrowing EngineContext
    ) {
        guard flow.clientIsSource != false, flow.isInWindow != false, message.quote.transport == .tcp,
            let tuple = message.quote.fiveTuple
        else { return }
        switch message.kind {
        // "Fragmentation needed" refuses a size, not a connection.
        case .unreachable where message.isIPv6 || message.code != 4: break
        case .timeExceeded where message.code == 0: break
        default: return
        }
        let original = context.translations.connection(of: flow.key)?.original
        refused.note(original ?? tuple, now: context.now)
    }

    /// The quoted flow, where it was seen in the quoted direction.
    private func quotedFlow(_ quote: QuotedPacket, _ context: borrowing EngineContext) -> ICMPCase.Flow? {
        guard let tuple = quote.fiveTuple else { return nil }
        let (key, sourceIsHigh) = FlowKey.of(tuple)
        guard let flow = context.flows.find(key) else { return nil }
        let source = sourceIsHigh ? flow.pointee.high : flow.pointee.low
        let other = sourceIsHigh ? flow.pointee.low : flow.pointee.high
        guard source.packets > 0 || source.sentSYN else { return nil }
        var clientIsSource: Bool?
        if tuple.transport == .tcp {
            let context = FlowContext(source: source, other: other, gap: nil)
            clientIsSource = context.serverIsSource.map { !$0 }
        } else if source.hasRequest != other.hasRequest {
            clientIsSource = source.hasRequest
        }
        let isFresh =
            context.now < flow.pointee.lastSeen
            || context.now - flow.pointee.lastSeen <= Self.sequenceFreshness
        return ICMPCase.Flow(
            key: key, sourceIsHigh: sourceIsHigh, clientIsSource: clientIsSource, lowestTTL: source.ttls.lowestOfAll,
            isInWindow: isFresh ? Self.isInWindow(quote, source: source, other: other) : nil,
            wasAcknowledged: Self.isAcknowledged(quote, by: other))
    }

    /// True where packets of the quoted flow were shed.
    private func isShed(_ quote: QuotedPacket, time: UInt64, _ context: borrowing EngineContext) -> Bool {
        guard !context.shedding.isEmpty, let tuple = quote.fiveTuple else { return false }
        return !context.shedding.parts(tuple, since: 0, until: max(time, context.now)).isEmpty
    }

    private static func isInWindow(_ quote: QuotedPacket, source: FlowSide, other: FlowSide) -> Bool? {
        guard quote.transport == .tcp, let seq = quote.seq, source.hasSeq else { return nil }
        let ahead = seq &- source.nextSeq
        if ahead <= sequenceReach { return true }
        let behind = (other.hasAck ? other.ack : source.initialSeqIfKnown ?? source.nextSeq) &- seq
        let isBehind = SequenceNumber.isAfter(source.nextSeq, seq)
        return isBehind && (Int32(bitPattern: behind) <= 0 || behind <= sequenceReach)
    }

    private static func isAcknowledged(_ quote: QuotedPacket, by other: FlowSide) -> Bool {
        guard quote.transport == .tcp, let seq = quote.seq, other.hasAck else { return false }
        return SequenceNumber.isAfter(other.ack, seq)
    }

    /// The distance of the host that the error says it is from; `nil` where it says to be from a device, or
    /// too little is known of the host.
    private func hostDistance(
        _ message: ICMPMessage, _ context: borrowing EngineContext
    ) -> (distance: HopDistance, samples: Int)? {
        guard message.from == message.quote.destination,
            let host = context.hosts.find(HostKey(address: message.from, domain: message.domain)),
            !host.pointee.isLocal, let baseline = host.pointee.baseline, baseline.samples >= 3, baseline.share >= 0.95
        else { return nil }
        return (baseline.distance, baseline.samples)
    }

    private static func key(_ message: ICMPMessage, flow: ICMPCase.Flow?) -> ICMPCase.Key {
        let tuple = message.quote.fiveTuple
        var port: UInt16 = 0
        if let tuple, tuple.transport == .tcp || tuple.transport == .udp, message.kind == .unreachable {
            port = tuple.servicePort(serverIsSource: flow?.clientIsSource.map { !$0 })
            if tuple.transport == .udp, ICMPCase.isTraceroute(tuple.destinationPort) { port = 0 }
        }
        // A redirect is about a host, whatever is sent to it; a ping is no flow that could have been seen.
        let isRedirect = message.kind == .redirect
        let isPing = tuple.map { $0.transport != .tcp && $0.transport != .udp } ?? true
        let isSeen = flow != nil || (isRedirect && isPing && message.isPlausibleRedirect)
        return ICMPCase.Key(
            from: message.from, to: isRedirect ? message.to : nil,
            destination: message.quote.destination, gateway: message.gateway, type: message.type, code: message.code,
            isIPv6: message.isIPv6, transport: isRedirect ? 0 : message.quote.protocolNumber ?? 255, port: port,
            isFlowSeen: isSeen)
    }

    // MARK: Findings

    func due(_ context: borrowing EngineContext) -> UInt64 { errors.due(after: context.settleTime) }

    /// True where errors wait whose source tells no time.
    var hasTimeless: Bool { errors.first?.time == 0 }

    /// Emits what came before that reset: findings are emitted in packet order.
    mutating func settle(before reset: (time: UInt64, frame: UInt64), _ context: inout EngineContext) {
        while let first = errors.first, first < reset { emitFirst(&context) }
    }

    /// Emits what has waited its settle time, and what windows that are over have counted since.
    mutating func settle(_ context: inout EngineContext) {
        while let first = errors.first, first.time != 0, context.now >= first.time,
            context.now - first.time >= context.settleTime
        {
            emitFirst(&context)
        }
        for entry in errors.expire(now: context.now) { context.findings.emit(finding(entry, context)) }
        errors.settled()
    }

    /// Emits everything that waits: the end of a file.
    mutating func settleAll(_ context: inout EngineContext) {
        while errors.first != nil { emitFirst(&context) }
        for entry in errors.drain() { context.findings.emit(finding(entry, context)) }
    }

    private mutating func emitFirst(_ context: inout EngineContext) {
        guard let (key, entry) = errors.takeUntold() else { return }
        let finding = finding(entry, context)
        context.findings.emit(finding)
        errors.remember(finding, as: key)
    }

    /// The finding of a case as it stands now; a revision of it where it was told before.
    private func finding(_ entry: ICMPCase, _ context: borrowing EngineContext) -> Finding {
        var finding = Finding(
            id: FindingIdentity.id(entry.record, time: entry.time, occurrence: entry.time == 0 ? entry.frame : 0),
            fiveTuple: entry.fiveTuple, details: .icmpError(entry.details), evidence: evidence(entry, context))
        finding.revision = entry.told == nil ? 0 : 1
        finding.count = entry.count
        context.complete(&finding, time: entry.time, frame: entry.frame, file: entry.file, vantage: entry.vantage)
        return finding
    }

    private func evidence(_ entry: ICMPCase, _ context: borrowing EngineContext) -> [Evidence] {
        var evidence = entry.evidence
        if hasGoneOn(entry, context) {
            evidence.append(Evidence(.wentOn))
        }
        return evidence
    }

    /// True where the quoted packet, or one after it, got an answer after the error.
    private func hasGoneOn(_ entry: ICMPCase, _ context: borrowing EngineContext) -> Bool {
        guard let known = entry.flow, !known.wasAcknowledged, let flow = context.flows.find(known.key) else {
            return false
        }
        let other = known.sourceIsHigh ? flow.pointee.low : flow.pointee.high
        guard other.packets > 0, Int32(bitPattern: other.time &- entry.record.time) > 0 else { return false }
        return entry.message.quote.transport != .tcp || Self.isAcknowledged(entry.message.quote, by: other)
    }
}

extension FlowSide {
    fileprivate var initialSeqIfKnown: UInt32? { sentSYN ? initialSeq : nil }
}
