// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Says of a flow that does not get on what is in its way, as far as one point of view can tell.
///
/// What fails for a packet or two is loss; what fails again and again, at intervals that only timeouts have, is the
/// path, a filter on it, or the server.
struct PathJudge {
    /// The time after the second retransmission of an acknowledged SYN-ACK in which the connection may still proceed,
    /// in ns.
    static let grace: UInt64 = 500_000_000
    /// The maximum time in flight of a client's ACK: the slowest links take 0.6 s each way.
    static let longestRoundTrip: UInt64 = 2_500_000_000

    /// A silence from which on a stateful device may have forgotten the connection, ns: the shortest timers of
    /// established connections are half a minute.
    ///
    /// Alone it has to be longer: a host may have gone.
    static let idleTime: UInt64 = 30_000_000_000
    static let aloneIdleTime: UInt64 = 60_000_000_000
    static let aloneTime: UInt64 = 20_000_000_000
    /// So many SYNs lost in a row are not chance.
    static let lostInARow: UInt8 = 4

    func judge(_ subject: PathCase) -> PathVerdict? {
        guard !subject.flow.isClosed, !subject.isHalfHidden else { return nil }
        return unsigned(subject) ?? repeatedSYNACK(subject) ?? oneWayHere(subject) ?? replyBypasses(subject)
            ?? noAnswer(subject)
            ?? stalled(subject) ?? redirectIgnored(subject)
    }

    // MARK: The SYN-ACK comes again and again

    private func repeatedSYNACK(_ subject: PathCase) -> PathVerdict? {
        let suspect = subject.suspect
        guard subject.client.sentSYN, subject.server.sentSYNACK, suspect.synACK.copies > 0, !subject.isTaken else {
            return nil
        }
        guard subject.isAcknowledged else { return ackNeverHere(subject) }
        let dataFails = suspect.dataIsFromClient && suspect.data.copies >= 4 && suspect.data.span >= 1_500_000_000
        // After the end of a capture nothing gets on.
        let isQuiet = subject.isLast || subject.now >= max(suspect.synACK.last, suspect.answered) + grace(subject)
        // A client that gave up early leaves one copy, and its data.
        let isEnough =
            suspect.synACK.copies >= 2 ? isQuiet || dataFails : dataFails && suspect.data.span >= 3_000_000_000
        guard suspect.answers >= 1, isEnough else { return nil }
        var evidence = [synACKRepeated(suspect), acknowledged(suspect)]
        if suspect.dataIsFromClient, suspect.data.copies > 1 { evidence.append(dataRepeated(suspect)) }
        evidence += place(subject)
        let path = evidence.path
        let cause: Finding.PathCause =
            path >= EvidenceModel.decided
            ? .ackNotDelivered : path <= 1 - EvidenceModel.decided ? .acceptQueueFull : .ackLostOrQueueFull
        let certainty = cause == .ackLostOrQueueFull ? 1 : max(path, 1 - path)
        return verdict(cause, evidence, certainty, subject, .synACK, suspect.synACK)
    }

    /// Twice the round trip, which the SYN-ACK's delay is at least, and not less than `grace`.
    private func grace(_ subject: PathCase) -> UInt64 {
        let opening = subject.suspect.synACK.first
        let trip =
            subject.suspect.syn.first > 0 && opening > subject.suspect.syn.first
            ? opening - subject.suspect.syn.first : subject.roundTrip ?? 0
        return min(max(Self.grace, 2 * trip), 10_000_000_000)
    }

    private func ackNeverHere(_ subject: PathCase) -> PathVerdict? {
        let suspect = subject.suspect
        // A client that repeats its SYN has no SYN-ACK, and next to the client nothing could have kept its ACK from
        // here.
        guard !subject.client.hasAck, suspect.syn.last <= suspect.synACK.first,
            // A half-open scan, or a path that carries another connection of the same hosts to the same port.
            !subject.pairWorks, !subject.isScannerSYN,
            subject.client.isFromBehindRouter
        else { return nil }
        guard
            suspect.synACK.copies >= 3
                || (suspect.synACK.copies == 2 && subject.now >= suspect.synACK.last + Self.longestRoundTrip)
        else { return nil }
        var evidence = [synACKRepeated(suspect)]
        if subject.clientLives { evidence.append(clientLives(subject)) }
        evidence.append(
            Evidence(
                .ackNeverHere, observed: .sign(.synAndSYNACK), expected: .sign(.ackWithinRoundTrip)))
        evidence += place(subject)
        return verdict(.ackNotDelivered, evidence, evidence.path, subject, .synACK, suspect.synACK)
    }

