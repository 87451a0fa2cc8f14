// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// Why nobody can be named as a reset's sender: what would settle it depends on that.
enum AbstentionReason {
    /// Packets of the connection were left out under load.
    case shed
    case noFlow
    /// The text does not tell TTLs.
    case noTTL
    /// Several ways lead to the host.
    case severalWays
    /// The next hop gives all packets one TTL.
    case rewritten
    /// It left this machine, whose kernel was not there to say who made it.
    case ownMachine
    case contradiction
    /// How far the host is away is not known.
    case distance

    init(_ finding: Finding) {
        func has(_ names: EvidenceName...) -> Bool {
            finding.evidence.contains { names.contains($0.name) }
        }
        if has(.flowShed) {
            self = .shed
        } else if has(.noFlow) {
            self = .noFlow
        } else if has(.noTTL) {
            self = .noTTL
        } else if has(.ttlRewritten) {
            self = .rewritten
        } else if has(.severalDistances, .otherInterface) {
            self = .severalWays
        } else if finding.evidence.contains(where: {
            $0.name == .leftUndiminished && $0.weight == 0
        }) {
            self = .ownMachine
        } else if finding.evidence.contains(where: { $0.weight > 0 }),
            finding.evidence.contains(where: { $0.weight < 0 })
        {
            self = .contradiction
        } else {
            self = .distance
        }
    }

    /// As part of a sentence.
    func reason(_ host: String) -> String {
        switch self {
        case .shed: "packets of the connection were left out under load"
        case .noFlow: "no packet of the connection was seen before"
        case .noTTL: "the text does not tell TTLs"
        case .severalWays: "\(host) is reached by several ways"
        case .rewritten: "distances through the next hop tell nothing"
        case .ownMachine: "which part of the machine that captured made it is not known"
        case .contradiction: "the evidence contradicts itself"
        case .distance: "how far \(host) is away is not known"
        }
    }

    /// What to do next, as a sentence.
    func advice(_ host: String) -> String {
        switch self {
        case .shed: "Let rstwho look at all connections: --full gives it the CPU time, --ring-size larger rings."
        case .noTTL: "Give it a capture file, or a text with TTLs (tcpdump -v prints them)."
        case .noFlow: "Watch the interfaces that the connection's other packets cross, and try again."
        case .severalWays: "Watch closer to \(host): where it is reached by one way only, its distance is one."
        case .rewritten: "Watch on the other side of the next hop, which gives all packets one TTL."
        case .ownMachine: "Run rstwho watch on the machine that captured: its kernel knows what it made itself."
        case .contradiction: "The evidence contradicts itself: capture nearer to \(host)."
        case .distance: "Ping \(host) while rstwho watches: the TTL of its replies tells how far it is."
        }
    }

    /// What would settle it, as commands and places.
    ///
    /// - Parameters:
    ///   - host: its address; `nil` where only a name is known, which nothing can be asked of.
    ///   - probe: asks the port itself, where that can tell something.
    func steps(_ host: String?, at name: String, probe: String?) -> [String] {
        let nearer = "a capture nearer to \(name), and both beside each other: rstwho compare here=A.pcap there=B.pcap"
        let steps: [String?] =
            switch self {
            case .shed: [probe]
            case .noTTL: ["a capture of it, or a text with TTLs: tcpdump -nv prints them", probe]
            case .noFlow: ["a capture with the connection's other packets"]
            case .severalWays, .contradiction: [nearer, probe]
            case .rewritten: [nearer]
            case .ownMachine: []
            case .distance:
                [
                    host.map { "ping -c 4 \($0) while rstwho watches: the TTL of its replies tells how far it is" },
                    probe,
                ]
            }
        return steps.compactMap { $0 }
    }
}
