// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

extension Engine {
    /// Hands a packet to the tables and to the trackers, by the way in which it came past.
    @inline(__always)
    mutating func observe(_ packet: UnsafePointer<ObservedPacket>, _ lookup: UnsafePointer<PacketLookup>) {
        let record = packet.record
        guard record.pointee.direction == .ingress else { return observeLeaving(packet, lookup) }
        if record.pointee.packetClass != .bulk { context.nextDue = 0 }
        if record.pointee.packetClass == .reset {
            observeReset(packet.pointee, passage: .arrived)
        } else {
            learn(from: packet, lookup, passage: .arrived)
        }
    }

    /// A packet that was seen leaving: made here, or forwarded.
    @inline(never)
    private mutating func observeLeaving(_ packet: UnsafePointer<ObservedPacket>, _ lookup: UnsafePointer<PacketLookup>)
    {
        let record = packet.pointee.record
        context.nextDue = 0
        var passage = ResetCase.Passage.madeHere
        if record.direction == .egress {
            // Whatever is routed has lost one to this machine: a whole initial TTL was made here, unless packets of
            // that source arrive (a bridge). Live the kernel says so itself, and what it does not mark was forwarded.
            // Who forwards a tunnel leaves the TTL inside alone.
            let isWhole = !context.egressIsMarked && record.distance.decrements == 0 && record.tunnel == .none
            passage = isWhole ? .leftUndiminished : .forwarded
            if record.packetClass != .reset {
                // A text that does not tell TTLs: what does not come from a host that arrives here was made here.
                if !record.hasTTL, !context.egressIsMarked { passage = .leftUndiminished }
                if passage == .leftUndiminished, hasArrived(record) { passage = .forwarded }
            }
        }
        if record.packetClass == .reset {
            observeReset(packet.pointee, passage: passage)
        } else if passage == .forwarded {
            // It taught what it can when it arrived; but its addresses may have been translated since.
            noteForwarded(record)
            forwarding.observe(leaving: record, time: packet.pointee.time, context)
            counts.rejected += 1
        } else {
            learn(from: packet, lookup, passage: passage)
        }
    }

    @inline(never)
    private mutating func observeReset(_ packet: ObservedPacket, passage: ResetCase.Passage) {
        let sighting = ResetSighting(packet, passage: passage, in: context.flows)
        guard let occurrence = witnesses.duplicates.occurrence(of: packet, answered: sighting.answered) else {
            counts.rejected += 1
            resets.observe(duplicate: sighting)
            return
        }
        counts.observed += 1
        witnesses.pathChanges.observe(reset: packet.record)
        resets.observe(sighting, occurrence: occurrence, &context, &witnesses, &evidence)
    }

    /// A packet that is no reset, on its way here or from here.
    @inline(__always)
    private mutating func learn(
        from packet: UnsafePointer<ObservedPacket>, _ lookup: UnsafePointer<PacketLookup>, passage: ResetCase.Passage
    ) {
        let record = packet.record
        if witnesses.duplicates.isDuplicate(packet) {
            counts.rejected += 1
            return
        }
        counts.observed += 1
        if record.pointee.packetClass != .bulk { evidence.add(packet) }
        witnesses.origins.observe(record)
        if record.pointee.packetClass == .icmp {
            icmp.observe(packet.pointee, passage: passage, &context, &witnesses.origins)
        } else if record.pointee.transport == .tcp {
            observeTCP(packet, lookup, isLocal: passage != .arrived)
        } else {
            observeOther(packet, lookup, isLocal: passage != .arrived)
        }
    }

    @inline(never)
    private mutating func observeOther(
        _ packet: UnsafePointer<ObservedPacket>, _ lookup: UnsafePointer<PacketLookup>, isLocal: Bool
    ) {
        let type = packet.record.pointee.icmpType
        switch packet.record.pointee.transport {
        case .udp:
            observeRequestOrReply(packet, lookup, isRequest: true, isReply: true, as: .udp, isLocal: isLocal)
        case .icmp:
            observeRequestOrReply(packet, lookup, isRequest: type == 8, isReply: type == 0, as: .echo, isLocal: isLocal)
        case .icmpv6:
            // A solicitation or an advertisement with hop limit 255 passed no router (RFC 4861, 7.1).
            if type == 135 || type == 136, packet.record.pointee.ttl == 255, !isLocal,
                !packet.record.pointee.source.isUnspecified
            {
                context.neighbours.note(
                    Neighbour(address: packet.record.pointee.source, link: packet.record.pointee.link_hash))
            }
            observeRequestOrReply(
                packet, lookup, isRequest: type == 128, isReply: type == 129, as: .echo, isLocal: isLocal)
        case .tcp, .other: break
        }
    }

