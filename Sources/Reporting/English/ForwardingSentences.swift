// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// The sentences about packets that this machine did not forward: which, and why.
struct ForwardingSentences {
    let finding: Finding
    let forwarding: Finding.Forwarding

    private var client: String { finding.called(finding.fiveTuple.source) }
    private var server: String { finding.called(finding.fiveTuple.destination) }

    var story: Story {
        let sender = forwarding.isFromClient ? "client" : "server"
        let packet = forwarding.packet == .data ? "data" : forwarding.packet.rawValue
        let packets = Counted.packets(forwarding.packets)
        return Story(
            "This machine dropped the \(sender)'s \(packet) (\(client) to \(server), tcp/\(finding.servicePort), \(packets)).",
            ["Why: \(reason)."], advice: .init(advice))
    }

    private var reason: String {
        switch forwarding.reason {
        case .replyNeverSeen: "connection tracking never saw the SYN-ACK, because the replies bypass this machine"
        case .openingNeverSeen:
            "connection tracking does not know the connection: the other direction bypasses this machine, or the entry expired"
        case .invalid: "connection tracking finds the packet invalid: its numbers do not fit the connection"
        case .tableFull(let tracked, let maximum):
            "the connection tracking table is full (\(tracked) of \(maximum) entries)"
        case .reversePath:
            "reverse path filtering (rp_filter): the route back to the source does not use "
                + (forwarding.interface ?? "the interface on which the packet arrived")
        case .tooBig: "the packet is too big for the next link, and the ICMP error does not reach its sender"
        case .filter: "a packet filter rule drops it"
        case .kernel(let reason): "the kernel says \(reason)"
        case .unknown: "not visible from here"
        }
    }

    private var advice: String {
        switch forwarding.reason {
        case .replyNeverSeen, .openingNeverSeen:
            "Fix the routing, so that both directions pass this machine or neither does. Last resort, and only without NAT "
                + "for them: notrack plus accept rules for both directions of \(server) tcp/\(finding.servicePort)."
        case .invalid:
            "Find the rule that drops ct state invalid, and capture on both sides: either a device changes sequence numbers, "
                + "or one direction bypasses this machine."
        case .tableFull:
            "Find what fills it (conntrack -S, conntrack -L), raise net.netfilter.nf_conntrack_max, or shorten its timeouts."
        case .reversePath:
            "Route \(forwarding.isFromClient ? client : server) back by \(forwarding.interface ?? "that interface"), or set "
                + "rp_filter to 2 (loose) there."
        case .tooBig:
            "Let ICMP errors through from here to \(forwarding.isFromClient ? client : server) (fragmentation needed, packet too "
                + "big), or clamp the MSS here (nft: tcp option maxseg size set rt mtu)."
        case .filter, .unknown:
            "Find the rule in this machine's packet filter: nft list ruleset, or nft monitor trace."
        case .kernel:
            "Check routes and neighbours: ip route get "
                + finding.text(forwarding.isFromClient ? finding.fiveTuple.destination : finding.fiveTuple.source) + "."
        }
    }
}
