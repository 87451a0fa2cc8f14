// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis

/// The sentences about evidence on an ICMP error: how credible it is, and its outcome.
struct ErrorWords {
    private let piece: Evidence

    init(_ piece: Evidence) { self.piece = piece }

    private var observed: String { piece.observed?.text ?? "" }

    var sentence: String {
        switch piece.name {
        case .outsideWindow:
            "it quotes a sequence number far outside this connection's window: its sender does not see the connection"
        case .implausible: "no router next to the host would send such a redirect"
        case .traced:
            piece.observed == nil
                ? "traceroute sends its probes to such ports"
                : "packets of this flow passed here with a TTL of \(observed)"
        case .looped: "all packets of this flow passed here with a TTL of at least \(observed)"
        case .answer: "the packet that it quotes is the server's"
        case .wentOn: "the other side answered afterwards"
        case .sentAgain: "the same packet was refused again\(last)"
        case .toldAgain: "it was told \(observed) times"
        case .others:
            piece.observed == .sign(.errorsOfSender)
                ? "errors of this sender about other packets are counted here too"
                : "errors of other senders are counted here too"
        default: ""
        }
    }

    private var last: String {
        guard case .repeated(_, let milliseconds)? = piece.observed else { return "" }
        return ", last \(milliseconds) ms after the first time"
    }
}
