// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Connections whose segments are signed (BGP, LDP, MSDP): an end drops silently what it cannot verify.
extension PathJudge {
    /// A handshake that does not get on although SYN or SYN-ACK carries a TCP MD5 or TCP-AO signature.
    ///
    /// A key that is missing or different on one side looks like an asymmetric path: the SYN gets no answer, or the
    /// SYN-ACK comes again and again although the client is there.
    func unsigned(_ subject: PathCase) -> PathVerdict? {
        let suspect = subject.suspect
        let client = TCPSignature(rawValue: suspect.clientSignature)
        let server = TCPSignature(rawValue: suspect.serverSignature)
        guard let signature = client ?? server, !subject.isTaken else { return nil }
        let isSYN = suspect.syn.copies >= suspect.synACK.copies
        let repeats = isSYN ? suspect.syn : suspect.synACK
        guard repeats.copies >= 2 || subject.now >= repeats.last + Self.longestRoundTrip, repeats.copies >= 1,
            subject.isLast || subject.now >= repeats.last + Self.grace
        else { return nil }
        var evidence: [Evidence] = []
        if isSYN {
            evidence.append(
                Evidence(
                    .synRepeated, extra: Double(min(repeats.copies, 5)) - 2, observed: repeats.value()))
        } else {
            evidence.append(synACKRepeated(suspect))
        }
        if let answer = subject.answer { evidence.append(hostAnswers(answer, subject)) }
        evidence.append(
            Evidence(
                .signed, observed: .signature(signature, isSYN: client != nil)))
        var result = verdict(.noAnswer, evidence, 1, subject, isSYN ? .syn : .synACK, repeats)
        result.path.answers = subject.answer
        result.path.signature = signature
        result.path.answerPasses = subject.server.sentSYNACK
        return result
    }

    /// A connection that was opened after so many SYNs without an answer that chance does not explain them.
    func lateAnswer(_ subject: PathCase, delay: UInt64) -> PathVerdict {
        let repeats = subject.suspect.syn
        let evidence = [
            Evidence(
                .synRepeated, extra: Double(min(repeats.copies, 8)) - 2, observed: repeats.value()),
            Evidence(.recovered, observed: repeats.value(delay: delay)),
        ]
        var result = verdict(.noAnswer, evidence, 1, subject, .syn, repeats)
        result.path.recoveredSeconds = Double((delay + 500_000) / 1_000_000) / 1000
        return result
    }

    func silenceBefore(_ suspect: PathSuspect) -> Evidence {
        Evidence(.silenceBefore, observed: .silence(ns: suspect.silence))
    }

    func pairWorks(_ subject: PathCase) -> Evidence {
        Evidence(
            .pairWorks, observed: .ports([subject.fiveTuple.destinationPort], of: subject.fiveTuple.destination))
    }
}

extension PathCase {
    /// The SYN looks like a scanner's: no timestamps, and a window that no stack offers (nmap, masscan: 1024 to 4096).
    var isScannerSYN: Bool {
        !client.usesTimestamps && client.packets > 0 && !client.hasAck && client.window > 0
            && client.window <= 4096 && client.window % 1024 == 0
    }
}
