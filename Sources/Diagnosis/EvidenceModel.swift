// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The names that evidence can have. Each occurs here only.
package enum EvidenceName: String, CaseIterable, Sendable {
    case madeHere = "made_here"
    case leftUndiminished = "left_undiminished"
    case ttlFlow = "ttl_flow"
    case ttlHost = "ttl_host"
    case initialTTL = "initial_ttl"
    case noFlow = "no_flow"
    case noBaseline = "no_baseline"
    case severalDistances = "several_distances"
    case applicationTTL = "application_ttl"
    case otherInitialTTL = "other_initial_ttl"
    case behindTranslator = "behind_translator"
}

/// What each piece of evidence is worth: one readable table.
///
/// Weights are natural-log odds for "not the host" with prior odds of 1. Pieces of one group say the same thing in different
/// words: only the strongest of a group counts.
package enum EvidenceModel {
    package enum Group: Sendable {
        /// How far the reset came.
        case distance
        /// Decides alone.
        case proof
        /// Explains an abstention; weighs nothing.
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
        /// Where the row comes from.
        package var source: String
    }

    /// The table.
    package static func row(_ name: EvidenceName) -> Row {
        switch name {
        case .madeHere:
            Row(
                group: .proof, forForeign: 7, forHost: -7, samplesForFull: 1,
                source: "skb->ingress_ifindex at TC egress is 0 for what this machine made (measured, Linux 6.18)")
        case .leftUndiminished:
            Row(
                group: .proof, forForeign: 4, forHost: -4, samplesForFull: 1,
                source: "a router takes one off the TTL of what it forwards (RFC 1812, 5.3.1)")
        case .ttlFlow:
            Row(
                group: .distance, forForeign: 4, forHost: -3, samplesForFull: 2,
                source: "packets of one five-tuple take one path; Weaver, Sommer, Paxson, NDSS 2009")
        case .ttlHost:
            Row(
                group: .distance, forForeign: 4, forHost: -2, samplesForFull: 4,
                source: "Jin, Wang, Shin: Hop-Count Filtering, CCS 2003")
        case .initialTTL:
            Row(
                group: .distance, forForeign: 2, forHost: 0, samplesForFull: 1,
                source: "a whole initial TTL comes from a neighbour")
        case .otherInitialTTL:
            Row(
                group: .distance, forForeign: 0, forHost: -1, samplesForFull: 1,
                source:
                    "stacks may reset from another initial TTL than they send data from; so may a device near the host")
        case .behindTranslator:
            Row(
                group: .distance, forForeign: 0, forHost: -2, samplesForFull: 1,
                source: "a translator answers ping itself, the host behind it is farther (measured with DNAT)")
        case .noFlow, .noBaseline, .severalDistances, .applicationTTL:
            Row(group: .note, forForeign: 0, forHost: 0, samplesForFull: 1, source: "abstention")
        }
    }

    /// `middlebox` needs at least this probability.
    package static let foreignThreshold = 0.95
    /// Below this probability of "not the host" it is the host's.
    package static let hostThreshold = 0.2
    /// A host's distance that its packets share to at least this part is dominant.
    package static let dominantShare = 0.95
    /// A distance that at least this part of the host's packets came from is one of the host's.
    package static let knownShare = 0.02
    /// A baseline farther than this says that the application set its TTL (IP_TTL, eBGP's 1): paths are shorter.
    package static let longestPath = 40

    /// The weight of `name` on `samples` packets.
    package static func weight(_ name: EvidenceName, against isForeign: Bool, samples: Int = .max) -> Double {
        let row = row(name)
        let full = isForeign ? row.forForeign : row.forHost
        return full * Double(min(samples, row.samplesForFull)) / Double(row.samplesForFull)
    }

    /// The probability of "not the host" that evidence adds up to; only the strongest of each group counts.
    package static func probability(_ evidence: [Evidence]) -> Double {
        var distance = 0.0
        var sum = 0.0
        for piece in evidence {
            guard let name = EvidenceName(rawValue: piece.name) else { continue }
            switch row(name).group {
            case .distance: distance = abs(piece.weight) > abs(distance) ? piece.weight : distance
            case .proof: sum += piece.weight
            case .note: break
            }
        }
        return 1 / (1 + exp(-(sum + distance)))
    }
}