    /// True where packets of that source were seen arriving.
    private func hasArrived(_ record: PacketRecord) -> Bool {
        guard let host = context.hosts.find(HostKey(address: record.source, domain: record.domain))?.pointee else {
            return false
        }
        return !host.isLocal && (host.isProven || !host[.unproven].isEmpty)
    }

    /// Echo and UDP: what answers a request that was seen proves that its sender lives; everything else could be
    /// spoofed.
    private mutating func observeRequestOrReply(
        _ packet: UnsafePointer<ObservedPacket>, _ lookup: UnsafePointer<PacketLookup>, isRequest: Bool, isReply: Bool,
        as fingerprint: FingerprintClass, isLocal: Bool
    ) {
        let record = packet.record
        guard isRequest || isReply else { return }
        let sourceIsHigh = lookup.pointee.hashes.pointee.sourceIsHigh
        let key = FlowKey(record.pointee, sourceIsHigh: sourceIsHigh)
        guard let (flow, _) = context.flows.findOrInsert(key, lookup, now: context.now) else { return }
        let side = flow.side(isHigh: sourceIsHigh)
        let other = flow.side(isHigh: !sourceIsHigh)
        let isAnswer = isReply && other.pointee.hasRequest
        flow.pointee.touch(now: context.now)
        let earlier = side.pointee.ttls
        // Who spoke first asks; else a forged request would be an answer to the answer.
        if isRequest, other.pointee.packets == 0 { side.pointee.hasRequest = true }
        side.pointee.count(record.pointee)
        if isAnswer, record.pointee.domain == side.pointee.domain { side.pointee.ttls.add(record.pointee.ttl) }
        flow.pointee.note(madeHere: isLocal, slot: record.pointee.interfaceSlot, isHigh: sourceIsHigh)
        if isAnswer { flow.pointee.isProven = true }
        let proof =
            isAnswer
            ? context.proof(of: record, in: flow, sourceIsHigh: sourceIsHigh, isLocal: isLocal) : ProofOfLife.none
        learn(packet, lookup, as: proof == .none ? .unproven : fingerprint, proof, isLocal: isLocal)
        if isAnswer, earlier.isLeft(by: record.pointee.ttl) {
            witnesses.pathChanges.noteMove(packet.pointee, from: earlier, &context)
        }
    }

    /// A forwarded packet on its way out: it asks for an answer, which will come for the five-tuple that it has now.
    private mutating func noteForwarded(_ record: PacketRecord) {
        let isSYN = record.transport == .tcp && record.tcpFlags.contains(.syn)
        // An echo reply that leaves asks for nothing: what comes back would be its sender's own forgery.
        let isRequest =
            record.transport != .tcp && record.packetClass == .handshake && record.icmpType != 0
            && record.icmpType != 129
        guard isSYN || isRequest else {
            if record.transport == .tcp { noteForwardedSegment(record) }
            return
        }
        let (key, sourceIsHigh) = FlowKey.of(record)
        guard let (flow, _) = context.flows.findOrInsert(key, now: context.now) else { return }
        let side = flow.side(isHigh: sourceIsHigh)
        if isSYN, record.tcpFlags.isDisjoint(with: .ack),
            !side.pointee.sentSYN || side.pointee.initialSeq != record.seq
        {
            flow.pointee.restart(now: context.now)
        }
        flow.pointee.touch(now: context.now)
        if isSYN {
            _ = side.pointee.advance(record, other: flow.side(isHigh: !sourceIsHigh).pointee)
        } else {
            side.pointee.hasRequest = true
        }
        noteLeft(flow, record.interfaceSlot, sourceIsHigh: sourceIsHigh)
        if isSYN { context.translations.note(record, isLeaving: true) }
    }

    /// A segment of an open connection on its way out, which says no more than that its direction comes past here.
    private mutating func noteForwardedSegment(_ record: PacketRecord) {
        let (key, sourceIsHigh) = FlowKey.of(record)
        let flow = context.flows.find(key)
        if let flow {
            let isKnown = flow.pointee.hasPassed(sourceIsHigh: sourceIsHigh)
            noteLeft(flow, record.interfaceSlot, sourceIsHigh: sourceIsHigh)
            if isKnown { return }
        }
        if record.payload_length > 0 { context.translations.note(record, isLeaving: true) }
    }

