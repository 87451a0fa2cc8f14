// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// What people read of packets that this machine did not send on: which, and what explains it.
struct ForwardingSentences {
    let finding: Finding
    let forwarding: Finding.Forwarding

    private var client: String { finding.called(finding.fiveTuple.source) }
    private var server: String { finding.called(finding.fiveTuple.destination) }

    var summary: String {
        let sender = forwarding.isFromClient ? "client" : "server"
        let packet = forwarding.packet == .data ? "data" : forwarding.packet.rawValue
        let reason = reason.map { ": \($0)" } ?? ""
        return "This machine dropped the \(sender)'s \(packet)\(reason). (\(client) to \(server), "
            + "tcp/\(finding.servicePort), \(forwarding.packets) packets)"
    }

    private var reason: String? {
        switch forwarding.reason {
        case .replyNeverSeen: "connection tracking has never seen the SYN-ACK, the reply takes another way"
        case .openingNeverSeen:
            "connection tracking does not know the connection, the other direction takes another way or it was forgotten"
        case .invalid: "connection tracking finds that it does not fit the connection"
        case .tableFull(let tracked, let maximum):
            "the table of connection tracking is full (\(tracked) of \(maximum))"
        case .reversePath:
            "the way back to its source is not \(forwarding.interface ?? "the interface that it came by") (rp_filter)"
        case .tooBig: "it is too big for the next link, and its sender does not hear of that"
        case .filter: "its packet filter does not let it pass"
        case .kernel(let reason): "the kernel says \(reason)"
        case .unknown: nil
        }
    }

    var advice: String {
        switch forwarding.reason {
        case .replyNeverSeen, .openingNeverSeen:
            "Route both directions through this machine, or do not track these connections here: notrack, or accept "
                + "what is ct state invalid, for \(server) tcp/\(finding.servicePort)."
        case .invalid:
            "Look at the rule that drops ct state invalid, and capture both sides: sequence numbers are changed, or one "
                + "direction takes another way."
        case .tableFull:
            "Find what fills it (conntrack -S, conntrack -L), raise net.netfilter.nf_conntrack_max, or shorten its timeouts."
        case .reversePath:
            "Route \(forwarding.isFromClient ? client : server) back by \(forwarding.interface ?? "that interface"), or set "
                + "rp_filter to 2 (loose) there."
        case .tooBig:
            "Let ICMP errors through from here to \(forwarding.isFromClient ? client : server) (fragmentation needed, packet too "
                + "big), or clamp the MSS here (nft: tcp option maxseg size set rt mtu)."
        case .filter, .unknown:
            "Look for the rule in this machine's packet filter: nft list ruleset, or nft monitor trace."
        case .kernel:
            "Look at routes and neighbours: ip route get "
                + finding.text(forwarding.isFromClient ? finding.fiveTuple.destination : finding.fiveTuple.source) + "."
        }
    }
}