    /// Returns the evidence that separates the path from the server.
    private func place(_ subject: PathCase) -> [Evidence] {
        var evidence: [Evidence] = []
        let server = subject.fiveTuple.destination
        if let redirect = subject.redirect {
            evidence.append(redirected(redirect, server))
        }
        if let way = subject.otherWayBack {
            evidence.append(
                Evidence(
                    .otherWayBack, observed: .link(way.back), expected: .link(way.forward)))
        }
        if !subject.failingPorts.isEmpty {
            evidence.append(Evidence(.allPortsFail, observed: .ports(subject.failingPorts, of: server)))
        }
        if let port = subject.workingPort {
            evidence.append(Evidence(.otherPortWorks, observed: .ports([port], of: server)))
        }
        if subject.isServer, subject.isAcknowledged {
            let ttl = subject.server.firstTTL
            evidence.append(
                Evidence(.ackAtServer, observed: .server(server, ttl == 0 ? nil : HopDistance(ttl: ttl))))
        }
        if subject.listenOverflows > 0 {
            evidence.append(
                Evidence(.listenOverflows, observed: .number(subject.listenOverflows)))
        }
        return evidence
    }

    // MARK: One direction only

    private func oneWayHere(_ subject: PathCase) -> PathVerdict? {
        let suspect = subject.suspect
        guard subject.client.packets == 0, subject.server.sentSYNACK, suspect.synACK.copies >= 2,
            // Answers to spoofed SYNs look the same; and a tap may show one direction of all.
            subject.clientLives, subject.twoWayFlows > 0
        else { return nil }
        let evidence = [
            synACKRepeated(suspect), clientLives(subject),
            Evidence(.neverSYN), othersTwoWay(subject),
        ]
        return verdict(.oneWayHere, evidence, 1, subject, .synACK, suspect.synACK)
    }

    private func replyBypasses(_ subject: PathCase) -> PathVerdict? {
        let suspect = subject.suspect
        guard subject.client.sentSYN, subject.client.hasAck, subject.server.packets == 0, subject.twoWayFlows > 0 else {
            return nil
        }
        let dataFails = suspect.dataIsFromClient && suspect.data.copies >= 3 && suspect.data.span >= 1_500_000_000
        guard suspect.ack.copies >= 2 || dataFails || (suspect.ack.copies >= 1 && suspect.data.copies >= 2) else {
            return nil
        }
        var evidence: [Evidence] = []
        if suspect.ack.copies > 0 {
            evidence.append(
                Evidence(
                    .ackRepeated, extra: Double(min(suspect.ack.copies, 4)) - 1, observed: suspect.ack.value()))
        }
        if suspect.data.copies > 1 { evidence.append(dataRepeated(suspect)) }
        evidence.append(Evidence(.neverSYNACK))
        evidence.append(othersTwoWay(subject))
        let isData = suspect.data.copies > suspect.ack.copies
        return verdict(
            .replyBypasses, evidence, 1, subject, isData ? .data : .ack, isData ? suspect.data : suspect.ack)
    }

    // MARK: No answer

    private func noAnswer(_ subject: PathCase) -> PathVerdict? {
        let suspect = subject.suspect
        let copies = suspect.syn.copies
        guard subject.client.sentSYN, copies > 0, !subject.client.hasAck else { return nil }
        let isQuiet = subject.now >= suspect.syn.last + (copies >= 2 ? Self.grace : Self.longestRoundTrip)
        guard isQuiet else { return nil }
        var evidence = [
            Evidence(
                .synRepeated, extra: Double(min(copies, 5)) - 2, observed: suspect.syn.value())
        ]
        if subject.server.packets > 0 {
            guard copies >= 2, subject.server.sentSYNACK, suspect.syn.last > suspect.synACK.first else { return nil }
            if subject.clientLives { evidence.append(clientLives(subject)) }
            evidence.append(Evidence(.answerPasses))
            var result = verdict(.noAnswer, evidence, 1, subject, .syn, suspect.syn)
            result.path.answerPasses = true
            return result
        }
        guard let answer = subject.answer, !subject.isRefused else { return nil }
        evidence.append(hostAnswers(answer, subject))
        if subject.isServer, subject.listenOverflows > 0 {
            evidence.append(
                Evidence(.listenOverflows, observed: .number(subject.listenOverflows)))
            return verdict(.acceptQueueFull, evidence, 1 - evidence.path, subject, .syn, suspect.syn)
        }
        var result = verdict(.noAnswer, evidence, 1, subject, .syn, suspect.syn)
        result.path.answers = answer
        return result
    }

