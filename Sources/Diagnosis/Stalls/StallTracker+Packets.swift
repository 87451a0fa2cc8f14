// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Packets: which connections stall, and the paths that connections take.
extension StallTracker {
    // MARK: Packets

    /// Takes a TCP segment that may say something about its connection's path; called after its flow took it.
    ///
    /// - `opened`: When its own direction's SYN or SYN-ACK was seen before, `PacketRecord.time`.
    /// - `sent`: When its own direction's sequence number moved on last before.
    mutating func observe(
        _ packet: ObservedPacket, _ sign: RetransmissionKind, _ flow: UnsafeMutablePointer<FlowEntry>,
        sourceIsHigh: Bool, opened: UInt32, sent: UInt32, _ context: inout EngineContext,
        _ icmp: borrowing ICMPTracker, _ forwarding: borrowing ForwardingTracker
    ) {
        let record = packet.record
        if sign == .opening { noteOpening(packet, flow.pointee, sourceIsHigh: sourceIsHigh, context) }
        guard flow.pointee.suspect != 0 || (sign != .none && sign != .opening) else { return }
        let connection = context.translations.connection(of: flow.pointee.key)
        if let known = suspects.find(flow.pointee.suspect, flow) {
            observe(
                packet, sign, flow, known, connection, sourceIsHigh: sourceIsHigh, opened: opened, sent: sent, &context,
                icmp, forwarding)
            return
        }
        flow.pointee.suspect = 0
        guard sign != .none, sign != .opening else { return }
        let isFromClient = connection.map { [$0.original, $0.translated].contains(record.fiveTuple) }
        let clientIsHigh =
            isFromClient.map { $0 == sourceIsHigh } ?? flow.pointee.clientIsHigh
            ?? (record.src_port < record.dst_port ? !sourceIsHigh : sourceIsHigh)
        var suspect = PathSuspect(
            key: flow.pointee.key, generation: flow.pointee.generation, clientIsHigh: clientIsHigh, record: record,
            time: packet.time, frame: packet.frame, file: number(of: context.file))
        withUnsafeMutablePointer(to: &suspect) {
            observe(
                packet, sign, flow, $0, connection, sourceIsHigh: sourceIsHigh, opened: opened, sent: sent, &context,
                icmp, forwarding)
        }
    }

    /// Takes a segment of a suspect's flow.
    ///
    /// - `found`: The suspect in its place, or a new one, which gets a place if the segment says something.
    private mutating func observe(
        _ packet: ObservedPacket, _ sign: RetransmissionKind, _ flow: UnsafeMutablePointer<FlowEntry>,
        _ found: UnsafeMutablePointer<PathSuspect>, _ connection: TranslatedConnection?, sourceIsHigh: Bool,
        opened: UInt32, sent: UInt32, _ context: inout EngineContext, _ icmp: borrowing ICMPTracker,
        _ forwarding: borrowing ForwardingTracker
    ) {
        let isTwin = !flow.pointee.matches(found.pointee.key)
        let isFromClient = sourceIsHigh == (isTwin ? found.pointee.twinClientIsHigh : found.pointee.clientIsHigh)
        // Of a translated connection either half's packets count to one suspect.
        guard let own = isTwin ? context.flows.find(found.pointee.key) : flow,
            own.pointee.generation == found.pointee.generation
        else {
            flow.pointee.suspect = 0
            return
        }
        guard connection == nil else {
            var whole = context.whole(own.pointee)
            withUnsafeMutablePointer(to: &whole.entry) {
                observe(
                    packet, sign, own, $0, found, connection, isFromClient: isFromClient, opened: opened, sent: sent,
                    &context, icmp, forwarding)
            }
            return
        }
        observe(
            packet, sign, own, own, found, nil, isFromClient: isFromClient, opened: opened, sent: sent, &context, icmp,
            forwarding)
    }

