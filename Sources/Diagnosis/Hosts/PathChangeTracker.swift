// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Tracks what happens to the TTLs of whole paths: routes that change, and next hops that give all packets one TTL.
struct PathChangeTracker: ~Copyable {
    private let inPlace = InPlace()
    /// Occurrences that no reset has: one packet may be named by several findings.
    private static var moved: UInt64 { 1 << 62 }
    private static var rewritten: UInt64 { 1 << 62 | 1 }

    private var changes = PathChanges()
    private var links = RewritingLinks()

    // MARK: Packets

    /// Takes a packet that proves that its sender lives.
    @inline(__always)
    mutating func observe(proof packet: UnsafePointer<ObservedPacket>, _ context: inout EngineContext) {
        if links.learn(packet.record) { emitRewriting(packet.pointee, &context) }
    }

    /// Takes a packet of a host that counts as moving.
    ///
    /// Returns whether it still does.
    mutating func observe(moving host: HostKey, at hop: Int, now: UInt64) -> Bool {
        changes.note(host, at: hop, now: now)
    }

    /// Takes a reset.
    mutating func observe(reset: PacketRecord) { links.learn(reset: reset) }

    /// Notes that a flow's packets, which had come with one TTL (the first of `earlier`), now come with another.
    mutating func noteMove(_ packet: ObservedPacket, from earlier: FlowTTLs, _ context: inout EngineContext) {
        let record = packet.record
        let from = HopDistance(ttl: earlier.first)
        guard packet.time != 0, record.hasTTL, record.direction == .ingress, from.hop != record.distance.hop,
            max(from.hop, record.distance.hop) <= EvidenceModel.longestPath
        else { return }
        let key = HostKey(address: record.source, domain: record.domain)
        guard let host = context.hosts.find(key), !host.pointee.isLocal else { return }
        let move = PathChanges.Move(
            record: record, time: packet.time, frame: packet.frame, from: from, to: record.distance)
        host.pointee.isMoving = changes.note(key, move)
        context.nextDue = 0
    }

    // MARK: Answers

    /// True where the next hop of this packet gives all packets one TTL, and the packet has it as well.
    func isRewritten(_ record: PacketRecord) -> Bool { links.isRewritten(record) }

    /// True where the next hop of this packet passes on packets of others, or that is not known.
    func mayForward(_ record: PacketRecord) -> Bool { links.mayForward(record) }

    /// True where so many hops nearer or farther is what other flows or hosts have just moved by, and the host has not
    /// been heard since.
    func explains(shift: Int, at time: UInt64, lastSeen: UInt64) -> Bool {
        changes.explains(shift: shift, at: time, lastSeen: lastSeen)
    }

    // MARK: Findings

    func due(_ context: borrowing EngineContext) -> UInt64 { changes.due(after: context.settleTime) }

    /// Emits the changes of paths that stand.
    ///
    /// - `all`: Those that began a moment ago as well: nothing will follow.
    mutating func settle(_ context: inout EngineContext, all: Bool = false) {
        for change in changes.settle(now: all ? .max : context.now, settleTime: context.settleTime) {
            let move = change.move
            let details = Finding.PathChange(hop: move.to.hop, hostHop: move.from.hop, hosts: change.hosts)
            let piece = Evidence(
                note: .pathMoved, observed: .distance(move.to, of: .moved(change.flows, hosts: change.hosts)),
                expected: .distance(move.from))
            var finding = Finding(
                id: FindingIdentity.id(move.record, time: move.time, occurrence: Self.moved),
                fiveTuple: move.record.fiveTuple, details: .pathChange(details), evidence: [piece])
            finding.count = change.flows
            emit(&finding, move.record, time: move.time, frame: move.frame, &context)
        }
    }

    /// Emits that a next hop gives all packets one TTL: once.
    @inline(never)
    private func emitRewriting(_ packet: ObservedPacket, _ context: inout EngineContext) {
        let record = packet.record
        let piece = Evidence(note: .ttlRewritten, observed: .distance(record.distance))
        var finding = Finding(
            id: FindingIdentity.id(record, time: packet.time, occurrence: Self.rewritten),
            fiveTuple: record.fiveTuple, details: .notice(Finding.Notice(cause: .ttlRewritten)), evidence: [piece])
        emit(&finding, record, time: packet.time, frame: packet.frame, &context)
    }

    private func emit(
        _ finding: inout Finding, _ record: PacketRecord, time: UInt64, frame: UInt64, _ context: inout EngineContext
    ) {
        context.complete(&finding, time: time, frame: frame, file: context.file, vantage: context.vantage(record))
        context.findings.emit(finding)
    }
}
