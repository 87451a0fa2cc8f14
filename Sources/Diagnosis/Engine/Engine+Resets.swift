// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

extension Engine {
    /// How long (ms) after the end of a gap a reset still counts as drawn by what ended it.
    private static var triggerWindow: UInt32 { 5000 }
    /// Resets to both sides come within 5 ms, in units of 1024 ns.
    private static var mirrorWindow: UInt32 { 4883 }

    mutating func observeReset(_ packet: ObservedPacket, passage: ResetCase.Passage) {
        let record = packet.record
        let (key, sourceIsHigh) = FlowKey.of(record)
        let known = flows.find(key)
        // A five-tuple that is used again counts anew.
        let answered =
            known.map {
                UInt64($0.pointee.generation) << 32
                    | UInt64(sourceIsHigh ? $0.pointee.low.packets : $0.pointee.high.packets)
            } ?? 0
        // Without times nothing is known to be a copy, and the frame tells equal resets apart.
        let occurrence =
            packet.time == 0 ? packet.frame : recent.occurrence(of: record, answered: answered, time: packet.time)
        guard let occurrence else {
            counts.rejected += 1
            if passage == .arrived, let number = known?.pointee.pendingReset, number != 0 {
                noteDuplicate(record, of: number &- 1)
            }
            return
        }
        counts.observed += 1
        rewriting.learn(reset: record)
        var context: FlowContext?
        if let flow = known, flow.pointee.isSeen {
            flow.pointee.touch(now: now)
            let sinceGap = UInt32(truncatingIfNeeded: now / 1_000_000) &- flow.pointee.gapEnd
            let hasGap = packet.time != 0 && flow.pointee.gap > 0 && sinceGap <= Self.triggerWindow
            context = FlowContext(
                source: sourceIsHigh ? flow.pointee.high : flow.pointee.low,
                other: sourceIsHigh ? flow.pointee.low : flow.pointee.high,
                gap: hasGap ? UInt64(flow.pointee.gap) * 1_000_000 : nil)
            flow.side(isHigh: sourceIsHigh).pointee.flags |= record.flags
        }
        switch flood.admit(record, hasFlow: context != nil, isMadeHere: passage == .madeHere, isLive: isLive) {
        case .counted: return
        case .first(let kind):
            let reset = makeCase(packet, passage: passage, flow: context, occurrence: occurrence)
            samples.putAside(packet, id: reset.id, of: reset.hostKey, hasFlow: context != nil)
            flood.represent(kind, by: reset)
            return
        case .single: break
        }
        let reset = makeCase(packet, passage: passage, flow: context, occurrence: occurrence)
        samples.putAside(packet, id: reset.id, of: reset.hostKey, hasFlow: context != nil)
        guard let number = accept(reset) else { return }
        if let flow = known {
            if flow.pointee.pendingReset != 0 { pair(flow.pointee.pendingReset &- 1, with: number, record, context) }
            flow.pointee.pendingReset = number &+ 1
        }
    }

    /// Tells the reset that waits, if it is the same, where else it was seen.
    private mutating func noteDuplicate(_ record: PacketRecord, of number: UInt32) {
        pending.update(number) { reset in
            let first = reset.record
            guard reset.passage == .arrived, first.src_port == record.src_port, first.source == record.source,
                first.seq == record.seq,
                first.ttl != record.ttl || first.link_hash != record.link_hash
            else { return }
            reset.copy = (record.ttl, record.link_hash)
        }
    }

    private func makeCase(
        _ packet: ObservedPacket, passage: ResetCase.Passage, flow: FlowContext?, occurrence: UInt64
    ) -> ResetCase {
        let record = packet.record
        let headers = packet.headers.map { ResetHeaders($0.pointee) } ?? ResetHeaders()
        var reset = ResetCase(
            record: record, time: packet.time, frame: packet.frame, file: file, passage: passage,
            isOwnAddress: localAddresses.contains(record.source), flow: flow, headers: headers,
            counter: counters.continued(by: record), habit: habit(of: record),
            id: FindingIdentity.id(record, time: packet.time, occurrence: occurrence),
            packetKey: FindingIdentity.packetKey(record, timestamps: headers.timestamps), vantage: vantage(record))
        reset.clockStep = clockStep
        reset.interface = arrival(record)
        reset.shed = shedParts(record, time: packet.time, sides: flow.map { [$0.source, $0.other] } ?? [])
        if let side = flow?.source, side.packets > 0, record.direction == .ingress {
            reset.isFromElsewhere =
                group(of: side.interface) != group(of: record.interfaceSlot) && side.linkHash != record.link_hash
        }
        return reset
    }

