// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc
internal import Packets

extension LiveCapture {
    /// The state that `run` keeps for shedding.
    struct Shedder {
        var controller: SheddingController
        var notices = SheddingNotices()
        let map: SheddingMap
        /// For the next batch.
        var change: SheddingChange?
        /// The time that `run` has slept, in ns.
        var idleTime: UInt64 = 0

        /// - `map`: the descriptor of the map `shedding`.
        ///
        /// Throws where the kernel part does not take the levels that hold from the start.
        init(_ options: SheddingController.Options, map: Int32) throws(CaptureError) {
            controller = SheddingController(options)
            self.map = SheddingMap(map: map)
            guard options.least != .none else { return }
            try self.map.write(options.least)
            change = SheddingChange(levels: options.least, earliest: 0, latest: 0)
        }
    }

    /// Looks at the load; has the kernel part shed more or less where that follows from it.
    ///
    /// - `now`: CLOCK_MONOTONIC, ns.
    /// - `backlog`: Bytes that waited in the fullest ring.
    func shed(now: UInt64, backlog: Int) throws(CaptureError) {
        let fill = Double(backlog) / Double(max(state.ringBytes, 1))
        // Out of `state`, which the figures are read from.
        var controller = state.shedder.controller
        defer { state.shedder.controller = controller }
        if let levels = controller.look(now: now, fill: fill, figures: figures) {
            let earliest = CaptureClock.monotonic()
            try state.shedder.map.write(levels)
            let latest = CaptureClock.monotonic()
            state.shedder.change = SheddingChange(
                levels: levels, earliest: time(earliest), latest: time(latest) + Self.sheddingSlack)
        }
    }

    /// Tells people what is shed, and what was lost that must not be.
    func tellShedding(now: UInt64, _ notice: (Notice) -> Void) {
        let controller = state.shedder.controller
        let texts = state.shedder.notices.texts(
            now: now, controller.levels, controller.cause, controller.options, ledger)
        for text in texts {
            notice(Notice(interface: "", text: text))
        }
    }

    /// The time (ns) for which a program may still use masks read before a change.
    private static let sheddingSlack: UInt64 = 1_000_000

    private func time(_ monotonic: UInt64) -> UInt64 {
        UInt64(clamping: Int64(clamping: monotonic) + state.offset)
    }

    private func figures() -> SheddingController.Figures {
        var cpu = timespec()
        // Cannot fail: it is the calling thread's own.
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu)
        let ring = { self.state.rings.ring.consumed($0) }
        let total = ledger.total
        let lost = [PacketClass.bulk, .handshake].reduce(UInt64(0)) { sum, packetClass in
            sum &+ LossReason.allCases.reduce(0) { $0 &+ total.lost(packetClass, $1) }
        }
        return SheddingController.Figures(
            cpuTime: UInt64(cpu.tv_sec) * 1_000_000_000 + UInt64(cpu.tv_nsec), idleTime: state.shedder.idleTime,
            bulk: ring(.bulk), handshakes: ring(.handshake), precious: ring(.icmp) &+ ring(.reset), lost: lost)
    }
}
