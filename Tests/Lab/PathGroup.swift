// SPDX-License-Identifier: Apache-2.0
import Testing

/// Rows that share a network, which their traffic wires itself, and the points from which they are watched.
struct PathGroup: Sendable, CustomTestStringConvertible {
    struct Point: Sendable {
        /// The machine that watches.
        let machine: String
        let interfaces: [String]

        /// An end of the connections.
        static func end(_ machine: String) -> Point { Point(machine: machine, interfaces: ["eth0"]) }

        /// A machine that forwards.
        static func router(_ machine: String) -> Point { Point(machine: machine, interfaces: ["eth0", "eth1"]) }

        /// Recorded with directions, and where there is one interface also as that interface has it.
        var recordings: [String] { interfaces.count == 1 ? ["any", interfaces[0]] : ["any"] }
    }

    /// As in `Tests/Lab/Traffic`.
    let name: String
    let machines: [String]
    let points: [Point]
    let rows: [PathRow]
    /// Leaves one direction only of what the first point records, in tcpdump's language.
    let half: String?

    init(name: String, machines: [String], points: [Point], rows: [PathRow], half: String? = nil) {
        self.name = name
        self.machines = machines
        self.points = points
        self.rows = rows
        self.half = half
    }

    var testDescription: String { name }

    static let all = [caseTwo, quiet, healthy, stateless, faults, crowds]
    /// Watched by agents that look at one flow of four as well.
    static let shedding = [caseTwo, healthy]
    var isShed: Bool { Self.shedding.contains { $0.name == name } }
}