    /// An open connection whose data nobody acknowledges any more.
    private func stalled(_ subject: PathCase) -> PathVerdict? {
        let suspect = subject.suspect
        let receiver = suspect.dataIsFromClient ? subject.server : subject.client
        guard suspect.data.copies >= 5, suspect.data.span >= 6_000_000_000, !subject.isDataAcknowledged,
            receiver.packets > 0, !subject.isRefused
        else { return nil }
        let isIdle = suspect.silence >= (subject.answer == nil ? Self.aloneIdleTime : Self.idleTime)
        // Without a sign of the host a while longer: another connection may still show it.
        guard subject.answer != nil || (isIdle && (suspect.data.span >= Self.aloneTime || subject.isLast)) else {
            return nil
        }
        var evidence = [dataRepeated(suspect)]
        if let answer = subject.answer { evidence.append(hostAnswers(answer, subject)) }
        if isIdle { evidence.append(silenceBefore(suspect)) }
        if subject.pairWorks { evidence.append(pairWorks(subject)) }
        var isOnlyLarge = false
        if let passed = passedBytes(subject), passed < UInt32(suspect.dataLength), suspect.dataLength >= 1000 {
            isOnlyLarge = true
            evidence.append(
                Evidence(
                    .onlyLarge, observed: .bytes(UInt64(suspect.dataLength)),
                    expected: .passed(bytes: UInt64(passed))))
        }
        var result = verdict(.noAnswer, evidence, 1, subject, .data, suspect.data)
        result.path.answers = subject.answer
        result.path.silence = isIdle ? Double(suspect.silence / 1_000_000) / 1000 : nil
        result.path.isFirstData = suspect.isFirstData
        result.path.othersWork = subject.pairWorks
        result.path.bytes = Int(suspect.dataLength)
        result.path.isOnlyLarge = isOnlyLarge
        result.path.isFromServer = !suspect.dataIsFromClient
        return result
    }

    /// The data bytes that the receiver has acknowledged since the handshake; `nil` where that was not seen, or nothing
    /// was.
    private func passedBytes(_ subject: PathCase) -> UInt32? {
        let sender = subject.suspect.dataIsFromClient ? subject.client : subject.server
        let receiver = subject.suspect.dataIsFromClient ? subject.server : subject.client
        guard sender.sentSYN, receiver.hasAck else { return nil }
        let passed = receiver.ack &- sender.initialSeq &- 1
        return passed > 0 && passed < 1 << 31 ? passed : nil
    }

    // MARK: Loss

    /// A connection that got on after all.
    ///
    /// - `repeated`: What had to be sent again.
    /// - `delay`: ns that it took longer.
    func loss(
        _ subject: PathCase, _ repeated: Finding.Path.Repeated, _ repeats: Retransmissions, delay: UInt64
    ) -> PathVerdict {
        let evidence = [Evidence(.recovered, observed: repeats.value(delay: delay))]
        var result = verdict(.loss, evidence, 1, subject, repeated, repeats)
        result.confidence = 0.9
        result.path.recoveredSeconds = Double((delay + 500_000) / 1_000_000) / 1000
        return result
    }

    /// Nearly all connections show one direction only.
    func oneWayTap(_ suspect: PathSuspect, _ tap: OneWayTapDetector) -> PathVerdict {
        let evidence = [Evidence(.tapOneWay, observed: .oneWay(tap.oneWay, of: tap.oneWay + tap.twoWay))]
        return PathVerdict(
            cause: .oneWayTap, evidence: evidence, confidence: evidence.failure, path: Finding.Path(cause: .oneWayTap))
    }
}