    /// Notes that packets of one direction leave this machine, forwarded.
    private mutating func noteLeft(_ flow: UnsafeMutablePointer<FlowEntry>, _ slot: UInt8, sourceIsHigh: Bool) {
        flow.pointee.note(forwardedBy: slot, isHigh: sourceIsHigh)
        let side = flow.side(isHigh: sourceIsHigh)
        guard !side.pointee.hasLeft else { return }
        side.pointee.hasLeft = true
        stalls.observe(leaving: flow, sourceIsHigh: sourceIsHigh)
    }

    @inline(__always)
    private mutating func observeTCP(
        _ packet: UnsafePointer<ObservedPacket>, _ lookup: UnsafePointer<PacketLookup>, isLocal: Bool
    ) {
        let record = packet.record
        let sourceIsHigh = lookup.pointee.hashes.pointee.sourceIsHigh
        let key = FlowKey(record.pointee, sourceIsHigh: sourceIsHigh)
        guard let (flow, isNew) = context.flows.findOrInsert(key, lookup, now: context.now) else { return }
        let side = flow.side(isHigh: sourceIsHigh)
        let other = flow.side(isHigh: !sourceIsHigh)
        let flags = record.pointee.tcpFlags
        if flags.contains(.syn), flags.isDisjoint(with: .ack) {
            noteSYN(record, flow, isNew: isNew, sourceIsHigh: sourceIsHigh)
        }
        flow.pointee.touch(now: context.now)
        if context.egressIsMarked {
            if flow.pointee.watch == 0, !isLocal,
                ForwardingTracker.isRepeated(record.pointee, side: side.pointee, other: other.pointee)
            {
                forwarding.observe(suspicious: record.pointee, &context)
            }
            if flow.pointee.watch != 0 {
                forwarding.observe(
                    watched: record.pointee, time: packet.pointee.time, watch: UInt32(flow.pointee.watch), context)
            }
        }
        // What is asked of its direction as it was before this packet.
        let sign =
            packet.pointee.time == 0
            ? RetransmissionKind.none : RetransmissionKind.of(record.pointee, side: side.pointee, other: other.pointee)
        let packets = side.pointee.packets
        let (opened, sent) = (side.pointee.openTime, side.pointee.seqTime)
        let isUntaken = side.pointee.sentSYNACK && !side.pointee.hasTaken(other.pointee)
        side.pointee.count(record.pointee)
        if flags.contains(.syn) {
            side.pointee.noteTimestamps(packet)
            context.translations.note(record.pointee, isLeaving: false)
        } else if !context.egressIsMarked, context.translations.isForwarding, packets < StallTracker.firstPackets,
            other.pointee.packets == 0,
            record.pointee.payload_length > 0
        {
            // The capture began in mid-connection.
            context.translations.note(record.pointee, isLeaving: false)
        }
        let isProof = side.pointee.advance(record.pointee, other: other.pointee)
        var isMove = false
        if side.pointee.isAlive, record.pointee.domain == side.pointee.domain {
            // What follows a FIN may be the kernel's without the socket.
            isMove = side.pointee.ttls.isLeft(by: record.pointee.ttl) && !side.pointee.sentFIN
            side.pointee.ttls.add(record.pointee.ttl)
        }
        if flow.pointee.pendingReset != 0 {
            evidence.addAfter(packet.pointee)
            let isAwaited = resets.observe(
                after: record.pointee, of: flow.pointee.pendingReset &- 1, &context, &witnesses)
            if !isAwaited { flow.pointee.pendingReset = 0 }
        }
        flow.pointee.note(madeHere: isLocal, slot: record.pointee.interfaceSlot, isHigh: sourceIsHigh)
        if isProof { flow.pointee.isProven = true }
        let proof =
            isProof
            ? context.proof(of: record, in: flow, sourceIsHigh: sourceIsHigh, isLocal: isLocal) : ProofOfLife.none
        learn(packet, lookup, as: proof == .none ? .unproven : .tcp, proof, isLocal: isLocal)
        if flags.contains(.syn) {
            noteStack(packet)
            resets.observe(handshake: record.pointee)
        }
        if isMove { witnesses.pathChanges.noteMove(packet.pointee, from: side.pointee.ttls, &context) }
        if isUntaken { stalls.observe(service: record.pointee, flow, sourceIsHigh: sourceIsHigh, context) }
        if sign != .none || flow.pointee.suspect != 0 {
            stalls.observe(
                packet.pointee, sign, flow, sourceIsHigh: sourceIsHigh, opened: opened, sent: sent, &context, icmp,
                forwarding)
        }
        if packets <= StallTracker.firstPackets {
            stalls.observe(directionOf: packet.pointee, flow, sourceIsHigh: sourceIsHigh, &context)
        }
    }

