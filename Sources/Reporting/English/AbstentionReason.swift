// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// Why nobody can be named as a reset's sender: what would settle it depends on that.
package enum AbstentionReason {
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
    /// It left this machine whole, and the kernel calls it forwarded.
    case ownProgram
    case contradiction
    /// One hop nearer than the host's packets: a device in front of it, or the address's own machine.
    case oneHopNearer
    /// A whole initial TTL: the next hop made it.
    case wholeTTL
    /// The distance of the host is known from too few packets.
    case fewSamples
    /// The distance of the host is not known.
    case distance

    package init(_ finding: Finding) {
        func has(_ names: EvidenceName...) -> Bool {
            finding.evidence.contains { names.contains($0.name) }
        }
        if has(.flowShed) {
            self = .shed
        } else if has(.noFlow) {
            self = .noFlow
        } else if has(.noTTL) {
            self = .noTTL
        } else if has(.oneHopNearer) {
            self = .oneHopNearer
        } else if has(.ttlRewritten) {
            self = .rewritten
        } else if has(.severalDistances, .otherInterface) {
            self = .severalWays
        } else if finding.evidence.contains(where: {
            $0.name == .leftUndiminished && $0.weight == 0
        }) {
            self = finding.vantage?.hook == nil ? .ownMachine : .ownProgram
        } else if has(.noBaseline), let reset = finding.reset, reset.hop == 1 {
            self = .wholeTTL
        } else if finding.evidence.contains(where: { $0.weight > 0 }),
            finding.evidence.contains(where: { $0.weight < 0 })
        {
            self = .contradiction
        } else if has(.ttlHost, .ttlFlow) {
            self = .fewSamples
        } else {
            self = .distance
        }
    }

    /// As part of a sentence.
    package func reason(_ host: String) -> String {
        switch self {
        case .shed: "packets of the connection were left out under load"
        case .noFlow: "no packet of the connection was seen before"
        case .noTTL: "the text does not show TTLs"
        case .severalWays: "several paths lead to \(host)"
        case .rewritten: "the next hop rewrites TTLs"
        case .ownMachine: "the capturing machine made it, and the capture does not say which part"
        case .ownProgram: "a BPF program on the capturing machine and a bridge port that is not watched look alike"
        case .contradiction: "the evidence contradicts itself"
        case .oneHopNearer:
            "the device in front of \(host) and \(host) itself, if it forwards for another machine, look alike"
        case .wholeTTL: "the next hop made it, and whether that is \(host) is unknown"
        case .fewSamples: "too few packets of \(host) show its distance"
        case .distance: "the distance of \(host) is unknown"
        }
    }

    /// Returns the next step, as a sentence.
    func advice(_ host: String) -> String {
        switch self {
        case .shed: "Record all connections: --full gives rstwho the CPU time, --ring-size larger rings."
        case .noTTL: "Read a capture file, or a text with TTLs (tcpdump -v prints them)."
        case .noFlow: "Capture on the interfaces that the connection's other packets cross, and try again."
        case .severalWays:
            "Capture closer to \(host), at a point from which only one path leads to it: there its hop count is unambiguous."
        case .rewritten: "Capture on the other side of the next hop, which rewrites the TTL of all packets."
        case .ownMachine:
            "Run rstwho watch on the capturing machine: its kernel reports the resets that it makes itself."
        case .ownProgram:
            "List the BPF programs that send packets here (bpftool net show), and watch all ports of the bridge."
        case .contradiction: "The evidence contradicts itself: capture closer to \(host)."
        case .oneHopNearer:
            "Run ping \(host) once during the capture: a reply with the reset's hop count means that \(host) itself sent it."
        case .wholeTTL:
            "The next hop sent it. Check with ip neigh whether \(host) is on this link: only then is it the next hop."
        case .fewSamples:
            "Run ping -c 4 \(host) during the capture: too few packets of \(host) were seen to be sure of its distance."
        case .distance: "Run ping -c 4 \(host) during the capture: the TTL of its replies shows its distance."
        }
    }

    /// Returns the steps that would settle it, as commands and places.
    ///
    /// - `host`: its address; `nil` where only a name is known, which nothing can be asked of.
    /// - `probe`: asks the port itself, where that can tell something.
    package func steps(_ host: String?, at name: String, probe: String?) -> [String] {
        let nearer =
            "Capture near \(name) at the same time, and compare both files: rstwho compare here=A.pcap there=B.pcap"
        let steps: [String?] =
            switch self {
            case .shed: [probe]
            case .noTTL: ["Read a capture file, or a text with TTLs: tcpdump -nv prints them.", probe]
            case .noFlow: ["Capture at a point that the connection's other packets pass."]
            case .severalWays, .contradiction: [nearer, probe]
            case .rewritten: [nearer]
            case .ownMachine: []
            case .ownProgram: ["bpftool net show: the BPF programs of each interface, with their ids"]
            case .wholeTTL: ["ip neigh show \(name): on this link it is the next hop itself", probe]
            case .oneHopNearer:
                [
                    host.map {
                        "ping -c 1 \($0) while rstwho watches: a reply from as far as the reset is its own kernel's"
                    }
                ]
            case .fewSamples, .distance:
                [
                    host.map { "ping -c 4 \($0) during the capture: the TTL of its replies shows its distance" },
                    probe,
                ]
            }
        return steps.compactMap { $0 }
    }
}
