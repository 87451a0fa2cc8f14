// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis

/// A piece of evidence as people read it.
enum EvidenceText {
    /// With the names of places. An agent's sentences have them already.
    static func sentence(_ piece: Evidence, of finding: Finding) -> String {
        finding.told == nil ? finding.places.naming(sentence(piece)) : sentence(piece)
    }

    private static func sentence(_ piece: Evidence) -> String {
        guard let observed = piece.observed else { return piece.text }
        // Distances are known by their form, everything else needs its sentence.
        let isDistance = piece.name.contains("ttl")
        let expected = piece.expected.map { isDistance ? " against \($0)" : "; expected: \($0)" } ?? ""
        if isDistance {
            // "against" would sound like a difference.
            guard let before = piece.expected, before.hasPrefix(observed) else { return "TTL \(observed)\(expected)" }
            return "TTL \(observed), the same as before\(before.dropFirst(observed.count))"
        }
        // What the sentence has already is not said again.
        return piece.weight > 0 && !piece.text.contains(observed)
            ? "\(piece.text) (\(observed)\(expected))" : piece.text
    }
}
