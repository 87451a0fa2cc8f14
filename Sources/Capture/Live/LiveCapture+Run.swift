// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc
internal import Packets

extension LiveCapture {
    /// The interval of lease renewals and interface checks, in ns.
    private static let housekeepingInterval: UInt64 = 500_000_000
    /// The interval of ledger readings, in ns; equal to the interval at which shedding looks at losses.
    private static let ledgerInterval = SheddingController.window

    /// Drains the rings until `stop` or until no interface is left.
    ///
    /// Blocks: give it a thread of its own. Once only.
    ///
    /// - Parameters:
    ///   - notice: called for what people should know, on this thread.
    ///   - handle: called with batches in the order of time, and with empty ones (ticks) while the link is idle, at
    ///     least every 10 ms.
    /// - Returns: why it ended. The capture is detached then, and the ledger exact.
    /// - Throws: `unavailable` if the lease can no longer be renewed, or if it ran before.
    package func run(
        notice: (Notice) -> Void = { _ in }, _ handle: (PacketBatch) -> Void
    ) throws(CaptureError) -> End {
        guard enter() else {
            throw CaptureError(.unavailable, subject: "the capture", problem: "it ran before", advice: "Open a new one")
        }
        defer { release() }
        for first in firstNotices { notice(first) }
        var clock = CaptureClock()
        var nextHousekeeping: UInt64 = 0
        var renewed = clock.now()
        try state.lease.renew()
        var nextLedger: UInt64 = 0
        var neighbours = NeighbourReader()
        while true {
            let now = clock.now()
            if now >= nextHousekeeping {
                nextHousekeeping = now + Self.housekeepingInterval
                try state.lease.renew()
                noteGap(since: renewed, until: now, clock, notice)
                renewed = now
                if let step = clock.adjust() {
                    notice(Notice(interface: "", text: CaptureClock.text(ofStep: step)))
                }
                if !keepInterfaces(now: now, notice) {
                    finish(&clock, notice, handle)
                    return .interfacesGone
                }
            }
            var drained = drain(clock)
            if !options.isTap { drained.batch.neighbours = neighbours.due(now: now, attachments) }
            handle(drained.batch)
            if now >= nextLedger {
                nextLedger = now + Self.ledgerInterval
                publishLedger(backlog: drained.backlog)
                tellShedding(now: now, notice)
            }
            try shed(now: now, backlog: drained.backlog)
            let pause = drained.hasMore ? 0 : Self.pause(backlog: drained.backlog, ringBytes: state.ringBytes)
            let asleep = clock.now()
            if waitForStop(nanoseconds: pause) {
                finish(&clock, notice, handle)
                return .stopped
            }
            if pause > 0 { state.shedder.idleTime &+= clock.now() &- asleep }
        }
    }

    /// Returns the time to sleep (ns) after a drain that found `backlog` bytes in the fullest ring: long enough for
    /// worthwhile batches, short enough that no ring becomes half full.
    static func pause(backlog: Int, ringBytes: Int) -> Int {
        switch backlog {
        case (ringBytes / 16)...: 100_000
        case (ringBytes / 64)...: 500_000
        case (ringBytes / 512)...: 2_000_000
        default: 10_000_000
        }
    }

    /// Ends the lease, hands over what is left in the rings, and settles the ledger.
    private func finish(
        _ clock: inout CaptureClock, _ notice: (Notice) -> Void, _ handle: (PacketBatch) -> Void
    ) {
        try? state.lease.end()
        // Programs that began before the lease ended are through soon after.
        // One that was preempted in between may still be writing: it has 50 ms.
        for _ in 0..<25 {
            usleep(2000)
            var hasMore = true
            while hasMore {
                let drained = drain(clock)
                handle(drained.batch)
                hasMore = drained.hasMore
            }
            if state.rings.ring.waiting == 0, !state.rings.ring.isBusy { break }
        }
        publishLedger()
        for text in state.shedder.notices.lastTexts(now: clock.now(), ledger) {
            notice(Notice(interface: "", text: text))
        }
    }

    /// Accounts for the time in which this process stood still for longer than its lease.
    private func noteGap(
        since renewed: UInt64, until now: UInt64, _ clock: borrowing CaptureClock, _ notice: (Notice) -> Void
    ) {
        guard let gap = Lease.gap(since: renewed, until: now) else { return }
        state.blindTime &+= gap.upperBound - gap.lowerBound
        let offset = clock.offset
        func day(_ monotonic: UInt64) -> UInt64 { UInt64(clamping: Int64(clamping: monotonic) &+ offset) }
        let earlier = state.gap?.lowerBound ?? .max
        state.gap = min(earlier, day(gap.lowerBound))..<day(gap.upperBound)
        let seconds = Double((gap.upperBound - gap.lowerBound) / 100_000_000) / 10
        notice(
            Notice(
                interface: "",
                text:
                    "captured nothing for \(seconds) s: this process stood still (stopped, frozen or without CPU time)"
            ))
    }

    /// Reads the counters of all interfaces and CPUs.
    func readLedger(backlog: Int) -> Ledger {
        var ledger = Ledger()
        for (slot, entry) in state.slots.enumerated() {
            let counts = Self.counts(of: slot, state)
            for way in PacketWay.allCases {
                var count = counts[way] ?? Ledger.Count()
                if let before = entry.before[way] { count -= before }
                ledger.rows.append(
                    Ledger.Row(slot: UInt8(slot), interface: entry.info.interface, way: way, count: count))
            }
        }
        for (way, count) in state.retired.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            ledger.rows.append(Ledger.Row(slot: .max, interface: Ledger.retiredName, way: way, count: count))
        }
        for packetClass in PacketClass.allCases {
            ledger.consumed[Int(packetClass.rawValue)] = state.rings.ring.consumed(packetClass)
        }
        ledger.inRing = state.rings.ring.waiting
        ledger.ringUsedBytes = backlog
        ledger.ringSizeBytes = state.ringBytes
        ledger.blindTime = state.blindTime
        ledger.shedding = state.shedder.controller.levels
        return ledger
    }
}

extension Ledger.Count {
    /// One CPU's counters.
    ///
    /// C arrays come as tuples of 64-bit numbers, without padding.
    init(_ counters: packet_counters) {
        self.init()
        missed = counters.missed
        idle = counters.idle
        seen = counters.seen &+ missed &+ idle
        segments = counters.segments &+ missed &+ idle
        skipped = counters.skipped
        recorded = Self.array(counters.recorded)
        shed = Self.array(counters.shed)
        refused = Self.array(counters.refused)
        let losses = Self.array(counters.lost)
        let reasons = LossReason.allCases.count
        lost = stride(from: 0, to: losses.count, by: reasons).map { Array(losses[$0..<($0 + reasons)]) }
    }

    private static func array<Tuple>(_ tuple: Tuple) -> [UInt64] {
        withUnsafeBytes(of: tuple) { Array($0.bindMemory(to: UInt64.self)) }
    }
}
