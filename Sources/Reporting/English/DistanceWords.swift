// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// The sentences about evidence from the distance of a packet.
struct DistanceWords {
    private let piece: Evidence
    private let observed: Point?
    private let expected: Point?

    /// A distance and the packets that it is of.
    private struct Point {
        var distance: HopDistance
        var packets: Evidence.Value.PacketClass?

        init?(_ value: Evidence.Value?) {
            guard case .distance(let distance, _, let packets)? = value else { return nil }
            self.distance = distance
            self.packets = packets
        }
    }

    init(_ piece: Evidence) {
        self.piece = piece
        observed = Point(piece.observed)
        expected = Point(piece.expected)
    }

    var sentence: String {
        switch piece.name {
        case .ttlFlow, .ttlHost: isEqual ? equal : unequal
        case .initialTTL:
            "a TTL of exactly \(observed?.distance.ttl ?? 0) comes from a neighbour, and the host is farther away"
        case .otherInitialTTL:
            "the reset came from the same distance as the host's packets, but started from "
                + "\(observed?.distance.initialTTL ?? 0), they from \(expected?.distance.initialTTL ?? 0)"
        case .behindTranslator:
            expected?.packets == .probeAnswers
                ? "it came from farther than the address answers ping from: a machine behind a NAT"
                : "the reset comes from farther away than the address's echo replies: the address is a NAT that answers ping "
                    + "itself, and the reset comes from a machine behind it"
        case .forwardsForAnother:
            "the reset came as far as the address's echo replies, this connection's packets from one hop farther: the "
                + "address's own kernel sent it, for a machine behind it that it forwards for"
        case .noBaseline: "the capture holds no packet that certainly comes from this host, so its distance is unknown"
        case .noTTL: "the text does not tell its TTL, from which its sender's distance follows"
        case .fartherThanHost:
            "the reset came from farther than the host: nothing on the path lies behind it, so its distance accuses nobody"
        case .oneHopNearer:
            "the reset came from one hop nearer than the host's packets: the device directly in front of that address sent "
                + "it, or that machine itself if containers or a NAT sit behind its address"
        case .severalDistances: severalDistances
        case .otherInterface:
            (expected?.packets == .connection ? "this connection's other packets" : "the host's packets")
                + " arrived on another interface than the reset, and another path has another distance"
        case .copiesUnordered:
            "duplicates arrive in changing order, so it is unknown which of the reset's TTLs to compare"
        case .pathMoved: pathMoved
        case .applicationTTL:
            piece.observed == nil
                ? "the application set a TTL of \(piece.expected?.text ?? "its own"), which shows no distance"
                : "no path leads to such a TTL: an application has set it"
        case .ttlRewritten:
            "the next hop gives the packets of all hosts the same whole initial TTL, so a TTL shows no distance"
        case .leftUndiminished where piece.expected != nil:
            "it left this machine with a whole initial TTL and nothing like it arrived: a BPF program on this machine made it, "
                + "or it crossed a bridge port that is not watched"
        case .leftUndiminished:
            "it left this machine with a whole initial TTL and nothing like it arrived: this machine made it"
                + (piece.weight == 0 ? "; whether the address is its own cannot be told from this capture" : "")
        case .activeTrace: activeTrace
        default: ""
        }
    }

    private var isEqual: Bool { observed?.distance.hop == expected?.distance.hop }

    private var equal: String {
        switch expected?.packets {
        case .connection: "the reset came from the same distance as this connection's other packets"
        case .echoReplies: "the reset came from the same distance as the host's own echo replies"
        case .otherConnections: "the reset came from the same distance as the host's own packets in other connections"
        case .probeAnswers: "it came from as far as the host's other answers"
        case .agent: "it came from as far as the host's packets that the agent saw"
        default: "the reset came from the same distance as the host's own packets"
        }
    }

    private var unequal: String {
        let (hop, other) = (observed?.distance.hop ?? 0, expected?.distance.hop ?? 0)
        return switch expected?.packets {
        case .connection: "this connection's other packets from there came from hop \(other), the reset from hop \(hop)"
        case .probeAnswers: "it came from nearer than the host's other answers"
        case .agent: "it came from nearer than the host's packets that the agent saw"
        case .errorSource: "it comes from nearer than the host's own packets"
        default: "the host's own packets come from hop \(other), the reset from hop \(hop)"
        }
    }

    private var severalDistances: String {
        guard observed != nil else { return "the host's answers come from several distances" }
        guard case .few(let alike, let all) = expected?.packets else {
            return "the host's packets arrive with different hop counts, so the TTL cannot show who sent the reset"
        }
        return "\(alike) of the host's \(all) packets came from the same distance as the reset"
    }

    private var pathMoved: String {
        if case .moved(let flows, let hosts) = observed?.packets {
            return hosts == 1
                ? "\(Counted.connections(flows)) moved together, and nothing uses the old path any more"
                : "\(Counted.connections(flows)) of \(hosts) hosts moved together by as many hops"
        }
        if case .newest(let count, _) = observed?.packets {
            return "the host's newest \(count) packets came from the same distance as the reset"
        }
        if case .newest(let count, let before?) = expected?.packets {
            return
                "the host's newest \(count) packets came from hop \(expected?.distance.hop ?? 0), most before them from "
                + "hop \(before)"
        }
        return "paths have just changed by the same number of hops that separates the reset from "
            + (expected?.packets == .connection ? "this connection's other packets" : "the host's old distance")
    }

    private var activeTrace: String {
        guard case .ttl(let answered)? = piece.observed, case .reach(let ttl, let isMinimum, _)? = piece.expected else {
            return ""
        }
        return
            "a SYN with TTL \(answered) is answered already, other packets need \(isMinimum ? "at least " : "")\(ttl) "
            + "to reach the host"
    }
}
