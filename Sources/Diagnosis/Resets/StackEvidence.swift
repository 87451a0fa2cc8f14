// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Glibc
internal import Packets

/// The evidence of a reset's own header fields: whether the host's TCP would have written them.
///
/// The packet that drew the reset is the newest of the flow's other direction.
enum StackEvidence {
    static func of(_ reset: ResetCase, _ flow: FlowContext, host: HostEntry?, distance: [Evidence]) -> [Evidence] {
        var evidence = numbering(reset, flow, distance: distance)
        evidence += window(reset, flow, host: host)
        evidence += marking(reset, flow, host: host, distance: distance)
        evidence += flowLabel(reset, flow, host: host, distance: distance)
        if let piece = time(reset, flow) { evidence.append(piece) }
        if let piece = application(reset, flow) { evidence.append(piece) }
        return evidence
    }

    // MARK: IP-ID

    private static func numbering(_ reset: ResetCase, _ flow: FlowContext, distance: [Evidence]) -> [Evidence] {
        let record = reset.record
        guard !record.isIPv6, record.identification != 0 else { return [] }
        var evidence: [Evidence] = []
        // A copied value weighs as much as it is rare: 1 is what several stacks and generators send.
        if flow.other.packets > 0, record.identification > 1, record.identification == flow.other.identification,
            !reset.aftermath.repeatsIdentification, !mayRepeatIdentification(reset, flow.source)
        {
            evidence.append(
                Evidence(
                    .triggerIdentification, against: true, observed: .number(UInt64(record.identification)),
                    expected: .sign(.otherIdentification)))
            if isReflected(reset, flow) {
                evidence.append(
                    Evidence(
                        note: .reflected, observed: .ttl(Int(record.ttl)), expected: .ttl(Int(flow.other.firstTTL))))
            }
        } else if copiesRecent(reset, flow) {
            evidence.append(
                Evidence(
                    .triggerIdentification, against: true, observed: .number(UInt64(record.identification)),
                    expected: .before(UInt64(flow.other.identification))))
        }
        // What a next hop makes anew it numbers with one counter: then the connection's own numbers count.
        let isOwn = continuesOwnNumbers(record, flow)
        if let match = reset.counter, !isOwn || (match.counter.isShared && !reset.isRewritten) {
            evidence += continued(match.counter, candidates: match.candidates, reset, distance: distance)
        } else if isOwn {
            evidence.append(
                Evidence(
                    .ownCounter, against: false, observed: .number(UInt64(record.identification)),
                    expected: .next(UInt64(flow.source.identification), of: .connection)))
        }
        if reset.habit.equalIdentifications >= 2 {
            evidence.append(
                Evidence(
                    .constantIdentification, against: true, samples: Int(reset.habit.equalIdentifications),
                    observed: .shared(
                        UInt64(record.identification), connections: Int(reset.habit.equalIdentifications))))
        }
        return evidence
    }

    /// True where window and TTL say that a device sent the packet back with its addresses exchanged: its TTL went on
    /// counting down, there and back.
    private static func isReflected(_ reset: ResetCase, _ flow: FlowContext) -> Bool {
        let record = reset.record
        return record.window == flow.other.window && record.window != 0 && record.ttl < flow.other.firstTTL
            && record.distance.initialTTL == HopDistance(ttl: flow.other.firstTTL).initialTTL
            && (flow.source.packets == 0 || flow.source.window != record.window)
    }

    /// Several segments were on their way, and an earlier one than the newest drew the reset with its own IP-ID: at
    /// most `window` before the newest, in a direction that numbers its packets, and nowhere near the reset's own
    /// source's numbers.
    private static func copiesRecent(_ reset: ResetCase, _ flow: FlowContext) -> Bool {
        let (identification, window) = (UInt16(truncatingIfNeeded: reset.record.identification), recentCopies)
        guard flow.other.dataSegments > 1, identification > window, !reset.aftermath.repeatsIdentification else {
            return false
        }
        let behind = UInt16(truncatingIfNeeded: flow.other.identification) &- identification
        let own = Int16(bitPattern: UInt16(truncatingIfNeeded: flow.source.identification) &- identification)
        return behind > 0 && behind < window && (flow.source.packets == 0 || abs(Int(own)) > 4 * Int(window))
    }

    private static let recentCopies: UInt16 = 16

