// SPDX-License-Identifier: Apache-2.0

/// The required and the forbidden findings of a row at one capture point.
struct PathExpectation: Sendable {
    /// The machine that watches.
    let point: String
    /// One of these has to be found; empty where nothing is wrong.
    ///
    /// Causes of path findings, or the kind of another finding.
    let causes: Set<String>
    /// Other causes that are true as well.
    let tolerated: Set<String>
    /// The accepted causes from a file that lacks the live evidence.
    let fromFile: Set<String>?
    /// Seconds after the row began within which it has to be said.
    let within: Double?
    /// The names that the finding's texts must contain, by IP version.
    let names: [Int: [String]]
    /// The known error.
    let knownIssue: String?

    /// Something is wrong, and its cause can be told.
    static func finding(
        at point: String, _ causes: String..., besides tolerated: Set<String> = [], fromFile: Set<String>? = nil,
        within: Double? = nil, naming names: [Int: [String]] = [:], knownIssue: String? = nil
    ) -> PathExpectation {
        PathExpectation(
            point: point, causes: Set(causes), tolerated: tolerated, fromFile: fromFile, within: within, names: names,
            knownIssue: knownIssue)
    }

    /// The machine that watches drops it itself.
    ///
    /// Live only: no file tells that a packet would have been seen leaving. What is seen of the connection, as anybody
    /// on the way sees it, may be said besides.
    static func dropped(
        at point: String, seenAs seen: Set<String> = [], naming names: [Int: [String]] = [:], knownIssue: String? = nil
    ) -> PathExpectation {
        PathExpectation(
            point: point, causes: ["dropped_here"], tolerated: seen, fromFile: [], within: nil, names: names,
            knownIssue: knownIssue)
    }

    /// Nothing is wrong here, or nothing that can be told from here.
    static func nothing(
        at point: String, but tolerated: Set<String> = [], knownIssue: String? = nil
    ) -> PathExpectation {
        PathExpectation(
            point: point, causes: [], tolerated: tolerated, fromFile: nil, within: nil, names: [:],
            knownIssue: knownIssue)
    }
}
