// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// The sentences about a reset: the sender, the effect for the user, the cause, the uncertainty.
struct ResetSentences {
    let finding: Finding
    let reset: Finding.Reset

    private var sender: Finding.Sender { reset.sender }
    private var hop: Int? { reset.hop }
    private var evidence: [Evidence] { finding.evidence }

    /// The sender, its distance and the certainty; then the user's experience, the cause and open questions.
    var story: Story {
        let felt = isForgedPerhaps ? nil : felt
        // Where nobody can be named the reason is the answer.
        let story = sender == .undetermined ? [why, felt] : [felt, why]
        return Story(who, [expected] + story + [ownTimer, stated, caveat, missing], advice: advice)
    }

    // MARK: Who

    private var who: String {
        switch sender {
        case .middlebox:
            let known = [finding.device?.description, reset.originAddress?.description].compactMap { $0 }
            let address = known.isEmpty ? "" : " (\(known.joined(separator: ", ")))"
            let place =
                reset.hasCopiedTTL(evidence)
                ? "on the path" : hop.map { "at hop \($0)" } ?? "somewhere on the path"
            return "A device \(place)\(address) sent this reset, not \(claimed)\(hostPlace)\(certainty)."
        case .thisMachine:
            let host = reset.hostHop.map { $0 > 0 ? " (hop \($0))" : "" } ?? ""
            return "This machine sent this reset in the name of \(claimed)\(host)\(certainty)."
        case .hostApplication: return "An application on \(claimed)\(place) sent this reset\(certainty)."
        case .hostKernel: return "The kernel of \(claimed)\(place) sent this reset\(certainty)."
        case .hostFirewall: return "The packet filter of \(claimed)\(place) sent this reset\(certainty)."
        case .host:
            return hop == 0
                ? "This machine sent this reset from its own address, \(claimed)\(certainty)."
                : "\(claimed)\(place) itself sent this reset\(certainty)."
        case .undetermined: return "The sender of this reset is undetermined."
        }
    }

    /// The operator's remark about it.
    private var expected: String? {
        finding.device?.isExpected == true ? "The operator expects resets from this device." : nil
    }

    private var certainty: String { Certainty.suffix(finding.confidence) }

    var claimed: String { finding.called(finding.fiveTuple.source) }

    private var hostPlace: String {
        guard let hostHop = reset.hostHop else { return "" }
        return hostHop == hop && !reset.hasCopiedTTL(evidence)
            ? " (equally far away)" : " (hop \(hostHop))"
    }

    private var place: String {
        if hop == 0 { return ", this machine," }
        return reset.hostHop.map { " (hop \($0))" } ?? ""
    }

    // MARK: What the user felt

    var service: String { "tcp/\(finding.servicePort)" }

    private var felt: String {
        switch reset.stage {
        case .syn: return "A connection to \(service) was refused."
        case .handshake: return "A connection to \(service) was cut before any data."
        case .data: return "A transfer over \(service) was cut."
        case .idle: return "A connection to \(service) that had been silent\(silence) was dropped."
        case .afterClose: return "The connection to \(service) was already closing."
        case .none:
            return evidence.contains(.noFlow)
                ? "No packet of its connection was seen before."
                : "It answers a packet without data; nothing else of its connection was seen before."
        case .unknown: return "It belongs to a connection to \(service)."
        }
    }

    private var silence: String { reset.idleSeconds.map { " for \(DecimalText.whole($0)) s" } ?? "" }

    // MARK: Why

    private var why: String? {
        switch reset.cause {
        // Which part of the host it was is not decidable, unless its kernel is known to have sent it.
        case .portClosed:
            return sender == .hostKernel
                ? "Nothing listens on \(service)."
                : "Either nothing listens on \(service), or the host's packet filter rejects it; the packets do not say which."
        case .rejected:
            if sender == .middlebox, reset.stage != .syn, reset.stage != .handshake, !evidence.contains(.resetText) {
                return "It rejects the connection's packets: by a rule, or because it no longer knows the connection."
            }
            return sender == .middlebox
                ? "Most likely a firewall rule on that device rejects \(service) with a TCP reset; the packets do not say why."
                : "A packet filter rule rejects \(service)."
        case .aborted: return "The application aborted the connection."
        case .lateData:
            guard reset.losesAnswer else { return "Data arrived after \(claimed) had closed the connection." }
            let silence = reset.idleSeconds.map { ", \(DecimalText.whole($0)) s after the close" } ?? " after the close"
            return
                "The first answer arrived\(silence) of \(claimed)'s side, when its socket was gone: the answer is lost."
                + (halfClosed.map { " \($0)" } ?? "")
        case .staleConnection:
            return
                "The other side still has an older connection with these addresses and ports, and answered the SYN with its "
                + "numbers."
        case .keepaliveRace:
            let idle = reset.idleSeconds.map { ", idle for \(DecimalText.whole($0)) s," } ?? ""
            return "The server closed the connection\(idle) while the client's next request was on its way."
        case .halfOpenCheck: return "A health check or scan opened the connection halfway and dropped it."
        case .idleTimeout: return idleTimer
        case .untranslated:
            return "NAT did not translate a packet of this connection back, and its receiver knows no such connection."
        case .injected: return injection
        case .unknown where mayPassOn:
            return
                "It is a NAT that sends the packets of many hosts itself: it may only pass on a refusal by \(claimed)."
        case .unknown:
            return sender == .undetermined ? capitalised(mostTelling) + "." : "Why: not visible from here."
        }
    }

