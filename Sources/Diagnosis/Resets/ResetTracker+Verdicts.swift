// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Verdicts on resets, and the findings that are emitted.
extension ResetTracker {
    // MARK: Timers

    func due(_ context: borrowing EngineContext) -> UInt64 {
        let settleTime = context.settleTime
        return min(
            pending.due(after: settleTime), awaitingTrace.due(after: ResetTraces.settleTime),
            flood.due(now: context.now, window: settleTime))
    }

    /// True where resets wait whose source tells no time.
    var hasTimeless: Bool { !pending.isEmpty && pending.firstTime == 0 }

    /// Time and frame of the next reset to be judged, where it has waited its settle time.
    func next(_ context: borrowing EngineContext) -> (time: UInt64, frame: UInt64)? {
        guard let first = pending.first, first.time != 0, context.now >= first.time,
            context.now - first.time >= context.settleTime
        else { return nil }
        return first
    }

    /// Time and frame of the next reset to be judged, whether it has waited or not.
    var next: (time: UInt64, frame: UInt64)? { pending.first }

    /// Ends the window in which a flood was counted, and settles what this machine made: what comes before
    /// `settleFirst`.
    ///
    /// - `all`: Those that could wait longer as well: nothing will follow.
    mutating func advance(_ context: inout EngineContext, _ witnesses: inout ResetWitnesses, all: Bool = false) {
        let counted =
            all ? flood.drain() : flood.advance(now: context.now, window: context.settleTime)
        for reset in counted { _ = accept(reset, &context, &witnesses) }
        settleMadeHere(&context, &witnesses, all: all)
        events.settle(&context, all: false)
    }

    /// Judges the oldest reset that waits; there must be one.
    mutating func settleFirst(_ context: inout EngineContext, _ witnesses: inout ResetWitnesses) {
        let number = pending.firstNumber
        let reset = pending.removeFirst()
        let verdict = verdict(reset, context, witnesses)
        if verdict.sender.isForeign, let next = reset.next {
            pending.update(next) { Self.reopen(&$0, after: reset.record) }
        }
        emit(reset, verdict, number: number, &context, &witnesses)
        context.findings.settle(reset: number)
        if verdict.cause == .halfOpenCheck, let first = halfOpen.takeFirst(reset), first != number {
            reviseCause(ofFirst: first, &context, &witnesses)
        }
    }

    /// A forged reset closes nothing: what follows is judged as if it had not been.
    private static func reopen(_ reset: inout ResetCase, after forged: PacketRecord) {
        let isSame = forged.source == reset.record.source && forged.src_port == reset.record.src_port
        let direction = isSame ? ResetCase.AfterForeign.sameDirection : .otherDirection
        reset.afterForeign = direction
        reset.flow?.reopen(direction)
    }

    /// Emits what is still undetermined and was held back until it would be decided.
    mutating func emitUndetermined(_ context: inout EngineContext) { context.findings.emit(undetermined.tell()) }

    /// Emits it for good: nothing will follow.
    mutating func finish(_ context: inout EngineContext, _ witnesses: inout ResetWitnesses) {
        settleAllUndetermined(&context, &witnesses)
        emitUndetermined(&context)
        undetermined.removeAll()
        events.settle(&context, all: true)
    }

    // MARK: Verdicts

    func verdict(
        _ reset: ResetCase, _ context: borrowing EngineContext, _ witnesses: borrowing ResetWitnesses
    ) -> ResetJudge.Verdict {
        verdict(reset, host: context.hosts.find(reset.hostKey)?.pointee, context, witnesses)
    }

    func verdict(
        _ reset: ResetCase, host: HostEntry?, _ context: borrowing EngineContext,
        _ witnesses: borrowing ResetWitnesses
    ) -> ResetJudge.Verdict {
        var reset = reset
        reset.isFromNeighbour =
            context.neighbours.isStation(of: reset.record) && !witnesses.pathChanges.mayForward(reset.record)
        reset.isRepeatedlyHalfOpen = ResetCause.isHalfOpen(reset) && halfOpen.isRepeated(reset)
        reset.isRewritten = witnesses.pathChanges.isRewritten(reset.record)
        if let copy = reset.copy {
            reset.isOrderUsual = witnesses.duplicates.isUsual(
                first: (reset.record.ttl, reset.record.link_hash), copy: copy)
        }
        if reset.record.hasTTL, let host, let baseline = host.baseline {
            let shift = reset.distance.hop - baseline.distance.hop
            reset.isOfMovedPath = witnesses.pathChanges.explains(
                shift: shift, at: reset.time, lastSeen: host.lastSeen)
        }
        return ResetJudge().judge(reset, host: host)
    }