    /// Judges a reset whose sender is proved, or lets it wait; then its number is returned.
    private mutating func accept(_ reset: ResetCase) -> UInt32? {
        // In a finished file even a proof waits its turn: findings are told in frame order.
        if isLive, reset.passage == .madeHere {
            giveMadeHere(reset)
            return nil
        }
        return pending.append(reset)
    }

    /// Remembers the reset with its host, and returns what the host's resets have in common.
    private func habit(of record: PacketRecord) -> ResetPattern {
        guard let host = hosts.find(HostKey(address: record.source, domain: record.domain)) else {
            return ResetPattern()
        }
        host.pointee.habit.note(record)
        return host.pointee.habit
    }

    /// Two resets of one connection: what the second says of the first, and both of each other.
    ///
    /// - Parameter context: The flow as it was when the second came.
    private mutating func pair(_ earlier: UInt32, with later: UInt32, _ record: PacketRecord, _ context: FlowContext?) {
        var isTwin = false
        var isMirror = false
        pending.update(earlier) { reset in
            let first = reset.record
            let delay = record.time &- first.time
            if first.source == record.source, first.src_port == record.src_port {
                reset.aftermath.secondReset = (record.tcpFlags.contains(.ack), record.ack)
                isTwin =
                    SequenceNumber.isAfter(record.seq, first.seq) && context?.isBeyondAllSent(record.seq) == true
                // The first may be the host's own, which the second follows.
                if isTwin, first.ttl == record.ttl, first.window == record.window { reset.aftermath.hasTwin = true }
            } else if delay <= Self.mirrorWindow, Self.areOfOneMaking(first, record) {
                isMirror = true
                reset.aftermath.isMirrored = true
            }
        }
        pending.update(later) { reset in
            reset.aftermath.hasTwin = isTwin
            reset.aftermath.isMirrored = isMirror
        }
    }

    /// True where two resets of both directions look as if one device had made them: same initial TTL, and IP-IDs in a row.
    private static func areOfOneMaking(_ first: PacketRecord, _ second: PacketRecord) -> Bool {
        guard first.distance.initialTTL == second.distance.initialTTL, first.window == second.window else {
            return false
        }
        let step = second.identification &- first.identification
        return first.identification != 0 && step <= 4
    }

    func vantage(_ record: PacketRecord) -> Finding.Vantage? {
        let slot = Int(record.interfaceSlot)
        let interface = slot < options.interfaceNames.count ? options.interfaceNames[slot] : nil
        guard options.host != nil || interface != nil else { return nil }
        return Finding.Vantage(
            host: options.host, interface: interface, hook: options.hook,
            direction: record.direction == .ingress ? "in" : "out")
    }

    // MARK: NextSteps

    /// Settles what is due, and finds out when next something is: for packets whose time has come to `nextDue`.
    ///
    /// Whatever lets one of the parts wait for something sets `nextDue` to 0.
    @inline(never)
    mutating func settleDue() {
        if firstDue <= now { settleAllDue() }
        nextDue = firstDue
    }

    /// The earliest that any part waits for, ns.
    private var firstDue: UInt64 {
        var due = min(pending.due(after: options.settleTime), awaitingTrace.due(after: ResetTraces.settleTime))
        due = min(due, paths.suspects.nextDeadline, flood.due(now: now, window: options.settleTime))
        due = min(due, pathChanges.due(after: options.settleTime), icmpErrors.due(after: options.settleTime))
        return min(due, forwarding.due)
    }

