// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// A focused flow: both of its directions on their way through this machine, and what this machine knows of it.
struct ForwardingWatch {
    /// The two directions; of a tracked connection the original one first.
    private(set) var directions: [ForwardingDirection]
    let flow: FiveTuple
    private(set) var facts: ForwardingFacts?
    /// The counters when it came into focus.
    private(set) var countersBefore: LocalCounters?
    /// The time since which packets of all kinds are seen on ingress and egress; SYNs and SYN-ACKs always are.
    private var since: UInt64?
    /// The place of its flow in focus is known under two names.
    private(set) var isTranslated = false
    /// The time of the unanswered request, and of the newest answer.
    private var asked: UInt64?
    private var answered: UInt64?
    /// This machine itself is one end: it answers for itself, or in another's name (a proxy).
    private(set) var endsHere = false
    private let clockStep: ClockStep
    /// A finding of that direction was given.
    var isTold = [false, false]

    /// The time (ns) to wait for an answer.
    private static let patience: UInt64 = 500_000_000

    init(flow: FiveTuple, now: UInt64, clockStep: ClockStep) {
        self.flow = flow
        self.clockStep = clockStep
        asked = now
        directions = [
            ForwardingDirection(arrival: flow, departure: flow, clockStep: clockStep),
            ForwardingDirection(arrival: flow.reversed, departure: flow.reversed, clockStep: clockStep),
        ]
    }

    // MARK: Packets

    mutating func arrived(_ record: PacketRecord, time: UInt64) {
        guard record.tcpFlags.contains(.syn) || since.map({ time > $0 }) ?? false else { return }
        let tuple = record.fiveTuple
        for index in directions.indices where directions[index].arrival == tuple {
            directions[index].arrived(record, time: time)
        }
    }

    mutating func left(_ record: PacketRecord, time: UInt64) {
        let tuple = record.fiveTuple
        for index in directions.indices where directions[index].departure == tuple {
            directions[index].left(record, time: time, since: since)
        }
    }

    mutating func madeHere() { endsHere = true }

    /// Says that all of the flow's packets are seen on both ways from `time` on.
    mutating func isInFocus(since time: UInt64) { since = max(since ?? 0, time) }

    /// Says that the capture lost packets.
    mutating func forget() {
        for index in directions.indices { directions[index].forget() }
    }

    mutating func dropped(_ trace: DropTrace) {
        for index in directions.indices
        where directions[index].arrival == trace.fiveTuple || directions[index].departure == trace.fiveTuple {
            directions[index].dropped(trace)
            return
        }
    }

    mutating func settle(now: UInt64) {
        for index in directions.indices { directions[index].settle(now: now) }
    }

    /// Enough got through, and nothing is missing: there was no reason to be suspicious.
    var isHealthy: Bool {
        directions.allSatisfy { $0.missing.isEmpty && $0.pending.isEmpty }
            && directions.contains { $0.passed >= 8 }
    }

    // MARK: Facts

    /// - Returns: how the flow looks on its other side, where addresses are translated and that was not known.
    mutating func learn(_ facts: ForwardingFacts, now: UInt64) -> FiveTuple? {
        self.facts = facts
        asked = nil
        answered = now
        if countersBefore == nil { countersBefore = facts.counters }
        guard case .tracked(let connection) = facts.tracking, connection.isTranslated else { return nil }
        let there = connection.reply.reversed
        guard directions[0].arrival != connection.original || directions[0].departure != there else { return nil }
        // What was matched until now was matched under the wrong name, and the other name is not in focus yet.
        since = nil
        isTranslated = true
        directions = [
            ForwardingDirection(arrival: connection.original, departure: there, clockStep: clockStep),
            ForwardingDirection(
                arrival: connection.reply, departure: connection.original.reversed, clockStep: clockStep),
        ]
        let isOriginal = flow == connection.original || flow == connection.original.reversed
        return isOriginal ? there : connection.original
    }

    /// The state of knowledge when a direction becomes suspicious.
    enum Knowledge {
        /// It is as new as what is missing, or nobody answers.
        case complete
        /// A question is under way.
        case awaited
        /// The question was just noted; it has to be asked.
        case wanted
    }

    mutating func knowledge(of direction: Int, now: UInt64) -> Knowledge {
        if let answered, answered >= directions[direction].lastMissing { return .complete }
        if let asked { return now >= asked && now - asked >= Self.patience ? .complete : .awaited }
        asked = now
        return .wanted
    }
}
