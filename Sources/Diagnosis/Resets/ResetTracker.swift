// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Tracks resets: from the moment when one is seen, through the wait for what comes after it, to its verdict and the
/// revisions of that.
struct ResetTracker: ~Copyable {
    private let inPlace = InPlace()
    /// The time (ms) after the end of a gap in which a reset still counts as drawn by what ended it.
    private static var triggerWindow: UInt32 { 5000 }
    /// Resets to both sides come within 5 ms, in units of 1024 ns.
    private static var mirrorWindow: UInt32 { 4883 }

    /// Resets that wait for what comes after them.
    var pending = PendingResets()
    /// Resets that this machine made with its own address, until its kernel's word of them must have come.
    var awaitingTrace = PendingResets()
    var flood = ResetFlood()
    var traces = ResetTraces()
    var judged = JudgedResets()
    var events = ResetEvents()
    var undetermined: UndeterminedResets
    var halfOpen: HalfOpenChecks
    private var handshakes: HandshakeIndex

    init(undeterminedCapacity: Int, seed: UInt64) {
        handshakes = HandshakeIndex(seed: seed)
        halfOpen = HalfOpenChecks(seed: seed)
        undetermined = UndeterminedResets(capacity: undeterminedCapacity)
    }

    /// True where resets wait for their hosts to speak: every packet that proves life asks for it.
    @inline(__always)
    var hasUndetermined: Bool { undetermined.count > 0 }

    /// Undetermined resets that can no longer be revised.
    var forgotten: UInt64 { undetermined.forgotten }

    /// Forgets the resets of a prefix that wait for a revision.
    mutating func forget(_ prefix: IPPrefix) {
        undetermined.removeAll {
            prefix.contains($0.reset.record.source) || prefix.contains($0.reset.record.destination)
        }
    }

    // MARK: Packets

    /// Takes a SYN or SYN-ACK: a reset may go on in its numbers under another address.
    mutating func observe(handshake record: PacketRecord) { handshakes.note(record) }

    /// Takes what this machine's kernel said of resets that it sent: before the packets that are as old or newer.
    ///
    /// - `isComplete`: false where the kernel could not hand over some of its events up to `time` (ns since
    ///   1970).
    mutating func observe(traces: [ResetTrace], isComplete: Bool, upTo time: UInt64) {
        for trace in traces { self.traces.add(trace) }
        if !isComplete { self.traces.noteLoss(upTo: time) }
    }

    /// Takes a reset that was seen before: notes where else, in the case of the one that waits.
    mutating func observe(duplicate sighting: ResetSighting) {
        guard sighting.passage == .arrived, let number = sighting.flow?.pointee.pendingReset, number != 0 else {
            return
        }
        noteDuplicate(sighting.packet.record, of: number &- 1)
    }

    /// Takes a reset.
    ///
    /// - `occurrence`: equal resets that were seen at the very same time before.
    mutating func observe(
        _ sighting: ResetSighting, occurrence: UInt64, _ context: inout EngineContext,
        _ witnesses: inout ResetWitnesses, _ evidence: inout PacketSamples
    ) {
        let record = sighting.packet.record
        let flow = note(sighting, context)
        if let waiting = sighting.flow?.pointee.pendingReset, goesOn(waiting, record) { return }
        let admission = flood.admit(
            record, hasFlow: flow != nil, isMadeHere: sighting.passage == .madeHere, isLive: context.isLive)
        if case .counted = admission { return }
        let reset = makeCase(sighting, flow: flow, occurrence: occurrence, context, witnesses)
        evidence.putAside(sighting.packet, id: reset.id, of: reset.hostKey, hasFlow: flow != nil)
        if case .first(let kind) = admission {
            flood.represent(kind, by: reset)
            return
        }
        guard let number = accept(reset, &context, &witnesses), let known = sighting.flow else { return }
        if known.pointee.pendingReset != 0 {
            let previous = known.pointee.pendingReset &- 1
            pending.update(previous) { $0.next = number }
            pending.update(number) { $0.previous = previous }
            pair(known.pointee.pendingReset &- 1, with: number, record, flow)
        }
        known.pointee.pendingReset = number &+ 1
    }

