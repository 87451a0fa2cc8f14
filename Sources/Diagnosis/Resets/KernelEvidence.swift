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
            return (
                .hostFirewall,
                Evidence(
                    note: .kernelEvent, observed: "no event",
                    "this machine's TCP stack did not send it: its packet filter did, or a program that writes packets "
                        + "itself")
            )
        case .sent(let trace):
            return (sender(of: trace), Evidence(note: .kernelEvent, observed: .text(observed(trace)), text(trace)))
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

    private static func observed(_ trace: ResetTrace) -> String {
        var parts: [String] = []
        if let process = trace.process { parts.append("\(process.name) (\(process.id))") }
        if let reason = trace.reason { parts.append(reason) }
        if parts.isEmpty { parts.append(trace.hasSocket ? "with a socket" : "without a socket") }
        return parts.joined(separator: ", ")
    }

    private static func text(_ trace: ResetTrace) -> String {
        let reason = why(trace)
        if trace.isActive {
            guard let process = trace.process else {
                return "this machine's kernel says that it gave up the connection\(reason)"
            }
            return
                "this machine's kernel says that \(process.name) (process \(process.id)) aborted the connection\(reason)"
        }
        let socket = trace.hasSocket ? "of a socket that it has" : "without a socket"
        return "this machine's kernel says that it answered a packet with it, \(socket)\(reason)"
    }

    /// The kernel's reason in words (include/net/rstreason.h; `TCP_STATE` is what SO_LINGER 0 gives, measured on 6.18).
    private static func why(_ trace: ResetTrace) -> String {
        switch trace.reason {
        case nil, "NOT_SPECIFIED": return ""
        case "NO_SOCKET": return ": no socket for it"
        case "TCP_ABORT_ON_CLOSE": return ": closed with data unread"
        case "TCP_STATE": return ": it ended the connection at once (SO_LINGER 0, or a listener that closed)"
        case "TCP_ABORT_ON_LINGER": return ": it does not wait for the other side's close (TCP_LINGER2)"
        case "TCP_DISCONNECT_WITH_DATA": return ": disconnected with data unsent or unread"
        case "TCP_ABORT_ON_DATA": return ": data came after the close"
        case "TCP_ABORT_ON_MEMORY": return ": too many orphaned sockets or too little memory"
        case "TCP_KEEPALIVE_TIMEOUT": return ": its keepalive probes were not answered"
        case "TCP_TIMEWAIT_SOCKET": return ": the connection was closed already"
        case "TCP_INVALID_ACK_SEQUENCE": return ": an acknowledgement that fits no handshake"
        case "INVALID_SYN": return ": a SYN within the connection"
        case .some(let reason): return ": \(reason)"
        }
    }
}
