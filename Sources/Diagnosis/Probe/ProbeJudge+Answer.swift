// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Whether a RST or a SYN-ACK is the host's.
extension ProbeJudge {
    func judge(_ answer: ProbeAnswer, _ result: inout ProbeResult) {
        let isOpen = answer.kind == .synAck
        if options.isOwnAddress || answer.isLocal {
            result.sender = options.isOwnAddress ? .host : .thisMachine
            result.state = isOpen ? .open : options.isOwnAddress ? .closed : .rejected
            result.hops = 0...0
            result.confidence = EvidenceModel.proven
            return
        }
        let others = otherHops
        if others.isEmpty, let answeredAt = result.answeredAt, farthestOther >= answeredAt {
            result.hostHop = farthestOther + 1
            result.hostHopIsMinimum = true
        }
        let distance = hostDistances.isEmpty ? known(answer) : distance(answer, result)
        let isAsFar = distance.map { $0.name == .ttlHost && $0.weight < 0 } ?? false
        result.evidence = [trace(result, isAsFar: isAsFar), distance, race].compactMap { $0 }
        let probability = EvidenceModel.probability(result.evidence)
        if probability >= EvidenceModel.foreignThreshold {
            result.sender = .middlebox
            result.confidence = min(probability, EvidenceModel.proven)
            result.hops = result.answeredAt.map { place($0, answer.distance, hostHop: result.hostHop) }
            if let hops = result.hops, hops.count == 1 { result.address = address(atHop: hops.lowerBound) }
            result.state = isOpen ? .open : .rejected
        } else if probability <= EvidenceModel.hostThreshold {
            result.sender = .host
            result.confidence = min(1 - probability, EvidenceModel.proven)
            result.hops = result.answeredAt.map { $0...$0 }
            result.state = isOpen ? .open : .closed
        } else {
            result.state = isOpen ? .open : .refused
        }
    }

    // MARK: - Evidence

    /// A SYN that was answered in two ways.
    private var race: Evidence? {
        let isTwofold = log.entries(.syn).contains { entry in
            let kinds = [entry.answer?.kind, entry.other?.kind]
            return kinds.contains(.reset) && kinds.contains(.synAck)
        }
        return isTwofold
            ? Evidence(.synAckAfterReset, against: true) : nil
    }

    /// The TTL that drew the answer against the TTL with which the host answers anything.
    ///
    /// - `isAsFar`: The answer came back from as far as the host's own do: then a shorter way there is as
    ///   likely as a device.
    private func trace(_ result: ProbeResult, isAsFar: Bool) -> Evidence? {
        guard let answeredAt = result.answeredAt, let host = result.hostHop, host > answeredAt else { return nil }
        let flows = fartherFlows(than: answeredAt)
        let isAlike = !isAsFar && hasSamePath(upTo: answeredAt)
        // Where the ways of SYNs and of other packets part, the shorter way may lead to the host as well.
        let samples = isAlike ? flows : min(flows, 1)
        return Evidence(
            .activeTrace, against: true, samples: samples, observed: .ttl(answeredAt),
            expected: .reach(ttl: host, isMinimum: result.hostHopIsMinimum, flows: flows))
    }

    /// The distance that the answer came from against that of the host's other answers.
    private func distance(_ answer: ProbeAnswer, _ result: ProbeResult) -> Evidence? {
        let samples = hostDistances
        guard let first = samples.first else { return nil }
        let observed = answer.distance
        guard samples.allSatisfy({ $0.decrements == first.decrements }) else {
            return Evidence(note: .severalDistances)
        }
        let expected = Evidence.Value.distance(first, samples: samples.count, of: .probeAnswers)
        guard observed.decrements <= EvidenceModel.longestPath else {
            return Evidence(note: .applicationTTL, observed: .distance(observed), expected: expected)
        }
        if observed.decrements == first.decrements {
            return Evidence(
                .ttlHost, against: false, samples: samples.count, observed: .distance(observed),
                expected: expected)
        }
        if observed.decrements > first.decrements {
            guard let answeredAt = result.answeredAt, let farthest = otherHops.max(), answeredAt > farthest else {
                return nil
            }
            return Evidence(
                .behindTranslator, against: false, observed: .distance(observed), expected: expected)
        }
        // The way back can be shorter for one flow than for another. Where the TTL already shows a device, this only
        // agrees; where it does not, only the device directly before the host can have answered, and its distance is
        // known.
        guard let answeredAt = result.answeredAt, let host = result.hostHop else { return nil }
        let isExplained = host > answeredAt || isFrom(hop: host - 1, observed) == true
        return Evidence(
            .ttlHost, against: true, samples: isExplained ? samples.count : 1, observed: .distance(observed),
            expected: expected)
    }

