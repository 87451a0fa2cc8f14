// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// The sentences about the other evidence of a reset: what happened around it, and what this machine says of it.
struct ResetWords {
    private let piece: Evidence

    init(_ piece: Evidence) { self.piece = piece }

    private var observed: String { piece.observed?.text ?? "" }

    var sentence: String {
        switch piece.name {
        case .madeHere: "the reset left this machine without having arrived here: this machine made it"
        case .otherLink:
            "it came from another next hop than this connection's packets, which still use the old path"
        case .dataAfterReset: "after the reset the host sent new data in the same connection"
        case .loopback: "a loopback address never leaves its machine: this machine itself sent it"
        case .onLink:
            "its frame came from the station that answers for \(observed) on this link and forwards for nobody"
        case .notSeenNearer: notSeenNearer
        case .synAckAfterReset:
            piece.observed == nil
                ? "one SYN was answered by a RST and by a SYN-ACK" : "after the reset the host accepted the connection"
        case .bothTalkOn: "after the reset both sides continued to send"
        case .twinResets: "a second reset has a sequence number above all that the host had sent (RST_SEQ_CHANGE)"
        case .bothSidesReset: "both sides got a reset of the same making within 5 ms"
        case .acksUnsent: "it acknowledges data that the other side had not sent"
        case .kernelEvent: kernelEvent
        case .filterRule: filterRule
        case .conntrack:
            "connection tracking translates this connection (\(observed)), but the packet that drew the reset passed here "
                + "untranslated"
        case .noFlow:
            piece.expected == .sign(.quotedPacket)
                ? "the packet that it quotes was not seen here"
                : "no packet of this connection was seen before the reset: it may answer a packet that somebody forged"
        case .flowShed: shed
        case .benignClose: "one side had already closed, so the distance alone accuses nobody"
        case .resetText: "the reset itself says: \(observed)"
        default: ""
        }
    }

    private var notSeenNearer: String {
        guard case .firstSeen(let seen)? = piece.observed, case .missed(let missed, let isOfHost)? = piece.expected
        else { return "" }
        return "it was seen at \(seen) and not at \(missed), which is "
            + (isOfHost ? "the host's own capture and misses nothing else" : "nearer to the host")
    }

    private var shed: String {
        guard case .shed(let shed)? = piece.observed else { return "" }
        if shed.isQuoted {
            return "packets of the quoted flow were shed under load"
                + (shed.isKnown ? "" : ": whether the quoted one passed here is not known")
        }
        return "packets of this connection were shed under load: "
            + (shed.isKnown
                ? "the evidence that they would have given is missing"
                : "whether there was one, and its state, is not known")
    }

    private var filterRule: String {
        guard case .rules(let rules)? = piece.observed else { return "" }
        guard rules.hasCounters else { return "the only rule that can, without a counter, is \(observed)" }
        return rules.count == 1
            ? "the rule whose counter moved is \(observed)"
            : "one of the \(rules.count) rules whose counters moved: \(observed)"
    }

    // MARK: This machine's kernel

    private var kernelEvent: String {
        guard case .kernel(let event)? = piece.observed else {
            return
                "this machine's TCP stack did not send it: its packet filter did, or a program that writes packets itself"
        }
        let reason = event.reason.flatMap(Self.words).map { ": \($0)" } ?? ""
        guard event.isActive else {
            let socket = event.hasSocket ? "of a socket that it has" : "without a socket"
            return "this machine's kernel says that it answered a packet with it, \(socket)\(reason)"
        }
        guard let process = event.process else {
            return "this machine's kernel says that it gave up the connection\(reason)"
        }
        return "this machine's kernel says that \(process.name) (process \(process.id)) aborted the connection\(reason)"
    }

    /// The kernel's reason in words (include/net/rstreason.h; `TCP_STATE` is what SO_LINGER 0 gives, measured on 6.18).
    private static func words(_ reason: String) -> String? {
        switch reason {
        case "NOT_SPECIFIED": nil
        case "NO_SOCKET": "no socket for it"
        case "TCP_ABORT_ON_CLOSE": "closed with data unread"
        case "TCP_STATE": "it ended the connection at once (SO_LINGER 0, or a listener that closed)"
        case "TCP_ABORT_ON_LINGER": "it does not wait for the other side's close (TCP_LINGER2)"
        case "TCP_DISCONNECT_WITH_DATA": "disconnected with data unsent or unread"
        case "TCP_ABORT_ON_DATA": "data came after the close"
        case "TCP_ABORT_ON_MEMORY": "too many orphaned sockets or too little memory"
        case "TCP_KEEPALIVE_TIMEOUT": "its keepalive probes were not answered"
        case "TCP_TIMEWAIT_SOCKET": "the connection was closed already"
        case "TCP_INVALID_ACK_SEQUENCE": "an acknowledgement that fits no handshake"
        case "INVALID_SYN": "a SYN within the connection"
        default: reason
        }
    }
}
