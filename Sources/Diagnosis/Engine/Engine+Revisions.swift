// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Telling verdicts, and telling them anew when something later settles or disproves them.
extension Engine {
    /// Tells a finding, or keeps it for the time when its host speaks.
    ///
    /// - Parameter number: The reset's number among those that waited; `nil` where it did not wait.
    mutating func give(_ reset: ResetCase, _ verdict: ResetJudge.Verdict, number: UInt32? = nil) {
        let finding = finding(reset, verdict)
        var waiting: UInt64?
        if verdict.sender == .undetermined, reset.flow != nil {
            if isLive { given.append(finding) }
            let (place, evicted) = undetermined.insert(
                UndeterminedResets.Waiting(reset: reset, finding: finding, isTold: isLive, told: number))
            if let evicted, !evicted.isTold { given.append(evicted.finding) }
            if let host = hosts.find(reset.hostKey) { host.pointee.hasUndetermined = true } else { remember(reset) }
            waiting = place
        } else {
            given.append(finding)
        }
        guard let number else { return }
        let isOpen = reset.flow != nil && reset.passage != .leftUndiminished && !verdict.sender.isForeign
        told.insert(
            isOpen ? JudgedResets.Entry(reset: reset, finding: finding, waiting: waiting) : nil, number: number)
    }

    /// Makes an entry for a host that was never seen, so that its first packet finds what waits for it.
    private mutating func remember(_ reset: ResetCase) {
        hosts.reserve(reset.hostKey, now: now)?.pointee.hasUndetermined = true
    }

    /// Judges again what waits for this host.
    mutating func settleUndetermined(_ key: HostKey, _ host: HostEntry) {
        for (number, waiting) in undetermined.of(key) {
            let verdict = judge(waiting.reset, host: host)
            guard verdict.sender != .undetermined else { continue }
            undetermined.remove(number)
            revise(waiting.reset, verdict, number: waiting.told, isTold: waiting.isTold, waiting.finding)
        }
    }

    /// Tells a reset what its connection did next. Returns false where nobody waits for that any more.
    mutating func noteAftermath(_ record: PacketRecord, of number: UInt32) -> Bool {
        let isPending = pending.update(number) { Self.note(record, in: &$0) }
        return isPending || noteLate(record, of: number)
    }

    private static func note(_ record: PacketRecord, in reset: inout ResetCase) {
        guard let context = reset.flow else { return }
        let isFromSource = record.source == reset.record.source && record.src_port == reset.record.src_port
        reset.aftermath.note(
            record, after: reset.record, isFromSource: isFromSource, context: context, clockStep: reset.clockStep)
    }

    /// A SYN opens the five-tuple anew: what came within a step before it may be the new connection's.
    mutating func noteReuse(by record: PacketRecord, of number: UInt32) {
        pending.update(number) { reset in
            let (delay, step) = (record.time &- reset.record.time, reset.clockStep.units)
            reset.aftermath.forget(from: delay > step ? delay - step : 0)
        }
    }

    /// What comes after the settle time. Whose sender is known is judged anew on proof only.
    private mutating func noteLate(_ record: PacketRecord, of number: UInt32) -> Bool {
        guard var entry = told.find(number, now: now) else { return false }
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
        told.replace(number, by: entry)
        guard entry.reset.aftermath.signs > signs else { return true }
        let verdict = verdict(entry.reset)
        guard verdict.sender != entry.finding.reset?.sender, verdict.sender != .undetermined else { return true }
        guard entry.finding.reset?.sender == .undetermined || verdict.isProvedForeign else { return true }
        if let waiting = entry.waiting { undetermined.remove(waiting) }
        revise(entry.reset, verdict, number: number, isTold: isTold ?? true, entry.finding)
        return true
    }

    /// Tells a reset's new verdict.
    ///
    /// - Parameter isTold: The earlier one was given as it stood: then this is a revision of it.
    private mutating func revise(
        _ reset: ResetCase, _ verdict: ResetJudge.Verdict, number: UInt32?, isTold: Bool, _ earlier: Finding
    ) {
        var finding = finding(reset, verdict)
        if isTold { finding.revision = earlier.revision + 1 }
        given.append(finding)
        if let number { told.revise(number, finding) }
    }
}

extension ResetJudge.Verdict {
    /// True where a proof says that the host did not send the reset.
    fileprivate var isProvedForeign: Bool {
        sender.isForeign
            && evidence.contains { piece in
                piece.weight > 0 && EvidenceName(rawValue: piece.name).map { EvidenceModel.row($0).group } == .proof
            }
    }
}
