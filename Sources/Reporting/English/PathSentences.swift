// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// What people read of a connection's way: what they felt, what shows it, what is behind it.
struct PathSentences {
    let finding: Finding
    let path: Finding.Path

    private var client: String { finding.called(finding.fiveTuple.source) }
    private var server: String { finding.called(finding.fiveTuple.destination) }

    private var crossing: LegGapSentences? {
        path.crossing.map { LegGapSentences(finding: finding, cause: path.cause, crossing: $0) }
    }

    private var service: String {
        let ports = path.ports.count > 1 ? path.ports.sorted() : [finding.servicePort]
        return ports.map { "tcp/\($0)" }.joined(separator: ", ")
    }

    private var connections: String {
        let number = finding.count > 1 ? "\(finding.count) connections" : "A connection"
        let servers = path.servers > 1 ? "\(path.servers) servers (first \(server))" : server
        return "\(number) from \(client) to \(servers), \(service),"
    }

    private var gets: String { finding.count > 1 ? "get" : "gets" }
    private var hangs: String { finding.count > 1 ? "hang" : "hangs" }

    /// `3 times, at 0, 1.0, 3.0 s`
    private var times: String {
        let seconds = path.seconds.map { $0 == 0 ? "0" : Finding.Path.text($0) }.joined(separator: ", ")
        let more = path.seconds.count <= path.copies ? " …" : ""
        return "\(path.copies + 1) times, at \(seconds)\(more) s"
    }

    var summary: String {
        if let crossing { return crossing.summary }
        if let forwarding = path.forwarding {
            return ForwardingSentences(finding: finding, forwarding: forwarding).summary
        }
        return switch path.cause {
        case .ackNotDelivered: path.isAcknowledgedHere ? ackNotDelivered : ackNeverHere
        case .acceptQueueFull:
            "\(connections) \(hangs): \(server) does not take \(finding.count > 1 ? "them" : "it"), because the service's "
                + "accept queue is full. \(repeated)"
        case .ackLostOrQueueFull: ackLostOrQueueFull
        case .replyBypasses:
            "\(connections) \(hangs), and the replies of \(server) do not come past here: \(client) acknowledges "
                + "a SYN-ACK that was never seen here, and repeats itself. Who filters by connection state at this point "
                + "drops a connection that it has not seen answered."
        case .oneWayHere:
            "\(connections) \(hangs): the SYN-ACK of \(server) comes past here, \(path.copies + 1) times, and the SYN "
                + "never did. Who filters by connection state at this point drops what it has not seen the beginning of."
        case .oneWayTap:
            "Only one direction of \(finding.count) connections comes past here: this is how the tap is connected, "
                + "or how traffic is routed past it. What is said of paths and of resets knows half of each connection."
        case .noAnswer: noAnswer
        case .loss: loss
        case .redirectIgnored: redirectIgnored
        case .droppedHere: "This machine did not send on packets from \(client) to \(server), \(service)."
        case .droppedBetween: "Packets from \(client) to \(server), \(service), vanish between two points."
        }
    }

    private var repeated: String {
        switch path.repeated {
        case .synACK: "Its SYN-ACK was seen \(times)."
        case .syn: "The SYN was seen \(times)."
        case .ack: "The client's ACK was seen \(times)."
        case .data: "The same data was seen \(times)."
        case nil: ""
        }
    }

    private var ackNotDelivered: String {
        var text =
            "\(connections) \(opensAndHangs): the client's ACK never gets to \(server), which sent its SYN-ACK "
            + "\(times), and each was acknowledged."
        if let redirect = path.redirect {
            let (from, gateway) = (finding.called(redirect.from), finding.called(redirect.gateway))
            text +=
                " The ACKs go by \(from), which says itself that \(gateway) is the way: the replies do not pass \(from), "
                + "and if it filters by connection state it drops the ACK of a SYN-ACK that it has not seen."
        } else if path.ports.count > 1 {
            text += " No port of \(server) works: it is the way there, not a service."
        }
        return text
    }

    private var opensAndHangs: String { finding.count > 1 ? "open and then hang" : "opens and then hangs" }

    private var redirectIgnored: String {
        let told = path.redirect.map {
            "\(finding.called($0.from)) says itself that \(finding.called($0.gateway)) is the way"
        }
        return "\(connections) \(gets) no answer, and \(told ?? "its router says that there is another way"): "
            + "\(client) goes on using the old one. \(repeated)"
    }