    private mutating func settleAllDue() {
        settlePathChanges()
        settlePaths()
        for reset in flood.advance(now: now, window: options.settleTime) { _ = accept(reset) }
        settleMadeHere()
        settleForwarding()
        while !pending.isEmpty {
            let time = pending.firstTime
            guard time != 0, now >= time, now - time >= options.settleTime else { break }
            settleFirst()
        }
        tellDueICMPErrors()
    }

    /// Settles every reset that still waits.
    mutating func settlePending() {
        for reset in flood.drain() { _ = accept(reset) }
        settleMadeHere(all: true)
        while !pending.isEmpty { settleFirst() }
        settlePathChanges(all: true)
        tellAllICMPErrors()
    }

    private mutating func settleFirst() {
        let number = pending.firstNumber
        let reset = pending.removeFirst()
        tellICMPErrors(before: reset)
        give(reset, verdict(reset), number: number)
        releaseHeld(after: number)
    }

    func verdict(_ reset: ResetCase) -> ResetJudge.Verdict {
        judge(reset, host: hosts.find(reset.hostKey)?.pointee)
    }

    func judge(_ reset: ResetCase, host: HostEntry?) -> ResetJudge.Verdict {
        var reset = reset
        reset.isRewritten = rewriting.isRewritten(reset.record)
        if let copy = reset.copy {
            reset.isOrderUsual = copies.order.isUsual(first: (reset.record.ttl, reset.record.link_hash), copy: copy)
        }
        if let host, let baseline = host.baseline {
            let shift = reset.distance.hop - baseline.distance.hop
            reset.isOfMovedPath = pathChanges.explains(shift: shift, at: reset.time, lastSeen: host.lastSeen)
        }
        return judge.judge(reset, host: host)
    }

    /// Makes the finding, and counts a foreign reset to its origin.
    mutating func finding(_ reset: ResetCase, _ verdict: ResetJudge.Verdict) -> Finding {
        var finding = describe(reset, verdict)
        guard verdict.sender.isForeign else { return finding }
        let address =
            hopAddresses.address(atHop: reset.distance.hop, isIPv6: reset.record.isIPv6)
            ?? (verdict.evidence.contains(.otherCounter) ? reset.counter?.counter.address : nil)
        guard let number = resetOrigins.add(reset, verdict, address: address) else { return finding }
        let origin = resetOrigins.origins[number]
        finding.reset?.origin = origin.id
        finding.reset?.originAddress = origin.address
        finding.reset?.originIdleTimer = origin.idleTimer
        return finding
    }

    private func describe(_ reset: ResetCase, _ verdict: ResetJudge.Verdict) -> Finding {
        let record = reset.record
        var details = Finding.Reset(
            flags: record.tcpFlags, ttl: record.ttl, seq: record.seq, ack: record.ack, sender: verdict.sender,
            hop: reset.hop, cause: verdict.cause, stage: reset.stage, packetKey: reset.packetKey)
        details.hostHop =
            verdict.baseline?.distance.hop ?? (reset.passage == .madeHere && !verdict.sender.isForeign ? 0 : nil)
        details.hostSamples = verdict.baseline?.samples
        details.idleSeconds = reset.idle.map { Double($0) / 1e9 }
        details.serverIsSource = reset.flow?.serverIsSource
        details.signature = TamperingSignature.of(reset)
        details.vlan = reset.headers.vlan
        details.nextHopMAC = reset.headers.sourceMAC
        var finding = Finding(
            id: reset.id, fiveTuple: record.fiveTuple, details: .reset(details), evidence: verdict.evidence)
        finding.time = reset.time == 0 ? nil : reset.time
        finding.frame = reset.frame == 0 ? nil : reset.frame
        finding.file = reset.file
        finding.count = reset.count
        finding.translated = translations.connection(of: FlowKey.of(record).key)?.other(of: record.fiveTuple)
        finding.confidence = verdict.confidence
        finding.vantage = reset.vantage
        finding.scope = options.inside.scope(record.source, record.destination)
        finding.delay = now >= reset.time && reset.time != 0 ? now - reset.time : 0
        return finding
    }
}
