// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Says who sent a reset and why, from what is known of its flow and of its host.
///
/// Keeps nothing.
struct ResetJudge: Sendable {
    struct Verdict: Sendable {
        var sender: Finding.Sender
        var cause: Finding.Cause
        /// Probability that `sender` is right; `nil` for `undetermined`.
        var confidence: Double?
        /// The host's distance by its own packets.
        var baseline: Baseline?
        var evidence: [Evidence]

        /// The sender's hop, where the reset's TTL tells it: no hop lies behind the host, and a TTL that was copied,
        /// counted on, or that a burst counts through, tells none.
        func hop(of reset: ResetCase) -> Int? {
            if reset.record.source.isLoopback { return 0 }
            // What left here whole was not sent by a device at a "0th hop".
            guard let hop = reset.hop, hop > 0 || reset.passage != .forwarded, reset.burst == nil,
                !evidence.contains(.reflected)
            else { return nil }
            if sender == .middlebox, evidence.hasCopiedTTL { return nil }
            guard sender.isForeign || sender == .undetermined, let baseline, hop > baseline.distance.hop,
                reset.passage == .arrived
            else { return hop }
            return nil
        }
    }

    func judge(_ reset: ResetCase, host: HostEntry?) -> Verdict {
        let baseline = baseline(reset, host)
        switch reset.passage {
        case .madeHere:
            let evidence = Evidence(
                .madeHere, against: !reset.isOwnAddress, observed: .sign(.madeHere))
            let kernel = KernelEvidence.of(reset)
            var verdict = verdict(
                reset, host, [evidence] + (kernel.map { [$0.evidence] } ?? []) + shedNote(reset), foreign: .thisMachine,
                baseline: reset.isOwnAddress ? nil : baseline)
            if reset.isOwnAddress, let kernel {
                verdict.sender = kernel.sender
                verdict.cause = KernelEvidence.cause(
                    of: reset, otherwise: ResetCause.of(reset, sender: kernel.sender, evidence: verdict.evidence))
            }
            return verdict
        case .leftUndiminished:
            return leftUndiminished(reset, host: host, baseline: baseline)
        case .arrived, .forwarded:
            if reset.record.source.isLoopback { return ofLoopback(reset, host) }
            if reset.passage == .forwarded, reset.record.hasTTL, reset.record.distance.decrements == 0,
                reset.record.tunnel == .none
            {
                return forwardedWhole(reset, baseline: baseline)
            }
            guard let flow = reset.flow else { return withoutFlow(reset, host: host, baseline: baseline) }
            var distance = Self.suppressing(DistanceEvidence.of(reset, host: host), flow)
            var races = RaceEvidence.of(reset, flow) + otherFlow(reset)
            // A machine behind the address, for which that forwards, knows nothing of a reset that an old segment drew.
            if distance.contains(.oneHopNearer, .forwardsForAnother), !flow.isDrawnByNewData {
                races.removeAll { $0.name == .bothTalkOn || $0.name == .dataAfterReset }
            }
            var stack = StackEvidence.of(reset, flow, host: host, distance: distance)
            // A packet that was turned round came as far as its own TTL says, not the reset's.
            if stack.contains(.reflected) { distance = distance.map(\.withoutWeight) }
            // Header fields can be copied; new data of the same connection cannot.
            if races.contains(.dataAfterReset) {
                stack.removeAll { $0.name == .application }
                stack.removeAll { $0.name == .flowLabelKept }
            }
            let link = onLink(reset)
            let evidence = Self.cautious(Self.withoutAbsence(distance + stack + races + link, reset.shed))
            return verdict(reset, host, evidence + notes(reset), foreign: .middlebox, baseline: baseline)
        }
    }

    /// Most resets of a busy link follow a FIN and hurt nobody: their distance alone accuses no one.
    private static func suppressing(_ distance: [Evidence], _ flow: FlowContext) -> [Evidence] {
        guard flow.source.sentFIN || flow.other.sentFIN || flow.source.sentRST || flow.other.sentRST,
            distance.contains(where: { $0.weight > 0 })
        else { return distance }
        let told = distance.map { piece in
            var piece = piece
            piece.weight = min(piece.weight, 0)
            return piece
        }
        return told + [
            Evidence(note: .benignClose)
        ]
    }

    /// Returns the evidence without the pieces that rest on missing packets, for a connection whose packets were shed:
    /// that nothing newer was sent, or which packet triggered the reset.
    private static func withoutAbsence(_ evidence: [Evidence], _ shed: ShedParts) -> [Evidence] {
        guard !shed.isEmpty else { return evidence }
        return evidence.filter { !absences.contains($0.name) }
    }

    /// If nothing is known about the host, one observation accuses nobody unless it is proof, no race and no other's
    /// IP-ID counter.
    private static func cautious(_ evidence: [Evidence]) -> [Evidence] {
        guard evidence.contains(.noBaseline) else { return evidence }
        let against = evidence.filter { $0.weight > 0 }
        guard against.count == 1, let group = against.first.map({ EvidenceModel.row($0.name).group }), group != .proof,
            group != .race, group != .numbering
        else { return evidence }
        return evidence.map { piece in
            var piece = piece
            piece.weight = min(piece.weight, EvidenceModel.single)
            return piece
        }
    }

