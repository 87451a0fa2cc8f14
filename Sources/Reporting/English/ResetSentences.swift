// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// What people read of a reset: who sent it, then what the user felt, then why, then what is uncertain.
struct ResetSentences {
    let finding: Finding
    let reset: Finding.Reset

    private var sender: Finding.Sender { reset.sender }
    private var hop: Int? { reset.hop }
    private var evidence: [Evidence] { finding.evidence }

    /// Who sent the reset, from how far, and what the user felt.
    var summary: String {
        let felt = isForgedPerhaps ? nil : felt
        // Where nobody can be named the reason is the answer.
        let story = sender == .undetermined ? [why, felt] : [felt, why]
        return ([who] + story + [caveat, missing]).compactMap { $0 }.joined(separator: " ")
    }

    // MARK: Who

    private var who: String {
        switch sender {
        case .middlebox:
            let known = [finding.device?.description, reset.originAddress?.description].compactMap { $0 }
            let address = known.isEmpty ? "" : " (\(known.joined(separator: ", ")))"
            let place =
                reset.hasCopiedTTL(evidence)
                ? "on the path" : hop.map { "at the \(ordinal($0)) hop" } ?? "somewhere on the path"
            return "A device \(place)\(address) sent this reset, not \(claimed)\(hostPlace).\(expected)"
        case .thisMachine:
            let host = reset.hostHop.map { $0 > 0 ? ", which is at the \(ordinal($0)) hop" : "" } ?? ""
            return "This machine sent this reset in the name of \(claimed)\(host).\(expected)"
        case .hostApplication: return "An application on \(claimed)\(place) sent this reset."
        case .hostKernel: return "The kernel of \(claimed)\(place) sent this reset."
        case .hostFirewall: return "The packet filter of \(claimed)\(place) sent this reset."
        case .host:
            return hop == 0
                ? "This machine sent this reset, as \(claimed), its own address."
                : "\(claimed)\(place) itself sent this reset."
        case .undetermined: return "Who sent this reset is not known."
        }
    }

    /// What the operator has said of it.
    private var expected: String { finding.device?.isExpected == true ? " It is expected to." : "" }

    var claimed: String { finding.called(finding.fiveTuple.source) }

    private var hostPlace: String {
        guard let hostHop = reset.hostHop else { return "" }
        return hostHop == hop && !reset.hasCopiedTTL(evidence)
            ? ", which is as far away" : ", which is at the \(ordinal(hostHop)) hop\(samples)"
    }

    private var samples: String {
        reset.hostSamples.map { $0 == 1 ? " (1 packet says so)" : " (\($0) packets say so)" } ?? ""
    }

    private var place: String {
        if hop == 0 { return ", this machine," }
        return reset.hostHop.map { ", at the \(ordinal($0)) hop," } ?? ""
    }

    // MARK: What the user felt

    var service: String { "tcp/\(finding.servicePort)" }

    private var felt: String {
        switch reset.stage {
        case .syn: return "A connect to \(service) was refused."
        case .handshake: return "A connection to \(service) was cut before any data."
        case .data: return "A transfer on \(service) was cut."
        case .idle: return "A connection to \(service) that had been silent\(silence) was dropped."
        case .afterClose: return "The connection to \(service) was being closed already."
        case .none: return "No connection that it belongs to was seen."
        case .unknown: return "It came in a connection to \(service)."
        }
    }

    private var silence: String { reset.idleSeconds.map { " for \(DecimalText.whole($0)) s" } ?? "" }

    // MARK: Why

    private var why: String? {
        switch reset.cause {
        // Which part of the host it was is not decidable, unless its kernel is known to have sent it.
        case .portClosed:
            return sender == .hostKernel
                ? "Nothing listens there." : "Nothing listens there, or its own packet filter refuses it."
        case .rejected: return sender == .middlebox ? "Its policy rejects it." : "A packet filter's rule rejects it."
        case .aborted: return "The application gave up the connection."
        case .lateData: return "Data came after the close, to a socket that was gone."
        case .keepaliveRace:
            let idle = reset.idleSeconds.map { ", idle for \(DecimalText.whole($0)) s," } ?? ""
            return "The server closed the connection\(idle) at the moment when the client used it again."
        case .halfOpenCheck: return "A health check opens a connection halfway and drops it: harmless."
        case .idleTimeout: return idleTimer
        case .untranslated: return "Address translation did not translate it back."
        case .injected: return injection
        case .backscatter: return "It answers a packet that somebody forged."
        case .unknown: return sender == .undetermined ? capitalised(mostTelling) + "." : nil
        }
    }

    private var idleTimer: String {
        if let timer = reset.originIdleTimer {
            return "This device drops connections after about \(DecimalText.whole(timer)) s of silence."
        }
        if let timer = finding.device?.idleTimer, let idle = reset.idleSeconds, KnownTimers.matches(idle, timer) {
            return "That is its idle timer of \(DecimalText.whole(timer)) s."
        }
        let known = reset.idleSeconds.map(KnownTimers.matching) ?? []
        guard !known.isEmpty else { return "That is how an idle timeout looks." }
        return "That is the idle timer of " + known.map(\.device).joined(separator: " or ") + "."
    }

    private var injection: String {
        let races = evidence.filter { $0.weight > 0 && $0.name != .ttlHost }
        let strongest = races.first { $0.name != .ttlFlow } ?? races.first
        return strongest.map { "It was injected: \($0.text)." } ?? "It was injected."
    }

    /// What is most telling says already that no connection was seen.
    private var isForgedPerhaps: Bool {
        sender == .undetermined && reset.cause == .unknown && reset.stage == .none
            && evidence.contains { $0.name == .noFlow && $0.text == mostTelling }
    }

    private var mostTelling: String {
        evidence.max { abs($0.weight) < abs($1.weight) }?.text ?? "nothing to compare it with was seen"
    }

    // MARK: What is uncertain

    /// What was shed of the connection, unless that is the reason given already.
    private var missing: String? {
        guard let note = evidence.first(.flowShed) else { return nil }
        return sender == .undetermined && reset.cause == .unknown && mostTelling == note.text
            ? nil : capitalised(note.text) + "."
    }

    private var caveat: String? {
        let weighing = evidence.filter { $0.weight != 0 }
        switch sender {
        case .middlebox where reset.hasCopiedTTL(evidence):
            return "From which hop is not known: the device copies the host's TTL."
        // Its own address is that of a router; without it a bridge or a transparent firewall before that router looks alike.
        case .middlebox where reset.originAddress == nil && reset.hop != nil:
            return "If it does not decrement the TTL, it stands just before that hop."
        case .host where weighing.count == 1 && weighing[0].name == .ttlHost:
            return "Only its distance says so, which one host in ten shares."
        case .host where evidence.contains(.behindTranslator):
            return "It stands behind a translator that answers ping itself."
        default: return nil
        }
    }
}

extension Finding.Reset {
    /// True for a device's reset that came with the distance of the host in whose name it is: its hop tells nothing.
    func hasCopiedTTL(_ evidence: [Evidence]) -> Bool {
        let distances: Set<EvidenceName> = [.ttlFlow, .ttlHost]
        return sender == .middlebox && evidence.contains { distances.contains($0.name) && $0.weight < 0 }
    }
}
