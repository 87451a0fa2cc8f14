// SPDX-License-Identifier: Apache-2.0
internal import Packets

extension LiveCapture {
    /// Whether the kernel tells of the resets that this machine itself sends.
    package enum ResetTracing: Sendable, Equatable {
        /// It does not, and why.
        case unavailable(String)
        /// It tells of some only (before Linux 6.10: those of full sockets).
        case incomplete
        /// It tells of all, with its reason.
        case complete
    }

    /// Opens the optional object.
    ///
    /// The capture works without it.
    static func openTraces(_ state: inout State) -> ResetTracing {
        guard let object = state.object else { return .unavailable("no capture") }
        do {
            let reader = try ResetTraceReader(sharing: object)
            state.traces = reader
            return reader.hasReasons ? .complete : .incomplete
        } catch {
            return .unavailable(error.problem)
        }
    }

    /// Opens the optional object.
    ///
    /// The capture works without it.
    static func openDrops(_ state: inout State, _ key: FlowHashKey) -> Bool {
        guard let object = state.object, let reader = try? DropTraceReader(sharing: object, key: key) else {
            return false
        }
        state.drops = reader
        return true
    }

    /// Takes what is ready in the rings, and what the kernel said of its resets and drops until then; says what is shed
    /// if that has changed.
    func drain(_ clock: borrowing CaptureClock) -> EventRing.Drained {
        state.offset = clock.offset
        var drained = state.rings.ring.next(now: clock.now(), offset: clock.offset)
        state.traces?.take(into: &drained.batch, offset: clock.offset)
        state.drops?.take(into: &drained.batch, offset: clock.offset)
        (drained.batch.shedding, state.shedder.change) = (state.shedder.change, nil)
        (drained.batch.gap, state.gap) = (state.gap, nil)
        drained.batch.clockCorrection = clock.correction
        if state.hasNewAttachments {
            drained.batch.attachments = attachments
            state.hasNewAttachments = false
        }
        return drained
    }
}