    /// Notes the reset in its flow.
    ///
    /// Returns what was known of the flow before; `nil` where it was not seen.
    private func note(_ sighting: ResetSighting, _ context: borrowing EngineContext) -> FlowContext? {
        guard let flow = sighting.flow, flow.pointee.isSeen else { return nil }
        let sourceIsHigh = sighting.sourceIsHigh
        flow.pointee.touch(now: context.now)
        let sinceGap = UInt32(truncatingIfNeeded: context.now / 1_000_000) &- flow.pointee.gapEnd
        let hasGap = sighting.packet.time != 0 && flow.pointee.gap > 0 && sinceGap <= Self.triggerWindow
        var known = FlowContext(
            source: sourceIsHigh ? flow.pointee.high : flow.pointee.low,
            other: sourceIsHigh ? flow.pointee.low : flow.pointee.high,
            gap: hasGap ? UInt64(flow.pointee.gap) * 1_000_000 : nil)
        known.earlierGap = UInt64(flow.pointee.earlierGap) * 1_000_000_000
        known.isSilentSinceGap =
            known.source.packets == 0 || known.source.age(at: sighting.packet.record.time) > flow.pointee.gap
        flow.side(isHigh: sourceIsHigh).pointee.flags |= sighting.packet.record.flags
        return known
    }

    /// Counts a reset to the burst that the connection's waiting one leads, if it is one of it.
    private mutating func goesOn(_ waiting: UInt32, _ record: PacketRecord) -> Bool {
        guard waiting != 0 else { return false }
        var isOfBurst = false
        pending.update(waiting &- 1) { reset in
            guard reset.passage == .arrived,
                ResetBurst.isContinued(reset.burst?.newest ?? reset.record, by: record)
            else { return }
            isOfBurst = true
            reset.burst = ResetBurst(newest: record)
            reset.count += 1
        }
        return isOfBurst
    }

    /// Tells the reset that waits, if it is the same, where else it was seen.
    private mutating func noteDuplicate(_ record: PacketRecord, of number: UInt32) {
        pending.update(number) { reset in
            let first = reset.record
            guard reset.passage == .arrived, first.src_port == record.src_port, first.source == record.source,
                first.seq == record.seq,
                first.ttl != record.ttl || first.link_hash != record.link_hash
            else { return }
            reset.copy = (record.ttl, record.link_hash)
        }
    }

    private func makeCase(
        _ sighting: ResetSighting, flow: FlowContext?, occurrence: UInt64, _ context: borrowing EngineContext,
        _ witnesses: borrowing ResetWitnesses
    ) -> ResetCase {
        let packet = sighting.packet
        let record = packet.record
        let headers = packet.headers.map { ResetHeaders($0.pointee) } ?? ResetHeaders()
        var reset = ResetCase(
            record: record, time: packet.time, frame: packet.frame, file: context.file, passage: sighting.passage,
            isOwnAddress: context.localAddresses.contains(record.source), flow: flow, headers: headers,
            counter: witnesses.origins.counter(continuedBy: record), habit: habit(of: record, context),
            id: FindingIdentity.id(record, time: packet.time, occurrence: occurrence),
            packetKey: FindingIdentity.packetKey(record, timestamps: headers.timestamps),
            vantage: context.vantage(record))
        reset.clockStep = context.clockStep
        reset.interface = context.arrival(record)
        reset.otherAddress = handshakes.otherAddress(of: record)
        reset.shed = context.shedParts(record, time: packet.time, sides: flow.map { [$0.source, $0.other] } ?? [])
        if let side = flow?.source, side.packets > 0, record.direction == .ingress {
            reset.isFromElsewhere =
                context.group(of: side.interface) != context.group(of: record.interfaceSlot)
                && side.linkHash != record.link_hash
        }
        return reset
    }

