// SPDX-License-Identifier: Apache-2.0

/// Decides what a probe sends next, given what was answered.
///
/// Pure: time is what the caller says it is.
///
/// First a packet of each kind that is to arrive: what does a client get? Then TTL by TTL, on one flow: from which hop
/// on is the SYN answered, and from which hop on does the host answer something else? Where a SYN is answered too
/// early, other flows to the host are tried with that TTL: equal-cost paths can be shorter. Last, packets that arrive,
/// until the distance that the host's answers come from is known well.
package struct ProbePlanner: Sendable {
    package enum Step: Sendable, Equatable {
        case send(ProbePacket)
        /// Nothing to send before an answer comes or it is that late.
        case wait(until: UInt64)
        case done
    }

    package let options: ProbeOptions
    package private(set) var log = ProbeLog()
    private var startedAt: UInt64?
    private var sentAt: UInt64?
    /// False once a bound ended the probe early.
    package private(set) var isComplete = true

    package init(_ options: ProbeOptions) {
        self.options = options
    }

    /// Returns the next step at `now`.
    ///
    /// What is to be sent counts as sent.
    package mutating func next(at now: UInt64) -> Step {
        let start = startedAt ?? now
        startedAt = start
        if let sentAt, now < sentAt + options.interval { return .wait(until: sentAt + options.interval) }
        let pending = log.entries.filter { isPending($0, at: now) }
        if pending.count < options.outstanding, let wanted = wanted(at: now) {
            guard log.entries.count < options.maxPackets, now - start < options.maxTime else {
                isComplete = false
                return .done
            }
            let packet = ProbePacket(
                number: log.entries.count, kind: wanted.kind, flow: wanted.flow, ttl: UInt8(clamping: wanted.ttl))
            log.entries.append(.init(packet: packet, sentAt: now))
            sentAt = now
            return .send(packet)
        }
        guard let first = pending.map(\.sentAt).min() else { return .done }
        return .wait(until: first + options.timeout)
    }

    /// `answer` came for a packet.
    ///
    /// Of several the first counts, but time exceeded gives way to an answer: who answers and lets pass what he answers
    /// may be slower than the device behind him.
    package mutating func receive(_ answer: ProbeAnswer, to number: Int, at now: UInt64) {
        guard log.entries.indices.contains(number) else { return }
        var entry = log.entries[number]
        var answer = answer
        // What never left was answered here.
        if entry.isRefused { answer.isLocal = true }
        if let first = entry.answer {
            guard entry.other == nil, first.kind != answer.kind else { return }
            (entry.answer, entry.other) = first.ends ? (first, answer) : (answer, first)
        } else {
            entry.answer = answer
            entry.roundTrip = now - min(now, entry.sentAt)
        }
        log.entries[number] = entry
    }

    /// This machine did not let a packet out: its packet filter, or there is no route.
    package mutating func refuse(_ number: Int) {
        guard log.entries.indices.contains(number) else { return }
        log.entries[number].isRefused = true
        log.entries[number].answer?.isLocal = true
    }

    private func isPending(_ entry: ProbeLog.Entry, at now: UInt64) -> Bool {
        entry.answer == nil && !entry.isRefused && now < entry.sentAt + options.timeout
    }
}

// MARK: - Stages

extension ProbePlanner {
    /// The progress of a part of the plan.
    private enum Stage {
        case want(kind: ProbePacket.Kind, flow: Int, ttl: Int)
        /// An answer may still come.
        case waiting
        case finished

        var isFinished: Bool { if case .finished = self { true } else { false } }
    }

    /// Hops without any answer that are tried behind the last one that answered something.
    static let silentHops = 4
    /// Packets of the host whose distance is known, after which it is known well.
    static let wantedSamples = 4
    /// Flows by which a path is compared with other paths.
    private static let otherFlows = 1...3
    /// Flows of their own for each SYN begin here.
    static let freshFlows = 100

    private func wanted(at now: UInt64) -> (kind: ProbePacket.Kind, flow: Int, ttl: Int)? {
        let stages = [searching, comparing, sampling]
        for stages in stages {
            let stages = stages(now)
            for case .want(let kind, let flow, let ttl) in stages { return (kind, flow, ttl) }
            // Each part builds on what the one before found out.
            if !stages.allSatisfy(\.isFinished) { return nil }
        }
        return nil
    }

    /// Finds from which hop on what is answered.
    private func searching(_ now: UInt64) -> [Stage] {
        let opening = [opener(.syn, now), opener(.echo, now)]
        guard opening.allSatisfy(\.isFinished) else { return opening }
        var stages = [scan(.syn, now), scan(.echo, now)]
        for kind in [ProbePacket.Kind.reference, .udp] where isWorthAsking(kind) {
            let opener = opener(kind, now)
            stages.append(opener.isFinished ? scan(kind, now) : opener)
        }
        guard stages.allSatisfy(\.isFinished) else { return stages }
        // A device that remembers the first SYN may take the next one of the same flow for a mistake.
        if isAnswered(.syn), log.firstAnswered(.syn, maxHops: options.maxHops) == nil {
            stages = [scan(.syn, now, isFresh: true)]
        }
        return stages
    }

    /// UDP only where ping shows no host.
    private func isWorthAsking(_ kind: ProbePacket.Kind) -> Bool {
        kind == .reference ? options.reference != nil : !isAnsweredByHost(.echo) && !isUnreachable
    }

