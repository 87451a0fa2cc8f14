// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The evidence of this machine's kernel about a reset with this machine's address: the part that sent it.
enum KernelEvidence {
    /// `nil` where the kernel says nothing.
    static func of(_ reset: ResetCase) -> (sender: Finding.Sender, evidence: Evidence)? {
        switch reset.kernel {
        case .silent:
            return nil
        case .didNotSend:
            return (.hostFirewall, Evidence(note: .kernelEvent, observed: .sign(.noKernelEvent)))
        case .sent(let trace):
            return (
                sender(of: trace), Evidence(note: .kernelEvent, observed: .kernel(Evidence.Value.KernelEvent(trace)))
            )
        }
    }

    /// An aborted socket is the application's doing, but for what timers and want of memory do.
    static func sender(of trace: ResetTrace) -> Finding.Sender {
        guard trace.isActive else { return .hostKernel }
        switch trace.reason {
        // Connections that nobody accepted before the listener closed are aborted without a process that holds them.
        case "TCP_ABORT_ON_CLOSE", "TCP_STATE", "TCP_DISCONNECT_WITH_DATA": return .hostApplication
        case "TCP_KEEPALIVE_TIMEOUT", "TCP_ABORT_ON_MEMORY": return .hostKernel
        default: return trace.process == nil ? .hostKernel : .hostApplication
        }
    }

    /// Why, where the kernel's reason says it.
    ///
    /// - `packets`: The cause that the connection's packets show.
    static func cause(of reset: ResetCase, otherwise packets: Finding.Cause) -> Finding.Cause {
        guard case .sent(let trace) = reset.kernel, packets != .keepaliveRace else { return packets }
        switch trace.reason {
        case "TCP_ABORT_ON_CLOSE", "TCP_ABORT_ON_LINGER", "TCP_STATE", "TCP_DISCONNECT_WITH_DATA": return .aborted
        case "TCP_ABORT_ON_DATA", "TCP_TIMEWAIT_SOCKET": return .lateData
        case nil where trace.isActive && trace.process != nil: return .aborted
        default: return packets
        }
    }
}