    /// The same against what was known before.
    private func known(_ answer: ProbeAnswer) -> Evidence? {
        guard let baseline = options.baseline else { return nil }
        let (observed, expected) = (answer.distance, baseline.distance)
        guard observed.decrements <= expected.decrements else { return nil }
        let isForeign = observed.decrements < expected.decrements
        return Evidence(
            .ttlHost, against: isForeign, samples: baseline.samples, observed: .distance(observed),
            expected: .distance(expected, samples: baseline.samples, of: .agent))
    }

    /// Returns the number of flows of other packets that passed `hop` without an answer of the host.
    private func fartherFlows(than hop: Int) -> Int {
        struct Flow: Hashable {
            var kind: ProbePacket.Kind
            var number: Int
        }
        var farther: Set<Flow> = []
        for entry in log.entries where entry.packet.kind != .syn && Int(entry.packet.ttl) >= hop {
            let flow = Flow(kind: entry.packet.kind, number: entry.packet.flow)
            if entry.answer?.kind == .timeExceeded { farther.insert(flow) }
            // A hop that sends no errors, on the way to a host that does answer this kind.
            if entry.answer == nil, Int(entry.packet.ttl) == hop,
                log.firstAnswered(entry.packet.kind, by: options.target, maxHops: options.maxHops) != nil
            {
                farther.insert(flow)
            }
        }
        return farther.count
    }

    /// False where a hop before `hop` answers SYNs from other addresses than other packets, or only one of the two: an
    /// answer that was lost shows no path.
    private func hasSamePath(upTo hop: Int) -> Bool {
        (1..<max(hop, 1)).allSatisfy { number in
            let answers = log.exceeded(ttl: number)
            let syn = Set(answers.filter { $0.kind == .syn }.map(\.answer.source))
            let other = Set(answers.filter { $0.kind != .syn }.map(\.answer.source))
            return syn.isEmpty && other.isEmpty || !syn.isDisjoint(with: other)
        }
    }

    // MARK: - Place

    private func place(_ answeredAt: Int, _ distance: HopDistance, hostHop: Int?) -> ClosedRange<Int> {
        // The host itself is excluded, so at the host's own TTL it was the device before it, or one that does not
        // count.
        if let hostHop, answeredAt >= hostHop, hostHop > 1 {
            let last = hostHop - 1
            return isFrom(hop: last, distance) == true ? last...last : max(1, min(distance.hop, last))...last
        }
        return devices(before: answeredAt, distance)
    }

    /// Returns the devices that can have answered a packet of that TTL: the one where it ran out, which answers before
    /// it looks at the TTL, or the one before, which answers after forwarding (ip_forward, net/ipv4/ip_forward.c).
    ///
    /// The distance that the answer came from tells them apart, compared with the distance that their time exceeded
    /// come from.
    func devices(before answeredAt: Int, _ distance: HopDistance) -> ClosedRange<Int> {
        let first = answeredAt - 1
        // Hop 0 is this machine; what it makes itself is told apart by where it arrives.
        guard first >= 1 else { return answeredAt...answeredAt }
        switch (isFrom(hop: first, distance), isFrom(hop: answeredAt, distance)) {
        case (true, false), (true, nil), (nil, false): return first...first
        case (false, true), (nil, true), (false, nil): return answeredAt...answeredAt
        case (nil, nil) where distance.hop == first || distance.hop == answeredAt: return distance.hop...distance.hop
        default: return first...answeredAt
        }
    }

    /// Whether time exceeded from that hop came from the same distance; `nil` where there was none, or they differ.
    private func isFrom(hop: Int, _ distance: HopDistance) -> Bool? {
        let known = Set(log.exceeded(ttl: hop).map(\.answer.distance.decrements))
        guard known.count == 1, let decrements = known.first else { return nil }
        return decrements == distance.decrements
    }
}