    /// - `own`: The flow that has the suspect's number; `entry` is the same with what its other half shows.
    private mutating func observe(
        _ packet: ObservedPacket, _ sign: RetransmissionKind, _ own: UnsafeMutablePointer<FlowEntry>,
        _ entry: UnsafeMutablePointer<FlowEntry>, _ found: UnsafeMutablePointer<PathSuspect>,
        _ connection: TranslatedConnection?, isFromClient: Bool, opened: UInt32, sent: UInt32,
        _ context: inout EngineContext, _ icmp: borrowing ICMPTracker, _ forwarding: borrowing ForwardingTracker
    ) {
        // The other half has shown the SYN-ACK that this acknowledges.
        let isAnswered = entry.side(isHigh: !found.pointee.clientIsHigh).pointee.packets > 0
        let sign = sign == .repeatedACK && isAnswered ? RetransmissionKind.none : sign
        guard found.pointee.note(sign, packet, entry, isFromClient: isFromClient, opened: opened, sent: sent) else {
            return
        }
        if found.pointee.frame == packet.frame { found.pointee.file = number(of: context.file) }
        context.nextDue = 0
        if own.pointee.suspect == 0 { own.pointee.suspect = suspects.insert(found.pointee) }
        let number = own.pointee.suspect
        guard let suspect = suspects[number] else { return }
        if let connection, suspect.pointee.twin == nil { link(suspect, number, connection, context) }
        noteRepeat(sign, suspect, entry, context)
        consider(number, suspect, own, &context, icmp, forwarding)
    }

    /// Lets the other half of a suspect's connection count to it.
    private func link(
        _ suspect: UnsafeMutablePointer<PathSuspect>, _ number: UInt32, _ connection: TranslatedConnection,
        _ context: borrowing EngineContext
    ) {
        let original = FlowKey.of(connection.original)
        let translated = FlowKey.of(connection.translated)
        let other = original.key == suspect.pointee.key ? translated : original
        guard let twin = context.flows.find(other.key) else { return }
        suspect.pointee.twin = other.key
        suspect.pointee.twinGeneration = twin.pointee.generation
        suspect.pointee.twinClientIsHigh = other.sourceIsHigh
        twin.pointee.suspect = number
    }

    /// A SYN or SYN-ACK: which way it takes.
    private mutating func noteOpening(
        _ packet: ObservedPacket, _ flow: FlowEntry, sourceIsHigh: Bool, _ context: borrowing EngineContext
    ) {
        let isSYNACK = packet.record.tcpFlags.contains(.ack)
        let tuple = isSYNACK ? packet.record.fiveTuple.reversed : packet.record.fiveTuple
        guard
            let entry = table.findOrInsert(networks(of: tuple, flow.key, context), now: packet.time)
        else { return }
        entry.pointee.lastSeen = packet.time
        var link = PathLink(packet)
        if isSYNACK {
            link.packets &+= entry.pointee.back.packets
            entry.pointee.back = link
            let syn = client(of: flow, serverIsHigh: sourceIsHigh, context)
            // Of a repeated SYN nobody knows which one is answered (Karn and Partridge, SIGCOMM 1987).
            if syn.sentSYN, syn.packets == 1 {
                entry.pointee.roundTrip = min(entry.pointee.roundTrip, packet.record.time &- syn.openTime)
            }
        } else {
            entry.pointee.flows &+= 1
            link.packets &+= entry.pointee.forward.packets
            entry.pointee.forward = link
        }
    }

    /// A segment of a server that had not shown yet that it took the connection; called after its flow took it.
    mutating func observe(
        service record: PacketRecord, _ flow: UnsafeMutablePointer<FlowEntry>, sourceIsHigh: Bool,
        _ context: borrowing EngineContext
    ) {
        let server = sourceIsHigh ? flow.pointee.high : flow.pointee.low
        let client = sourceIsHigh ? flow.pointee.low : flow.pointee.high
        guard server.hasTaken(client) else { return }
        let tuple = clientTuple(record.fiveTuple.reversed, flow.pointee.key, context)
        let networks = PathNetworks(client: tuple.source, server: tuple.destination)
        table.find(networks)?.pointee.noteSuccess(port: tuple.destinationPort, now: context.now)
        working.note(tuple, now: context.now)
    }

    // MARK: Translated connections

    /// The client's five-tuple of a connection, as its packets arrive here.
    private func clientTuple(_ tuple: FiveTuple, _ key: FlowKey, _ context: borrowing EngineContext) -> FiveTuple {
        context.translations.connection(of: key)?.original ?? tuple
    }

    private func networks(
        of tuple: FiveTuple, _ key: FlowKey, _ context: borrowing EngineContext
    ) -> PathNetworks {
        let tuple = clientTuple(tuple, key, context)
        return PathNetworks(client: tuple.source, server: tuple.destination)
    }

    /// The client's direction of a flow, under whichever five-tuple it arrives.
    private func client(
        of flow: FlowEntry, serverIsHigh: Bool, _ context: borrowing EngineContext
    ) -> FlowSide {
        let own = serverIsHigh ? flow.low : flow.high
        guard own.packets == 0, !context.translations.isEmpty else { return own }
        let entry = context.whole(flow).entry
        return serverIsHigh ? entry.low : entry.high
    }

