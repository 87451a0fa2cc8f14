// SPDX-License-Identifier: Apache-2.0

/// One row of the lab of paths: what happens to its packets by construction, and what each point of view has to say of
/// it.
struct PathRow: Sendable {
    /// As in `Tests/Lab/Traffic`.
    let name: String
    let expectations: [PathExpectation]

    init(_ name: String, _ expectations: PathExpectation...) {
        self.name = name
        self.expectations = expectations
    }

    private init(name: String, expectations: [PathExpectation]) {
        self.name = name
        self.expectations = expectations
    }

    /// Healthy traffic, wherever it is seen.
    static func healthy(_ name: String, at points: [String], but tolerated: Set<String> = []) -> PathRow {
        PathRow(name: name, expectations: points.map { .nothing(at: $0, but: tolerated) })
    }
}
