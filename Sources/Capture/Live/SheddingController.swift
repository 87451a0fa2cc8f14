// SPDX-License-Identifier: Apache-2.0
package import Packets

/// Decides how many flows to give up, from how full the rings are and how much of a core the consumer takes.
///
/// Pure: what it sees is told to it.
///
/// Up is quick, down is slow. What is never shed (resets, ICMP errors) counts as load all the same, but does not take
/// the last quarter of the budget from the rest: a flood of resets must not cost all connections their context.
package struct SheddingController: Sendable {
    package struct Options: Sendable, Equatable {
        /// The part of one core that the consumer may take on average; `nil` for all that it needs.
        package var cpuBudget: Double?
        /// Never sheds less than this.
        ///
        /// For tests, and for machines that are known to be too small.
        package var least: SheddingLevels
        /// No level goes above this, but for `least`; 0 sheds nothing, and what finds no room is lost.
        package var most: Int

        package init(
            cpuBudget: Double? = 0.25, least: SheddingLevels = .none, most: Int = SheddingLevels.maximum
        ) {
            self.cpuBudget = cpuBudget
            self.least = least
            self.most = most
        }
    }

    /// The reason for shedding more.
    package enum Cause: Sendable, Equatable {
        /// A ring filled up.
        case ring
        /// The consumer took more than its budget.
        case cpu
        /// It was asked for.
        case option
    }

    /// Counts that only grow, read when they are asked for.
    package struct Figures: Sendable {
        /// CPU time of the consumer's thread, ns.
        package var cpuTime: UInt64
        /// Time for which it has slept because there was nothing to do, ns.
        package var idleTime: UInt64
        /// Records that it has taken, by class.
        package var bulk: UInt64
        package var handshakes: UInt64
        package var precious: UInt64
        /// Bulk and handshakes that found no room.
        package var lost: UInt64

        package init(
            cpuTime: UInt64 = 0, idleTime: UInt64 = 0, bulk: UInt64 = 0, handshakes: UInt64 = 0, precious: UInt64 = 0,
            lost: UInt64 = 0
        ) {
            self.cpuTime = cpuTime
            self.idleTime = idleTime
            self.bulk = bulk
            self.handshakes = handshakes
            self.precious = precious
            self.lost = lost
        }
    }

    /// A ring that is this full is under pressure: bulk may fill three quarters.
    package static let highMark = 0.5
    /// Below this it is not.
    package static let lowMark = 0.25
    /// The interval of CPU time checks, in ns.
    package static let window: UInt64 = 100_000_000
    /// Between looks at a ring under pressure, ns: long enough to see whether it is emptied.
    package static let pressureInterval: UInt64 = 5_000_000
    /// The time (ns) that a ring may stay under pressure although it seems to empty.
    package static let pressurePatience: UInt64 = 500_000_000
    /// CPU time of this many seconds of budget may be taken at once: findings and questions come in bursts.
    package static let burst = 1.0
    /// Aimed at when more is shed, and not exceeded when less is: what lies between the latter and the budget keeps it
    /// from going to and fro.
    package static let aim = 0.8
    package static let margin = 0.7
    /// The part of the budget that what is never shed leaves to the rest.
    package static let reserve = 0.25
    /// The time (ns) with spare capacity before less is shed; doubled, up to `longestHold`, each time that this was too
    /// early.
    package static let shortestHold: UInt64 = 5_000_000_000
    package static let longestHold: UInt64 = 80_000_000_000
    /// The cost of a record with headers, in bulk records: in ring bytes, and roughly in engine time.
    package static let weight = 5.0

    package let options: Options
    package private(set) var levels: SheddingLevels
    /// The reason for the last increase; `nil` if nothing is shed.
    package private(set) var cause: Cause?
    /// CPU time that may be taken before the budget is exceeded, ns.
    private var credit: Double
    private var start: (time: UInt64, figures: Figures)?
    /// The newest window.
    private var load = Load()
    private var fullest = 0.0
    private var pressure: (fill: Double, since: UInt64, next: UInt64)?
    private var lossWindows = 0
    /// A window that began before the last step tells of the old load.
    private var isSettling = false
    private var roomSince: UInt64?
    private var hold = Self.shortestHold
    private var lowered: UInt64?
    private var raised: UInt64?

    package init(_ options: Options = Options()) {
        self.options = options
        levels = options.least
        cause = options.least == .none ? nil : .option
        credit = (options.cpuBudget ?? 0) * Self.burst * 1e9
    }

    /// Takes a look, many times a second.
    ///
    /// - Parameters:
    ///   - now: Monotonic time, ns.
    ///   - fill: The part of the fullest ring that waits.
    ///   - figures: Read only where they are needed, about ten times a second.
    /// - Returns: The levels where they have changed.
    package mutating func look(now: UInt64, fill: Double, figures: () -> Figures) -> SheddingLevels? {
        guard let start else {
            self.start = (now, figures())
            return nil
        }
        let before = levels
        fullest = max(fullest, fill)
        lookAtRing(now: now, fill: fill, figures)
        if now >= start.time &+ Self.window { closeWindow(now: now, figures()) }
        return levels == before ? nil : levels
    }

    // MARK: Rings

    private mutating func lookAtRing(now: UInt64, fill: Double, _ figures: () -> Figures) {
        guard fill >= Self.highMark else {
            pressure = nil
            return
        }
        guard let known = pressure else {
            // What is being emptied already needs nothing: a burst, or a consumer that was kept waiting.
            pressure = (fill, now, now &+ Self.pressureInterval)
            return
        }
        guard now >= known.next else { return }
        let isEmptied = fill < known.fill && now &- known.since < Self.pressurePatience
        pressure = (fill, isEmptied ? known.since : now, now &+ Self.pressureInterval)
        guard !isEmptied, let start else { return }
        var recent = Load(from: start.figures, to: figures(), over: now &- start.time)
        if recent.isEmpty { recent = load }
        raiseByStep(recent, now: now)
    }

    /// One step more, of bulk as long as that can help.
    private mutating func raiseByStep(_ load: Load, now: UInt64) {
        // Of what is never shed alone nothing can be given up.
        guard load.bulk + load.handshakes >= load.all / 8 else { return }
        if load.bulk >= load.all / 4, levels.bulk < SheddingLevels.maximum {
            raise(to: SheddingLevels(bulk: levels.bulk + 1, handshake: levels.handshake), .ring, now: now)
        } else {
            raise(to: SheddingLevels(bulk: levels.bulk, handshake: levels.handshake + 1), .ring, now: now)
        }
    }

    // MARK: Windows

    private mutating func closeWindow(now: UInt64, _ figures: Figures) {
        guard let start else { return }
        load = Load(from: start.figures, to: figures, over: now &- start.time)
        let isSettling = self.isSettling
        self.isSettling = false
        self.start = (now, figures)
        defer { fullest = 0 }
        lossWindows = load.lost > 0 ? lossWindows + 1 : 0
        // What is lost in one window only was a moment's doing.
        if lossWindows >= 2, !isSettling, fullest < Self.highMark { raiseByStep(load, now: now) }
        if let budget = options.cpuBudget {
            let limit = budget * Self.burst * 1e9
            credit = min(max(credit + (budget - load.cpu) * load.duration, -limit), limit)
            if credit < 0, load.cpu > budget, !isSettling { raise(to: levelsForBudget(budget), .cpu, now: now) }
        }
        lowerIfThereIsRoom(now: now)
    }

    /// The lowest levels that bring the load of the newest window to what is aimed at: of handshakes nothing is given
    /// up as long as bulk is enough.
    private func levelsForBudget(_ budget: Double) -> SheddingLevels {
        guard load.all > 0 else { return levels }
        let cost = load.cpu / load.all
        let room = max(Self.aim * budget - cost * load.precious, Self.reserve * budget)
        for handshake in levels.handshake...SheddingLevels.maximum {
            let rest = room - cost * load.handshakes / Double(1 << (handshake - levels.handshake))
            for bulk in max(levels.bulk, handshake)...SheddingLevels.maximum
            where cost * load.bulk / Double(1 << (bulk - levels.bulk)) <= rest {
                return SheddingLevels(bulk: bulk, handshake: handshake)
            }
        }
        return SheddingLevels(bulk: SheddingLevels.maximum, handshake: SheddingLevels.maximum)
    }

    private mutating func raise(to wanted: SheddingLevels, _ cause: Cause, now: UInt64) {
        roomSince = nil
        let wanted = SheddingLevels(
            bulk: max(levels.bulk, min(wanted.bulk, options.most)),
            handshake: max(levels.handshake, min(wanted.handshake, options.most)))
        guard wanted != levels else { return }
        levels = wanted
        self.cause = cause
        isSettling = true
        raised = now
        // It had been lowered too early.
        if let lowered, now &- lowered < 2 * hold { hold = min(2 * hold, Self.longestHold) }
        lowered = nil
    }

    /// One step less, where there has been room for it for long enough: one flow more of each two doubles its class's
    /// load at most.
    private mutating func lowerIfThereIsRoom(now: UInt64) {
        guard levels != options.least else { return }
        guard let candidate = lowerLevels(), fullest < Self.lowMark, load.lost == 0 else {
            roomSince = nil
            return
        }
        let since = roomSince ?? now
        roomSince = since
        // Where even four times the load would fit, as after the end of a flood, it goes faster.
        let isIdle = [load.cpu, load.busy].allSatisfy { 4 * $0 <= Self.margin * limit }
        guard now &- since >= (isIdle ? hold / 5 : hold) else { return }
        levels = candidate
        isSettling = true
        roomSince = nil
        lowered = now
        if let raised, now &- raised > 4 * Self.longestHold { hold = Self.shortestHold }
        if levels == options.least { cause = levels == .none ? nil : .option }
    }

    private var limit: Double { min(options.cpuBudget ?? 1, 1) }

    /// Levels one step below that the load has room for, handshakes first.
    private func lowerLevels() -> SheddingLevels? {
        guard options.cpuBudget == nil || credit >= 0 else { return nil }
        if levels.handshake > options.least.handshake, hasRoom(for: load.handshakes) {
            return SheddingLevels(bulk: levels.bulk, handshake: levels.handshake - 1)
        }
        if levels.bulk > max(options.least.bulk, levels.handshake), hasRoom(for: load.bulk) {
            return SheddingLevels(bulk: levels.bulk - 1, handshake: levels.handshake)
        }
        return nil
    }

    /// True where as much again fits, both into the budget and into the time that there is.
    private func hasRoom(for part: Double) -> Bool {
        let more = load.all > 0 ? 1 + part / load.all : 1
        return load.cpu * more <= Self.margin * limit && load.busy * more <= Self.margin
    }

    /// The load of one window.
    private struct Load {
        /// ns.
        var duration = 0.0
        /// Parts of one core: CPU time taken, and time not slept (a core that is shared has less).
        var cpu = 0.0
        var busy = 0.0
        /// Records, weighted.
        var bulk = 0.0
        var handshakes = 0.0
        var precious = 0.0
        var lost: UInt64 = 0

        var all: Double { bulk + handshakes + precious }
        var isEmpty: Bool { all == 0 }

        init() {}

        init(from old: Figures, to new: Figures, over nanoseconds: UInt64) {
            duration = Double(max(nanoseconds, 1))
            cpu = Double(new.cpuTime &- old.cpuTime) / duration
            busy = max(0, 1 - Double(new.idleTime &- old.idleTime) / duration)
            bulk = Double(new.bulk &- old.bulk)
            handshakes = Double(new.handshakes &- old.handshakes) * SheddingController.weight
            precious = Double(new.precious &- old.precious) * SheddingController.weight
            lost = new.lost &- old.lost
        }
    }
}
