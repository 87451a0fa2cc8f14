// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Says who sent a reset and why, from what is known of its flow and of its host. Keeps nothing.
struct ResetJudge: Sendable {
    struct Verdict: Sendable {
        var sender: Finding.Sender
        var cause: Finding.Cause
        /// Probability that `sender` is right; `nil` for `undetermined`.
        var confidence: Double?
        var hostHop: Int?
        var evidence: [Evidence]
        /// True where the sender is proved: the verdict is given at once and nothing later changes it.
        var isProof = false
    }

    /// This machine's own addresses; empty for a file.
    var localAddresses: Set<IPAddress> = []

    func judge(_ reset: ResetCase, host: HostEntry?) -> Verdict {
        let hostHop = hostHop(reset, host)
        switch reset.passage {
        case .madeHere: return madeHere(reset, hostHop: hostHop)
        case .leftUndiminished: return leftUndiminished(reset, host: host, hostHop: hostHop)
        case .arrived, .forwarded: break
        }
        guard let flow = reset.flow else {
            let evidence = Evidence(
                name: EvidenceName.noFlow.rawValue, weight: 0,
                text:
                    "no packet of this connection was seen before the reset: it may answer a packet that somebody forged"
            )
            return Verdict(sender: .undetermined, cause: .unknown, hostHop: hostHop, evidence: [evidence])
        }
        let evidence = DistanceEvidence.of(reset, host: host)
        let probability = EvidenceModel.probability(evidence)
        var verdict = Verdict(sender: .undetermined, cause: .unknown, hostHop: hostHop, evidence: evidence)
        if probability >= EvidenceModel.foreignThreshold {
            verdict.sender = .middlebox
            verdict.cause = foreignCause(reset, flow)
            verdict.confidence = probability
        } else if probability <= EvidenceModel.hostThreshold {
            verdict.sender = .host
            verdict.cause = hostCause(reset, flow)
            verdict.confidence = 1 - probability
        }
        return verdict
    }

    // MARK: Made on this machine

    private func madeHere(_ reset: ResetCase, hostHop: Int?) -> Verdict {
        let isOurs = localAddresses.contains(reset.record.source)
        let name = EvidenceName.madeHere
        let evidence = Evidence(
            name: name.rawValue, weight: EvidenceModel.weight(name, against: !isOurs),
            observed: "egress, ingress_ifindex 0",
            text: "it left this machine without ever having arrived here: this machine made it")
        return Verdict(
            sender: isOurs ? .host : .thisMachine,
            cause: isOurs ? hostCause(reset, reset.flow) : foreignCause(reset, reset.flow),
            confidence: EvidenceModel.probability([evidence]).distanceFromHalf, hostHop: isOurs ? 0 : hostHop,
            evidence: [evidence], isProof: true)
    }

    private func leftUndiminished(_ reset: ResetCase, host: HostEntry?, hostHop: Int?) -> Verdict {
        let name = EvidenceName.leftUndiminished
        var evidence = Evidence(
            name: name.rawValue, weight: 0, observed: reset.distance.description,
            text: "it left this machine with a whole initial TTL and nothing like it arrived: this machine made it")
        guard let host, host.isProven || host.isLocal else {
            evidence.text += "; whether \(reset.record.source) is its own address cannot be told from this capture"
            return Verdict(sender: .undetermined, cause: .unknown, hostHop: hostHop, evidence: [evidence])
        }
        let isOurs = host.isLocal
        evidence.weight = EvidenceModel.weight(name, against: !isOurs)
        return Verdict(
            sender: isOurs ? .host : .thisMachine,
            cause: isOurs ? hostCause(reset, reset.flow) : foreignCause(reset, reset.flow),
            confidence: EvidenceModel.probability([evidence]).distanceFromHalf, hostHop: hostHop, evidence: [evidence])
    }

    // MARK: Causes

    private func foreignCause(_ reset: ResetCase, _ flow: FlowContext?) -> Finding.Cause {
        guard let flow else { return .unknown }
        switch flow.stage {
        case .syn, .handshake: return .rejected
        case .idle: return .idleTimeout
        case .data:
            // A netfilter REJECT in mid-stream is a bare RST whose seq is what its victim acknowledged
            // (nf_reject_ip_tcphdr_put in net/ipv4/netfilter/nf_reject_ipv4.c).
            let isReject =
                reset.record.tcpFlags.isDisjoint(with: .ack) && flow.other.hasAck && reset.record.seq == flow.other.ack
            return isReject ? .rejected : .unknown
        case .afterClose, .none: return .unknown
        }
    }

    private func hostCause(_ reset: ResetCase, _ flow: FlowContext?) -> Finding.Cause {
        guard let flow else { return .unknown }
        // Linux: a socket's own reset carries its window and continues its IP-IDs, the kernel's without a socket has neither
        // (tcp_send_active_reset and tcp_v4_send_reset in net/ipv4).
        let isSocket = reset.record.window != 0
        switch flow.stage {
        case .syn: return flow.source.packets == 0 ? .portClosed : .unknown
        case .afterClose: return isSocket ? .unknown : .lateData
        case .data: return isSocket ? .aborted : .unknown
        case .handshake, .idle, .none: return .unknown
        }
    }

    private func hostHop(_ reset: ResetCase, _ host: HostEntry?) -> Int? {
        if let host,
            let baseline = Baseline([host[.tcp]], isEgress: host.isLocal)
                ?? Baseline([host[.echo], host[.udp]], isEgress: host.isLocal),
            baseline.distance.hop <= EvidenceModel.longestPath
        {
            return baseline.distance.hop
        }
        guard let side = reset.flow?.source, side.domain == reset.record.domain,
            let baseline = Baseline([side.ttls]), baseline.distance.hop <= EvidenceModel.longestPath
        else { return nil }
        return baseline.distance.hop
    }
}

extension Double {
    /// The probability of whichever of two sides is the likelier.
    fileprivate var distanceFromHalf: Double { Swift.max(self, 1 - self) }
}
