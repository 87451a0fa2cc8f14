// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

extension Engine {
    /// Which packets may teach, and how they came past.
    @inline(__always)
    mutating func observe(_ packet: ObservedPacket) {
        let record = packet.record
        var isLocal = false
        var passage = ResetCase.Passage.arrived
        switch record.direction {
        case .ingress: break
        case .egressMadeHere:
            isLocal = true
            passage = .madeHere
        case .egress:
            // Whatever is routed has lost one to this machine: a whole initial TTL was made here, unless packets of that source
            // arrive (a bridge). Live the kernel says so itself, and what it does not mark was forwarded. Who forwards a tunnel
            // leaves the TTL inside alone.
            let isWhole =
                !options.egressIsMarked && record.distance.decrements == 0 && record.tunnel == .none
            passage = isWhole ? .leftUndiminished : .forwarded
            if record.packetClass != .reset, isWhole, hasArrived(record) { passage = .forwarded }
            isLocal = passage == .leftUndiminished
        }
        if record.packetClass == .reset {
            observeReset(packet, passage: passage)
            return
        }
        guard passage != .forwarded else {
            // It taught what it can when it arrived; but its addresses may have been translated since.
            noteForwarded(record)
            noteLeaving(record, time: packet.time)
            counts.rejected += 1
            return
        }
        if packet.time != 0, copies.isCopy(record, now: packet.time) {
            counts.rejected += 1
            return
        }
        counts.observed += 1
        if record.packetClass != .bulk { samples.add(packet) }
        counters.learn(record)
        if record.packetClass == .icmp {
            observeICMPError(packet, passage: passage)
            return
        }
        switch record.transport {
        case .tcp: observeTCP(packet, isLocal: isLocal)
        case .udp: observeRequestOrReply(packet, isRequest: true, isReply: true, as: .udp, isLocal: isLocal)
        case .icmp:
            observeRequestOrReply(
                packet, isRequest: record.icmpType == 8, isReply: record.icmpType == 0, as: .echo, isLocal: isLocal)
        case .icmpv6:
            observeRequestOrReply(
                packet, isRequest: record.icmpType == 128, isReply: record.icmpType == 129, as: .echo, isLocal: isLocal)
        case .other: break
        }
    }

    /// True where packets of that source were seen arriving.
    private func hasArrived(_ record: PacketRecord) -> Bool {
        guard let host = hosts.find(HostKey(address: record.source, domain: record.domain))?.pointee else {
            return false
        }
        return !host.isLocal && (host.isProven || !host[.unproven].isEmpty)
    }

    /// Echo and UDP: what answers a request that was seen proves that its sender lives; everything else could be spoofed.
    private mutating func observeRequestOrReply(
        _ packet: ObservedPacket, isRequest: Bool, isReply: Bool, as fingerprint: FingerprintClass, isLocal: Bool
    ) {
        let record = packet.record
        guard isRequest || isReply else { return }
        let (key, sourceIsHigh) = FlowKey.of(record)
        guard let (flow, _) = flows.findOrInsert(key, now: now) else { return }
        let isAnswer = isReply && (sourceIsHigh ? flow.pointee.low.hasRequest : flow.pointee.high.hasRequest)
        flow.pointee.touch(now: now)
        // Who spoke first asks; else a forged request would be an answer to the answer.
        let isFirst = (sourceIsHigh ? flow.pointee.low : flow.pointee.high).packets == 0
        let earlier = flow.pointee.withSide(isHigh: sourceIsHigh) { side in
            let earlier = side.ttls
            side.count(record)
            if isRequest, isFirst { side.hasRequest = true }
            if isAnswer, record.domain == side.domain { side.ttls.add(record.ttl) }
            return earlier
        }
        if isAnswer { flow.pointee.isProven = true }
        learn(packet, as: isAnswer ? fingerprint : .unproven, isLocal: isLocal)
        if isAnswer, earlier.isLeft(by: record.ttl) { noteMove(packet, from: earlier) }
    }

    /// A forwarded packet on its way out: it asks for an answer, which will come for the five-tuple that it has now.
    private mutating func noteForwarded(_ record: PacketRecord) {
        let isSYN = record.transport == .tcp && record.tcpFlags.contains(.syn)
        guard isSYN || (record.transport != .tcp && record.packetClass == .handshake) else { return }
        let (key, sourceIsHigh) = FlowKey.of(record)
        guard let (flow, _) = flows.findOrInsert(key, now: now) else { return }
        let side = sourceIsHigh ? flow.pointee.high : flow.pointee.low
        if isSYN, record.tcpFlags.isDisjoint(with: .ack), !side.sentSYN || side.initialSeq != record.seq {
            flow.pointee.restart(now: now)
        }
        let other = sourceIsHigh ? flow.pointee.low : flow.pointee.high
        flow.pointee.touch(now: now)
        flow.pointee.withSide(isHigh: sourceIsHigh) { side in
            if isSYN { _ = side.advance(record, other: other) } else { side.hasRequest = true }
            side.hasLeft = true
        }
    }

