// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The reason that a reset carries, as its sender states it.
struct ResetReason: Sendable, Equatable {
    var text: String
    /// The cause that the reason amounts to; `nil` where it says less.
    var cause: Finding.Cause?

    static func of(_ reset: ResetCase) -> ResetReason? {
        if let reason = reset.headers.multipathReason { return multipath(reason) }
        if let code = reset.headers.diagnosticCode {
            return ResetReason(text: "reason code \(code) (TCP RST diagnostic payload)")
        }
        if let text = reset.headers.text { return ResetReason(text: text, cause: cause(ofText: text)) }
        return window(reset)
    }

    /// RFC 8684, 3.6.
    private static func multipath(_ reason: UInt8) -> ResetReason {
        let names = [
            "unspecified", "MPTCP error", "lack of resources", "administratively prohibited",
            "too much outstanding data",
            "unacceptable performance", "middlebox interference",
        ]
        let name = Int(reason) < names.count ? names[Int(reason)] : "unknown"
        return ResetReason(text: "MPTCP reason \(reason), \(name)", cause: reason == 3 ? .rejected : nil)
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
        switch code {
        case 9300...9303:
            return ResetReason(
                text: "NetScaler code \(code) in its window: idle for too long, or the service went down")
        case 9700, 9701: return ResetReason(text: "NetScaler code \(code) in its window: passed on from behind it")
        case 9814:
            return ResetReason(
                text: "NetScaler code \(code) in its window: a policy with action RESET", cause: .rejected)
        default: return ResetReason(text: "NetScaler code \(code) in its window")
        }
    }
}