    /// A packet with a loopback address never left the machine that captured.
    private func ofLoopback(_ reset: ResetCase, _ host: HostEntry?) -> Verdict {
        let piece = Evidence(.loopback, against: false, observed: .address(reset.record.source))
        return verdict(reset, host, [piece] + notes(reset), foreign: .middlebox, baseline: nil)
    }

    private static let absences: Set<EvidenceName> = [.soonerThanRTT, .plausibleRTT, .twinResets, .dscpLost]

    /// Decides by the sum of the evidence.
    ///
    /// - `foreign`: Whose it is if it is not the host's.
    private func verdict(
        _ reset: ResetCase, _ host: HostEntry?, _ evidence: [Evidence], foreign: Finding.Sender, baseline: Baseline?
    ) -> Verdict {
        let probability = EvidenceModel.probability(evidence)
        var verdict = Verdict(sender: .undetermined, cause: .unknown, baseline: baseline, evidence: evidence)
        if probability >= EvidenceModel.foreignThreshold {
            verdict.sender = foreign
            verdict.confidence = probability
        } else if probability <= EvidenceModel.hostThreshold {
            verdict.sender = HostComponent.of(reset, host: host, evidence: evidence)
            verdict.confidence = 1 - probability
        }
        verdict.cause = ResetCause.of(reset, sender: verdict.sender, evidence: evidence)
        return verdict
    }

    private func leftUndiminished(_ reset: ResetCase, host: HostEntry?, baseline: Baseline?) -> Verdict {
        let observed = Evidence.Value.distance(reset.distance)
        guard let host, host.isProven || host.isLocal || !host[.unproven].isEmpty else {
            let evidence = Evidence(note: .leftUndiminished, observed: observed)
            return Verdict(sender: .undetermined, cause: .unknown, baseline: baseline, evidence: [evidence])
        }
        let evidence = Evidence(.leftUndiminished, against: !host.isLocal, observed: observed)
        return verdict(reset, host, [evidence], foreign: .thisMachine, baseline: baseline)
    }

    /// A forwarded packet has lost one to this machine; this one has a whole initial TTL, and its arrival was not seen.
    ///
    /// A BPF program that turns a packet round and redirects it keeps the packet's arrival interface (Calico's and
    /// Cilium's resets do), which the kernel then reports as forwarding; so does a bridge port that is not watched.
    private func forwardedWhole(_ reset: ResetCase, baseline: Baseline?) -> Verdict {
        let evidence = Evidence(
            note: .leftUndiminished, observed: .distance(reset.distance),
            expected: .distance(HopDistance(ttl: reset.record.ttl &- 1)))
        return Verdict(
            sender: .undetermined, cause: .unknown, baseline: baseline, evidence: [evidence] + notes(reset))
    }

    /// A reset whose connection was never seen is counted apart: a flood of forged packets draws such resets from hosts
    /// that have no part in it (backscatter).
    private func withoutFlow(_ reset: ResetCase, host: HostEntry?, baseline: Baseline?) -> Verdict {
        let otherFlow = otherFlow(reset)
        guard otherFlow.isEmpty else {
            return verdict(reset, host, otherFlow + notes(reset), foreign: .middlebox, baseline: baseline)
        }
        guard reset.shed.isEmpty else {
            return Verdict(
                sender: .undetermined, cause: .unknown, baseline: baseline, evidence: notes(reset))
        }
        let evidence = Evidence(note: .noFlow)
        return Verdict(sender: .undetermined, cause: .unknown, baseline: baseline, evidence: [evidence] + notes(reset))
    }

    private func otherFlow(_ reset: ResetCase) -> [Evidence] {
        guard let address = reset.otherAddress else { return [] }
        return [
            Evidence(
                .otherFlow, against: false, observed: .address(reset.record.source),
                expected: .address(address))
        ]
    }

    /// A whole TTL from the station that answers for the address, and forwards for nobody.
    private func onLink(_ reset: ResetCase) -> [Evidence] {
        guard reset.isFromNeighbour, reset.passage == .arrived, reset.record.hasTTL, reset.record.tunnel == .none,
            reset.distance.decrements == 0
        else { return [] }
        return [Evidence(.onLink, against: false, observed: .address(reset.record.source))]
    }

    private func notes(_ reset: ResetCase) -> [Evidence] {
        guard let reason = ResetReason.of(reset) else { return shedNote(reset) }
        return shedNote(reset) + [Evidence(note: .resetText, observed: .stated(reason.statement))]
    }

    /// Returns the note that packets of the reset's connection were shed.
    private func shedNote(_ reset: ResetCase) -> [Evidence] {
        guard !reset.shed.isEmpty else { return [] }
        let shed = Evidence.Value.Shed(isWhole: reset.shed.contains(.handshake), isKnown: reset.flow != nil)
        return [Evidence(note: .flowShed, observed: .shed(shed))]
    }

    private func baseline(_ reset: ResetCase, _ host: HostEntry?) -> Baseline? {
        if let baseline = host?.baseline, baseline.distance.hop <= EvidenceModel.longestPath { return baseline }
        guard let side = reset.flow?.source, side.domain == reset.record.domain,
            let baseline = Baseline(side.ttls, isEgress: false), baseline.distance.hop <= EvidenceModel.longestPath
        else { return nil }
        return baseline
    }
}
