// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Whether this machine sends on what it is to forward: joins the two ways of the flows in focus.
///
/// Bounded by the places of `FocusRequests`. It concludes only where a packet must have been seen leaving: where the kernel said
/// that it dropped it, or where packets of that direction, or to that destination, were seen leaving by a watched interface.
struct ForwardingJudge {
    /// How often (ns of packet time) watches are settled.
    private static let settleInterval: UInt64 = 20_000_000

    /// What is said of one direction of a flow.
    struct Conclusion {
        var watch: ForwardingWatch
        var direction: ForwardingDirection
        var evidence: [Evidence]
        var reason: Finding.Forwarding.Reason
    }

    /// What else is known when a direction is suspicious.
    struct Surroundings {
        /// The kernel tells of each packet that it drops.
        var tellsDrops: Bool
        /// Packets of this very direction were seen leaving before.
        var hasLeft: Bool
        /// Packets to that destination were seen leaving lately, by the interface of this name.
        var destinationLeaves: Bool
        var interfaceOut: String?
        var interfaceIn: String?
    }

    var requests = FocusRequests()
    private(set) var watches = [ForwardingWatch?](repeating: nil, count: FocusRequests.capacity)
    private var questions: [FiveTuple] = []
    private var nextSettle: UInt64 = 0
    /// Why nothing could be said of the directions that were suspicious last, by place.
    private(set) var doubts = [String?](repeating: nil, count: FocusRequests.capacity)

    var isIdle: Bool { requests.isEmpty }

    // MARK: Flows

    /// Watches a flow. Returns its place, or `nil` where that is not possible.
    mutating func begin(
        _ key: FlowKey, flow: FiveTuple, isHalfOpen: Bool, now: UInt64, clockStep: ClockStep
    ) -> Int? {
        guard let place = requests.request(key, as: flow, isHalfOpen: isHalfOpen, at: now) else { return nil }
        watches[place] = ForwardingWatch(flow: flow, now: now, clockStep: clockStep)
        doubts[place] = nil
        questions.append(flow)
        return place
    }

    mutating func end(_ place: Int) {
        requests.release(place)
        watches[place] = nil
    }

    /// The flows of which `ForwardingFacts` are wanted, since the last call.
    mutating func takeQuestions() -> [FiveTuple] {
        guard !questions.isEmpty else { return [] }
        defer { questions = [] }
        return questions
    }

    // MARK: What is seen

    mutating func arrived(_ record: PacketRecord, time: UInt64, place: Int) {
        watches[place]?.arrived(record, time: time)
    }

    mutating func left(_ record: PacketRecord, time: UInt64) {
        guard let place = requests.place(of: FlowKey.of(record).key) else { return }
        watches[place]?.left(record, time: time)
    }

    mutating func madeHere(_ place: Int) {
        watches[place]?.madeHere()
    }

    mutating func learn(_ trace: DropTrace) {
        guard let place = requests.place(of: FlowKey.of(trace.fiveTuple).key) else { return }
        watches[place]?.dropped(trace)
    }

    mutating func learn(_ facts: ForwardingFacts, now: UInt64) {
        guard let place = requests.place(of: FlowKey.of(facts.flow).key) else { return }
        guard let other = watches[place]?.learn(facts, now: now) else { return }
        requests.translate(place, to: other, key: FlowKey.of(other).key)
    }

    mutating func isInFocus(_ flow: FiveTuple, since time: UInt64) {
        guard let place = requests.place(of: FlowKey.of(flow).key), let watch = watches[place] else { return }
        // A translated flow is seen on both ways once it is in focus under both names.
        let isOtherName = watch.flow != flow && watch.flow != flow.reversed
        if !watch.isTranslated || isOtherName { watches[place]?.isInFocus(since: time) }
    }

    /// Says that the capture lost packets: what did not leave may have been among them.
    mutating func noteLoss() {
        for place in watches.indices { watches[place]?.forget() }
    }

    // MARK: NextSteps

    /// When `settle` has work; `.max` where nothing is watched.
    var due: UInt64 { isIdle ? .max : nextSettle }

    /// The directions that have become suspicious and of which enough is known, by place.
    mutating func settle(now: UInt64) -> [(place: Int, direction: Int)] {
        guard now >= due else { return [] }
        nextSettle = now &+ Self.settleInterval
        for place in requests.expired(at: now) { end(place) }
        var due: [(Int, Int)] = []
        for place in watches.indices {
            guard var watch = watches[place] else { continue }
            if watch.endsHere {
                end(place)
                continue
            }
            watch.settle(now: now)
            for index in watch.directions.indices where watch.directions[index].isSuspicious && !watch.isTold[index] {
                switch watch.knowledge(of: index, now: now) {
                case .complete: due.append((place, index))
                case .awaited: break
                case .wanted: questions.append(watch.flow)
                }
            }
            watches[place] = watch
            if watch.isHealthy { end(place) }
        }
        return due
    }

    /// Judges a direction that `settle` returned. `nil` where nothing can be said; `doubts` says why then.
    mutating func conclude(_ place: Int, _ index: Int, _ surroundings: Surroundings) -> Conclusion? {
        guard let watch = watches[place] else { return nil }
        let direction = watch.directions[index]
        if let doubt = Self.doubt(watch, direction, surroundings) {
            doubts[place] = doubt
            return nil
        }
        watches[place]?.isTold[index] = true
        let reason = ForwardingEvidence.reason(watch, direction)
        return Conclusion(
            watch: watch, direction: direction,
            evidence: ForwardingEvidence.pieces(watch, direction, reason, surroundings), reason: reason)
    }

    /// Why nothing can be said of a direction of which packets are missing.
    private static func doubt(
        _ watch: ForwardingWatch, _ direction: ForwardingDirection, _ surroundings: Surroundings
    ) -> String? {
        if let reason = direction.drop?.reason, ForwardingEvidence.isNotForwarding(reason) {
            return "the packets were not this machine's to forward (\(reason))"
        }
        if direction.drop?.reason == ForwardingEvidence.tooBig, !direction.isStubborn {
            return "the packets were too big for the next link, and their sender may hear of it"
        }
        if direction.drop != nil { return nil }
        if direction.hasForeignNumbers {
            return "packets of this direction leave that did not arrive: their numbers are changed here"
        }
        if case .tracked(let connection)? = watch.facts?.tracking, connection.adjustsSequence {
            return "this machine changes the connection's sequence numbers"
        }
        if surroundings.tellsDrops { return "the kernel tells of no drop" }
        if !surroundings.hasLeft {
            switch watch.facts?.tracking {
            case nil: return "whether this machine translates its addresses is not known"
            case .unreadable(let problem)?:
                return "whether this machine translates its addresses is not known: \(problem)"
            default: break
            }
            if !surroundings.destinationLeaves {
                return "nothing shows that the interface is watched that the packets would leave by"
            }
        }
        return nil
    }
}
