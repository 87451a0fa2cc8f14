// SPDX-License-Identifier: Apache-2.0

/// One named observation behind a verdict.
package struct Evidence: Sendable {
    /// One of `EvidenceModel`'s names, for example `ttl_host`.
    package var name: String
    /// Natural-log odds for "not the host": positive accuses another sender, negative speaks for the host. A proof
    /// decides alone and says so in its text.
    package var weight: Double
    /// What was seen, for example `63 (64-1)`.
    package var observed: String?
    /// What the host's own packets would have shown, for example `61 (64-3), 4 samples`.
    package var expected: String?
    /// The same as a sentence.
    package var text: String

    package init(name: String, weight: Double, observed: String? = nil, expected: String? = nil, text: String) {
        self.name = name
        self.weight = weight
        self.observed = observed
        self.expected = expected
        self.text = text
    }
}
