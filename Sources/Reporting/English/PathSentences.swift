// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// The sentences about a connection's path: the effect, the evidence, the cause.
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
        return "\(number) from \(client) to \(servers) \(service)"
    }

    private var gets: String { finding.count > 1 ? "get" : "gets" }
    private var hangs: String { finding.count > 1 ? "hang" : "hangs" }

    /// `3 times, at 0, 1.0, 3.0 s`.
    private var times: String {
        let seconds = path.seconds.map { $0 == 0 ? "0" : Finding.Path.text($0) }.joined(separator: ", ")
        let more = path.seconds.count <= path.copies ? " …" : ""
        return "\(path.copies + 1) times, at \(seconds)\(more) s"
    }

    var story: Story {
        if let crossing { return crossing.story }
        if let forwarding = path.forwarding {
            return ForwardingSentences(finding: finding, forwarding: forwarding).story
        }
        let (answer, details) = sentences
        return Story(
            answer, details,
            advice: path.cause.isProblem || path.cause == .oneWayTap ? .init(advice) : .none(advice))
    }

    /// The answer, with its certainty.
    private func answer(_ text: String) -> String { "\(text)\(Certainty.suffix(finding.confidence))." }

    private var sentences: (answer: String, details: [String?]) {
        switch path.cause {
        case .ackNotDelivered: path.isAcknowledgedHere ? ackNotDelivered : ackNeverHere
        case .acceptQueueFull:
            (
                answer("\(connections) \(hangs)"),
                ["Why: the accept queue of the service on \(server) is full.", repeated]
            )
        case .ackLostOrQueueFull: ackLostOrQueueFull
        case .replyBypasses:
            (
                answer("\(connections) \(hangs)"),
                [
                    "The replies of \(server) bypass this point: \(client) acknowledges a SYN-ACK that was never seen here, and "
                        + "retransmits.",
                    "A stateful firewall at this point would drop this connection, because it never sees the SYN-ACK.",
                ]
            )
        case .oneWayHere:
            (
                answer("\(connections) \(hangs)"),
                [
                    "The SYN-ACK of \(server) passes here, \(path.copies + 1) times; its SYN never did.",
                    "A stateful firewall at this point would drop the SYN-ACK, because it never saw the SYN.",
                ]
            )
        case .oneWayTap:
            (
                answer("The capture shows only one direction of \(finding.count) connections"),
                [
                    "Either the tap carries one direction only, or routing sends the other direction past it.",
                    "Findings about paths and resets are therefore based on half of each connection.",
                ]
            )
        case .noAnswer: noAnswer
        case .loss: loss
        case .redirectIgnored: redirectIgnored
        case .droppedHere: ("This machine dropped packets from \(client) to \(server), \(service).", [])
        case .droppedBetween: ("Packets from \(client) to \(server), \(service), vanish between two points.", [])
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

    private var ackNotDelivered: (String, [String?]) {
        var details: [String?] = [
            "\(server) sent its SYN-ACK \(times), although the client acknowledged each: the ACK never reaches \(server)."
        ]
        if let redirect = path.redirect {
            let (from, gateway) = (finding.called(redirect.from), finding.called(redirect.gateway))
            details.append(
                "The client sends its ACKs via \(from), although \(from) itself redirects it to \(gateway): the replies bypass "
                    + "\(from), and a stateful firewall there drops the ACKs, because it never saw the SYN-ACK.")
        } else if path.ports.count > 1 {
            details.append("No port of \(server) works, so the forward path fails, not a service.")
        }
        return (answer("\(connections) \(opensAndHangs)"), details)
    }

    private var opensAndHangs: String { finding.count > 1 ? "open and then hang" : "opens and then hangs" }

    private var redirectIgnored: (String, [String?]) {
        let told = path.redirect.map {
            "\(finding.called($0.from)) redirects \(client) to \(finding.called($0.gateway))"
        }
        return (
            answer("\(connections) \(gets) no answer"),
            [
                "\(told ?? "A router redirects \(client) to another path"), and \(client) keeps using the old path.",
                repeated,
            ]
        )
    }

    private var ackNeverHere: (String, [String?]) {
        (
            answer("\(connections) \(hangs)"),
            [
                "\(server) sent its SYN-ACK \(times); the client does not retransmit its SYN, so it has received one, but its "
                    + "ACK never passes here.",
                "A device between \(client) and this point drops the ACK, most likely a stateful firewall that does not see the "
                    + "replies.",
            ]
        )
    }

    private var ackLostOrQueueFull: (String, [String?]) {
        var details: [String?] = [
            "\(server) sent its SYN-ACK \(times), although the client acknowledged each.",
            "Why is undecided: either the ACK is lost between here and \(server), or the accept queue of the service is full; "
                + "both look the same from here.",
        ]
        if path.hasOtherWayBack {
            details.append("Asymmetric routing speaks for the first: the replies use another path.")
        } else if has(.otherPortWorks) {
            details.append("Another port of \(server) works, which speaks for the second.")
        }
        return ("\(connections) \(opensAndHangs).", details)
    }

    private var noAnswer: (String, [String?]) {
        if path.repeated == .data { return stalled }
        if let signature = path.signature { return unsigned(signature) }
        if let delay = path.recoveredSeconds {
            return (
                answer("\(connections) got no answer for \(Finding.Path.text(delay)) s"),
                [
                    "The SYN was sent \(times), then it was answered.",
                    "So many losses in a row are not chance: the service started late, or something dropped the SYNs until then.",
                ]
            )
        }
        if path.answerPasses {
            return (
                answer("\(connections) \(gets) no answer"),
                [
                    "The SYN-ACK of \(server) passes here but does not reach \(client), which sent its SYN \(times).",
                    "A device between here and \(client) drops the SYN-ACK, most likely a stateful firewall that did not see the "
                        + "SYN.",
                ]
            )
        }
        let isUp = path.answers.map { "\(server) is up (\($0.text)). " } ?? ""
        return (
            answer("\(connections) \(gets) no answer"),
            [
                "\(isUp)The SYN was sent \(times).",
                "Why: not visible from here. Either a packet filter on the path or on \(server) drops the SYN silently, or the "
                    + "service accepts no more connections.",
            ]
        )
    }

    private var stalled: (String, [String?]) {
        let bytes = path.bytes.map { " (\($0) bytes)" } ?? ""
        let sender = path.isFromServer ? server : client
        if let silence = path.silence { return forgotten(silence, sender, bytes) }
        let data = path.isFirstData && finding.servicePort == 443 ? "the first data (TLS ClientHello)" : "the same data"
        return (
            answer("\(connections) \(hangs)"),
            [
                "\(sender) sent \(data)\(bytes) \(times), and got no acknowledgement, although the other side is up"
                    + "\(path.answers.map { " (\($0.text))" } ?? "").",
                path.othersWork ? "Other connections of the same hosts to \(service) work." : nil,
                path.isOnlyLarge
                    ? "Smaller segments got through: a link on the path has a smaller MTU, and the ICMP error does not reach "
                        + "\(sender) (an MTU black hole)."
                    : "A device on the path silently drops the packets of this connection.",
            ]
        )
    }

    /// An idle timer that drops without a reset.
    private func forgotten(_ silence: Double, _ sender: String, _ bytes: String) -> (String, [String?]) {
        let others =
            path.othersWork
            ? "Meanwhile a new connection of the same hosts to \(service) works."
            : path.answers.map { "Meanwhile the other side is up (\($0.text))." }
                ?? "Nothing else of the other side is seen here meanwhile: it may be down as well."
        return (
            answer("\(connections) \(hangs) after \(Int(silence.rounded())) s of silence"),
            [
                "\(sender) then sent data\(bytes) \(times), and got no acknowledgement.", others,
                "A stateful device on the path (firewall, NAT, load balancer) has most likely forgotten the idle session and "
                    + "drops its packets without a reset.",
                TimerSentences.equals(KnownTimers.dropping(after: silence)).map { "The silence \($0)." },
            ]
        )
    }

    /// A signature that an end cannot verify.
    private func unsigned(_ signature: TCPSignature) -> (String, [String?]) {
        let hangs = finding.count > 1 ? "are not established" : "is not established"
        return (
            answer("\(connections) \(path.answerPasses ? hangs : "\(gets) no answer")"),
            [
                "The \(path.repeated == .synACK ? "SYN-ACK" : "SYN") was sent \(times), with a \(signature.label) signature.",
                "An end that has no key for the other, or a different one, drops such segments silently. A firewall that "
                    + "rewrites sequence numbers or ports, or strips the option, has the same effect.",
            ]
        )
    }

    private var loss: (String, [String?]) {
        let what: String =
            switch path.repeated {
            case .syn: "The SYN was lost and retransmitted."
            case .synACK: "The SYN-ACK or its ACK was lost, and the SYN-ACK was retransmitted."
            case .ack, .data, nil: "Data was lost and sent \(path.copies + 1) times."
            }
        let delay = path.recoveredSeconds.map { " for \(Finding.Path.text($0)) s" } ?? ""
        return ("\(connections) \(finding.count > 1 ? "were" : "was") delayed\(delay).", [what, "It works."])
    }

    private func has(_ name: EvidenceName) -> Bool { finding.evidence.contains(name) }

    private static let sameWay =
        "Fix the routing, so that both directions pass the same stateful firewalls."

    private var advice: String {
        switch path.cause {
        case .ackNotDelivered, .redirectIgnored: ackNotDeliveredAdvice
        case .replyBypasses, .oneWayHere: Self.sameWay
        case .acceptQueueFull:
            "Check the application on \(server): it does not accept connections. Then raise its listen backlog "
                + "(and net.core.somaxconn)."
        case .ackLostOrQueueFull:
            "To tell which, look on \(server): if nstat -az TcpExtListenOverflows increases, the accept queue is full; if a "
                + "capture there shows no ACKs, compare the forward and return routes."
        case .oneWayTap: "Mirror both directions to the capture interface."
        case .noAnswer: noAnswerAdvice
        case .loss: ""
        case .droppedHere: "Check this machine's packet filter and connection tracking for \(service)."
        case .droppedBetween: "Look at the devices between the two points."
        }
    }

    private var ackNotDeliveredAdvice: String {
        guard let redirect = path.redirect else {
            return "Compare the forward and return routes (traceroute from \(client) and from \(server)). "
                + Self.sameWay
        }
        let (from, gateway) = (finding.called(redirect.from), finding.called(redirect.gateway))
        return
            "Fix the routing: on \(client) route \(server) via \(gateway), or send the replies of \(server) through \(from). "
            + "Last resort, and only if \(from) does no NAT for them: notrack plus accept rules for both directions; \(from) "
            + "then no longer filters these connections by state."
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
                ? "Let ICMP \"fragmentation needed\" and \"packet too big\" pass, or clamp the MSS to the path MTU."
                : "Check the firewalls between \(client) and \(server): a changed rule, a failover, an expired session. "
                    + "A capture on the other side and rstwho compare show where the packets vanish."
        }
        if path.answerPasses { return "Compare the forward and return routes. " + Self.sameWay }
        // BGP, LDP and MSDP are often signed, and an unsigned SYN to such a service is dropped silently.
        let signedPorts: Set<UInt16> = [179, 639, 646]
        let key =
            path.repeated == .syn && signedPorts.contains(finding.servicePort)
            ? ". The SYN carries no TCP MD5 or TCP-AO signature: check whether \(server) expects one" : ""
        let address = finding.text(finding.fiveTuple.destination)
        let target = finding.fiveTuple.destination.isIPv4 ? address : "[\(address)]"
        return "Run: rstwho probe \(target):\(finding.servicePort)\(key)"
    }

    static func story(of change: Finding.PathChange, in finding: Finding) -> Story {
        Story(
            "\(finding.called(finding.fiveTuple.source)) moved from hop \(change.hostHop) to hop \(change.hop): its packets take "
                + "another path.",
            advice: .init("If nothing was planned, ask whoever runs the network what changed."))
    }
}