    private var ackNeverHere: String {
        "\(connections) \(hangs): \(server) answers the SYN, and the client's ACK never comes as far as here. "
            + "\(server) sent its SYN-ACK \(times); the client does not repeat its SYN, so it has got one. "
            + "Something between \(client) and here drops the ACK, most likely a router that filters by connection state "
            + "and does not see the replies."
    }

    private var ackLostOrQueueFull: String {
        var text =
            "\(connections) \(opensAndHangs): \(server) sent its SYN-ACK \(times), though each was acknowledged. "
            + "Either the ACK is lost between here and \(server), or the service's accept queue is full: "
            + "from here both look the same."
        if path.hasOtherWayBack {
            text += " The replies come another way than the requests leave, which speaks for the first."
        } else if has(.otherPortWorks) {
            text += " Another port of \(server) works, which speaks for the second."
        }
        return text
    }

    private var noAnswer: String {
        if path.repeated == .data { return stalled }
        if let signature = path.signature { return unsigned(signature) }
        if let delay = path.recoveredSeconds {
            return
                "\(connections) got no answer for \(Finding.Path.text(delay)) s: the SYN was sent \(times), then it was answered. "
                + "So many losses in a row are no chance: the service started late, or something dropped the SYNs until then."
        }
        if path.answerPasses {
            return
                "\(connections) \(gets) no answer: \(server) answers the SYN, the SYN-ACK comes past here, and \(client) "
                + "does not get it: it sent its SYN \(times). Something between here and \(client) drops the SYN-ACK, "
                + "most likely a router that filters by connection state and does not see the SYN."
        }
        let isUp = path.answers.map { ", though \(server) is up (\($0))" } ?? ""
        return "\(connections) \(gets) no answer\(isUp): the SYN was sent \(times). "
            + "A packet filter on the way or on \(server) drops it without a word, or the service takes no more connections."
    }

    private var stalled: String {
        let bytes = path.bytes.map { " of \($0) bytes" } ?? ""
        let sender = path.isFromServer ? server : client
        if let silence = path.silence { return forgotten(silence, sender, bytes) }
        let data = path.isFirstData && finding.servicePort == 443 ? "the first data (TLS ClientHello)" : "data"
        var text =
            "\(connections) \(hangs): \(data)\(bytes) from \(sender) was sent \(times), and never acknowledged, "
            + "though the other side lives\(path.answers.map { " (\($0))" } ?? "")."
        if path.othersWork { text += " Other connections of the same hosts to \(service) work." }
        text +=
            path.isOnlyLarge
            ? " Smaller segments got through: a link on the way is too narrow, and \(sender) is not told (an MTU black hole)."
            : " Something on the way drops the packets of this connection without a word."
        return text
    }

    /// An idle timer that drops without a reset.
    private func forgotten(_ silence: Double, _ sender: String, _ bytes: String) -> String {
        let seconds = Int(silence.rounded())
        var text =
            "\(connections) \(hangs): after \(seconds) s of silence, data\(bytes) from \(sender) was sent \(times), and never "
            + "acknowledged."
        text +=
            path.othersWork
            ? " Meanwhile a new connection of the same hosts to \(service) works."
            : path.answers.map { " Meanwhile the other side lives (\($0))." }
                ?? " Nothing else of the other side is seen here meanwhile: it may be down as well."
        return text
            + " A stateful device on the path (firewall, NAT, load balancer) has most likely forgotten the idle session and "
            + "drops its packets without a reset."
    }

    /// A signature that an end cannot verify.
    private func unsigned(_ signature: TCPSignature) -> String {
        let answer = path.answerPasses ? "does not get on" : "gets no answer"
        return
            "\(connections) \(finding.count > 1 ? "do not get on" : answer): the \(path.repeated == .synACK ? "SYN-ACK" : "SYN") was "
            + "sent \(times), with a \(signature.label) signature. An end that has no key for the other, or a different one, drops such "
            + "segments silently. A firewall that rewrites sequence numbers or ports, or strips the option, does the same to the "
            + "signature."
    }

