// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The weight of each piece of evidence, in one table.
///
/// Weights are natural-log odds for "not the host" with prior odds of 1. Pieces of one group say the same thing in
/// different words: only the strongest of a group counts, in each direction.
package enum EvidenceModel {
    package enum Group: CaseIterable, Sendable {
        /// Decides alone.
        case proof
        /// The distance of the reset.
        case distance
        /// The fields that an injector copied from the trigger.
        case copy
        /// The IP-ID counter that it continues.
        case numbering
        /// The fields that a stack would have filled in.
        case window
        /// The fields that a kernel copies from the trigger.
        case marking
        /// The delay of the reset.
        case time
        /// The events in the connection at that moment.
        case race
        /// The packets that arrived here and did not leave.
        case forwarding
        /// The signs that a departure would have been seen.
        case leaving
        /// A failure that lasts, against a packet or two that were lost.
        ///
        /// The pieces add up.
        case failure
        /// The path, against the server.
        ///
        /// The pieces add up.
        case side
        /// Explains; weighs nothing.
        case note

        /// The question that most pieces of the group answer.
        fileprivate var question: Question {
            switch self {
            case .proof, .distance, .copy, .numbering, .window, .marking, .time, .race: .sender
            case .forwarding, .leaving: .drop
            case .failure, .side: .stall
            case .note: .note
            }
        }
    }

    /// The question that a weight answers.
    package enum Question: Sendable {
        /// The sender of the reset: positive against the host.
        case sender
        /// Why a connection stalls: positive for a failure that lasts, or for the path against the server.
        case stall
        /// The place where a packet was dropped: positive for this machine.
        case drop
        /// None: it explains, and weighs nothing.
        case note
    }

    package struct Row: Sendable {
        package var group: Group
        /// Weight where the observation speaks against the host.
        package var forForeign: Double
        /// Weight where it speaks for the host.
        package var forHost: Double
        /// Samples of the baseline at which the weight is full; fewer count in proportion.
        package var samplesForFull: Int
        /// The source of the row.
        package var source: String
        /// The question that the weight answers.
        package var question: Question

        init(
            _ group: Group, _ forForeign: Double, _ forHost: Double, samples: Int = 1, source: String,
            of question: Question? = nil
        ) {
            self.group = group
            self.question = question ?? group.question
            self.forForeign = forForeign
            self.forHost = forHost
            samplesForFull = samples
            self.source = source
        }
    }

    /// The table: group, weight against the host, weight for the host, samples for full weight, source.
    package static func row(_ name: EvidenceName) -> Row {
        switch name {
        case .madeHere:
            Row(.proof, 7, -7, source: "ingress_ifindex 0 at TC egress: made here (measured, Linux 6.18)")
        case .leftUndiminished:
            Row(.proof, 4, -4, source: "a router takes one off the TTL of what it forwards (RFC 1812, 5.3.1)")
        case .otherLink:
            Row(.proof, 5, 0, source: "one path at a time: the host's packets still come from the old next hop")
        case .dataAfterReset:
            Row(.proof, 5, 0, source: "a host that resets a connection forgets it (RFC 9293, 3.5.2)")
        case .application:
            Row(.proof, 0, -7, source: "tcp_send_active_reset (net/ipv4/tcp_output.c): a socket's own header fields")
        case .flowLabelKept:
            Row(.proof, 0, -5, source: "RFC 6437, 3: a source labels all packets of a flow alike")
        case .flowLabelMissing:
            Row(.proof, 5, 0, source: "nf_reject_ip6hdr_put (net/ipv6/netfilter/nf_reject_ipv6.c) sets no label")
        case .activeTrace:
            Row(.proof, 6, 0, samples: 3, source: "what its TTL does not let reach the host, the host cannot answer")
        case .notSeenNearer:
            Row(.proof, 5, 0, source: "what a host sends passes every point on its way")
        case .ttlFlow:
            Row(.distance, 4, -3, samples: 2, source: "one five-tuple, one path; Weaver, Sommer, Paxson, NDSS 2009")
        case .ttlHost:
            Row(.distance, 4, -2, samples: 4, source: "Jin, Wang, Shin: Hop-Count Filtering, CCS 2003")
        case .initialTTL:
            Row(.distance, 2, 0, source: "a whole initial TTL comes from a neighbour")
        case .otherInitialTTL:
            Row(
                .distance, 0, -1,
                source: "stacks reset from another initial TTL than they send data; so does a NAT beside")
        case .behindTranslator:
            Row(.distance, 0, -2, source: "a translator answers ping itself, the host is farther (measured with DNAT)")
        case .triggerIdentification:
            Row(.copy, 3, 0, source: "injectors build on the packet that they saw; Weaver et al., NDSS 2009")
        case .otherCounter:
            Row(.numbering, 4, 0, source: "one counter for all packets of a device; Bellovin, IMW 2002")
        case .ownCounter:
            Row(.numbering, 0, -3, source: "Bellovin: A Technique for Counting NATted Hosts, IMW 2002")
        case .constantIdentification:
            Row(.numbering, 2, 0, samples: 2, source: "documented injectors send one IP-ID; Weaver et al., NDSS 2009")
        case .triggerWindow:
            Row(.copy, 3, 0, source: "injectors build on the packet that they saw; Weaver et al., NDSS 2009")
        case .windowWithoutTimestamps:
            Row(.window, 2, 0, source: "RFC 7323, 3.2: timestamps in every segment once agreed; RST may omit them")
        case .dscpLost:
            Row(.marking, 1.5, 0, source: "nf_reject_ipv4.c builds a header with TOS 0")
        case .dscpKept:
            Row(.marking, 0, -2, source: "tcp_v4_send_reset (net/ipv4/tcp_ipv4.c) copies the trigger's TOS")
        case .soonerThanRTT:
            Row(.time, 3, 0, source: "an answer takes a round trip; a device on the path answers sooner")
        case .plausibleRTT:
            Row(.time, 0, -1, source: "an answer takes a round trip; a device on the path may wait as well")
        case .loopback:
            Row(.proof, 0, -7, source: "RFC 1122, 3.2.1.3; RFC 4291, 2.5.3: it never leaves the machine")
        case .onLink:
            Row(.proof, 0, -5, source: "ARP, RFC 826; neighbour discovery, RFC 4861, 7.1: it passed no router")
        case .forwardsForAnother:
            Row(.distance, 0, -2, source: "an echo reply is the address's own kernel's (measured, Linux 6.18)")
        case .otherFlow:
            Row(.numbering, 0, -3, source: "ports and numbers of another connection: address translation missed it")
        case .acksUnsent:
            Row(.race, 3, 0, source: "RFC 9293, 3.10.7.4: a host acknowledges what it has received")
        case .synAckAfterReset, .bothTalkOn, .twinResets, .bothSidesReset:
            Row(.race, 3, 0, source: "races of an injector with the host; Weaver, Sommer, Paxson, NDSS 2009")
        case .notForwarded:
            Row(.forwarding, 2, 0, source: "what is forwarded arrives by one hook and leaves by another")
        case .kernelDrop:
            Row(
                .proof, 7, 0, source: "tracepoint skb:kfree_skb, which a packet that is sent on does not pass",
                of: .drop)
        case .leftBefore:
            Row(.leaving, 4, 0, source: "one connection, one way out: its earlier packets were seen there")
        case .destinationLeft:
            Row(.leaving, 2, 0, source: "one destination, one way out, but for policy routing by port")
        case .trackingState:
            Row(.note, 0, 0, source: "nf_conntrack_proto_tcp.c: the table of states, asked by ctnetlink")
        case .trackingCounter:
            Row(.note, 0, 0, source: "/proc/net/stat/nf_conntrack")
        case .reversePathFilter:
            Row(.note, 0, 0, source: "TcpExt IPReversePathFilter, net.ipv4.conf.*.rp_filter (RFC 3704)")
        case .kernelEvent:
            Row(.note, 0, 0, source: "tracepoint tcp:tcp_send_reset, which netfilter's resets do not pass")
        case .conntrack:
            Row(.note, 0, 0, source: "nf_conntrack: what is invalid is not translated (nf_nat_core.c)")
        case .filterRule:
            Row(.note, 0, 0, source: "nft list ruleset: the rule's counter before and after")
        case .synACKRepeated:
            Row(.failure, 2, 0, source: "for two copies, one more with each: RFC 6298, each needs a loss more")
        case .acknowledged:
            Row(.failure, 1, 0, source: "the client has the SYN-ACK: two acknowledgements in a row were lost")
        case .synRepeated:
            Row(.failure, 1.5, 0, source: "for two copies, one more with each: 3 % of loss takes 1 of 40,000")
        case .dataRepeated:
            Row(.failure, 1, 0, source: "for two copies, 0.5 more with each: RFC 6298, timeouts double")
        case .ackRepeated:
            Row(.failure, 1.5, 0, source: "a handshake is acknowledged again only when its SYN-ACK comes again")
        case .hostAnswers:
            Row(.failure, 2, 0, source: "the host is up and reachable: the service or a filter is it")
        case .clientLives:
            Row(.failure, 1, 0, source: "a client that answers others is not a spoofed source")
        case .tapOneWay:
            Row(.failure, 3, 0, source: "routes differ for some connections, a tap for all")
        case .redirected:
            Row(.side, 4, 0, source: "RFC 792: the router that got the packet is not on the best way")
        case .ackNeverHere:
            Row(.side, 5, 0, source: "a server cannot accept what does not come as far as here")
        case .allPortsFail:
            Row(.side, 3.5, 0, source: "accept queues are full one by one, a path fails for all ports")
        case .otherPortWorks:
            Row(.side, 0, -2, source: "a path that fails fails for all ports, unless a filter tells them apart")
        case .otherWayBack:
            Row(.side, 1.5, 0, source: "two ways are common and mostly healthy; a filter with state is not")
        case .ackAtServer:
            Row(.side, 0, -4, source: "no router is left between here and the server")
        case .listenOverflows:
            Row(.side, 0, -5, source: "TcpExtListenOverflows counts what tcp_v4_syn_recv_sock turned away")
        case .silenceBefore, .pairWorks, .signed, .neverSYNACK, .neverSYN, .answerPasses, .onlyLarge, .othersTwoWay,
            .recovered, .outsideWindow,
            .implausible, .traced, .looped, .answer, .wentOn, .sentAgain, .toldAgain, .others, .unlisted:
            Row(.note, 0, 0, source: "explains")
        case .benignClose, .noFlow, .flowShed, .noBaseline, .noTTL, .fartherThanHost, .oneHopNearer, .reflected,
            .severalDistances, .otherInterface, .copiesUnordered,
            .pathMoved,
            .applicationTTL,
            .ttlRewritten,
            .resetText:
            Row(.note, 0, 0, source: "explains")
        }
    }

    /// No verdict is more probable than that.
    package static let proven = 0.999
    /// `middlebox` needs at least this probability.
    package static let foreignThreshold = 0.95
    /// The most that a single observation weighs where nothing is known of the host: not enough to accuse.
    package static let single = 2.0
    /// Below this probability of "not the host" it is the host's.
    package static let hostThreshold = 0.2
    /// A host's distance that its packets share to at least this part is dominant.
    package static let dominantShare = 0.95
    /// A distance that at least this part of the host's packets came from is one of the host's.
    package static let knownShare = 0.02
    /// A baseline farther than this says that the application set its TTL (IP_TTL, eBGP's 1): paths are shorter.
    package static let longestPath = 30

    /// This many of a host's newest packets in a row from another distance than most before are a path that may have
    /// changed; fewer are enough where a reset came from there as well.
    package static let movedRun = 4
    package static let agreeingRun = 2
    /// Two distances that each have at least this part of a host's packets, and `sharedSamples` of them, are two
    /// machines or two paths.
    package static let sharedShare = 0.1
    package static let sharedSamples = 4

    /// The weight of `name` on `samples` packets.
    package static func weight(_ name: EvidenceName, against isForeign: Bool, samples: Int = .max) -> Double {
        let row = row(name)
        let full = isForeign ? row.forForeign : row.forHost
        return full * Double(min(samples, row.samplesForFull)) / Double(row.samplesForFull)
    }

    /// The log odds for "not the host" that evidence adds up to.
    ///
    /// Of each group the strongest piece against the host and the strongest for it count: what contradicts itself must
    /// not be decided by the order of the pieces. A proof against the host that no proof contradicts decides alone: who
    /// copies the host's TTL makes the distance speak for the host, and the proof still stands.
    package static func logOdds(_ evidence: [Evidence]) -> Double {
        let proof = extremes(evidence, .proof)
        if proof.most > 0, proof.least == 0 {
            return Group.allCases.reduce(0) { $0 + extremes(evidence, $1).most }
        }
        return Group.allCases.reduce(0) { sum, group in
            let extremes = extremes(evidence, group)
            return sum + extremes.most + extremes.least
        }
    }

    /// The strongest weights of a group in both directions, 0 where there is none.
    private static func extremes(_ evidence: [Evidence], _ group: Group) -> (least: Double, most: Double) {
        evidence.reduce((0, 0)) { result, piece in
            guard row(piece.name).group == group else { return result }
            return (min(result.0, piece.weight), max(result.1, piece.weight))
        }
    }

    /// The probability of "not the host" that evidence adds up to.
    package static func probability(_ evidence: [Evidence]) -> Double {
        1 / (1 + exp(-logOdds(evidence)))
    }
}