    /// Makes the finding, and counts a foreign reset to its origin.
    func finding(
        _ reset: ResetCase, _ verdict: ResetJudge.Verdict, _ context: borrowing EngineContext,
        _ witnesses: inout ResetWitnesses
    ) -> Finding {
        var finding = describe(reset, verdict, context)
        witnesses.origins.attribute(&finding, reset, verdict)
        return finding
    }

    private func describe(
        _ reset: ResetCase, _ verdict: ResetJudge.Verdict, _ context: borrowing EngineContext
    ) -> Finding {
        let record = reset.record
        var details = Finding.Reset(
            flags: record.tcpFlags, ttl: record.ttl, seq: record.seq, ack: record.ack, sender: verdict.sender,
            hop: verdict.hop(of: reset), cause: verdict.cause, stage: reset.stage, packetKey: reset.packetKey)
        details.hostHop =
            verdict.baseline?.distance.hop
            ?? (record.source.isLoopback || (reset.passage == .madeHere && !verdict.sender.isForeign) ? 0 : nil)
        details.hostSamples = verdict.baseline?.samples
        details.losesAnswer = reset.flow?.isAnswerLost ?? false
        details.idleSeconds = reset.silence.map { Double($0) / 1e9 }
        details.serverIsSource = reset.flow?.serverIsSource
        details.signature = TamperingSignature.of(reset)
        details.vlan = reset.headers.vlan
        details.nextHopMAC = reset.headers.sourceMAC
        var finding = Finding(
            id: reset.id, fiveTuple: record.fiveTuple, details: .reset(details), evidence: verdict.evidence)
        finding.count = reset.count
        finding.translated = context.translations.connection(of: FlowKey.of(record).key)?.other(of: record.fiveTuple)
        finding.confidence = verdict.confidence
        context.complete(&finding, time: reset.time, frame: reset.frame, file: reset.file, vantage: reset.vantage)
        return finding
    }

    // MARK: Findings

    /// Emits a finding, or keeps it for the time when its host speaks.
    ///
    /// - `number`: The reset's number among those that waited; `nil` where it did not wait.
    mutating func emit(
        _ reset: ResetCase, _ verdict: ResetJudge.Verdict, number: UInt32? = nil, _ context: inout EngineContext,
        _ witnesses: inout ResetWitnesses
    ) {
        let finding = finding(reset, verdict, context, &witnesses)
        events.note(reset, finding)
        var waiting: UInt64?
        if verdict.sender == .undetermined, reset.flow != nil {
            if context.isLive { context.findings.emit(finding) }
            let (place, evicted) = undetermined.insert(
                UndeterminedResets.Waiting(reset: reset, finding: finding, isTold: context.isLive, told: number))
            if let evicted, !evicted.isTold { context.findings.emit(evicted.finding) }
            if let host = context.hosts.find(reset.hostKey) {
                host.pointee.hasUndetermined = true
            } else {
                // So that the first packet of a host that was never seen finds what waits for it.
                context.hosts.reserve(reset.hostKey, now: context.now)?.pointee.hasUndetermined = true
            }
            waiting = place
        } else {
            context.findings.emit(finding)
        }
        guard let number else { return }
        let isOpen = reset.flow != nil && reset.passage != .leftUndiminished && !verdict.sender.isForeign
        judged.insert(
            isOpen ? JudgedResets.Entry(reset: reset, finding: finding, waiting: waiting) : nil, number: number)
    }

    // MARK: This machine's own

    /// Takes a reset that this machine made: judges it at once where it can be decided, else when its event must have
    /// come.
    mutating func acceptMadeHere(
        _ reset: ResetCase, _ context: inout EngineContext, _ witnesses: inout ResetWitnesses
    ) {
        var reset = reset
        let tracing = context.options.resetTracing
        if tracing != .none, let trace = traces.match(reset.record, time: reset.time) { reset.kernel = .sent(trace) }
        guard tracing != .none, reset.isOwnAddress, reset.kernel == .silent, reset.record.tunnel == .none else {
            emit(reset, verdict(reset, context, witnesses), &context, &witnesses)
            return
        }
        _ = awaitingTrace.append(reset)
    }

    /// Settles the resets made here whose event has come, or will not come any more.
    private mutating func settleMadeHere(
        _ context: inout EngineContext, _ witnesses: inout ResetWitnesses, all: Bool
    ) {
        while !awaitingTrace.isEmpty {
            let time = awaitingTrace.firstTime
            let isDue = context.now >= time && context.now - time >= ResetTraces.settleTime
            guard all || isDue else { return }
            var reset = awaitingTrace.removeFirst()
            if let trace = traces.match(reset.record, time: reset.time) {
                reset.kernel = .sent(trace)
            } else if isDue, context.options.resetTracing == .complete, reset.time > traces.incompleteUntil {
                reset.kernel = .didNotSend
            }
            emit(reset, verdict(reset, context, witnesses), &context, &witnesses)
        }
    }
}
