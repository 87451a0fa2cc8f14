// SPDX-License-Identifier: Apache-2.0

/// One named observation behind a verdict.
///
/// It holds a name and values; `Reporting` writes the sentence.
package struct Evidence: Sendable {
    package var name: EvidenceName
    /// Natural-log odds for the question that the row of `name` answers, for a reset "not the host": positive accuses
    /// another sender, negative speaks for the host.
    ///
    /// A proof decides alone.
    package var weight: Double
    /// The value that was seen.
    package var observed: Value?
    /// The value that the host's own packets would have shown.
    package var expected: Value?
    /// The words of the program that reported it: of a decoded finding.
    package var wording: Wording?

    /// A name and a sentence as they were read from a stored finding.
    package struct Wording: Hashable, Sendable {
        package var name: String
        package var text: String
    }

    /// An observation as another run reported it; it keeps its words.
    package init(name: String, weight: Double, observed: String? = nil, expected: String? = nil, text: String) {
        self.name = EvidenceName(stored: name, weight: weight)
        self.weight = weight
        self.observed = observed.map { .text($0) }
        self.expected = expected.map { .text($0) }
        wording = Wording(name: self.name == .unlisted ? name : self.name.rawValue, text: text)
    }
}

extension Evidence {
    init(
        _ name: EvidenceName, against isForeign: Bool, samples: Int = .max, observed: Value? = nil,
        expected: Value? = nil
    ) {
        self.init(
            name, weight: EvidenceModel.weight(name, against: isForeign, samples: samples), observed: observed,
            expected: expected)
    }

    /// An explanation that weighs nothing.
    init(note name: EvidenceName, observed: Value? = nil, expected: Value? = nil) {
        self.init(name, weight: 0, observed: observed, expected: expected)
    }

    /// A piece with the weight of its row.
    ///
    /// - `extra`: The weight that more samples add.
    init(_ name: EvidenceName, extra: Double = 0, observed: Value? = nil, expected: Value? = nil) {
        let row = EvidenceModel.row(name)
        self.init(name, weight: row.forForeign + row.forHost + extra, observed: observed, expected: expected)
    }

    package init(_ name: EvidenceName, weight: Double, observed: Value? = nil, expected: Value? = nil) {
        self.name = name
        self.weight = weight
        self.observed = observed
        self.expected = expected
    }
}

extension [Evidence] {
    /// True where a piece of one of these names is among them.
    package func contains(_ names: EvidenceName...) -> Bool {
        contains { names.contains($0.name) }
    }

    /// The first piece of that name.
    package func first(_ name: EvidenceName) -> Evidence? {
        first { $0.name == name }
    }
}

extension Finding {
    /// The first piece of evidence of that name.
    package func evidence(_ name: EvidenceName) -> Evidence? { evidence.first(name) }
}
