// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The reason that a reset carries, as its sender states it.
package struct ResetReason: Sendable, Equatable {
    /// A reason as the packet carries it.
    package enum Statement: Sendable, Equatable {
        /// A code of the MPTCP reset option (RFC 8684, 3.6).
        case multipath(UInt8)
        /// A code of a TCP RST diagnostic payload.
        case diagnostic(UInt16)
        case text(String)
        /// A code of NetScaler's in the window.
        case netScaler(UInt16)
    }

    var statement: Statement
    /// The cause that the reason amounts to; `nil` where it says less.
    var cause: Finding.Cause?

    static func of(_ reset: ResetCase) -> ResetReason? {
        if let reason = reset.headers.multipathReason {
            return ResetReason(statement: .multipath(reason), cause: reason == 3 ? .rejected : nil)
        }
        if let code = reset.headers.diagnosticCode {
            return ResetReason(statement: .diagnostic(code))
        }
        if let text = reset.headers.text { return ResetReason(statement: .text(text), cause: cause(ofText: text)) }
        return window(reset)
    }

    /// BIG-IP writes its reason into the payload (tm.rstcause.pkt).
    private static func cause(ofText text: String) -> Finding.Cause? {
        guard text.contains("BIG-IP") || text.contains("F5RST") else { return nil }
        if text.contains("expired") || text.contains("sweeper") { return .idleTimeout }
        if text.contains("iRule") || text.contains("olicy") || text.contains("denied") { return .rejected }
        return text.contains("No local listener") ? .portClosed : nil
    }

    /// NetScaler writes its reason into the window, which differs from all its other windows then.
    ///
    /// Only what starts from its initial TTL can be one.
    private static func window(_ reset: ResetCase) -> ResetReason? {
        let code = reset.record.window
        guard (9300...9999).contains(code), reset.distance.initialTTL == 255, let flow = reset.flow,
            flow.source.packets > 0, flow.source.window != code, flow.other.window != code
        else { return nil }
        // 9814: a policy with action RESET.
        return ResetReason(statement: .netScaler(code), cause: code == 9814 ? .rejected : nil)
    }
}