    @inline(__always)
    private mutating func observeTCP(_ packet: ObservedPacket, isLocal: Bool) {
        let record = packet.record
        let (key, sourceIsHigh) = FlowKey.of(record)
        guard let (flow, isNew) = flows.findOrInsert(key, now: now) else { return }
        let flags = record.tcpFlags
        if flags.contains(.syn), flags.isDisjoint(with: .ack) {
            let side = sourceIsHigh ? flow.pointee.high : flow.pointee.low
            // Another initial sequence number, or a SYN after the end: the five-tuple is used again.
            if !isNew, !side.sentSYN || side.initialSeq != record.seq || flow.pointee.isClosed {
                flow.pointee.restart(now: now)
            }
            if flow.pointee.low.packets == 0, flow.pointee.high.packets == 0 { countConnection(record) }
        }
        flow.pointee.touch(now: now)
        let other = sourceIsHigh ? flow.pointee.low : flow.pointee.high
        if options.egressIsMarked {
            let side = sourceIsHigh ? flow.pointee.high : flow.pointee.low
            if flow.pointee.watch == 0, !isLocal, Self.isRepeated(record, side: side, other: other) {
                requestFocus(record)
            }
            if flow.pointee.watch != 0 { noteWatched(record, time: packet.time, watch: flow.pointee.watch) }
        }
        let before = sourceIsHigh ? flow.pointee.high : flow.pointee.low
        let sign = packet.time == 0 ? PathSign.none : PathSign.of(record, side: before, other: other)
        let (isProof, earlier) = flow.pointee.withSide(isHigh: sourceIsHigh) { side in
            let earlier = side.ttls
            side.count(record)
            if flags.contains(.syn), let timestamps = packet.headers?.pointee.tcpTimestamps {
                side.usesTimestamps = true
                side.timestamp = timestamps.value
            }
            let isProof = side.advance(record, other: other)
            // What follows a FIN may be the kernel's without the socket.
            let isMove = side.isAlive && record.domain == side.domain && !side.sentFIN && earlier.isLeft(by: record.ttl)
            if side.isAlive, record.domain == side.domain { side.ttls.add(record.ttl) }
            return (isProof, isMove ? earlier : nil)
        }
        if flow.pointee.pendingReset != 0 {
            samples.addAfter(packet)
            if !noteAftermath(record, of: flow.pointee.pendingReset &- 1) { flow.pointee.pendingReset = 0 }
        }
        if isProof { flow.pointee.isProven = true }
        learn(packet, as: isProof ? .tcp : .unproven, isLocal: isLocal)
        if let earlier { noteMove(packet, from: earlier) }
        if before.sentSYNACK, !before.hasTaken(other) { noteService(record, flow, sourceIsHigh: sourceIsHigh) }
        if sign != .none || flow.pointee.suspect != 0 {
            observePath(
                packet, sign, flow, sourceIsHigh: sourceIsHigh, opened: before.openTime, sent: before.seqTime)
        }
        if before.packets <= PathTap.alone { countDirections(packet, flow, sourceIsHigh: sourceIsHigh) }
    }

    @inline(__always)
    private mutating func learn(_ packet: ObservedPacket, as fingerprint: FingerprintClass, isLocal: Bool) {
        let record = packet.record
        let key = HostKey(address: record.source, domain: record.domain)
        guard
            let host = hosts.learn(
                key, ttl: record.ttl, class: fingerprint, on: isLocal ? [] : arrival(record), isLocal: isLocal, now: now
            )
        else { return }
        // What could be forged teaches neither.
        if fingerprint != .unproven {
            takeSample(packet, of: host.pointee)
            if rewriting.learn(record) { tellRewriting(packet) }
            if record.tos >> 2 != 0 { host.pointee.keepsDSCP = true }
            if record.isIPv6, record.identification != 0, record.transport != .udp {
                host.pointee.usesFlowLabels = true
            }
        }
        if host.pointee.isMoving {
            host.pointee.isMoving = pathChanges.note(key, at: record.distance.hop, now: now)
        }
        // Its entry may have been given up since the resets came.
        if fingerprint != .unproven, undetermined.count > 0, host.pointee.provenSamples == 1 {
            host.pointee.hasUndetermined = !undetermined.isEmpty(key)
        }
        // A few samples decide or many confirm: judging again at each would let a flood buy work.
        if host.pointee.hasUndetermined, fingerprint != .unproven, host.pointee.provenSamples.isRound {
            settleUndetermined(key, host.pointee)
            host.pointee.hasUndetermined = !undetermined.isEmpty(key)
        }
    }

    /// Where a packet arrived; empty for one that was seen leaving.
    func arrival(_ record: PacketRecord) -> InterfaceSet {
        record.direction == .ingress ? InterfaceSet(slot: group(of: record.interfaceSlot)) : []
    }

    /// The slot that stands for an interface and for those that are one with it.
    func group(of slot: UInt8) -> UInt8 {
        Int(slot) < options.interfaceGroups.count ? options.interfaceGroups[Int(slot)] : slot
    }

    private mutating func countConnection(_ record: PacketRecord) {
        switch options.inside.scope(record.source, record.destination) {
        case .inside: counts.connectionsInside += 1
        case .outside: counts.connectionsOutside += 1
        case .transit: counts.connectionsTransit += 1
        }
    }
}

extension FlowEntry {
    /// Remembers a gap and that the flow was seen.
    @inline(__always)
    mutating func touch(now: UInt64) {
        if now > lastSeen, now - lastSeen >= FlowTable.idleGap {
            gap = UInt32(clamping: (now - lastSeen) / 1_000_000)
            gapEnd = UInt32(truncatingIfNeeded: now / 1_000_000)
        }
        lastSeen = max(lastSeen, now)
    }

    @inline(__always)
    mutating func withSide<Result>(isHigh: Bool, _ body: (inout FlowSide) -> Result) -> Result {
        isHigh ? body(&high) : body(&low)
    }
}

extension Int {
    /// 1, 2, 3, 4, 6, 8, 12, 16, 24 …: powers of two and what lies halfway between.
    var isRound: Bool {
        let power = 1 << (Int.bitWidth - 1 - Swift.max(self, 1).leadingZeroBitCount)
        return self == power || self == power + power / 2
    }
}
