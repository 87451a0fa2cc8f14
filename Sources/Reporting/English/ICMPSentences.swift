// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// The sentences about an ICMP error: who refuses what, and why; how credible it is, and what followed.
struct ICMPSentences {
    let finding: Finding
    let error: Finding.ICMPError

    var story: Story { Story(statement, remarks, advice: advice) }

    // MARK: Who and what

    private var source: String { finding.called(error.quoted.source) }
    private var destination: String { finding.called(error.quoted.destination) }
    private var from: String { finding.called(error.from) }
    private var isThisMachine: Bool { error.hop == 0 }
    /// The host that the packet was for says it, or somebody in its name.
    private var isDestination: Bool { error.from == error.quoted.destination }
    private var isInItsName: Bool { isDestination && has(.ttlHost) }
    /// The hop in brackets; nothing where a text does not show TTLs.
    private var hop: String { error.hop.map { " (hop \($0))" } ?? "" }
    private var place: String { error.hop.map { "at hop \($0)" } ?? "somewhere on the path" }

    /// With the comma that a place needs behind it.
    private var who: String {
        if isInItsName { return "A device \(place)\(knownAs), using the address of \(destination) (farther away)," }
        if isThisMachine { return isDestination ? "This machine" : "This machine (\(from))" }
        return isDestination ? "\(from) itself\(hop)" : "\(from)\(hop)"
    }

    /// The operator's name of a device whose own address is not known.
    private var knownAs: String { finding.device.map { " (\($0.description))" } ?? "" }

    /// Returns the advice to ask the operator of `from`.
    private func ask(_ question: String? = nil) -> String {
        Contact.ask(from, finding.places.addresses[error.from], question)
    }

    /// The quoted packet is a server's answer.
    private var isAnswer: Bool {
        if let clientIsSource = error.clientIsSource { return !clientIsSource }
        let (from, to) = (error.quoted.sourcePort, error.quoted.destinationPort)
        return hasPorts && from < 1024 && to >= 1024
    }

    private var hasPorts: Bool {
        [.tcp, .udp].contains(error.quoted.transport) && error.quoted.destinationPort != 0
    }

    /// `tcp/22`, `ping`, `IP protocol 47`.
    private var service: String {
        let transport = error.quoted.transport
        switch transport {
        case .tcp, .udp:
            let port = isAnswer ? error.quoted.sourcePort : error.quoted.destinationPort
            return hasPorts ? "\(transport.label)/\(port)" : transport.label
        case .icmp, .icmpv6: return "ping"
        case .other: return error.protocolNumber.map { "IP protocol \($0)" } ?? "its packets"
        }
    }

    /// The refused service: `tcp/22 of 10.4.0.2`.
    private var target: String {
        if isAnswer { return "the answers of \(source), \(service), to \(destination)" }
        if isDestination { return service }
        return hasPorts ? "\(service) of \(destination)" : "\(service) to \(destination)"
    }

    private func has(_ name: EvidenceName) -> Bool { finding.evidence.contains(name) }

    // MARK: What it says

    private var statement: String {
        switch error.reason {
        case .adminProhibited: "\(who) rejects \(target) by policy (ICMP admin prohibited)."
        case .portUnreachable: portUnreachable
        case .protocolUnreachable: "\(who) does not accept \(service) (ICMP protocol unreachable)."
        case .hostUnreachable:
            "\(who) cannot deliver packets to \(destination), which does not answer on its network "
                + "(ICMP host unreachable)."
        case .netUnreachable: "\(who) has no route to \(destination) (ICMP net unreachable)."
        case .fragmentationNeeded: fragmentationNeeded
        case .unreachable:
            "\(who) does not forward \(target) (ICMP unreachable, \(Self.name(error)))."
        case .ttlExceeded: ttlExceeded
        case .reassemblyTimeExceeded:
            "\(who) received only some fragments of a packet from \(source) (ICMP reassembly time exceeded)."
        case .redirect: redirect
        case .parameterProblem:
            "\(who) does not understand the header of a packet to \(destination)"
                + (error.octet.map { ", octet \($0)" } ?? "") + " (ICMP parameter problem)."
        case .sourceQuench: "\(who) asks \(source) to slow down (ICMP source quench)."
        case .unknown:
            "\(who) sent an ICMP error (type \(error.type), code \(error.code)) about a packet to \(destination)."
        }
    }

