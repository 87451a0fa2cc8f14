// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Says of what a probe saw who answers, and where.
///
/// Pure.
package struct ProbeJudge {
    let options: ProbeOptions
    let log: ProbeLog
    let isComplete: Bool

    package init(_ planner: ProbePlanner) {
        options = planner.options
        log = planner.log
        isComplete = planner.isComplete
    }

    package func result() -> ProbeResult {
        var result = ProbeResult(
            target: options.target, port: options.port, state: .silent, sender: .undetermined)
        result.path = path
        result.lastReached = log.lastExceeded(.syn, maxHops: options.maxHops) ?? 0
        result.packets = log.entries.count
        result.isComplete = isComplete
        result.answeredAt = log.firstAnswered(.syn, maxHops: options.maxHops)
        result.hostHop = otherHops.min()
        if let answer {
            switch answer.kind {
            case .reset, .synAck: judge(answer, &result)
            case .unreachable(let reason): judge(answer, reason, &result)
            case .timeExceeded, .echoReply: break
            }
        } else if log.entries(.syn).contains(where: \.isRefused) {
            result.state = .filtered
            result.sender = .thisMachine
            result.hops = 0...0
        } else if let loop = log.scanned(.syn, ttl: Int(ProbePacket.fullTTL)).lazy.compactMap(\.answer).first {
            // Only time exceeded is left: with a full TTL the packet went round in circles.
            result.state = .unreachable
            result.sender = .middlebox
            result.address = loop.source
        } else {
            judgeSilence(&result)
        }
        return result
    }

    // MARK: - What is known

    /// The answer to the SYN that counts: the one that the smallest TTL drew, else the one that came to a full TTL.
    private var answer: ProbeAnswer? {
        let answers = log.entries(.syn).filter { $0.answer?.ends == true }
        return answers.min { $0.packet.ttl < $1.packet.ttl }?.answer
    }

    /// The host's hop by everything else that it answers.
    var otherHops: [Int] {
        [ProbePacket.Kind.echo, .udp, .reference].compactMap {
            log.firstAnswered($0, by: options.target, maxHops: options.maxHops)
        }
    }

    /// The farthest hop from which another packet than a SYN drew time exceeded.
    var farthestOther: Int {
        [ProbePacket.Kind.echo, .udp, .reference].compactMap { log.lastExceeded($0, maxHops: options.maxHops) }.max()
            ?? 0
    }

    /// Distances that the host's own answers to other packets came from.
    var hostDistances: [HopDistance] {
        log.entries.compactMap { entry in
            guard entry.packet.kind != .syn, let answer = entry.answer, answer.ends, answer.source == options.target
            else { return nil }
            return answer.distance
        }
    }

    private var path: [ProbeResult.Hop] {
        let last = max(farthestOther, log.lastExceeded(.syn, maxHops: options.maxHops) ?? 0)
        return stride(from: 1, through: last, by: 1).map { number in
            let answers = log.exceeded(ttl: number)
            var addresses: [IPAddress] = []
            for answer in answers where !addresses.contains(answer.answer.source) {
                addresses.append(answer.answer.source)
            }
            return ProbeResult.Hop(
                number: number, addresses: addresses, roundTrip: answers.map(\.roundTrip).min())
        }
    }

    /// The only address of a hop.
    func address(atHop hop: Int) -> IPAddress? {
        var known: IPAddress?
        for entry in log.exceeded(ttl: hop) {
            if let known, known != entry.answer.source { return nil }
            known = entry.answer.source
        }
        return known
    }

    // MARK: - Errors and silence

    private func judge(_ answer: ProbeAnswer, _ reason: ProbeAnswer.Unreachable, _ result: inout ProbeResult) {
        result.unreachable = reason
        let isHost = answer.source == options.target
        result.sender = answer.isLocal && !options.isOwnAddress ? .thisMachine : isHost ? .host : .middlebox
        result.confidence = EvidenceModel.proven
        if !isHost { result.address = answer.source }
        switch reason {
        case .port where isHost: result.state = .closed
        case .network, .host: result.state = hostDistances.isEmpty ? .unreachable : .prohibited
        default: result.state = .prohibited
        }
        if result.sender == .thisMachine {
            result.address = nil
            result.hops = 0...0
        } else if isHost {
            result.hops = (result.hostHop ?? result.answeredAt).map { $0...$0 }
        } else if let number = path.first(where: { $0.addresses.contains(answer.source) })?.number {
            result.hops = number...number
        } else {
            result.hops = result.answeredAt.map { devices(before: $0, answer.distance) }
        }
    }

    private func judgeSilence(_ result: inout ProbeResult) {
        let reached = result.lastReached
        // The next place on the way that answers other packets: what swallows the SYN is not behind it. A router checks
        // its rules for what it forwards only after the TTL (ip_forward, net/ipv4/ip_forward.c), so it can be the last
        // one itself.
        let host = otherHops.min()
        let next = (reached + 1..<max(farthestOther, reached) + 1).first { hop in
            log.exceeded(ttl: hop).contains { $0.kind != .syn }
        }
        guard let limit = [next, host.map { max($0, reached) }].compactMap({ $0 }).min() else { return }
        result.state = .filtered
        result.hops = min(max(reached, 1), limit)...limit
        if host == nil {
            result.hostHop = farthestOther + 1
            result.hostHopIsMinimum = true
        }
        guard limit != host else { return }
        result.sender = .middlebox
        result.confidence = EvidenceModel.proven
        if let hops = result.hops, hops.count == 1 { result.address = address(atHop: hops.lowerBound) }
    }
}