    /// Counts a copy to the route, and to the crowds that fail together.
    private mutating func noteRepeat(
        _ sign: RetransmissionKind, _ suspect: UnsafeMutablePointer<PathSuspect>,
        _ flow: UnsafeMutablePointer<FlowEntry>, _ context: borrowing EngineContext
    ) {
        guard sign != .none, sign != .opening, suspect.pointee.time == context.now else { return }
        let tuple = clientTuple(suspect.pointee.fiveTuple, flow.pointee.key, context)
        let networks = PathNetworks(client: tuple.source, server: tuple.destination)
        let entry = table.find(networks)
        let isShed = !context.shedParts(suspect, flow).isEmpty
        entry?.pointee.retransmissions &+= 1
        let client = flow.side(isHigh: suspect.pointee.clientIsHigh)
        switch sign {
        case .repeatedSYN where flow.side(isHigh: !suspect.pointee.clientIsHigh).pointee.packets == 0:
            scans.note(
                hash(tuple.source), member: hash(tuple.destination, port: tuple.destinationPort), now: context.now)
        case .repeatedSYNACK where !client.pointee.hasAck:
            scans.note(
                hash(tuple.source), member: hash(tuple.destination, port: tuple.destinationPort), now: context.now)
            let service = hash(tuple.destination, port: tuple.destinationPort)
            floods.note(service, member: hash(networks.network), now: context.now)
            manyClients.note(service, member: hash(tuple.source), now: context.now)
            if !isShed { entry?.pointee.noteFailure(port: tuple.destinationPort, now: context.now) }
        case .repeatedSYNACK where suspect.pointee.synACK.copies > 1 && !isShed:
            entry?.pointee.noteFailure(port: tuple.destinationPort, now: context.now)
        default: break
        }
    }

    // MARK: The tap

    /// Counts a flow as one of both directions, or of one.
    mutating func observe(
        directionOf packet: ObservedPacket, _ flow: UnsafeMutablePointer<FlowEntry>, sourceIsHigh: Bool,
        _ context: inout EngineContext
    ) {
        let (side, other) = sourceIsHigh ? (flow.pointee.high, flow.pointee.low) : (flow.pointee.low, flow.pointee.high)
        if other.packets == 0, other.hasLeft {
            // The other half of a translated connection is not counted once more.
            let connection = context.translations.connection(of: flow.pointee.key)
            if side.packets == OneWayTapDetector.alone,
                connection.map({ FlowKey.of($0.original).key == flow.pointee.key }) ?? true
            {
                tap.countTranslated()
            }
            return
        }
        // Live, segments of open connections are not seen leaving: the other direction may be another half.
        if context.egressIsMarked, context.translations.isForwarding, !side.sentSYN, !other.sentSYN { return }
        let isAlone =
            sourceIsHigh
            ? tap.count(&flow.pointee.high, other: &flow.pointee.low)
            : tap.count(&flow.pointee.low, other: &flow.pointee.high)
        guard isAlone else { return }
        let suspect = PathSuspect(
            key: flow.pointee.key, generation: flow.pointee.generation,
            clientIsHigh: flow.pointee.clientIsHigh ?? sourceIsHigh, record: packet.record, time: packet.time,
            frame: packet.frame, file: number(of: context.file))
        newestAlone = suspect
        let tuple = suspect.fiveTuple
        table.find(PathNetworks(client: tuple.source, server: tuple.destination))?.pointee.alone &+= 1
        if tap.say() { emitOneWay(&context) }
    }

    /// Takes a forwarded packet on its way out, the first of its direction.
    mutating func observe(leaving flow: UnsafeMutablePointer<FlowEntry>, sourceIsHigh: Bool) {
        tap.noteLeft(other: &flow.side(isHigh: !sourceIsHigh).pointee)
    }

    /// Emits that the tap shows one direction only.
    mutating func emitOneWay(_ context: inout EngineContext) {
        guard let suspect = newestAlone else { return }
        var verdict = judge.oneWayTap(suspect, tap)
        verdict.path.ports = []
        emit(verdict, suspect, count: Int(clamping: tap.oneWay), &context)
    }
}

extension FlowEntry {
    /// True where the high end opened the connection, by its SYN or the other's SYN-ACK; `nil` where neither was seen.
    var clientIsHigh: Bool? {
        if low.sentSYN, high.sentSYN { return low.sentSYNACK }
        if low.sentSYN { return low.sentSYNACK }
        if high.sentSYN { return !high.sentSYNACK }
        return nil
    }
}
