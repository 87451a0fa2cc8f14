// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Verdicts on connections that stall: when they are looked at, what is known around them, and what is emitted.
extension StallTracker {
    /// The time (ns) for which a suspect that neither fails nor recovers is remembered after its last retransmission.
    private static var patience: UInt64 { 60_000_000_000 }
    /// The interval (ns) between looks at a flow whose server was not heard of yet.
    private static var interval: UInt64 { 1_000_000_000 }
    /// The time (ns) for which this machine's own drops are waited for, where it forwards.
    private static var watchTime: UInt64 { 6_000_000_000 }
    /// Losses told in a minute of packet time.
    private static var lossesInAMinute: Int { 16 }

    // MARK: Timers

    /// The earliest deadline of a suspect, ns.
    var due: UInt64 { suspects.nextDeadline }

    /// Looks at the suspects whose time has come.
    @inline(__always)
    mutating func settle(
        _ context: inout EngineContext, _ icmp: borrowing ICMPTracker, _ forwarding: borrowing ForwardingTracker
    ) {
        while context.now >= suspects.nextDeadline { settleDue(&context, icmp, forwarding) }
    }

    private mutating func settleDue(
        _ context: inout EngineContext, _ icmp: borrowing ICMPTracker, _ forwarding: borrowing ForwardingTracker
    ) {
        for number in suspects.due() { look(at: number, &context, icmp, forwarding) }
    }

    /// Looks at all suspects for the last time: the end of the file, or of the capture.
    mutating func settleAll(
        _ context: inout EngineContext, _ icmp: borrowing ICMPTracker, _ forwarding: borrowing ForwardingTracker
    ) {
        for number in suspects.all() {
            look(at: number, isLast: true, &context, icmp, forwarding)
            suspects.remove(number)
        }
        if tap.say(atEnd: true) { emitOneWay(&context) }
    }

    /// Emits what the findings of routes have counted since they were emitted: nothing will follow.
    mutating func finish(_ context: inout EngineContext) { context.findings.emit(routes.finish()) }

    private mutating func look(
        at number: UInt32, isLast: Bool = false, _ context: inout EngineContext,
        _ icmp: borrowing ICMPTracker, _ forwarding: borrowing ForwardingTracker
    ) {
        guard let suspect = suspects[number] else { return }
        guard let flow = context.flows.find(suspect.pointee.key),
            flow.pointee.generation == suspect.pointee.generation, flow.pointee.suspect == number,
            !suspect.pointee.isTold, context.now &- suspect.pointee.time <= Self.patience
        else {
            suspects.remove(number)
            return
        }
        consider(number, suspect, flow, isLast: isLast, &context, icmp, forwarding)
    }

    /// Gives a verdict where there is one, else says when to look again.
    mutating func consider(
        _ number: UInt32, _ suspect: UnsafeMutablePointer<PathSuspect>, _ flow: UnsafeMutablePointer<FlowEntry>,
        isLast: Bool = false, _ context: inout EngineContext, _ icmp: borrowing ICMPTracker,
        _ forwarding: borrowing ForwardingTracker
    ) {
        // A segment that was sent again once is the commonest suspicion, and no verdict rests on it.
        if suspect.pointee.isBarelyRepeated, context.shedding.isEmpty, context.translations.isEmpty {
            if suspect.pointee.isDataAcknowledged(flow) { return suspects.remove(number) }
            return suspects.schedule(number, at: deadline(of: suspect, context))
        }
        let whole = context.whole(flow.pointee)
        // What a shed flow does not show was not missing.
        guard context.shedParts(suspect.pointee, whole.entry).isEmpty,
            !isShed(whole.connection, suspect.pointee, context)
        else {
            return suspects.remove(number)
        }
        var subject = pathCase(suspect.pointee, whole, context, icmp)
        subject.isLast = isLast
        if let recovered = recovery(subject) {
            let told = suspect.pointee
            suspects.remove(number)
            if case .late(let verdict) = recovered { emit(verdict, told, whole.connection, &context) }
            return
        }
        if !suspect.pointee.isLate, let verdict = lateSYN(subject) {
            // What its copies and their answers draw is still to come.
            suspect.pointee.isLate = true
            if !suspect.pointee.isTold { emit(verdict, suspect.pointee, whole.connection, &context) }
        }
        var deadline = max(context.now, suspect.pointee.time) + (suspect.pointee.isTold ? Self.patience : Self.interval)
        if !suspect.pointee.isTold, isLast || !isWatched(suspect.pointee, flow, context),
            let verdict = judge.judge(subject)
        {
            suspect.pointee.isTold = true
            deadline = suspect.pointee.time + Self.patience
            if !forwarding.hasDropped(subject), !isExcluded(verdict, subject) {
                emit(verdict, suspect.pointee, whole.connection, &context)
            }
        }
        // Half a second after a copy tells more than a second.
        if !suspect.pointee.isTold, context.now < suspect.pointee.time + PathJudge.grace {
            deadline = suspect.pointee.time + PathJudge.grace
        }
        suspects.schedule(number, at: deadline)
    }

