// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

extension Engine {
    /// Whether this machine's kernel tells of the resets that its own TCP stack sends.
    package enum ResetTracing: Sendable, Equatable {
        case none
        /// It tells of some: Linux before 6.10 says nothing of a reset without a full socket.
        case incomplete
        /// It tells of all: a reset without an event was made by something else, such as the packet filter.
        case complete
    }

    /// Takes what this machine's kernel said of a reset that it sent: before the packets that are as old or newer.
    package mutating func observe(trace: ResetTrace) {
        traces.add(trace)
    }

    /// Says that the kernel could not hand over some of its events up to `time` (ns since 1970).
    package mutating func noteTraceLoss(upTo time: UInt64) {
        traces.noteLoss(upTo: time)
    }

    /// Gives a reset that this machine made, at once where it can be decided, else when its event must have come.
    mutating func giveMadeHere(_ reset: ResetCase) {
        var reset = reset
        if options.resetTracing != .none, let trace = traces.match(reset.record, time: reset.time) {
            reset.kernel = .sent(trace)
        }
        guard options.resetTracing != .none, reset.isOwnAddress, reset.kernel == .silent, reset.record.tunnel == .none
        else {
            give(reset, verdict(reset))
            return
        }
        _ = awaitingTrace.append(reset)
    }

    /// Settles the resets made here whose event has come, or will not come any more.
    mutating func settleMadeHere(all: Bool = false) {
        while !awaitingTrace.isEmpty {
            let time = awaitingTrace.firstTime
            let isDue = now >= time && now - time >= ResetTraces.settleTime
            guard all || isDue else { return }
            var reset = awaitingTrace.removeFirst()
            if let trace = traces.match(reset.record, time: reset.time) {
                reset.kernel = .sent(trace)
            } else if isDue, options.resetTracing == .complete, reset.time > traces.incompleteUntil {
                reset.kernel = .didNotSend
            }
            give(reset, verdict(reset))
        }
    }
}
