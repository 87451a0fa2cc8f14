// SPDX-License-Identifier: Apache-2.0
import Testing

/// Rows that share a network and are played at the same time.
struct MatrixGroup: Sendable, CustomTestStringConvertible {
    /// As in `Tests/Lab/Traffic`.
    let name: String
    /// Machines besides those of the topology, which the traffic connects itself.
    let extra: [String]
    let rows: [MatrixRow]

    init(name: String, extra: [String] = [], rows: [MatrixRow]) {
        self.name = name
        self.extra = extra
        self.rows = rows
    }

    var testDescription: String { name }

    /// Those that are played by every `make test`.
    static let quick = [ends]
    /// Those that `make test-all` adds.
    static let long = [races, paths]
}