    private var portUnreachable: String {
        if has(.traced) {
            return "traceroute from \(source) has reached \(destination), \(isThisMachine ? "this machine" : place) "
                + "(ICMP port unreachable)."
        }
        if isAnswer {
            return "\(who) no longer waits for the answer of \(source), \(service) (ICMP port unreachable)."
        }
        if error.quoted.transport == .tcp {
            return
                "\(who) rejects \(target) by a packet filter (ICMP port unreachable; a closed port would send a reset)."
        }
        if isDestination, !isInItsName {
            return
                "Nothing listens on \(service) of \(isThisMachine ? "this machine" : "\(from)\(hop)") (ICMP port unreachable)."
        }
        return "\(who) rejects \(target) (ICMP port unreachable): a packet filter or a NAT."
    }

    private var fragmentationNeeded: String {
        let size = error.mtu.map { "larger than \($0) bytes" } ?? "larger than its next link allows"
        let name = error.isIPv6 ? "ICMPv6 packet too big" : "ICMP fragmentation needed"
        return "\(who) cannot forward packets to \(destination) that are \(size) (\(name))."
    }

    private var ttlExceeded: String {
        if has(.traced) {
            return "\(from)\(hop) answered a traceroute probe to \(destination) (ICMP time exceeded)."
        }
        let ended = "A packet from \(source) to \(destination) ran out of hops at \(from)\(hop)"
        guard let ttl = finding.evidence.first(.looped)?.observed?.text else { return "\(ended) (ICMP time exceeded)." }
        return "\(ended), although its TTL was \(ttl) here: a routing loop (ICMP time exceeded)."
    }

    private var redirect: String {
        let host = error.to.map { finding.called($0) } ?? source
        guard let gateway = error.gateway else { return "\(who) redirects \(host) to another path to \(destination)." }
        if gateway == error.quoted.destination {
            return "\(who) tells \(host) to reach \(destination) directly, as a neighbour (ICMP redirect)."
        }
        return "\(who) tells \(host) to reach \(destination) through \(finding.called(gateway)) (ICMP redirect)."
    }

    /// The names of codes in RFC 792, RFC 1812 and RFC 4443 that share a reason.
    private static func name(_ error: Finding.ICMPError) -> String {
        switch (error.isIPv6, error.code) {
        case (false, 5), (true, 7): "source route failed"
        case (false, 11), (false, 12): "type of service"
        case (false, 14), (false, 15): "precedence"
        case (true, 2): "beyond the scope of the source address"
        case (true, 8): "headers too long"
        default: "code \(error.code)"
        }
    }

    // MARK: How far to believe it, and what became of it

    private var remarks: [String] {
        var remarks: [String] = []
        if has(.outsideWindow) {
            remarks.append("The error is forged: it quotes a sequence number far outside the connection's window.")
        } else if has(.implausible) {
            remarks.append("The error looks forged: no neighbouring router would send such a redirect.")
        } else if has(.noFlow) {
            remarks.append(
                "The quoted packet was not seen here: it took another path, or somebody forged the address of \(source)."
            )
        }
        if has(.flowShed) {
            remarks.append("Packets of the quoted flow were shed under load, so the outcome is unknown.")
        }
        if isStalled {
            remarks.append(
                "\(source) retransmits the same size: the error does not reach it, or it ignores the error.")
        } else if has(.wentOn), let remark = continuation {
            remarks.append(remark)
        }
        if error.reason == .redirect, let times = finding.evidence.first(.toldAgain)?.observed?.text {
            remarks.append("The redirect was repeated \(times) times: \(source) still uses the old path.")
        }
        if let others = finding.evidence.first(.others) { remarks.append("\(capitalised(others.text)).") }
        return remarks
    }

    private var isStalled: Bool {
        error.reason == .fragmentationNeeded && has(.sentAgain) && !has(.wentOn) && !has(.flowShed)
    }

