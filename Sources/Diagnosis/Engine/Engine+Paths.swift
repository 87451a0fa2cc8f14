// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Connections that do not get on, and the ways that connections take.
extension Engine {
    // MARK: Packets

    /// What a TCP segment says of its connection's way; called after its flow took it.
    ///
    /// - Parameters:
    ///   - opened: When its own direction's SYN or SYN-ACK was seen before, `PacketRecord.time`.
    ///   - sent: When its own direction's sequence number moved on last before.
    mutating func observePath(
        _ packet: ObservedPacket, _ sign: RetransmissionKind, _ flow: UnsafeMutablePointer<FlowEntry>,
        sourceIsHigh: Bool,
        opened: UInt32, sent: UInt32
    ) {
        let record = packet.record
        if sign == .opening { noteOpening(packet, flow.pointee, sourceIsHigh: sourceIsHigh) }
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
        nextDue = 0
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

    /// A segment of a server that had not shown yet that it took the connection; called after its flow took it.
    mutating func noteService(
        _ record: PacketRecord, _ flow: UnsafeMutablePointer<FlowEntry>, sourceIsHigh: Bool
    ) {
        let server = sourceIsHigh ? flow.pointee.high : flow.pointee.low
        let client = sourceIsHigh ? flow.pointee.low : flow.pointee.high
        guard server.hasTaken(client) else { return }
        let networks = PathNetworks(client: record.destination, server: record.source)
        paths.table.find(networks)?.pointee.noteSuccess(port: record.src_port, now: now)
    }

    /// Counts a copy to the route, and to the crowds that fail together.
    private mutating func noteRepeat(_ sign: RetransmissionKind, _ suspect: PathSuspect, _ flow: FlowEntry) {
        guard sign != .none, sign != .opening, suspect.time == now else { return }
        let tuple = suspect.fiveTuple
        let networks = PathNetworks(client: tuple.source, server: tuple.destination)
        let entry = paths.table.find(networks)
        let isShed = !shedParts(suspect, flow).isEmpty
        entry?.pointee.retransmissions &+= 1
        switch sign {
        case .repeatedSYN where suspect.server(flow).packets == 0:
            paths.scans.note(
                paths.hash(tuple.source), member: paths.hash(tuple.destination, port: tuple.destinationPort), now: now)
        case .repeatedSYNACK where !suspect.client(flow).hasAck:
            let service = paths.hash(tuple.destination, port: tuple.destinationPort)
            paths.floods.note(service, member: paths.hash(networks.network), now: now)
            paths.manyClients.note(service, member: paths.hash(tuple.source), now: now)
            if !isShed { entry?.pointee.noteFailure(port: tuple.destinationPort, now: now) }
        case .repeatedSYNACK where suspect.synACK.copies > 1 && !isShed:
            entry?.pointee.noteFailure(port: tuple.destinationPort, now: now)
        default: break
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
        let suspect = PathSuspect(
            key: flow.pointee.key, generation: flow.pointee.generation,
            clientIsHigh: flow.pointee.clientIsHigh ?? sourceIsHigh, record: packet.record, time: packet.time,
            frame: packet.frame, file: paths.number(of: file))
        paths.newestAlone = suspect
        let tuple = suspect.fiveTuple
        paths.table.find(PathNetworks(client: tuple.source, server: tuple.destination))?.pointee.alone &+= 1
        if paths.tap.say() { sayOneWay() }
    }

    /// Says that the tap shows one direction only.
    mutating func sayOneWay() {
        guard let suspect = paths.newestAlone else { return }
        var verdict = paths.judge.oneWayTap(suspect, paths.tap)
        verdict.path.ports = []
        tell(verdict, suspect, count: Int(clamping: paths.tap.oneWay))
    }
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