    /// Looks whether the host can be reached on another path with the TTL that drew the answer.
    private func comparing(_ now: UInt64) -> [Stage] {
        guard !isUnreachable, let answered = log.firstAnswered(.syn, maxHops: options.maxHops),
            hostHops.allSatisfy({ $0 > answered })
        else { return [.finished] }
        return [ProbePacket.Kind.echo, .udp].flatMap { kind in
            Self.otherFlows.map { flow in
                attempt(kind, flow: flow, ttl: answered, tries: min(2, options.tries), now)
            }
        }
    }

    /// Learns from what distance the host's answers come.
    private func sampling(_ now: UInt64) -> [Stage] {
        let kinds: [ProbePacket.Kind] = [.echo, .udp, .reference]
        guard let kind = kinds.first(where: { isAnsweredByHost($0) }) else { return [.finished] }
        let known = log.entries(kind).filter { $0.answer?.ends == true && $0.answer?.source == options.target }.count
        let full = log.entries(kind).filter { $0.packet.ttl == ProbePacket.fullTTL }
        if full.contains(where: { isPending($0, at: now) }) { return [.waiting] }
        guard known < Self.wantedSamples, full.count < Self.wantedSamples + options.tries else { return [.finished] }
        return [.want(kind: kind, flow: 0, ttl: Int(ProbePacket.fullTTL))]
    }

    /// Packets that are to arrive, each SYN on a flow of its own.
    private func opener(_ kind: ProbePacket.Kind, _ now: UInt64) -> Stage {
        let ttl = Int(ProbePacket.fullTTL)
        switch kind {
        case .echo, .udp:
            return attempt(kind, flow: 0, ttl: ttl, tries: options.tries, now)
        case .syn, .reference:
            let sent = log.scanned(kind, ttl: ttl)
            if sent.contains(where: { $0.answer != nil || $0.isRefused }) { return .finished }
            if sent.contains(where: { isPending($0, at: now) }) { return .waiting }
            let flow = Array(sent).count + 1
            return flow <= options.tries ? .want(kind: kind, flow: flow, ttl: ttl) : .finished
        }
    }

    /// The lowest TTL that no answer is known for.
    private func scan(_ kind: ProbePacket.Kind, _ now: UInt64, isFresh: Bool = false) -> Stage {
        if log.scanned(kind, ttl: Int(ProbePacket.fullTTL)).contains(where: \.isRefused) { return .finished }
        let last = log.firstAnswered(kind, maxHops: options.maxHops).map { $0 - 1 } ?? horizon(kind)
        var stage = Stage.finished
        for ttl in stride(from: 1, through: last, by: 1) {
            let flow = isFresh ? Self.freshFlows + log.entries.count : 0
            switch attempt(kind, flow: flow, ttl: ttl, tries: options.tries, isFresh: isFresh, now) {
            case .want(let kind, let flow, let ttl): return .want(kind: kind, flow: flow, ttl: ttl)
            case .waiting: stage = .waiting
            case .finished: break
            }
        }
        return stage
    }

    /// Up to `tries` packets of one flow and TTL, one after the other, until one is answered.
    private func attempt(
        _ kind: ProbePacket.Kind, flow: Int, ttl: Int, tries: Int, isFresh: Bool = false, _ now: UInt64
    ) -> Stage {
        let sent = log.scanned(kind, ttl: ttl).filter {
            isFresh ? $0.packet.flow >= Self.freshFlows : $0.packet.flow == flow
        }
        if sent.contains(where: { $0.answer != nil || $0.isRefused }) { return .finished }
        if sent.contains(where: { isPending($0, at: now) }) { return .waiting }
        return sent.count < tries ? .want(kind: kind, flow: flow, ttl: ttl) : .finished
    }

    /// Returns the largest TTL to try for packets of `kind` without an answer so far.
    private func horizon(_ kind: ProbePacket.Kind) -> Int {
        if isAnswered(kind), !isUnreachable { return options.maxHops }
        let reached = ProbePacket.Kind.allCases.compactMap { log.lastExceeded($0, maxHops: options.maxHops) }.max() ?? 0
        // Behind the host there is nothing, unless these packets go a longer way.
        if let host = hostHops.max() { return min(options.maxHops, max(host, reached + 1)) }
        return min(options.maxHops, reached + Self.silentHops)
    }

    /// True where a packet of `kind` that was to arrive was answered by more than time exceeded.
    private func isAnswered(_ kind: ProbePacket.Kind) -> Bool {
        log.scanned(kind, ttl: Int(ProbePacket.fullTTL)).contains { $0.answer?.ends == true }
    }

    /// True where a device says that there is no way to the host, and the host says nothing.
    private var isUnreachable: Bool {
        let answers = log.entries.lazy.compactMap(\.answer)
        return answers.contains { $0.kind == .unreachable(.host) || $0.kind == .unreachable(.network) }
            && !answers.contains { $0.ends && $0.source == options.target }
    }

    private func isAnsweredByHost(_ kind: ProbePacket.Kind) -> Bool {
        log.entries(kind).contains { $0.answer?.ends == true && $0.answer?.source == options.target }
    }

    /// The host's own hop, by packets of `kind`.
    private func hostHop(_ kind: ProbePacket.Kind) -> Int? {
        log.firstAnswered(kind, by: options.target, maxHops: options.maxHops)
    }

    private var hostHops: [Int] {
        [ProbePacket.Kind.echo, .udp, .reference].compactMap(hostHop)
    }
}
