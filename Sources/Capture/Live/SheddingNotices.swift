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
    private var lost: UInt64 = 0
    private var nextLoss: UInt64 = 0

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

    private mutating func loss(now: UInt64, _ ledger: Ledger) -> String? {
        let total = ledger.total
        let all = [PacketClass.reset, .icmp].reduce(UInt64(0)) { sum, packetClass in
            sum &+ LossReason.allCases.reduce(0) { $0 &+ total.lost(packetClass, $1) }
        }
        guard all > lost, now >= nextLoss else { return nil }
        defer { (lost, nextLoss) = (all, now &+ Self.interval) }
        return
            "\(all &- lost) resets or ICMP errors were lost: not even the part of the rings that is kept for them had "
            + "room. What they would have told is missing; larger rings (--ring-size) help, or fewer interfaces"
    }
}