    /// The time (ns) of the next look at a suspect that nothing was said of.
    private func deadline(of suspect: UnsafeMutablePointer<PathSuspect>, _ context: borrowing EngineContext) -> UInt64 {
        let time = suspect.pointee.time
        if !suspect.pointee.isTold, context.now < time + PathJudge.grace { return time + PathJudge.grace }
        return max(context.now, time) + (suspect.pointee.isTold ? Self.patience : Self.interval)
    }

    /// The recovery of a connection; `nil` where it has not recovered.
    private func recovery(_ subject: PathCase) -> PathRecovery? {
        let suspect = subject.suspect
        if suspect.data.first > 0 {
            guard subject.isDataAcknowledged else { return nil }
            let delay = subject.now - min(subject.now, suspect.data.first)
            guard !suspect.isTold, suspect.data.copies >= 2, delay >= 1_000_000_000 else { return .unnoticed }
            return .late(judge.loss(subject, .data, suspect.data, delay: delay))
        }
        guard subject.client.sentSYN, subject.server.sentSYN, subject.client.hasAck else { return nil }
        if suspect.synACK.copies > 0 {
            guard subject.isTaken else { return nil }
            // A listener that waits for data (TCP_DEFER_ACCEPT) sends its SYN-ACK to a silent client once more.
            let isDeferred = !suspect.clientSpokeFirst && suspect.answers > 0 && subject.client.hasData
            guard !suspect.isTold, !suspect.isLate, !isDeferred else { return .unnoticed }
            return .late(judge.loss(subject, .synACK, suspect.synACK, delay: suspect.synACK.span))
        }
        return subject.isTaken && suspect.syn.copies == 0 ? .unnoticed : nil
    }

    /// A SYN that got through after it was repeated; `nil` where the round trip is longer than the timeout and nothing
    /// was lost.
    private func lateSYN(_ subject: PathCase) -> PathVerdict? {
        let suspect = subject.suspect
        guard suspect.syn.copies > 0, subject.server.sentSYN, subject.client.hasAck,
            subject.roundTrip.map({ $0 < 800_000_000 }) ?? true
        else { return nil }
        // Where a device has refused it, that is the story.
        guard suspect.syn.copies >= PathJudge.lostInARow, !subject.isRefused else {
            return judge.loss(subject, .syn, suspect.syn, delay: suspect.syn.span)
        }
        return judge.lateAnswer(subject, delay: suspect.syn.span)
    }

    /// True while this machine may find that it dropped the packets itself: that says more.
    private func isWatched(
        _ suspect: PathSuspect, _ flow: UnsafeMutablePointer<FlowEntry>, _ context: borrowing EngineContext
    ) -> Bool {
        guard flow.pointee.watch != 0 else { return false }
        let firsts = [suspect.syn.first, suspect.synACK.first, suspect.ack.first, suspect.data.first]
        return context.now < (firsts.filter { $0 > 0 }.min() ?? 0) + Self.watchTime
    }

    /// True where packets of one half of a translated connection were shed.
    private func isShed(
        _ connection: TranslatedConnection?, _ suspect: PathSuspect, _ context: borrowing EngineContext
    ) -> Bool {
        guard let connection, !context.shedding.isEmpty else { return false }
        let since = suspect.time - min(suspect.time, Self.patience)
        return [connection.original, connection.translated].contains {
            !context.shedding.parts($0, since: since, until: max(suspect.time, context.now)).isEmpty
        }
    }

    /// Scanners and floods fail in crowds, and one-way taps show failures that are none.
    private func isExcluded(_ verdict: PathVerdict, _ subject: PathCase) -> Bool {
        let tuple = subject.fiveTuple
        let isFlood =
            !subject.clientLives && isFlooded(tuple.destination, port: tuple.destinationPort)
        switch verdict.cause {
        case .noAnswer where verdict.path.repeated == .syn, .redirectIgnored where verdict.path.repeated == .syn:
            return isFlood || scans.isCrowd(hash(tuple.source))
        case .ackNotDelivered where !verdict.path.isAcknowledgedHere:
            return isFlood || tap.isOneWay || scans.isCrowd(hash(tuple.source))
        case .replyBypasses, .oneWayHere: return tap.isOneWay
        case .noAnswer, .redirectIgnored, .ackNotDelivered, .acceptQueueFull, .ackLostOrQueueFull, .loss, .oneWayTap,
            .droppedHere, .droppedBetween:
            return false
        }
    }

