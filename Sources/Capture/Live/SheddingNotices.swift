// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The messages about shedding and about losses of classes that are never shed: one sentence at the start, at growth
/// and at the end, at most one of a kind per minute.
package struct SheddingNotices: Sendable {
    /// Between two sentences of one kind, ns.
    package static let interval: UInt64 = 60_000_000_000
    /// The minimum duration (ns) of shedding before it is reported; by then its extent is known.
    package static let delay: UInt64 = 1_000_000_000

    private var began: UInt64?
    private var told: SheddingLevels?
    private var nextTelling: UInt64 = 0
    private var shedBefore: UInt64 = 0
    /// A period of losses ends after so many ns without one.
    package static let quiet: UInt64 = 10_000_000_000
    /// Of what is never shed, the number lost when it was last looked at.
    private var lost: UInt64 = 0
    private var nextLoss: UInt64 = 0
    /// The period of losses that lasts: when it began and last grew, what was lost before, and how many were told.
    private var losses: (began: UInt64, grew: UInt64, before: UInt64, told: UInt64)?

    package init() {}

    /// Returns the messages that are due.
    ///
    /// To be asked a few times a second.
    package mutating func texts(
        now: UInt64, _ levels: SheddingLevels, _ cause: SheddingController.Cause?,
        _ options: SheddingController.Options, _ ledger: Ledger
    ) -> [String] {
        [shedding(now: now, levels, cause, options, ledger), loss(now: now, ledger)].compactMap { $0 }
    }

    private mutating func shedding(
        now: UInt64, _ levels: SheddingLevels, _ cause: SheddingController.Cause?,
        _ options: SheddingController.Options, _ ledger: Ledger
    ) -> String? {
        let shed = ledger.total.allShed
        guard levels != .none, let cause else {
            defer { (began, told) = (nil, nil) }
            guard let began, told != nil else { return nil }
            return "under load: over after \((now &- began) / 1_000_000_000) s; all connections are looked at again "
                + "(\(shed &- shedBefore) packets were left out)"
        }
        if began == nil { (began, shedBefore) = (now, shed) }
        guard let began, now &- began >= Self.delay, now >= nextTelling else { return nil }
        // Said again where it has become four times as much.
        if let told, levels.bulk < told.bulk + 2, levels.handshake < told.handshake + 2 { return nil }
        told = levels
        nextTelling = now &+ Self.interval
        return Self.text(levels, cause, options)
    }

    private static func text(
        _ levels: SheddingLevels, _ cause: SheddingController.Cause, _ options: SheddingController.Options
    ) -> String {
        let handshakes =
            levels.handshake > 0
            ? levels.handshake == levels.bulk
                ? " with its handshake" : " and the handshakes of \(Self.share(levels, .handshake)) of the connections"
            : ""
        let reason =
            switch cause {
            case .cpu:
                "all would take more than \(percent(options.cpuBudget)) % of a core; --full takes what it needs"
            case .ring: "the rings fill up faster than they are emptied; larger ones (--ring-size) bridge bursts"
            case .option: "--shed asks for it"
            }
        return
            "under load: the data of \(Self.share(levels, .bulk)) of the connections is looked at\(handshakes), because "
            + "\(reason). Every reset and ICMP error is still seen, but findings about the others lack their connection"
    }

    private static func share(_ levels: SheddingLevels, _ packetClass: PacketClass) -> String {
        let percent = levels.keptShare(packetClass) * 100
        return percent >= 1 ? "\(Int(percent.rounded())) %" : "\((percent * 10).rounded() / 10) %"
    }

    private static func percent(_ budget: Double?) -> Int { Int(((budget ?? 1) * 100).rounded()) }

    /// Reports losses when they begin, once a minute while they go on, and with the total when they are over.
    private mutating func loss(now: UInt64, _ ledger: Ledger) -> String? {
        let all = Self.lost(ledger)
        if all > lost {
            losses = losses ?? (now, now, lost, lost)
            losses?.grew = now
            lost = all
        }
        guard let losses else { return nil }
        if now &- losses.grew >= Self.quiet { return closing(now: losses.grew) }
        guard all > losses.told, now >= nextLoss else { return nil }
        nextLoss = now &+ Self.interval
        self.losses?.told = all
        return
            "\(all &- losses.told) resets or ICMP errors were lost: not even the part of the rings that is kept for them "
            + "had room. What they would have told is missing; larger rings (--ring-size) help, or fewer interfaces"
    }

    /// Ends the period of losses; says how many there were, unless that has been told.
    private mutating func closing(now: UInt64) -> String? {
        guard let losses else { return nil }
        self.losses = nil
        guard lost > losses.told else { return nil }
        return
            "\(lost &- losses.before) resets or ICMP errors were lost in all, within "
            + "\((now &- losses.began) / 1_000_000_000 &+ 1) s; larger rings (--ring-size) help, or fewer interfaces"
    }

    /// Returns the messages that are due when the capture ends.
    package mutating func lastTexts(now: UInt64, _ ledger: Ledger) -> [String] {
        let all = Self.lost(ledger)
        if all > lost {
            losses = losses ?? (now, now, lost, lost)
            losses?.grew = now
            lost = all
        }
        return [closing(now: losses?.grew ?? now)].compactMap { $0 }
    }

    /// Resets and ICMP errors that were lost so far.
    private static func lost(_ ledger: Ledger) -> UInt64 {
        let total = ledger.total
        return [PacketClass.reset, .icmp].reduce(UInt64(0)) { sum, packetClass in
            sum &+ LossReason.allCases.reduce(0) { $0 &+ total.lost(packetClass, $1) }
        }
    }
}