    /// True where the host's own packet of that IP-ID may have come after the reset
    /// (`Aftermath.repeatsIdentification`).
    private static func mayRepeatIdentification(_ reset: ResetCase, _ source: FlowSide) -> Bool {
        source.packets > 0 && source.identification == reset.record.identification
            && reset.clockStep.isUnordered(source.time, reset.record.time)
    }

    static func continuesOwnNumbers(_ record: PacketRecord, _ flow: FlowContext) -> Bool {
        guard !record.isIPv6, record.identification != 0, flow.source.packets > 0 else { return false }
        let step = UInt16(truncatingIfNeeded: record.identification &- flow.source.identification)
        return step >= 1 && step <= IdentificationCounters.window
    }

    private static func continued(
        _ counter: IdentificationCounters.Counter, candidates: Int, _ reset: ResetCase, distance: [Evidence]
    ) -> [Evidence] {
        let observed = Evidence.Value.number(UInt64(reset.record.identification))
        if !counter.isShared, counter.source == reset.record.src_low {
            return [
                Evidence(
                    .ownCounter, against: false, observed: observed,
                    expected: .next(UInt64(counter.last), of: .host))
            ]
        }
        // A NAT numbers the packets of all hosts behind it with one counter: those of hosts say nothing. But what has a
        // TTL that the host's own packets never have was sent by the NAT itself.
        let hasHostsTTL =
            distance.contains { $0.weight < 0 && $0.name != .otherInitialTTL }
            || distance.contains(.ttlRewritten)
        guard !hasHostsTTL else { return [] }
        // Where nothing else is known of the host, a machine with several addresses explains an equal TTL as well.
        let hasOtherTTL = reset.flow.map { $0.source.packets > 0 && $0.source.firstTTL != reset.record.ttl } ?? false
        if distance.contains(.noBaseline), counter.ttl == reset.record.ttl, !hasOtherTTL { return [] }
        var evidence = Evidence(
            .otherCounter, against: true, observed: observed,
            expected: .next(UInt64(counter.last), of: counter.isShared ? .shared : .otherSource))
        // The more counters are compared, the likelier one of them fits by chance.
        let chance = Double(IdentificationCounters.window) * Double(max(candidates, 1)) / 65_536
        evidence.weight = min(evidence.weight, -log(chance))
        return [evidence]
    }

    // MARK: Window and options

    private static func window(_ reset: ResetCase, _ flow: FlowContext, host: HostEntry?) -> [Evidence] {
        let record = reset.record
        guard record.window != 0 else { return [] }
        var evidence: [Evidence] = []
        if flow.other.packets > 0, record.window == flow.other.window, !StackTable.isCommon(window: record.window),
            !reset.aftermath.repeatsWindow,
            flow.source.packets == 0 || flow.source.window != record.window
        {
            evidence.append(
                Evidence(
                    .triggerWindow, against: true, observed: .number(UInt64(record.window)),
                    expected: flow.source.packets == 0 ? nil : .number(UInt64(flow.source.window))))
        }
        if reset.headers.isKnown, reset.headers.timestamps == nil, flow.source.usesTimestamps,
            flow.other.usesTimestamps, StackTable.abortsWithTimestamps(host?.stack ?? .unknown)
        {
            evidence.append(
                Evidence(
                    .windowWithoutTimestamps, against: true, observed: .bareWindow(UInt64(record.window)),
                    expected: .sign(.timestamps)))
        }
        return evidence
    }

    /// Proof: every field that a socket of the host would have written is there.
    private static func application(_ reset: ResetCase, _ flow: FlowContext) -> Evidence? {
        let record = reset.record
        guard record.window != 0, flow.source.packets > 0, flow.source.ttls.isConstant,
            flow.source.ttls.first == record.ttl
        else { return nil }
        let hasNumber =
            record.isIPv6
            ? record.identification != 0 && record.identification == flow.source.identification
            : continuesOwnNumbers(record, flow)
        guard hasNumber, continuesTimestamps(reset, flow) else { return nil }
        return Evidence(.application, against: false, observed: .sign(.socketFields))
    }

