// SPDX-License-Identifier: Apache-2.0
import Testing

/// Rows that share a network and are played at the same time.
struct MatrixGroup: Sendable, CustomTestStringConvertible {
    /// The capture point of a row.
    enum Vantage: Sendable {
        /// At the client's interface.
        case client
        /// At both interfaces of the firewall.
        case firewall
        /// At a mirror port of the first router.
        case sensor
    }

    /// As in `Tests/Lab/Traffic`.
    let name: String
    let vantage: Vantage
    /// Machines besides those of the topology, which the traffic connects itself.
    let extra: [String]
    let rows: [MatrixRow]

    init(name: String, vantage: Vantage = .client, extra: [String] = [], rows: [MatrixRow]) {
        self.name = name
        self.vantage = vantage
        self.extra = extra
        self.rows = rows
    }

    var testDescription: String { name }

    /// Those that are played by every `make test`.
    static let quick = [ends]
    /// Those that `make test-all` adds.
    static let long = [races, paths, mirror, tunnels, rewriter]
}