    /// Learns from a SYN or SYN-ACK whose TCP its sender has.
    @inline(never)
    private mutating func noteStack(_ packet: UnsafePointer<ObservedPacket>) {
        let record = packet.record
        guard let order = packet.pointee.headers?.pointee.tcpOptionOrder, order != 0 else { return }
        let family = StackFamily.of(options: order, initialTTL: record.pointee.distance.initialTTL)
        if family != .unknown { context.hosts.find(record.pointee.hostKey)?.pointee.stack = family }
    }

    /// A SYN that acknowledges nothing, before its flow takes it.
    @inline(never)
    private mutating func noteSYN(
        _ record: UnsafePointer<PacketRecord>, _ flow: UnsafeMutablePointer<FlowEntry>, isNew: Bool, sourceIsHigh: Bool
    ) {
        let side = flow.side(isHigh: sourceIsHigh)
        let other = flow.side(isHigh: !sourceIsHigh)
        // Another initial sequence number, or a SYN after the end: the five-tuple is used again.
        if !isNew, !side.pointee.sentSYN || side.pointee.initialSeq != record.pointee.seq || flow.pointee.isClosed {
            if flow.pointee.pendingReset != 0, context.clockStep.units > 0 {
                resets.observe(reuseBy: record.pointee, of: flow.pointee.pendingReset &- 1)
            }
            flow.pointee.restart(now: context.now)
        }
        if side.pointee.packets == 0, other.pointee.packets == 0 { countConnection(record.pointee) }
    }

    @inline(__always)
    private mutating func learn(
        _ packet: UnsafePointer<ObservedPacket>, _ lookup: UnsafePointer<PacketLookup>,
        as fingerprint: FingerprintClass, _ proof: ProofOfLife, isLocal: Bool
    ) {
        let record = packet.record
        let key = record.pointee.hostKey
        guard
            let host = context.hosts.learn(
                key, hash: lookup.pointee.hashes.pointee.host, at: lookup.pointee.host, ttl: record.pointee.ttl,
                class: fingerprint, proof, on: isLocal ? [] : context.arrival(record.pointee), isLocal: isLocal,
                now: context.now)
        else { return }
        // What could be forged teaches neither.
        if fingerprint != .unproven {
            evidence.observe(proof: packet, of: host)
            witnesses.pathChanges.observe(proof: packet, &context)
            if record.pointee.tos >> 2 != 0, !host.pointee.keepsDSCP { host.pointee.keepsDSCP = true }
            if record.pointee.isIPv6, record.pointee.identification != 0, record.pointee.transport != .udp,
                !host.pointee.usesFlowLabels
            {
                host.pointee.usesFlowLabels = true
            }
        }
        if host.pointee.isMoving {
            host.pointee.isMoving = witnesses.pathChanges.observe(
                moving: key, at: record.pointee.distance.hop, now: context.now)
        }
        if fingerprint != .unproven, resets.hasUndetermined,
            host.pointee.hasUndetermined || host.pointee.mayBeNew
        {
            resets.observe(proofOf: key, host, &context, &witnesses)
        }
    }

    private mutating func countConnection(_ record: PacketRecord) {
        switch context.options.inside.scope(record.source, record.destination) {
        case .inside: counts.connectionsInside += 1
        case .outside: counts.connectionsOutside += 1
        case .transit: counts.connectionsTransit += 1
        }
    }
}

extension FlowEntry {
    /// True where packets of that direction arrived or left before.
    func hasPassed(sourceIsHigh: Bool) -> Bool {
        let side = sourceIsHigh ? high : low
        return side.packets > 0 || side.hasLeft
    }

    /// Remembers a gap and that the flow was seen.
    @inline(__always)
    mutating func touch(now: UInt64) {
        if now > lastSeen, now - lastSeen >= FlowTable.idleGap {
            earlierGap = max(earlierGap, UInt16(clamping: gap / 1000))
            gap = UInt32(clamping: (now - lastSeen) / 1_000_000)
            gapEnd = UInt32(truncatingIfNeeded: now / 1_000_000)
        }
        lastSeen = max(lastSeen, now)
    }
}

extension Int {
    /// 1, 2, 3, 4, 6, 8, 12, 16, 24 …: powers of two and what lies halfway between.
    var isRound: Bool {
        let power = 1 << (Int.bitWidth - 1 - Swift.max(self, 1).leadingZeroBitCount)
        return self == power || self == power + power / 2
    }
}
