// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Verdicts that something later settles or disproves.
extension ResetTracker {
    /// Takes a packet that proves life, of a host for which resets may wait.
    @inline(never)
    mutating func observe(
        proofOf key: HostKey, _ host: UnsafeMutablePointer<HostEntry>, _ context: inout EngineContext,
        _ witnesses: inout ResetWitnesses
    ) {
        // Its entry may have been given up since the resets came.
        if host.pointee.provenSamples == 1 { host.pointee.hasUndetermined = !undetermined.isEmpty(key) }
        // A few samples decide or many confirm: judging again at each would let a flood buy work.
        if host.pointee.hasUndetermined, host.pointee.provenSamples.isRound {
            settleUndetermined(key, host.pointee, &context, &witnesses)
            host.pointee.hasUndetermined = !undetermined.isEmpty(key)
        }
    }

    /// Anything learned about a host more than this long (ns) after a reset does not settle it: paths change.
    private static var lateness: UInt64 { 3_600_000_000_000 }

    /// Judges again, with what is known by now, all that still waits.
    mutating func settleAllUndetermined(_ context: inout EngineContext, _ witnesses: inout ResetWitnesses) {
        for key in undetermined.hosts {
            if let host = context.hosts.find(key)?.pointee { settleUndetermined(key, host, &context, &witnesses) }
        }
    }

    /// Judges again what waits for this host.
    private mutating func settleUndetermined(
        _ key: HostKey, _ host: HostEntry, _ context: inout EngineContext, _ witnesses: inout ResetWitnesses
    ) {
        for (number, waiting) in undetermined.of(key) {
            let time = waiting.reset.time
            guard time == 0 || context.now < time || context.now - time <= Self.lateness else { continue }
            let verdict = verdict(waiting.reset, host: host, context, witnesses)
            guard verdict.sender != .undetermined else { continue }
            undetermined.remove(number)
            revise(
                waiting.reset, verdict, number: waiting.told, isTold: waiting.isTold, waiting.finding, &context,
                &witnesses)
        }
    }

    /// Takes what a connection did after a reset.
    ///
    /// Returns false where nobody waits for that any more.
    mutating func observe(
        after record: PacketRecord, of number: UInt32, _ context: inout EngineContext,
        _ witnesses: inout ResetWitnesses
    ) -> Bool {
        let isPending = pending.update(number) { Self.note(record, in: &$0) }
        notePrevious(record, of: number)
        return isPending || noteLate(record, of: number, &context, &witnesses)
    }

    /// Resets of one connection that still wait: what follows the last follows those before it as well.
    private mutating func notePrevious(_ record: PacketRecord, of number: UInt32) {
        var number = number
        for _ in 0..<Self.burst {
            var previous: UInt32?
            pending.update(number) { previous = $0.previous }
            guard let previous, pending.update(previous, { Self.note(record, in: &$0) }) else { return }
            number = previous
        }
    }

    /// Resets before the newest that are told what follows: an injector sends a handful.
    private static var burst: Int { 4 }

    private static func note(_ record: PacketRecord, in reset: inout ResetCase) {
        guard reset.flow != nil else { return }
        let isFromSource = record.source == reset.record.source && record.src_port == reset.record.src_port
        let isTelling = reset.aftermath.note(
            record, after: reset.record, isFromSource: isFromSource, clockStep: reset.clockStep)
        guard isTelling, let context = reset.flow else { return }
        reset.aftermath.noteSource(record, after: reset.record, context: context)
    }

    /// A SYN opens the five-tuple anew: what came within a step before it may be the new connection's.
    mutating func observe(reuseBy record: PacketRecord, of number: UInt32) {
        pending.update(number) { reset in
            let (delay, step) = (record.time &- reset.record.time, reset.clockStep.units)
            reset.aftermath.forget(from: delay > step ? delay - step : 0)
        }
    }

    /// Takes what comes after the settle time.
    ///
    /// A reset whose sender is known is judged anew on proof only.
    private mutating func noteLate(
        _ record: PacketRecord, of number: UInt32, _ context: inout EngineContext, _ witnesses: inout ResetWitnesses
    ) -> Bool {
        guard let entry = judged.find(number, now: context.now) else { return false }
        let signs = entry.reset.aftermath.signs
        Self.note(record, in: &entry.reset)
        let isTold = entry.waiting.map { waiting in
            var isTold = true
            undetermined.update(waiting) {
                $0.reset.aftermath = entry.reset.aftermath
                isTold = $0.isTold
            }
            return isTold
        }
        guard entry.reset.aftermath.signs > signs else { return true }
        let verdict = verdict(entry.reset, context, witnesses)
        guard verdict.sender != entry.finding.reset?.sender, verdict.sender != .undetermined else { return true }
        guard entry.finding.reset?.sender == .undetermined || verdict.isProvedForeign else { return true }
        if let waiting = entry.waiting { undetermined.remove(waiting) }
        revise(
            entry.reset, verdict, number: number, isTold: isTold ?? true, entry.finding, &context, &witnesses)
        return true
    }

    /// Judges the first of several half-open checks again: what it was has shown only since.
    mutating func reviseCause(
        ofFirst number: UInt32, _ context: inout EngineContext, _ witnesses: inout ResetWitnesses
    ) {
        guard let entry = judged.find(number, now: context.now), entry.waiting == nil else { return }
        let verdict = verdict(entry.reset, context, witnesses)
        guard verdict.sender == entry.finding.reset?.sender, verdict.cause != entry.finding.reset?.cause else { return }
        revise(entry.reset, verdict, number: number, isTold: true, entry.finding, &context, &witnesses)
    }

    /// Emits a reset's new verdict.
    ///
    /// - `isTold`: The earlier one was given as it stood: then this is a revision of it.
    private mutating func revise(
        _ reset: ResetCase, _ verdict: ResetJudge.Verdict, number: UInt32?, isTold: Bool, _ earlier: Finding,
        _ context: inout EngineContext, _ witnesses: inout ResetWitnesses
    ) {
        var finding = finding(reset, verdict, context, &witnesses)
        if isTold { finding.revision = earlier.revision + 1 }
        context.findings.emit(finding)
        if let number { judged.revise(number, finding) }
    }
}

extension ResetJudge.Verdict {
    /// True where a proof says that the host did not send the reset.
    fileprivate var isProvedForeign: Bool {
        sender.isForeign
            && evidence.contains { piece in
                piece.weight > 0 && EvidenceModel.row(piece.name).group == .proof
            }
    }
}