    private var continuation: String? {
        switch error.reason {
        case .redirect, .ttlExceeded: nil
        case .fragmentationNeeded: "\(source) adapted: smaller packets got through."
        default:
            error.quoted.transport == .tcp ? "The connection continued nevertheless." : "Answers arrived nevertheless."
        }
    }
}

// MARK: - What to do

extension ICMPSentences {
    private var advice: Story.Advice {
        if has(.outsideWindow) {
            return .init("Find out who sends it: hosts that check the number ignore it (RFC 5927).")
        }
        if has(.traced), error.reason == .portUnreachable { return .none("Nothing to do: traceroute ends this way.") }
        if has(.traced), error.reason == .ttlExceeded {
            return .none("Nothing to do: traceroute finds the path this way.")
        }
        if error.reason == .sourceQuench { return .none("Nothing to do: hosts ignore it (RFC 6633).") }
        return .init(step, isNeeded: !isUsual)
    }

    /// True for errors that networks live with.
    private var isUsual: Bool {
        switch error.reason {
        case .portUnreachable: isAnswer
        case .fragmentationNeeded: !isStalled
        default: false
        }
    }

    private var step: String {
        switch error.reason {
        case .adminProhibited: return policyAdvice
        case .portUnreachable:
            if isAnswer {
                return
                    "Harmless if users notice nothing: the answer came after the client had given up. If it happens often, find out "
                    + "why \(source) answers late."
            }
            if error.quoted.transport != .tcp, isDestination, !isInItsName {
                return
                    "Start the service on \(destination), or use the right port; its packet filter can answer in the "
                    + "same way."
            }
            return policyAdvice
        case .protocolUnreachable:
            return isDestination
                ? "Start the handler of \(service) on \(destination), or do without it." : policyAdvice
        case .hostUnreachable:
            return "Check that \(destination) is up and has the right address: "
                + (isThisMachine ? "this machine" : from)
                + " is its last-hop router, or is configured to answer like one."
        case .netUnreachable:
            return isThisMachine
                ? "Check this machine's routes: ip route get \(finding.text(error.quoted.destination))"
                : ask("to check its route to \(destination)")
        case .fragmentationNeeded: return sizeAdvice
        case .redirect: return redirectAdvice
        case .ttlExceeded:
            return has(.looped)
                ? ask("for its route to \(destination): two routers send the packets to each other")
                : "\(ask("for its route to \(destination)")) A running traceroute causes the same error."
        case .reassemblyTimeExceeded:
            return "Look for a filter that drops fragments, or for loss, between \(source) and \(destination)."
        case .parameterProblem: return "Check the IP options or extension headers that \(source) sends."
        case .sourceQuench: return ""
        case .unreachable, .unknown: return ask()
        }
    }

    private var policyAdvice: String {
        if isThisMachine { return "Check this machine's own packet filter for \(service): nft list ruleset." }
        if isInItsName {
            let device = finding.device?.name ?? "the device"
            return Contact.ask("\(device) \(place)", finding.device, "to check its rules for \(service)")
        }
        if isDestination { return "Check the packet filter on \(destination) for \(service)." }
        return ask("to check its rules for \(service)")
    }

    private var sizeAdvice: String {
        guard isStalled else {
            return
                "Harmless if transfers continue: \(source) sends smaller packets. If they stall, a filter keeps this error from \(source)."
        }
        // IP and TCP headers without options.
        let headers = error.isIPv6 ? 60 : 40
        let size = error.mtu.flatMap { $0 > headers ? " to \($0 - headers)" : nil } ?? ""
        return "Let ICMP through to \(source), or clamp the MSS on the path\(size): "
            + "nft add rule … tcp flags syn tcp option maxseg size set rt mtu"
    }

    private var redirectAdvice: String {
        let host = error.to.map { finding.called($0) } ?? source
        guard let gateway = error.gateway, !has(.implausible) else {
            return "Find out who sends it; hosts need not accept redirects."
        }
        let way = gateway == error.quoted.destination ? "of its own network" : "through \(finding.called(gateway))"
        return
            "If connections to \(destination) fail: replies may take the short path, and a stateful firewall on the long path "
            + "sees only half of each connection. Give \(host) a route to \(destination) \(way)."
    }
}
