// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

extension Engine {
    /// How long (ns) after the end of a gap a reset still counts as drawn by what ended it.
    private static var triggerWindow: UInt64 { 5_000_000_000 }

    mutating func observeReset(_ packet: ObservedPacket, passage: ResetCase.Passage) {
        let record = packet.record
        let (key, sourceIsHigh) = FlowKey.of(record)
        let known = flows.find(key)
        // The flow's beginning is part of it: a five-tuple that is used again counts anew.
        let answered =
            known.map {
                $0.pointee.firstSeen &+ UInt64(sourceIsHigh ? $0.pointee.low.packets : $0.pointee.high.packets)
            } ?? 0
        if packet.time != 0, recent.isCopy(record, answered: answered, time: packet.time) {
            counts.rejected += 1
            return
        }
        counts.observed += 1
        var context: FlowContext?
        if let flow = known, flow.pointee.low.packets + flow.pointee.high.packets > 0 {
            flow.pointee.touch(now: now)
            let gap = flow.pointee.gap
            let isIdle = packet.time != 0 && gap > 0 && now &- flow.pointee.gapEnd <= Self.triggerWindow
            context = FlowContext(
                source: sourceIsHigh ? flow.pointee.high : flow.pointee.low,
                other: sourceIsHigh ? flow.pointee.low : flow.pointee.high, idle: isIdle ? gap : nil)
            flow.pointee.withSide(isHigh: sourceIsHigh) { $0.flags |= record.flags }
        }
        let snapshot = packet.headers?.pointee
        let reset = ResetCase(
            record: record, time: packet.time, frame: packet.frame, file: file, passage: passage, flow: context,
            id: FindingIdentity.id(
                record, time: packet.time, occurrence: packet.time == 0 ? packet.frame : UInt64(record.identification)),
            packetKey: FindingIdentity.packetKey(record, timestamps: snapshot?.tcpTimestamps),
            sourceMAC: snapshot?.sourceMAC, vlan: snapshot?.vlanID, vantage: vantage(record))
        // In a finished file even a proof waits its turn: findings are told in frame order.
        if isLive, passage == .madeHere {
            give(reset, verdict(reset))
        } else {
            pending.append(reset)
        }
    }

    private func vantage(_ record: PacketRecord) -> Finding.Vantage? {
        let slot = Int(record.interfaceSlot)
        let interface = slot < options.interfaceNames.count ? options.interfaceNames[slot] : nil
        guard options.host != nil || interface != nil else { return nil }
        return Finding.Vantage(
            host: options.host, interface: interface, hook: options.hook,
            direction: record.direction == .ingress ? "in" : "out")
    }

    // MARK: Settling

    /// Settles the resets whose time has come.
    mutating func settleDue() {
        while pendingStart < pending.count {
            let time = pending[pendingStart].time
            guard time != 0, now >= time, now - time >= options.settleTime else { break }
            settleFirst()
        }
        if pendingStart > 1024, pendingStart * 2 > pending.count {
            pending.removeFirst(pendingStart)
            pendingStart = 0
        }
    }

    /// Settles every reset that still waits.
    mutating func settlePending() {
        while pendingStart < pending.count { settleFirst() }
        pending.removeAll(keepingCapacity: true)
        pendingStart = 0
    }

    private mutating func settleFirst() {
        let reset = pending[pendingStart]
        pendingStart += 1
        give(reset, verdict(reset))
    }

    private func verdict(_ reset: ResetCase) -> ResetJudge.Verdict {
        judge.judge(reset, host: hosts.find(reset.hostKey)?.pointee)
    }

    /// Tells a finding, or keeps it for the time when its host speaks.
    private mutating func give(_ reset: ResetCase, _ verdict: ResetJudge.Verdict) {
        let finding = finding(reset, verdict)
        guard verdict.sender == .undetermined, reset.flow != nil else {
            given.append(finding)
            return
        }
        if isLive { given.append(finding) }
        if let final = undetermined.insert(reset, finding), !isLive { given.append(final.finding) }
        if let host = hosts.find(reset.hostKey) { host.pointee.hasUndetermined = true } else { remember(reset) }
    }

    /// Makes an entry for a host that was never seen, so that its first packet finds what waits for it.
    private mutating func remember(_ reset: ResetCase) {
        hosts.reserve(reset.hostKey, now: now)?.pointee.hasUndetermined = true
    }

    /// Judges again what waits for this host.
    mutating func settleUndetermined(_ key: HostKey, _ host: HostEntry) {
        var decided: Set<String> = []
        for waiting in undetermined.of(key) {
            let verdict = judge.judge(waiting.reset, host: host)
            guard verdict.sender != .undetermined else { continue }
            var finding = finding(waiting.reset, verdict)
            if isLive { finding.revision = waiting.finding.revision + 1 }
            given.append(finding)
            decided.insert(finding.id)
        }
        undetermined.remove(key) { decided.contains($0.finding.id) }
    }

    private func finding(_ reset: ResetCase, _ verdict: ResetJudge.Verdict) -> Finding {
        let record = reset.record
        var finding = Finding(
            id: reset.id, fiveTuple: record.fiveTuple, flags: record.tcpFlags, ttl: record.ttl, seq: record.seq,
            ack: record.ack, sender: verdict.sender, hop: reset.distance.hop, cause: verdict.cause,
            stage: reset.flow?.stage ?? .none, packetKey: reset.packetKey, evidence: verdict.evidence)
        finding.time = reset.time == 0 ? nil : reset.time
        finding.frame = reset.frame == 0 ? nil : reset.frame
        finding.file = reset.file
        finding.hostHop = verdict.hostHop
        finding.confidence = verdict.confidence
        finding.idleSeconds = reset.flow?.idle.map { Double($0) / 1e9 }
        finding.vlan = reset.vlan
        finding.nextHopMAC = reset.sourceMAC
        finding.vantage = reset.vantage
        finding.scope = options.inside.scope(record.source, record.destination)
        finding.delay = now >= reset.time && reset.time != 0 ? now - reset.time : 0
        return finding
    }
}
