// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis

/// A piece of evidence as people read it.
enum EvidenceText {
    static func sentence(_ piece: Evidence) -> String {
        guard let observed = piece.observed else { return piece.text }
        // Distances are known by their form, everything else needs its sentence.
        let isDistance = piece.name.contains("ttl")
        let expected = piece.expected.map { isDistance ? " against \($0)" : ", \($0)" } ?? ""
        if isDistance { return "TTL \(observed)\(expected)" }
        return piece.weight > 0 ? "\(piece.text) (\(observed)\(expected))" : piece.text
    }
}
