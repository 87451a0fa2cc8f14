// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The pieces of evidence that several verdicts have in common, and what a verdict is made of.
extension PathJudge {
    func synACKRepeated(_ suspect: PathSuspect) -> Evidence {
        Evidence(
            .synACKRepeated, extra: Double(min(suspect.synACK.copies, 5)) - 2, observed: .text(suspect.synACK.text),
            "the server sends its SYN-ACK again and again")
    }

    func acknowledged(_ suspect: PathSuspect) -> Evidence {
        let limit = (suspect.slowestAnswer / 10_000_000 + 1) * 10
        return Evidence(
            .acknowledged, observed: "\(suspect.answers) of \(suspect.synACK.copies) copies within \(limit) ms",
            "the client acknowledges it each time")
    }

    func dataRepeated(_ suspect: PathSuspect) -> Evidence {
        Evidence(
            .dataRepeated, extra: 0.5 * (Double(min(suspect.data.copies, 8)) - 2), observed: .text(suspect.data.text),
            "\(suspect.dataIsFromClient ? "the client's" : "the server's") data is sent again and again, and never acknowledged"
        )
    }

    func clientLives(_ subject: PathCase) -> Evidence {
        Evidence(
            .clientLives, "other packets of \(subject.fiveTuple.source) are answered: it is no spoofed source")
    }

    func othersTwoWay(_ subject: PathCase) -> Evidence {
        Evidence(
            .othersTwoWay, observed: "\(subject.twoWayFlows)", "both directions of other connections come past here")
    }

    func hostAnswers(_ answer: PathCase.Answer, _ subject: PathCase) -> Evidence {
        let host =
            subject.suspect.dataIsFromClient || subject.suspect.data.copies == 0
            ? subject.fiveTuple.destination : subject.fiveTuple.source
        return Evidence(
            .hostAnswers, observed: .text(answer.text), "\(host) lives: something of it was heard meanwhile")
    }

    func redirected(_ redirect: Redirects.Hint, _ server: IPAddress) -> Evidence {
        Evidence(
            .redirected, observed: "use \(redirect.gateway)",
            "\(redirect.from) told the client by ICMP redirect to reach \(server) by \(redirect.gateway): "
                + "it got these packets, and is not on the way that the replies take")
    }

    func verdict(
        _ cause: Finding.PathCause, _ evidence: [Evidence], _ certainty: Double, _ subject: PathCase,
        _ repeated: Finding.Path.Repeated, _ repeats: Retransmissions
    ) -> PathVerdict {
        var path = Finding.Path(cause: cause)
        path.repeated = repeated
        path.seconds = repeats.seconds
        path.copies = Int(repeats.copies)
        path.ports = [subject.fiveTuple.destinationPort]
        if cause == .ackNotDelivered || cause == .ackLostOrQueueFull {
            path.isAcknowledgedHere = subject.isAcknowledged
        }
        if cause == .ackNotDelivered || cause == .ackLostOrQueueFull || cause == .redirectIgnored {
            path.redirect = subject.redirect.map { Finding.Path.Redirect(from: $0.from, gateway: $0.gateway) }
        }
        path.hasOtherWayBack = subject.otherWayBack != nil
        return PathVerdict(
            cause: cause, evidence: evidence, confidence: evidence.failure * certainty, path: path)
    }
}

extension Retransmissions {
    /// `seen 3 times, at 0, 1.0, 3.0 s`.
    var text: String {
        let times = seconds.map { $0 == 0 ? "0" : Finding.Path.text($0) }.joined(separator: ", ")
        return "seen \(Int(copies) + 1) times, at \(times)\(Int(copies) > Self.kept ? " …" : "") s"
    }
}

extension PathCase.Answer {
    var text: String {
        switch self {
        case .ping(let count): count == 1 ? "1 answer to ping" : "\(count) answers to ping"
        case .otherPort(let port): "tcp/\(port)"
        case .other: "other connections"
        }
    }
}
