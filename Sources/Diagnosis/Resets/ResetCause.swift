// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Why a reset was sent, once it is known by whom.
enum ResetCause {
    /// A server that closes at the moment when its client writes: between the FIN and the data, or the ACK of the FIN,
    /// lies at most this much, in units of 1024 ns (200 ms, more than most round trips).
    private static let crossing: Int64 = 195_312

    static func of(_ reset: ResetCase, sender: Finding.Sender, evidence: [Evidence]) -> Finding.Cause {
        if sender != .undetermined, let stated = ResetReason.of(reset)?.cause { return stated }
        return switch sender {
        case .undetermined: evidence.contains(.otherFlow) ? .untranslated : .unknown
        case .middlebox, .thisMachine: foreign(reset, sender: sender, evidence: evidence)
        case .hostFirewall: .rejected
        case .host, .hostApplication, .hostKernel: host(reset, sender: sender, evidence: evidence)
        }
    }

    private static func foreign(_ reset: ResetCase, sender: Finding.Sender, evidence: [Evidence]) -> Finding.Cause {
        guard let flow = reset.flow else { return .unknown }
        let races = evidence.contains {
            EvidenceModel.row($0.name).group == .race && $0.weight > 0
        }
        if (races && reset.stage != .afterClose) || evidence.contains(.dataAfterReset) { return .injected }
        if evidence.contains(.reflected) { return .injected }
        switch reset.stage {
        case .syn, .handshake: return mayPassOn(evidence) ? .unknown : .rejected
        case .idle: return reset.isTimerLikely ? .idleTimeout : .unknown
        case .data where OneHopNearer.isSilent(reset) && reset.record.window == 0: return .idleTimeout
        case .data, .unknown:
            // A netfilter REJECT in mid-stream is a bare RST whose seq is what its victim acknowledged
            // (nf_reject_ip_tcphdr_put in net/ipv4/netfilter/nf_reject_ipv4.c).
            // A kernel that has lost a connection which it forwards answers an old segment in the same way: no policy.
            let isReject =
                reset.record.tcpFlags.isDisjoint(with: .ack) && flow.other.hasAck && reset.record.seq == flow.other.ack
                && flow.isDrawnByNewData
            if isReject || sender == .thisMachine { return .rejected }
            let isCopied =
                evidence.contains(.triggerIdentification) || evidence.contains(.triggerWindow)
                || evidence.contains(.constantIdentification)
            return isCopied ? .injected : .unknown
        case .afterClose, .none: return .unknown
        }
    }

    /// True where the source closes by its reset, and nothing arrived too late.
    ///
    /// It had acknowledged all that came, or does so with the reset after the other side's FIN (Windows and many
    /// devices do so without a window).
    private static func isClosedByReset(_ reset: ResetCase, _ flow: FlowContext) -> Bool {
        guard reset.shed.isEmpty, !flow.source.sentRST else { return false }
        if flow.source.sentFIN {
            return flow.source.hasAck && flow.other.hasSeq && flow.source.ack == flow.other.nextSeq
                && Int32(bitPattern: flow.other.time &- flow.source.time) < 0
        }
        return flow.other.sentFIN && reset.record.tcpFlags.contains(.ack) && reset.record.ack == flow.other.nextSeq
    }

    /// True where the client drops a connection that the server has just accepted.
    static func isHalfOpen(_ reset: ResetCase) -> Bool {
        guard let flow = reset.flow, reset.stage == .handshake, !flow.isOfStaleConnection else { return false }
        return flow.source.sentSYN && !flow.source.sentSYNACK && flow.other.sentSYN
    }

    /// True for a NAT that makes every packet of the hosts behind it anew (the user-mode NATs of hypervisors).
    ///
    /// Its reset may pass on what the host itself refused, and nothing shows that the host is farther than its packets.
    private static func mayPassOn(_ evidence: [Evidence]) -> Bool {
        evidence.contains(.otherCounter)
            && !evidence.contains { EvidenceModel.row($0.name).group == .distance && $0.weight > 0 }
    }

    private static func host(_ reset: ResetCase, sender: Finding.Sender, evidence: [Evidence]) -> Finding.Cause {
        if evidence.contains(.otherFlow) { return .untranslated }
        guard let flow = reset.flow else { return .unknown }
        // Its own kernel, which forwards for a machine behind it: the translation did not take the segment, or had run
        // out.
        if evidence.contains(.forwardsForAnother) { return reset.stage == .idle ? .idleTimeout : .untranslated }
        // What had opened or closed the connection was forged: nothing that its end does after that is its own doing.
        if reset.afterForeign == .otherDirection { return .unknown }
        // Linux: a socket's own reset carries its window, the kernel's without a socket has none
        // (tcp_send_active_reset and tcp_v4_send_reset in net/ipv4).
        let isSocket = reset.record.window != 0 || sender == .hostApplication
        switch reset.stage {
        case .syn: return flow.source.packets == 0 ? .portClosed : .unknown
        case .handshake:
            // Who opens a connection and resets it unused wanted to know whether it opens. An answer without SYN is not
            // that: it tells a caller that came back of the connection that it has forgotten (RFC 9293, 3.5.1).
            if flow.isOfStaleConnection { return .staleConnection }
            if isHalfOpen(reset), reset.isRepeatedlyHalfOpen { return .halfOpenCheck }
            return isSocket ? .aborted : .unknown
        case .afterClose:
            if reset.shed.isEmpty, isKeepaliveRace(flow) { return .keepaliveRace }
            if isSocket || isClosedByReset(reset, flow) { return .aborted }
            return flow.source.sentFIN || flow.source.sentRST ? .lateData : .unknown
        case .data, .idle, .unknown: return isSocket ? .aborted : .unknown
        case .none: return .unknown
        }
    }

    /// The source had closed after a silence, and what drew the reset was sent before its FIN can have arrived: it does
    /// not acknowledge the FIN.
    ///
    /// FIN and data cross: each side sees them in another order.
    private static func isKeepaliveRace(_ flow: FlowContext) -> Bool {
        guard flow.gap != nil, flow.source.sentFIN, !flow.source.sentRST, flow.other.hasData, flow.other.hasAck,
            !flow.other.sentFIN
        else { return false }
        let distance = Int32(bitPattern: flow.other.time &- flow.source.time)
        return SequenceNumber.isAfter(flow.source.nextSeq, flow.other.dataAck) && abs(Int64(distance)) <= crossing
    }
}