    /// True where the connection uses timestamps and the reset's continues the source's clock: not before the SYN, and
    /// not by more than a clock of 1 µs steps would have gone on.
    static func continuesTimestamps(_ reset: ResetCase, _ flow: FlowContext) -> Bool {
        guard flow.source.usesTimestamps, let timestamps = reset.headers.timestamps else { return false }
        let elapsed = reset.record.time &- flow.source.openTime
        return timestamps.value &- flow.source.timestamp <= elapsed &+ 1024
    }

    // MARK: DSCP and flow label

    private static func marking(
        _ reset: ResetCase, _ flow: FlowContext, host: HostEntry?, distance: [Evidence]
    ) -> [Evidence] {
        let trigger = flow.other.tos >> 2
        let dscp = reset.record.tos >> 2
        guard flow.other.packets > 0, trigger != 0, reset.record.window == 0,
            flow.isDrawnByNewest(reset.record, reset.clockStep)
        else { return [] }
        if dscp == trigger {
            return [
                Evidence(
                    .dscpKept, against: false, observed: .dscp(Int(dscp)), expected: .dscp(Int(trigger)))
            ]
        }
        // Where the way back washes DSCP, its absence says nothing.
        guard dscp == 0, host?.keepsDSCP == true else { return [] }
        return [
            ofPacketFilter(
                Evidence(.dscpLost, against: true, observed: .dscp(0), expected: .dscp(Int(trigger))),
                distance: distance)
        ]
    }

    /// Returns the piece about a packet filter's reset, with weight 0 unless the distance contradicts the host.¶Hosts
    /// have packet filters too: a reset that no TCP stack wrote shows a filter, and only the distance shows whose.
    ///
    /// Where that does not speak against the host, the piece explains and weighs nothing.
    private static func ofPacketFilter(_ piece: Evidence, distance: [Evidence]) -> Evidence {
        var piece = piece
        if EvidenceModel.logOdds(distance) <= 0 { piece.weight = 0 }
        return piece
    }

    private static func flowLabel(
        _ reset: ResetCase, _ flow: FlowContext, host: HostEntry?, distance: [Evidence]
    ) -> [Evidence] {
        guard reset.record.isIPv6 else { return [] }
        let label = reset.record.identification
        let flows = flow.source.packets > 0 ? flow.source.identification : 0
        if label != 0, label == flows {
            return [
                Evidence(
                    .flowLabelKept, against: false, observed: .number(UInt64(label)), expected: .number(UInt64(flows)))
            ]
        }
        guard label == 0, flows != 0 || (flow.source.packets == 0 && host?.usesFlowLabels == true) else { return [] }
        // A stack that turns the trigger's header round (BSD's tcp_respond) sends the trigger's label, and 0 where that
        // is 0.
        guard flow.other.packets > 0, flow.other.identification != 0 else { return [] }
        return [
            ofPacketFilter(
                Evidence(
                    .flowLabelMissing, against: true, observed: .number(0),
                    expected: flows == 0 ? .sign(.anyFlowLabel) : .number(UInt64(flows))),
                distance: distance)
        ]
    }

    // MARK: Time

    private static func time(_ reset: ResetCase, _ flow: FlowContext) -> Evidence? {
        let record = reset.record
        // What the host had acknowledged before did not draw the reset.
        guard record.tcpFlags.contains(.ack), flow.other.hasSeq, record.ack == flow.other.nextSeq,
            !flow.source.hasAck || SequenceNumber.isAfter(record.ack, flow.source.ack)
        else { return nil }
        let roundTrip = flow.source.roundTrip
        let delay = record.time &- flow.other.seqTime
        // Units of 1024 ns; below 1 ms the clocks and queues of the capture say more than the path.
        guard roundTrip >= 977, roundTrip < .max / 2, delay < .max / 2 else { return nil }
        // The round trip may be a step shorter or longer, the delay a step shorter.
        let step = reset.clockStep.units
        let observed = nanoseconds(delay)
        let expected = nanoseconds(roundTrip)
        if roundTrip > step, delay < (roundTrip - step) / 2 {
            return Evidence(.soonerThanRTT, against: true, observed: observed, expected: expected)
        }
        guard delay >= step, delay - step >= (roundTrip + step) / 10 * 9 else { return nil }
        return Evidence(.plausibleRTT, against: false, observed: observed, expected: expected)
    }

    /// - `units`: Of 1024 ns.
    private static func nanoseconds(_ units: UInt32) -> Evidence.Value { .milliseconds(ns: UInt64(units) * 1024) }
}