    private func pathCase(
        _ suspect: PathSuspect, _ whole: WholeFlow, _ context: borrowing EngineContext,
        _ icmp: borrowing ICMPTracker
    ) -> PathCase {
        let flow = whole.entry
        var subject = PathCase(suspect: suspect, flow: flow, now: context.now)
        subject.connection = whole.connection
        let tuple = subject.fiveTuple
        let domain = subject.client.packets > 0 ? subject.client.domain : suspect.record.domain
        subject.twoWayFlows = tap.twoWay
        subject.redirect = icmp.redirects.hint(
            of: tuple.source, to: tuple.destination, domain: domain, now: context.now)
        subject.pairWorks = working.contains(tuple, now: context.now)
        subject.isRefused = icmp.refused.contains(tuple, now: context.now)
        let entry = table.find(PathNetworks(client: tuple.source, server: tuple.destination))?.pointee
        if let entry {
            // That none works is not known where flows are shed.
            let isWhole = !context.shedding.hasShed(
                since: context.now - min(context.now, PathEntry.memory), until: context.now)
            subject.failingPorts = isWhole ? entry.failingPorts(now: context.now) : []
            subject.workingPort = entry.workingPort(besides: tuple.destinationPort, now: context.now)
            if PathLink.differ(entry.forward, entry.back) == true { subject.otherWayBack = (entry.forward, entry.back) }
            if entry.roundTrip != .max { subject.roundTrip = UInt64(entry.roundTrip) << 10 }
        }
        let client = context.hosts.find(HostKey(address: tuple.source, domain: domain))?.pointee
        // Behind a translated address is the host that it stands for.
        let serverDomain = subject.server.packets > 0 ? subject.server.domain : suspect.record.domain
        let serverAddress = whole.connection?.translated.destination ?? tuple.destination
        let server = context.hosts.find(HostKey(address: serverAddress, domain: serverDomain))?.pointee
        subject.clientLives = client.map { $0.isProven || $0.isLocal } ?? false
        let isNextDoor =
            subject.server.packets > 0 && HopDistance(ttl: subject.server.firstTTL).decrements == 0
            && subject.client.packets > 0 && subject.client.isFromBehindRouter
        let isHere = server?.isLocal == true || context.localAddresses.contains(serverAddress)
        subject.isServer = isHere || isNextDoor
        if isHere {
            let began = suspect.syn.first > 0 ? suspect.syn.first : suspect.synACK.first
            subject.listenOverflows = counters.growth(of: \.listenOverflows, since: began) ?? 0
        }
        let peer = suspect.data.first > 0 && !suspect.dataIsFromClient ? client : server
        subject.answer = answer(of: peer, suspect, flow, entry)
        return subject
    }

    /// The way in which the host that does not answer was heard of meanwhile.
    private func answer(
        of host: HostEntry?, _ suspect: PathSuspect, _ flow: FlowEntry, _ entry: PathEntry?
    ) -> Finding.Path.Answer? {
        guard let host, host.isProven else { return nil }
        if suspect.data.first > 0 {
            // Behind a client's address may be many machines: it has to be this connection's.
            let receiver = suspect.dataIsFromClient ? suspect.server(flow) : suspect.client(flow)
            let age = UInt64(max(0, Int32(bitPattern: suspect.record.time &- receiver.time))) << 10
            if age < suspect.data.span, receiver.packets > 0 { return .other }
            guard suspect.dataIsFromClient, host.lastSeen > suspect.data.first + 200_000_000 else { return nil }
        } else {
            guard host.lastSeen + Self.patience > suspect.syn.first else { return nil }
        }
        if !host[.echo].isEmpty { return .ping(host[.echo].samples) }
        if let entry, entry.workedAt > 0, entry.workedPort != suspect.fiveTuple.destinationPort {
            return .otherPort(entry.workedPort)
        }
        return .other
    }

    // MARK: Findings

    mutating func emit(
        _ verdict: PathVerdict, _ suspect: PathSuspect, _ connection: TranslatedConnection? = nil, count: Int = 1,
        _ context: inout EngineContext
    ) {
        if verdict.cause == .loss {
            if context.now &- lossesSince > 60_000_000_000 { (losses, lossesSince) = (0, context.now) }
            guard losses < Self.lossesInAMinute else { return }
            losses += 1
        }
        let tuple = connection?.original ?? suspect.fiveTuple
        var finding = Finding(
            id: FindingIdentity.id(suspect.record, time: suspect.time, occurrence: 0), fiveTuple: tuple,
            details: .path(verdict.path), evidence: verdict.evidence)
        finding.confidence = verdict.confidence
        finding.count = count
        finding.confidence = verdict.confidence
        finding.count = count
        finding.translated = connection?.translated
        context.complete(
            &finding, time: suspect.time, frame: suspect.frame, file: name(suspect.file),
            vantage: context.vantage(suspect.record))
        let networks = PathNetworks(client: tuple.source, server: tuple.destination)
        if let told = routes.tell(finding, of: networks, now: context.now) { context.emitInOrder(told) }
    }
}

/// The way in which a connection recovered after all.
private enum PathRecovery {
    /// Nobody has felt it, or it was told already.
    case unnoticed
    case late(PathVerdict)
}

extension EngineContext {
    /// The parts of a suspect's flow that were shed since it was opened.
    @inline(__always)
    func shedParts(
        _ suspect: UnsafeMutablePointer<PathSuspect>, _ flow: UnsafeMutablePointer<FlowEntry>
    ) -> ShedParts {
        shedding.isEmpty ? [] : shedParts(suspect.pointee, flow.pointee)
    }

    /// The parts of a suspect's flow that were shed since it was opened.
    func shedParts(_ suspect: PathSuspect, _ flow: FlowEntry) -> ShedParts {
        guard !shedding.isEmpty else { return [] }
        return shedParts(suspect.record, time: suspect.time, sides: [flow.low, flow.high])
    }
}
