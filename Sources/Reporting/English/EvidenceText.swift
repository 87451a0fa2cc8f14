// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// A piece of evidence as people read it.
enum EvidenceText {
    /// With the names of places.
    ///
    /// An agent's sentences have them already.
    static func sentence(_ piece: Evidence, of finding: Finding) -> String {
        finding.told == nil ? finding.places.naming(sentence(piece)) : sentence(piece)
    }

    private static func sentence(_ piece: Evidence) -> String {
        guard let observed = piece.observed?.text else { return piece.text }
        let expected = piece.expected?.text
        // Distances are known by their form, everything else needs its sentence.
        if piece.name.isDistance {
            guard let expected else { return "TTL \(observed)" }
            // "against" would sound like a difference.
            return expected.hasPrefix(observed)
                ? "TTL \(observed), the same as before\(expected.dropFirst(observed.count))"
                : "TTL \(observed) against \(expected)"
        }
        // What the sentence has already is not said again.
        return piece.weight > 0 && !piece.text.contains(observed)
            ? "\(piece.text) (\(observed)\(expected.map { "; expected: \($0)" } ?? ""))" : piece.text
    }
}

extension Evidence {
    /// The name as the contract has it, or as another version wrote it.
    package var label: String { wording?.name ?? name.rawValue }
    /// The sentence.
    package var text: String { wording?.text ?? "" }
}

extension Evidence.Value {
    /// The value as people read it: `61 (64-3), 4 samples`.
    package var text: String {
        switch self {
        case .distance(let distance, nil): "\(distance)"
        case .distance(let distance, let samples?):
            "\(distance), \(samples == 1 ? "1 sample" : "\(samples) samples")"
        case .number(let number): "\(number)"
        case .text(let text): text
        }
    }
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
