// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Verdicts on connections that do not get on: when they are looked at, what is known around them, and what is told.
extension Engine {
    /// How long (ns) a suspect that neither fails nor gets on is remembered after its last copy.
    private static var patience: UInt64 { 60_000_000_000 }
    /// How often (ns) a flow is looked at again whose server was not heard of yet.
    private static var interval: UInt64 { 1_000_000_000 }
    /// How long (ns) this machine's own drops are waited for, where it forwards.
    private static var watchTime: UInt64 { 6_000_000_000 }
    /// Losses told in a minute of packet time.
    private static var lossesInAMinute: Int { 16 }

    /// Looks at the suspects whose time has come.
    @inline(__always)
    mutating func settlePaths() {
        while now >= paths.suspects.nextDeadline { settleDuePaths() }
    }

    private mutating func settleDuePaths() {
        for number in paths.suspects.due() { look(at: number) }
    }

    /// Looks at all suspects for the last time: the end of the file, or of the capture.
    mutating func settleAllPaths() {
        for number in paths.suspects.all() {
            look(at: number, isLast: true)
            paths.suspects.remove(number)
        }
        if paths.tap.say(atEnd: true) { sayOneWay() }
    }

    private mutating func look(at number: UInt32, isLast: Bool = false) {
        guard let suspect = paths.suspects[number] else { return }
        guard let flow = flows.find(suspect.key), flow.pointee.generation == suspect.generation,
            flow.pointee.suspect == number, !suspect.isTold, now &- suspect.time <= Self.patience
        else {
            paths.suspects.remove(number)
            return
        }
        consider(number, suspect, flow.pointee, isLast: isLast)
    }

    /// Gives a verdict where there is one, else says when to look again.
    mutating func consider(
        _ number: UInt32, _ suspect: PathSuspect, _ flow: FlowEntry, isLast: Bool = false
    ) {
        let whole = whole(flow)
        // What a shed flow does not show was not missing.
        guard shedParts(suspect, whole.entry).isEmpty, !isShed(whole.connection, suspect) else {
            return paths.suspects.remove(number)
        }
        var suspect = suspect
        var subject = pathCase(suspect, whole)
        subject.isLast = isLast
        if let recovered = recovery(subject) {
            paths.suspects.remove(number)
            if case .late(let verdict) = recovered { tell(verdict, suspect, whole.connection) }
            return
        }
        if !suspect.isLate, let verdict = lateSYN(subject) {
            // What its copies and their answers draw is still to come.
            suspect.isLate = true
            if !suspect.isTold { tell(verdict, suspect, whole.connection) }
        }
        suspect.deadline = max(now, suspect.time) + (suspect.isTold ? Self.patience : Self.interval)
        if !suspect.isTold, isLast || !isWatched(suspect, flow), let verdict = paths.judge.judge(subject) {
            suspect.isTold = true
            suspect.deadline = suspect.time + Self.patience
            if !isDroppedHere(subject), !isExcluded(verdict, subject) {
                tell(verdict, suspect, whole.connection)
            }
        }
        // Half a second after a copy tells more than a second.
        if !suspect.isTold, now < suspect.time + PathJudge.grace { suspect.deadline = suspect.time + PathJudge.grace }
        paths.suspects.replace(number, by: suspect)
    }

    /// What became of a connection that got on; `nil` where it has not.
    private func recovery(_ subject: PathCase) -> PathRecovery? {
        let suspect = subject.suspect
        if suspect.data.first > 0 {
            guard subject.isDataAcknowledged else { return nil }
            let delay = subject.now - min(subject.now, suspect.data.first)
            guard !suspect.isTold, suspect.data.copies >= 2, delay >= 1_000_000_000 else { return .unnoticed }
            return .late(paths.judge.loss(subject, .data, suspect.data, delay: delay))
        }
        guard subject.client.sentSYN, subject.server.sentSYN, subject.client.hasAck else { return nil }
        if suspect.synACK.copies > 0 {
            guard subject.isTaken else { return nil }
            // A listener that waits for data (TCP_DEFER_ACCEPT) sends its SYN-ACK to a silent client once more.
            let isDeferred = !suspect.clientSpokeFirst && suspect.answers > 0 && subject.client.hasData
            guard !suspect.isTold, !suspect.isLate, !isDeferred else { return .unnoticed }
            return .late(paths.judge.loss(subject, .synACK, suspect.synACK, delay: suspect.synACK.span))
        }
        return subject.isTaken && suspect.syn.copies == 0 ? .unnoticed : nil
    }

    /// A SYN that got through after it was repeated; `nil` where the round trip is longer than the timeout and nothing was lost.
    private func lateSYN(_ subject: PathCase) -> PathVerdict? {
        let suspect = subject.suspect
        guard suspect.syn.copies > 0, subject.server.sentSYN, subject.client.hasAck,
            subject.roundTrip.map({ $0 < 800_000_000 }) ?? true
        else { return nil }
        return paths.judge.loss(subject, .syn, suspect.syn, delay: suspect.syn.span)
    }

    /// True while this machine may find that it dropped the packets itself: that says more.
    private func isWatched(_ suspect: PathSuspect, _ flow: FlowEntry) -> Bool {
        guard flow.watch != 0 else { return false }
        let firsts = [suspect.syn.first, suspect.synACK.first, suspect.ack.first, suspect.data.first]
        return now < (firsts.filter { $0 > 0 }.min() ?? 0) + Self.watchTime
    }

