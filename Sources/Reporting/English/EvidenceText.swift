// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// A piece of evidence as people read it.
package enum EvidenceText {
    /// The sentence with the names of places.
    ///
    /// An agent's sentences have them already.
    package static func sentence(_ piece: Evidence, of finding: Finding) -> String {
        finding.told == nil ? finding.places.naming(sentence(piece)) : sentence(piece)
    }

    private static func sentence(_ piece: Evidence) -> String {
        guard let observed = piece.observed else { return piece.text }
        // Distances are known by their form, everything else needs its sentence.
        if piece.name.isDistance { return comparison(observed, piece.expected, of: piece) }
        // A value that the sentence has already is not repeated.
        let text = piece.text
        guard piece.weight > 0, !text.contains(observed.text) else { return text }
        return "\(text) (\(observed.text)\(piece.expected.map { "; expected: \($0.text)" } ?? ""))"
    }

    /// Two distances, or a TTL alone.
    private static func comparison(
        _ observed: Evidence.Value, _ expected: Evidence.Value?, of piece: Evidence
    ) -> String {
        guard let expected else { return "TTL \(observed.text)" }
        // "against" would sound like a difference.
        if case .distance(let seen, _, _) = observed, case .distance(let known, let samples, _) = expected,
            seen.ttl == known.ttl
        {
            return "TTL \(observed.text), the same as before\(samples.map { ", \(Counted.samples($0))" } ?? "")"
        }
        let isStoredMatch = piece.wording != nil && piece.weight < 0 && piece.name != .otherInitialTTL
        return isStoredMatch
            ? "TTL \(observed.text), the same as before: \(expected.text)"
            : "TTL \(observed.text) against \(expected.text)"
    }

    /// The sentence that the engine's values amount to.
    fileprivate static func words(_ piece: Evidence) -> String {
        switch piece.name {
        case .ttlFlow, .ttlHost, .initialTTL, .otherInitialTTL, .behindTranslator, .forwardsForAnother, .noBaseline,
            .noTTL, .fartherThanHost, .oneHopNearer, .severalDistances, .otherInterface, .copiesUnordered, .pathMoved,
            .applicationTTL, .ttlRewritten, .leftUndiminished, .activeTrace:
            DistanceWords(piece).sentence
        case .triggerIdentification, .otherCounter, .ownCounter, .otherFlow, .constantIdentification, .triggerWindow,
            .windowWithoutTimestamps, .dscpLost, .dscpKept, .flowLabelKept, .flowLabelMissing, .soonerThanRTT,
            .plausibleRTT, .application, .reflected:
            HeaderWords(piece).sentence
        case .madeHere, .otherLink, .dataAfterReset, .loopback, .onLink, .notSeenNearer, .synAckAfterReset, .bothTalkOn,
            .twinResets, .bothSidesReset, .acksUnsent, .kernelEvent, .filterRule, .conntrack, .noFlow, .flowShed,
            .benignClose, .resetText:
            ResetWords(piece).sentence
        case .notForwarded, .kernelDrop, .leftBefore, .destinationLeft, .trackingState, .trackingCounter,
            .reversePathFilter:
            ForwardingWords(piece).sentence
        case .synACKRepeated, .acknowledged, .synRepeated, .dataRepeated, .ackRepeated, .hostAnswers, .clientLives,
            .tapOneWay, .redirected, .ackNeverHere, .allPortsFail, .otherPortWorks, .otherWayBack, .ackAtServer,
            .listenOverflows, .neverSYNACK, .neverSYN, .answerPasses, .onlyLarge, .othersTwoWay, .recovered,
            .silenceBefore, .pairWorks, .signed:
            PathWords(piece).sentence
        case .outsideWindow, .implausible, .traced, .looped, .answer, .wentOn, .sentAgain, .toldAgain, .others:
            ErrorWords(piece).sentence
        // It has the words of the version that reported it.
        case .unlisted: ""
        }
    }
}

extension Evidence {
    /// The name as the contract has it, or as another version wrote it.
    package var label: String { wording?.name ?? name.rawValue }
    /// The sentence: of a decoded finding the stored one.
    package var text: String { wording?.text ?? EvidenceText.words(self) }
}

extension EvidenceName {
    /// True for an observation whose values are distances.
    fileprivate var isDistance: Bool {
        switch self {
        case .ttlFlow, .ttlHost, .initialTTL, .otherInitialTTL, .applicationTTL, .ttlRewritten, .traced, .looped: true
        default: false
        }
    }
}