    /// True for a refusal by a NAT in the name of a host behind it.
    var mayPassOn: Bool {
        sender == .middlebox && reset.cause == .unknown && evidence.contains(.otherCounter)
            && (reset.stage == .syn || reset.stage == .handshake)
    }

    private var idleTimer: String {
        if let timer = reset.originIdleTimer {
            return "This device ends connections after about \(DecimalText.whole(timer)) s of silence."
        }
        if let timer = finding.device?.idleTimer, let idle = reset.idleSeconds, KnownTimers.matches(idle, timer) {
            return "This equals the device's idle timer of \(DecimalText.whole(timer)) s."
        }
        let known = reset.idleSeconds.map { KnownTimers.resetting(after: $0) } ?? []
        let hint = TimerSentences.equals(known)
        return "Most likely an idle timeout of that device ended it" + (hint.map { ": the silence \($0)." } ?? ".")
    }

    /// The timer of the protocol or service that a silence before the host's own reset, or its close, equals.
    private var ownTimer: String? {
        guard sender != .undetermined, let idle = reset.idleSeconds,
            reset.cause == .aborted || reset.cause == .keepaliveRace || reset.cause == .unknown
        else { return nil }
        let known = KnownTimers.ofProtocol(at: finding.servicePort, after: idle)
        guard !known.isEmpty else { return nil }
        return
            "The silence of \(DecimalText.whole(idle)) s equals \(known.map { TimerSentences.name($0.service) }.joined(separator: " or "))."
    }

    /// The timer for half-closed connections that the time since the close equals.
    private var halfClosed: String? {
        guard let idle = reset.idleSeconds else { return nil }
        return TimerSentences.equals(KnownTimers.resetting(after: idle, in: .halfClosed)).map { "That time \($0)." }
    }

    private var injection: String {
        let races = evidence.filter { $0.weight > 0 && $0.name != .ttlHost }
        let strongest = races.first { $0.name != .ttlFlow } ?? races.first
        return strongest.map { "The reset was injected: \($0.text)." } ?? "The reset was injected into the connection."
    }

    /// Whether the most telling note already says that no connection was seen.
    private var isForgedPerhaps: Bool {
        sender == .undetermined && reset.cause == .unknown && reset.stage == .none
            && evidence.contains { $0.name == .noFlow && $0.text == mostTelling }
    }

    private var mostTelling: String {
        evidence.max { abs($0.weight) < abs($1.weight) }?.text ?? "the capture holds nothing to compare the reset with"
    }

    /// The reason that the reset carries.
    private var stated: String? {
        evidence.first { $0.name == .resetText && $0.text != mostTelling }.map {
            capitalised($0.text) + "."
        }
    }

    // MARK: What is uncertain

    /// The shed part of the connection, unless it is the given reason already.
    private var missing: String? {
        guard let note = evidence.first(.flowShed) else { return nil }
        return sender == .undetermined && reset.cause == .unknown && mostTelling == note.text
            ? nil : capitalised(note.text) + "."
    }

    private var caveat: String? {
        let weighing = evidence.filter { $0.weight != 0 }
        switch sender {
        case .middlebox where reset.hasCopiedTTL(evidence):
            return "The device copies the host's TTL, so its hop is unknown."
        // Its own address is that of a router; without it a bridge or a transparent firewall before that router looks
        // alike.
        case .middlebox where reset.originAddress == nil && reset.hop != nil && !mayPassOn:
            return
                "A transparent firewall on the link just before hop \(hop ?? 0) would look the same and does not appear in a "
                + "traceroute."
        case .host where weighing.count == 1 && weighing[0].name == .ttlHost:
            return "Weak: only the hop count fits, and about one host in ten fits by chance."
        case .host where evidence.contains(.behindTranslator):
            return "\(claimed) is a NAT address: the NAT answers ping, and the reset comes from a machine behind it."
        default: return nil
        }
    }
}

extension Finding.Reset {
    /// True for a device's reset that came with the distance of the host in whose name it is: its hop tells nothing.
    package func hasCopiedTTL(_ evidence: [Evidence]) -> Bool {
        let distances: Set<EvidenceName> = [.ttlFlow, .ttlHost]
        return sender == .middlebox && evidence.contains { distances.contains($0.name) && $0.weight < 0 }
    }
}
