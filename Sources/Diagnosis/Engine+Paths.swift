// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Connections that do not get on, and the ways that connections take.
extension Engine {
    /// How long (ns) a suspect that neither fails nor gets on is remembered after its last copy.
    private static var patience: UInt64 { 60_000_000_000 }
    /// How often (ns) a flow is looked at again whose server was not heard of yet.
    private static var interval: UInt64 { 1_000_000_000 }
    /// Losses told in a minute of packet time.
    private static var lossesInAMinute: Int { 16 }

    // MARK: Packets

    /// What a TCP segment says of its connection's way; called after its flow took it.
    ///
    /// - Parameters:
    ///   - opened: When its own direction's SYN or SYN-ACK was seen before, `PacketRecord.time`.
    ///   - sent: When its own direction's sequence number moved on last before.
    mutating func observePath(
        _ packet: ObservedPacket, _ sign: PathSign, _ flow: UnsafeMutablePointer<FlowEntry>, sourceIsHigh: Bool,
        opened: UInt32, sent: UInt32, isProof: Bool
    ) {
        let record = packet.record
        if sign == .opening { noteOpening(packet, flow.pointee, sourceIsHigh: sourceIsHigh) }
        if isProof { noteService(record, flow, sourceIsHigh: sourceIsHigh) }
        guard flow.pointee.suspect != 0 || (sign != .none && sign != .opening) else { return }
        var suspect: PathSuspect
        if let known = paths.suspects.find(flow.pointee.suspect, flow.pointee) {
            suspect = known
        } else {
            flow.pointee.suspect = 0
            guard sign != .none, sign != .opening else { return }
            suspect = PathSuspect(
                key: flow.pointee.key, generation: flow.pointee.generation,
                clientIsHigh: flow.pointee.clientIsHigh
                    ?? (record.src_port < record.dst_port ? !sourceIsHigh : sourceIsHigh),
                record: record, time: packet.time, frame: packet.frame, file: paths.number(of: file))
        }
        let isFromClient = sourceIsHigh == suspect.clientIsHigh
        guard
            suspect.note(
                sign, packet, flow.pointee, isFromClient: isFromClient, opened: opened, sent: sent)
        else { return }
        suspect.file = suspect.frame == packet.frame ? paths.number(of: file) : suspect.file
        if flow.pointee.suspect == 0 { flow.pointee.suspect = paths.suspects.insert(suspect) }
        noteRepeat(sign, suspect, flow.pointee)
        consider(flow.pointee.suspect, suspect, flow.pointee)
    }

    /// A SYN or SYN-ACK: which way it takes.
    private mutating func noteOpening(_ packet: ObservedPacket, _ flow: FlowEntry, sourceIsHigh: Bool) {
        let isSYNACK = packet.record.tcpFlags.contains(.ack)
        let (client, server) =
            isSYNACK
            ? (packet.record.destination, packet.record.source) : (packet.record.source, packet.record.destination)
        guard
            let entry = paths.table.findOrInsert(PathNetworks(client: client, server: server), now: packet.time)
        else { return }
        entry.pointee.lastSeen = packet.time
        var link = PathLink(packet)
        if isSYNACK {
            link.packets &+= entry.pointee.back.packets
            entry.pointee.back = link
            let syn = sourceIsHigh ? flow.low : flow.high
            // Of a repeated SYN nobody knows which one is answered (Karn and Partridge, SIGCOMM 1987).
            if syn.sentSYN, syn.packets == 1 {
                entry.pointee.roundTrip = min(entry.pointee.roundTrip, packet.record.time &- syn.openTime)
            }
        } else {
            entry.pointee.flows &+= 1
            link.packets &+= entry.pointee.forward.packets
            entry.pointee.forward = link
        }
    }

    /// A segment that proves its sender alive: the first by which a server shows that it took the connection counts.
    private mutating func noteService(
        _ record: PacketRecord, _ flow: UnsafeMutablePointer<FlowEntry>, sourceIsHigh: Bool
    ) {
        let server = sourceIsHigh ? flow.pointee.high : flow.pointee.low
        let client = sourceIsHigh ? flow.pointee.low : flow.pointee.high
        guard server.sentSYNACK, !server.hasServed, record.tcpFlags.isDisjoint(with: .syn), client.sentSYN,
            SequenceNumber.isAfter(record.ack, client.initialSeq &+ 1)
        else { return }
        flow.pointee.withSide(isHigh: sourceIsHigh) { $0.hasServed = true }
        let networks = PathNetworks(client: record.destination, server: record.source)
        paths.table.find(networks)?.pointee.noteSuccess(port: record.src_port, now: now)
    }

