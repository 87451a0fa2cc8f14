// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The pieces of evidence that several verdicts have in common, and what a verdict is made of.
extension PathJudge {
    func synACKRepeated(_ suspect: PathSuspect) -> Evidence {
        Evidence(
            .synACKRepeated, extra: Double(min(suspect.synACK.copies, 5)) - 2, observed: suspect.synACK.value())
    }

    func acknowledged(_ suspect: PathSuspect) -> Evidence {
        let limit = (suspect.slowestAnswer / 10_000_000 + 1) * 10
        return Evidence(
            .acknowledged, observed: .answers(Int(suspect.answers), of: Int(suspect.synACK.copies), within: limit))
    }

    func dataRepeated(_ suspect: PathSuspect) -> Evidence {
        Evidence(
            .dataRepeated, extra: 0.5 * (Double(min(suspect.data.copies, 8)) - 2),
            observed: suspect.data.value(isFromServer: !suspect.dataIsFromClient))
    }

    func clientLives(_ subject: PathCase) -> Evidence {
        Evidence(.clientLives, observed: .address(subject.fiveTuple.source))
    }

    func othersTwoWay(_ subject: PathCase) -> Evidence {
        Evidence(.othersTwoWay, observed: .number(subject.twoWayFlows))
    }

    func hostAnswers(_ answer: Finding.Path.Answer, _ subject: PathCase) -> Evidence {
        let host =
            subject.suspect.dataIsFromClient || subject.suspect.data.copies == 0
            ? subject.fiveTuple.destination : subject.fiveTuple.source
        return Evidence(.hostAnswers, observed: .life(answer, of: host))
    }

    func redirected(_ redirect: Redirects.Hint, _ server: IPAddress) -> Evidence {
        Evidence(
            .redirected,
            observed: .redirect(Finding.Path.Redirect(from: redirect.from, gateway: redirect.gateway), to: server))
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
    /// The value of the evidence that rests on them.
    ///
    /// - `delay`: The time (ns) until the packet got through, where it did.
    func value(isFromServer: Bool = false, delay: UInt64? = nil) -> Evidence.Value {
        .transmissions(
            Evidence.Value.Transmissions(
                count: Int(copies) + 1, seconds: seconds, isFromServer: isFromServer, delay: delay))
    }
}
