// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// What people read of an ICMP error: who refuses what, and why; then how far to believe it and what became of it.
struct ICMPSentences {
    let finding: Finding
    let error: Finding.ICMPError

    var summary: String { ([statement] + remarks).joined(separator: " ") }

    // MARK: Who and what

    private var source: String { finding.called(error.quoted.source) }
    private var destination: String { finding.called(error.quoted.destination) }
    private var from: String { finding.called(error.from) }
    private var isThisMachine: Bool { error.hop == 0 }
    /// The host that the packet was for says it, or somebody in its name.
    private var isDestination: Bool { error.from == error.quoted.destination }
    private var isInItsName: Bool { isDestination && has(.ttlHost) }
    private var place: String { error.hop.map { "at the \(ordinal($0)) hop" } ?? "somewhere on the path" }

    /// With the comma that a place needs behind it.
    private var who: String {
        if isInItsName { return "A device \(place)\(knownAs), in the name of \(destination), which is farther," }
        if isThisMachine { return isDestination ? "This machine" : "This machine (\(from))" }
        return isDestination ? "\(from) itself, \(place)," : "\(from), \(place),"
    }

    /// What the operator calls a device whose own address is not known.
    private var knownAs: String { finding.device.map { " (\($0.description))" } ?? "" }

    /// Who runs what `from` is.
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

    /// What is refused: `tcp/22 of 10.4.0.2`.
    private var target: String {
        if isAnswer { return "the answers of \(source), \(service), to \(destination)" }
        if isDestination { return service }
        return hasPorts ? "\(service) of \(destination)" : "\(service) to \(destination)"
    }

    private func has(_ name: EvidenceName) -> Bool { finding.evidence.contains(name) }

    // MARK: What it says

    private var statement: String {
        switch error.reason {
        case .adminProhibited: "\(who) refuses \(target) by its policy (ICMP admin prohibited)."
        case .portUnreachable: portUnreachable
        case .protocolUnreachable: "\(who) does not take \(service) (ICMP protocol unreachable)."
        case .hostUnreachable:
            "\(who) cannot deliver packets to \(destination), which does not answer on its network "
                + "(ICMP host unreachable)."
        case .netUnreachable: "\(who) has no route to \(destination) (ICMP net unreachable)."
        case .fragmentationNeeded: fragmentationNeeded
        case .unreachable:
            "\(who) does not pass on \(target) (ICMP unreachable, \(Self.name(error)))."
        case .ttlExceeded: ttlExceeded
        case .reassemblyTimeExceeded:
            "\(who) got only some of the fragments of a packet from \(source) (ICMP reassembly time exceeded)."
        case .redirect: redirect
        case .parameterProblem:
            "\(who) does not understand the header of a packet to \(destination)"
                + (error.octet.map { ", octet \($0)" } ?? "") + " (ICMP parameter problem)."
        case .sourceQuench: "\(who) asks \(source) to send more slowly (ICMP source quench)."
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
                "\(who) refuses \(target) by a packet filter (ICMP port unreachable; a closed port answers with a reset)."
        }
        if isDestination, !isInItsName {
            return "\(who) has nothing that listens on \(service) (ICMP port unreachable)."
        }
        return "\(who) refuses \(target) (ICMP port unreachable): a packet filter or an address translation."
    }

    private var fragmentationNeeded: String {
        let size = error.mtu.map { "larger than \($0) bytes" } ?? "larger than its next link takes"
        let name = error.isIPv6 ? "ICMPv6 packet too big" : "ICMP fragmentation needed"
        return "\(who) cannot pass on packets to \(destination) that are \(size) (\(name))."
    }

    private var ttlExceeded: String {
        if has(.traced) {
            return "\(from) is \(place) on the way to \(destination): a packet of traceroute's kind ended there "
                + "(ICMP time exceeded)."
        }
        let ended = "A packet from \(source) to \(destination) ran out of hops at \(from), \(place)"
        guard let ttl = finding.evidence.first(.looped)?.observed?.text else { return "\(ended) (ICMP time exceeded)." }
        return "\(ended), though it had \(ttl) left here: it goes round in a loop (ICMP time exceeded)."
    }

    private var redirect: String {
        let host = error.to.map { finding.called($0) } ?? source
        guard let gateway = error.gateway else { return "\(who) tells \(host) another way to \(destination)." }
        if gateway == error.quoted.destination {
            return "\(who) tells \(host) to send to \(destination) directly: it is a neighbour (ICMP redirect)."
        }
        return "\(who) tells \(host) to reach \(destination) through \(finding.called(gateway)) (ICMP redirect)."
    }