    /// Remembers the reset with its host, and returns what the host's resets have in common.
    private func habit(of record: PacketRecord, _ context: borrowing EngineContext) -> ResetPattern {
        guard let host = context.hosts.find(record.hostKey) else { return ResetPattern() }
        host.pointee.habit.note(record)
        return host.pointee.habit
    }

    /// Lets a reset wait, and returns its number; one whose sender may be proved is judged first.
    mutating func accept(
        _ reset: ResetCase, _ context: inout EngineContext, _ witnesses: inout ResetWitnesses
    ) -> UInt32? {
        // In a finished file even a proof waits its turn: findings are emitted in frame order.
        if context.isLive, reset.passage == .madeHere {
            acceptMadeHere(reset, &context, &witnesses)
            return nil
        }
        let number = pending.append(reset)
        halfOpen.note(reset, number: number)
        context.findings.await(reset: number)
        return number
    }

    /// Two resets of one connection: what the second says of the first, and both of each other.
    ///
    /// - `context`: The flow as it was when the second came.
    private mutating func pair(_ earlier: UInt32, with later: UInt32, _ record: PacketRecord, _ context: FlowContext?) {
        var isTwin = false
        var isMirror = false
        pending.update(earlier) { reset in
            let first = reset.record
            let delay = record.time &- first.time
            if first.source == record.source, first.src_port == record.src_port {
                reset.aftermath.secondReset = (record.tcpFlags.contains(.ack), record.ack)
                isTwin =
                    SequenceNumber.isAfter(record.seq, first.seq) && context?.isBeyondAllSent(record.seq) == true
                // The first may be the host's own, which the second follows.
                if isTwin, first.ttl == record.ttl, first.window == record.window { reset.aftermath.hasTwin = true }
            } else if delay <= Self.mirrorWindow, Self.areOfOneMaking(first, record, delay: delay) {
                isMirror = true
                reset.aftermath.isMirrored = true
            }
        }
        pending.update(later) { reset in
            reset.aftermath.hasTwin = isTwin
            reset.aftermath.isMirrored = isMirror
        }
    }

    /// Resets to both sides within this time, units of 1024 ns, are of one maker whatever their IP-IDs: a reset draws
    /// no reset.
    private static var atOnce: UInt32 { 49 }

    /// True where two resets of both directions look as if one device had made them: same initial TTL, and IP-IDs in a
    /// row, or no more than 50 µs between them.
    private static func areOfOneMaking(_ first: PacketRecord, _ second: PacketRecord, delay: UInt32) -> Bool {
        guard first.distance.initialTTL == second.distance.initialTTL, first.window == second.window else {
            return false
        }
        if delay <= atOnce, first.window == 0 { return true }
        let step = second.identification &- first.identification
        return first.identification != 0 && step <= 4
    }
}

/// A reset in its flow, where that is known.
struct ResetSighting {
    let packet: ObservedPacket
    let passage: ResetCase.Passage
    let flow: UnsafeMutablePointer<FlowEntry>?
    let sourceIsHigh: Bool

    init(_ packet: ObservedPacket, passage: ResetCase.Passage, in flows: borrowing FlowTable) {
        self.packet = packet
        self.passage = passage
        let (key, sourceIsHigh) = FlowKey.of(packet.record)
        self.sourceIsHigh = sourceIsHigh
        flow = flows.find(key)
    }

    /// A number that changes with each packet seen in the flow's other direction.
    ///
    /// A five-tuple that is used again counts anew.
    var answered: UInt64 {
        guard let flow else { return 0 }
        let packets = sourceIsHigh ? flow.pointee.low.packets : flow.pointee.high.packets
        return UInt64(flow.pointee.generation) << 32 | UInt64(packets)
    }
}

/// The other subjects that a verdict on a reset asks: paths that moved, the order of duplicates, and the devices found
/// so far.
struct ResetWitnesses: ~Copyable {
    var pathChanges = PathChangeTracker()
    var duplicates: DuplicateTracker
    var origins = OriginTracker()

    init(seed: UInt64, clockStep: ClockStep) {
        duplicates = DuplicateTracker(seed: seed, clockStep: clockStep)
    }
}