    /// True where packets of one half of a translated connection were shed.
    private func isShed(_ connection: TranslatedConnection?, _ suspect: PathSuspect) -> Bool {
        guard let connection, !shedding.isEmpty else { return false }
        let since = suspect.time - min(suspect.time, Self.patience)
        return [connection.original, connection.translated].contains {
            !shedding.parts(hash: $0.flowHash, since: since, until: max(suspect.time, now)).isEmpty
        }
    }

    /// True where this machine was found to drop packets of that route.
    private func isDroppedHere(_ subject: PathCase) -> Bool {
        guard !droppedRoutes.isEmpty else { return false }
        let halves = subject.connection.map { [$0.original, $0.translated] } ?? [subject.fiveTuple]
        return halves.contains { isDroppedHere($0) }
    }

    private func isDroppedHere(_ tuple: FiveTuple) -> Bool {
        Finding.Forwarding.Packet.allCases.contains { packet in
            [(tuple.source, tuple.destination), (tuple.destination, tuple.source)].contains { source, destination in
                droppedRoutes[
                    DroppedRoute(
                        source: source, destination: destination, port: tuple.destinationPort, packet: packet)] != nil
            }
        }
    }

    /// Scanners and floods fail in crowds, and one-way taps show failures that are none.
    private func isExcluded(_ verdict: PathVerdict, _ subject: PathCase) -> Bool {
        let tuple = subject.fiveTuple
        let isFlood =
            !subject.clientLives && paths.isFlooded(tuple.destination, port: tuple.destinationPort)
        switch verdict.cause {
        case .noAnswer where verdict.path.repeated == .syn, .redirectIgnored where verdict.path.repeated == .syn:
            return isFlood || paths.scans.isCrowd(paths.hash(tuple.source))
        case .ackNotDelivered where !verdict.path.isAcknowledgedHere: return isFlood || paths.tap.isOneWay
        case .replyBypasses, .oneWayHere: return paths.tap.isOneWay
        default: return false
        }
    }

    private func pathCase(_ suspect: PathSuspect, _ whole: WholeFlow) -> PathCase {
        let flow = whole.entry
        var subject = PathCase(suspect: suspect, flow: flow, now: now)
        subject.connection = whole.connection
        let tuple = subject.fiveTuple
        let domain = subject.client.packets > 0 ? subject.client.domain : suspect.record.domain
        subject.twoWayFlows = paths.tap.twoWay
        subject.redirect = redirects.hint(of: tuple.source, to: tuple.destination, domain: domain, now: now)
        let entry = paths.table.find(PathNetworks(client: tuple.source, server: tuple.destination))?.pointee
        if let entry {
            // That none works is not known where flows are shed.
            let isWhole = !shedding.hasShed(since: now - min(now, PathEntry.memory), until: now)
            subject.failingPorts = isWhole ? entry.failingPorts(now: now) : []
            subject.workingPort = entry.workingPort(besides: tuple.destinationPort, now: now)
            if PathLink.differ(entry.forward, entry.back) == true { subject.otherWayBack = (entry.forward, entry.back) }
            if entry.roundTrip != .max { subject.roundTrip = UInt64(entry.roundTrip) << 10 }
        }
        let client = hosts.find(HostKey(address: tuple.source, domain: domain))?.pointee
        // Behind a translated address is the host that it stands for.
        let serverDomain = subject.server.packets > 0 ? subject.server.domain : suspect.record.domain
        let serverAddress = whole.connection?.translated.destination ?? tuple.destination
        let server = hosts.find(HostKey(address: serverAddress, domain: serverDomain))?.pointee
        subject.clientLives = client.map { $0.isProven || $0.isLocal } ?? false
        let isNextDoor =
            subject.server.packets > 0 && HopDistance(ttl: subject.server.firstTTL).decrements == 0
            && subject.client.packets > 0 && HopDistance(ttl: subject.client.firstTTL).decrements > 0
        let isHere = server?.isLocal == true || localAddresses.contains(serverAddress)
        subject.isServer = isHere || isNextDoor
        if isHere {
            let began = suspect.syn.first > 0 ? suspect.syn.first : suspect.synACK.first
            subject.listenOverflows = localCounters.growth(of: \.listenOverflows, since: began) ?? 0
        }
        let peer = suspect.data.first > 0 && !suspect.dataIsFromClient ? client : server
        subject.answer = answer(of: peer, suspect, flow, entry)
        return subject
    }

    /// How the host that does not answer was heard of meanwhile.
    private func answer(
        of host: HostEntry?, _ suspect: PathSuspect, _ flow: FlowEntry, _ entry: PathEntry?
    ) -> PathCase.Answer? {
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

    // MARK: Telling

    mutating func tell(
        _ verdict: PathVerdict, _ suspect: PathSuspect, _ connection: TranslatedConnection? = nil, count: Int = 1
    ) {
        if verdict.cause == .loss {
            if now &- paths.lossesSince > 60_000_000_000 { (paths.losses, paths.lossesSince) = (0, now) }
            guard paths.losses < Self.lossesInAMinute else { return }
            paths.losses += 1
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
            &finding, time: suspect.time, frame: suspect.frame, file: paths.name(suspect.file),
            vantage: vantage(suspect.record))
        let networks = PathNetworks(client: tuple.source, server: tuple.destination)
        if let told = paths.routes.tell(finding, of: networks, now: now) { give(told) }
    }
}

/// How a connection got on after all.
private enum PathRecovery {
    /// Nobody has felt it, or it was told already.
    case unnoticed
    case late(PathVerdict)
}
