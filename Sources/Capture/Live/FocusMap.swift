// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc
package import Packets

/// The kernel part's focus: which flows' packets are recorded on their way in and out, whatever else is left out.
///
/// Flows that share a bit are counted, so that one that ends does not take another's. Not for two threads at once.
final class FocusMap {
    /// Shared with the kernel.
    private let memory: UnsafeMutablePointer<packet_focus>
    private let key: FlowHashKey
    private var flowsOfBit: [UInt32: Int] = [:]

    /// - `map`: the descriptor of the map `focus`; not kept.
    /// - `key`: the key that the programs hash with.
    init(map: Int32, key: FlowHashKey) throws(CaptureError) {
        guard let memory = rstwho_focus_map(map) else {
            throw CaptureError(
                .unavailable, subject: "the kernel part",
                problem: "its focus cannot be mapped: \(SystemError.text(errno))", errno: errno)
        }
        self.memory = memory
        self.key = key
    }

    deinit {
        rstwho_focus_unmap(memory)
    }

    func insert(_ flow: FiveTuple) {
        let bit = flow.focusBit(key)
        flowsOfBit[bit, default: 0] += 1
        rstwho_focus_set(memory, bit, true)
    }

    /// Takes out a flow that was inserted before.
    func remove(_ flow: FiveTuple) {
        let bit = flow.focusBit(key)
        guard let count = flowsOfBit[bit] else { return }
        flowsOfBit[bit] = count > 1 ? count - 1 : nil
        if count == 1 { rstwho_focus_set(memory, bit, false) }
    }
}

extension LiveCapture {
    /// Puts a flow into focus, or takes it out: its packets are recorded on their way in and, forwarded ones too, on
    /// their way out.
    ///
    /// Each call that puts in is undone by one that takes out. Only for the thread that is in `run`.
    ///
    /// - Returns: from when on that holds, ns since 1970.
    @discardableResult
    package func focus(_ flow: FiveTuple, isOn: Bool) -> UInt64 {
        if isOn { state.focus.insert(flow) } else { state.focus.remove(flow) }
        return UInt64(clamping: Int64(clamping: CaptureClock.monotonic()) + state.offset)
    }
}