    private var loss: String {
        let what: String =
            switch path.repeated {
            case .syn: "its SYN was lost and sent again"
            case .synACK: "its SYN-ACK or the ACK was lost, and the SYN-ACK sent again"
            case .ack, .data, nil: "data was lost and sent \(path.copies + 1) times"
            }
        let delay = path.recoveredSeconds.map { " for \(Finding.Path.text($0)) s" } ?? ""
        return "\(connections) \(finding.count > 1 ? "were" : "was") held up\(delay): \(what). It works."
    }

    private func has(_ name: EvidenceName) -> Bool { finding.evidence.contains(name) }

    private static let sameWay =
        "Make both directions take the same way, or do not track these connections on the router that sees only one."

    var advice: String {
        if let crossing { return crossing.advice }
        if let forwarding = path.forwarding {
            return ForwardingSentences(finding: finding, forwarding: forwarding).advice
        }
        return switch path.cause {
        case .ackNotDelivered, .redirectIgnored: ackNotDeliveredAdvice
        case .replyBypasses, .oneWayHere: Self.sameWay
        case .acceptQueueFull:
            "Look into the application on \(server): it does not accept. Then raise its listen backlog "
                + "(and net.core.somaxconn)."
        case .ackLostOrQueueFull:
            "Decide it on \(server): where nstat -az TcpExtListenOverflows counts up, the queue is full. Or capture there: "
                + "where the ACKs do not arrive, compare the routes of both directions."
        case .oneWayTap: "Mirror both directions to this port."
        case .noAnswer: noAnswerAdvice
        case .loss: ""
        case .droppedHere: "Check this machine's packet filter and connection tracking for \(service)."
        case .droppedBetween: "Look at the devices between the two points."
        }
    }

    private var ackNotDeliveredAdvice: String {
        guard let redirect = path.redirect else {
            return "Compare the routes of both directions (traceroute from \(client) and from \(server)). "
                + Self.sameWay
        }
        let (from, gateway) = (finding.called(redirect.from), finding.called(redirect.gateway))
        return "Make both directions take the same way: route \(server) by \(gateway) at \(client), or the replies by "
            + "\(from); or do not track these connections on \(from)."
    }

    private var noAnswerAdvice: String {
        if let signature = path.signature {
            return
                "Compare the \(signature.label) keys of \(client) and \(server) for each other, and look at both logs (Linux: "
                + "\"MD5 Hash\" in dmesg, nstat -az TcpExtTCPMD5Failure TcpExtTCPMD5NotFound TcpExtTCPAOBad). Then exempt "
                + "\(service) from sequence number randomisation and option stripping on firewalls between them."
        }
        if let silence = path.silence {
            return
                "Send TCP keep-alives more often than every \(Int(silence.rounded())) s (SO_KEEPALIVE; start below 60 s), or raise the "
                + "idle timer for \(service) on the firewalls, NATs and load balancers between \(client) and \(server)."
        }
        if path.repeated == .data {
            return path.isOnlyLarge
                ? "Let ICMP \"fragmentation needed\" and \"packet too big\" pass, or clamp the MSS to what the way carries."
                : "Look at the firewalls between \(client) and \(server): a changed policy, a failover, a lost state. "
                    + "A capture on the other side and rstwho compare name the leg."
        }
        if path.answerPasses { return "Compare the routes of both directions. " + Self.sameWay }
        // BGP, LDP and MSDP are often signed, and an unsigned SYN to such a service is dropped silently.
        let signedPorts: Set<UInt16> = [179, 639, 646]
        let key =
            path.repeated == .syn && signedPorts.contains(finding.servicePort)
            ? ". The SYN carries no TCP MD5 or TCP-AO signature: check whether \(server) expects one" : ""
        let address = finding.text(finding.fiveTuple.destination)
        let target = finding.fiveTuple.destination.isIPv4 ? address : "[\(address)]"
        return "Run: rstwho probe \(target):\(finding.servicePort)\(key)"
    }

    static func summary(of change: Finding.PathChange, in finding: Finding) -> String {
        "\(finding.called(finding.fiveTuple.source)) moved from the \(ordinal(change.hostHop)) hop to the "
            + "\(ordinal(change.hop)): its packets take another path."
    }

    static func advice(on change: Finding.PathChange, in finding: Finding) -> String {
        "Ask whoever runs the network what changed, if nothing was planned."
    }
}
