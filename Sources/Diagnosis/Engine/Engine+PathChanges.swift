// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// What is told of ways rather than of single packets.
extension Engine {
    /// Notes that a flow's packets, which had come with one TTL (the first of `earlier`), now come with another.
    mutating func noteMove(_ packet: ObservedPacket, from earlier: FlowTTLs) {
        let record = packet.record
        let from = HopDistance(ttl: earlier.first)
        guard packet.time != 0, record.direction == .ingress, from.hop != record.distance.hop,
            max(from.hop, record.distance.hop) <= EvidenceModel.longestPath
        else { return }
        let key = HostKey(address: record.source, domain: record.domain)
        guard let host = hosts.find(key), !host.pointee.isLocal else { return }
        let move = PathChanges.Move(
            record: record, time: packet.time, frame: packet.frame, from: from, to: record.distance)
        host.pointee.isMoving = pathChanges.note(key, move)
        nextDue = 0
    }

    /// Tells the changes of paths that stand.
    ///
    /// - Parameter all: Those that began a moment ago as well: nothing will follow.
    mutating func settlePathChanges(all: Bool = false) {
        for change in pathChanges.settle(now: all ? .max : now, settleTime: options.settleTime) {
            let move = change.move
            let details = Finding.PathChange(hop: move.to.hop, hostHop: move.from.hop, hosts: change.hosts)
            let piece = Evidence(
                note: .pathMoved, observed: move.to.description, expected: move.from.description,
                change.hosts == 1
                    ? "\(change.flows) connections moved together, and nothing comes the old way any more"
                    : "\(change.flows) connections of \(change.hosts) hosts moved together by as many hops")
            var finding = Finding(
                id: FindingIdentity.id(move.record, time: move.time, occurrence: Self.moved),
                fiveTuple: move.record.fiveTuple, details: .pathChange(details), evidence: [piece])
            finding.count = change.flows
            tell(&finding, move.record, time: move.time, frame: move.frame)
        }
    }

    /// Tells that a next hop gives all packets one TTL: once.
    mutating func tellRewriting(_ packet: ObservedPacket) {
        let record = packet.record
        let piece = Evidence(
            note: .ttlRewritten, observed: record.distance.description,
            "hosts of several networks, all with this whole initial TTL, come from one next hop")
        var finding = Finding(
            id: FindingIdentity.id(record, time: packet.time, occurrence: Self.rewritten),
            fiveTuple: record.fiveTuple, details: .notice(Finding.Notice(cause: .ttlRewritten)), evidence: [piece])
        tell(&finding, record, time: packet.time, frame: packet.frame)
    }

    /// Occurrences that no reset has: one packet may be named by several findings.
    private static var moved: UInt64 { 1 << 62 }
    private static var rewritten: UInt64 { 1 << 62 | 1 }

    private mutating func tell(_ finding: inout Finding, _ record: PacketRecord, time: UInt64, frame: UInt64) {
        finding.time = time == 0 ? nil : time
        finding.frame = frame == 0 ? nil : frame
        finding.file = file
        finding.vantage = vantage(record)
        finding.scope = options.inside.scope(record.source, record.destination)
        finding.delay = time != 0 && now > time ? now - time : 0
        given.append(finding)
    }
}