    /// Counts a copy to the route, and to the crowds that fail together.
    private mutating func noteRepeat(_ sign: PathSign, _ suspect: PathSuspect, _ flow: FlowEntry) {
        guard sign != .none, sign != .opening, suspect.time == now else { return }
        let tuple = suspect.fiveTuple
        let networks = PathNetworks(client: tuple.source, server: tuple.destination)
        let entry = paths.table.find(networks)
        entry?.pointee.retransmissions &+= 1
        switch sign {
        case .repeatedSYN where suspect.server(flow).packets == 0:
            paths.scans.note(
                paths.hash(tuple.source), member: paths.hash(tuple.destination, port: tuple.destinationPort), now: now)
        case .repeatedSYNACK where !suspect.client(flow).hasAck:
            let service = paths.hash(tuple.destination, port: tuple.destinationPort)
            paths.floods.note(service, member: paths.hash(networks.network), now: now)
            paths.manyClients.note(service, member: paths.hash(tuple.source), now: now)
            entry?.pointee.noteFailure(port: tuple.destinationPort, now: now)
        case .repeatedSYNACK where suspect.synACK.copies > 1:
            entry?.pointee.noteFailure(port: tuple.destinationPort, now: now)
        default: break
        }
    }

    // MARK: Verdicts

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
    private mutating func consider(
        _ number: UInt32, _ suspect: PathSuspect, _ flow: FlowEntry, isLast: Bool = false
    ) {
        var suspect = suspect
        var subject = pathCase(suspect, flow)
        subject.isLast = isLast
        if let recovered = recovery(subject) {
            paths.suspects.remove(number)
            if case .late(let verdict) = recovered { tell(verdict, suspect) }
            return
        }
        if !suspect.isLate, let verdict = lateSYN(subject) {
            // What its copies and their answers draw is still to come.
            suspect.isLate = true
            if !suspect.isTold { tell(verdict, suspect) }
        }
        suspect.deadline = max(now, suspect.time) + (suspect.isTold ? Self.patience : Self.interval)
        if !suspect.isTold, let verdict = paths.judge.judge(subject) {
            suspect.isTold = true
            suspect.deadline = suspect.time + Self.patience
            if !isExcluded(verdict, subject) { tell(verdict, suspect) }
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

    /// Scanners and floods fail in crowds, and one-way taps show failures that are none.
    private func isExcluded(_ verdict: PathVerdict, _ subject: PathCase) -> Bool {
        let tuple = subject.suspect.fiveTuple
        let isFlood =
            !subject.clientLives && paths.isFlooded(tuple.destination, port: tuple.destinationPort)
        switch verdict.cause {
        case .noAnswer where verdict.path.repeated == .syn:
            return isFlood || paths.scans.isCrowd(paths.hash(tuple.source))
        case .ackNotDelivered where !verdict.path.isAcknowledgedHere: return isFlood || paths.tap.isOneWay
        case .replyBypasses, .oneWayHere: return paths.tap.isOneWay
        default: return false
        }
    }

    private func pathCase(_ suspect: PathSuspect, _ flow: FlowEntry) -> PathCase {
        let tuple = suspect.fiveTuple
        let domain = suspect.record.domain
        var subject = PathCase(suspect: suspect, flow: flow, now: now)
        subject.twoWayFlows = paths.tap.twoWay
        subject.redirect = redirects.hint(of: tuple.source, to: tuple.destination, domain: domain, now: now)
            .map { ($0.from, $0.gateway) }
        let entry = paths.table.find(PathNetworks(client: tuple.source, server: tuple.destination))?.pointee
        if let entry {
            subject.failingPorts = entry.failingPorts(now: now)
            subject.workingPort = entry.workingPort(besides: tuple.destinationPort, now: now)
            if PathLink.differ(entry.forward, entry.back) == true { subject.otherWayBack = (entry.forward, entry.back) }
            if entry.roundTrip != .max { subject.roundTrip = UInt64(entry.roundTrip) << 10 }
        }
        let client = hosts.find(HostKey(address: tuple.source, domain: domain))?.pointee
        let server = hosts.find(HostKey(address: tuple.destination, domain: domain))?.pointee
        subject.clientLives = client.map { $0.isProven || $0.isLocal } ?? false
        let isNextDoor =
            subject.server.packets > 0 && HopDistance(ttl: subject.server.firstTTL).decrements == 0
            && subject.client.packets > 0 && HopDistance(ttl: subject.client.firstTTL).decrements > 0
        subject.isServer = server?.isLocal == true || isNextDoor
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
            let age = UInt64(suspect.record.time &- receiver.time) << 10
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

    private mutating func tell(_ verdict: PathVerdict, _ suspect: PathSuspect, count: Int = 1) {
        if verdict.cause == .loss {
            if now &- paths.lossesSince > 60_000_000_000 { (paths.losses, paths.lossesSince) = (0, now) }
            guard paths.losses < Self.lossesInAMinute else { return }
            paths.losses += 1
        }
        let tuple = suspect.fiveTuple
        var finding = Finding(
            id: FindingIdentity.id(suspect.record, time: suspect.time, occurrence: 0), fiveTuple: tuple,
            details: .path(verdict.path), evidence: verdict.evidence)
        finding.time = suspect.time
        finding.frame = suspect.frame == 0 ? nil : suspect.frame
        finding.file = paths.name(suspect.file)
        finding.confidence = verdict.confidence
        finding.count = count
        finding.vantage = vantage(suspect.record)
        finding.scope = options.inside.scope(tuple.source, tuple.destination)
        finding.delay = now &- suspect.time
        let networks = PathNetworks(client: tuple.source, server: tuple.destination)
        if let told = paths.routes.tell(finding, of: networks, now: now) { give(told) }
    }

    /// Gives a finding: at once while packets still come, else after the resets that were seen before.
    mutating func give(_ finding: Finding) {
        if isLive || pending.isEmpty {
            given.append(finding)
        } else {
            paths.held.append((pending.lastNumber, finding))
        }
    }

    /// Gives what waited for the reset of that number.
    mutating func releaseHeld(after number: UInt32) {
        guard !paths.held.isEmpty else { return }
        while let first = paths.held.first, pending.isEmpty || Int32(bitPattern: first.after &- number) <= 0 {
            given.append(first.finding)
            paths.held.removeFirst()
        }
    }

    // MARK: The tap

    /// Counts a flow as one of both directions, or of one.
    mutating func countDirections(
        _ packet: ObservedPacket, _ flow: UnsafeMutablePointer<FlowEntry>, sourceIsHigh: Bool
    ) {
        let isAlone =
            sourceIsHigh
            ? paths.tap.count(&flow.pointee.high, other: &flow.pointee.low)
            : paths.tap.count(&flow.pointee.low, other: &flow.pointee.high)
        guard isAlone else { return }
        paths.newestAlone = PathSuspect(
            key: flow.pointee.key, generation: flow.pointee.generation,
            clientIsHigh: flow.pointee.clientIsHigh ?? sourceIsHigh, record: packet.record, time: packet.time,
            frame: packet.frame, file: paths.number(of: file))
        if paths.tap.say() { sayOneWay() }
    }

    /// Says that the tap shows one direction only.
    private mutating func sayOneWay() {
        guard let suspect = paths.newestAlone else { return }
        var verdict = paths.judge.oneWayTap(suspect, paths.tap)
        verdict.path.ports = []
        tell(verdict, suspect, count: Int(clamping: paths.tap.oneWay))
    }
}

/// How a connection got on after all.
private enum PathRecovery {
    /// Nobody has felt it, or it was told already.
    case unnoticed
    case late(PathVerdict)
}

extension FlowEntry {
    /// Which end opened the connection, by its SYN or the other's SYN-ACK; `nil` where neither was seen.
    var clientIsHigh: Bool? {
        if low.sentSYN, high.sentSYN { return low.sentSYNACK }
        if low.sentSYN { return low.sentSYNACK }
        if high.sentSYN { return !high.sentSYNACK }
        return nil
    }
}