    /// What RFC 792, RFC 1812 and RFC 4443 call the codes that are told no further apart.
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
            remarks.append("It is forged: it quotes a sequence number that the connection is nowhere near.")
        } else if has(.implausible) {
            remarks.append("It looks forged: a router next door would not send it so.")
        } else if has(.noFlow) {
            remarks.append(
                "The packet that it quotes was not seen here: it took another way, or somebody forged the address of \(source)."
            )
        }
        if has(.flowShed) {
            remarks.append("Packets of its flow were shed under load: what became of it is not known.")
        }
        if isStalled {
            remarks.append(
                "\(source) sends the same again as large: the error does not reach it, or it does not heed it.")
        } else if has(.wentOn), let remark = continuation {
            remarks.append(remark)
        }
        if error.reason == .redirect, let times = finding.evidence.first(.toldAgain)?.observed?.text {
            remarks.append("It said so \(times) times: the old way is still used.")
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
        case .fragmentationNeeded: "\(source) heeded it: smaller packets got through."
        default: error.quoted.transport == .tcp ? "The connection went on all the same." : "Answers came all the same."
        }
    }
}

// MARK: - What to do

extension ICMPSentences {
    var advice: String {
        if has(.outsideWindow) { return "Find out who sends it: hosts that check the number ignore it (RFC 5927)." }
        switch error.reason {
        case .adminProhibited: return policyAdvice
        case .portUnreachable:
            if has(.traced) { return "Nothing to do: traceroute ends so." }
            if isAnswer {
                return "Usually harmless: the answer came after the client had given up. If it happens often, look why "
                    + "\(source) answers late."
            }
            if error.quoted.transport != .tcp, isDestination, !isInItsName {
                return
                    "Start the service on \(destination), or ask for the right port; its packet filter can answer in "
                    + "the same way."
            }
            return policyAdvice
        case .protocolUnreachable:
            return isDestination
                ? "Start what handles \(service) on \(destination), or do without it." : policyAdvice
        case .hostUnreachable:
            return "Check that \(destination) is up and has the right address: "
                + (isThisMachine ? "this machine" : from) + " is the last router before it, or is told to say so."
        case .netUnreachable:
            return isThisMachine
                ? "Check this machine's routes: ip route get \(finding.text(error.quoted.destination))"
                : ask("to check its route to \(destination)")
        case .fragmentationNeeded: return sizeAdvice
        case .redirect: return redirectAdvice
        case .ttlExceeded:
            if has(.traced) { return "Nothing to do: that is how traceroute finds the path." }
            return has(.looped)
                ? ask("for its route to \(destination): two routers send the packets to each other")
                : "If no traceroute runs, a" + ask("for its route to \(destination)").dropFirst()
        case .reassemblyTimeExceeded:
            return "Look for a filter that drops fragments, or for loss, between \(source) and \(destination)."
        case .parameterProblem: return "Look at the IP options or extension headers that \(source) sends."
        case .sourceQuench: return "Nothing to do: hosts ignore it (RFC 6633)."
        case .unreachable, .unknown: return ask()
        }
    }

    private var policyAdvice: String {
        if isThisMachine { return "Check this machine's own packet filter for \(service): nft list ruleset." }
        if isInItsName {
            let device = finding.device?.name ?? "the device"
            return Contact.ask("\(device) \(place)", finding.device, "to check its policy for \(service)")
        }
        if isDestination { return "Check the packet filter on \(destination) for \(service)." }
        return ask("to check its policy for \(service)")
    }

    private var sizeAdvice: String {
        guard isStalled else {
            return
                "Usually harmless: \(source) makes its packets smaller. If transfers stall, a filter keeps this error from it."
        }
        // IP and TCP headers without options.
        let headers = error.isIPv6 ? 60 : 40
        let size = error.mtu.flatMap { $0 > headers ? " to \($0 - headers)" : nil } ?? ""
        return "Let ICMP through to \(source), or clamp the MSS on the way\(size): "
            + "nft add rule … tcp flags syn tcp option maxseg size set rt mtu"
    }

    private var redirectAdvice: String {
        let host = error.to.map { finding.called($0) } ?? source
        guard let gateway = error.gateway, !has(.implausible) else {
            return "Find out who sends it; hosts need not accept redirects."
        }
        let way = gateway == error.quoted.destination ? "of its own network" : "through \(finding.called(gateway))"
        return
            "If connections to \(destination) fail: replies may come the short way and a stateful filter on the long one see "
            + "only half of them. Give \(host) a route to \(destination) \(way)."
    }
}
