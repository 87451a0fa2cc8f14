// SPDX-License-Identifier: Apache-2.0

/// One line that an agent writes for the fleet: a JSON object of one of four kinds.
///
/// The record is the interface. Stores, log shippers and `rstwho fleet --from` take the same lines. Two rules let
/// versions mix: readers ignore members that they do not know, and a member that an older agent does not write has the
/// value that the type documents.
package enum FleetRecord: Sendable, Equatable {
    case finding(FleetFinding)
    case sighting(FleetSighting)
    case agent(FleetAgent)
    case host(FleetHost)

    /// The version of the records' members, written as `schema`.
    package static let schema = 1

    /// The kind of a record: the value of its member `record`, and the stem of its table's name.
    package enum Kind: String, CaseIterable, Sendable {
        case finding
        case sighting
        case agent
        case host

        /// The name of the table, and of the spool's files.
        package var table: String { rawValue + "s" }
    }

    package var kind: Kind {
        switch self {
        case .finding: .finding
        case .sighting: .sighting
        case .agent: .agent
        case .host: .host
        }
    }

    /// The agent that wrote it.
    package var reporter: FleetReporter {
        switch self {
        case .finding(let finding): finding.reporter
        case .sighting(let sighting): sighting.reporter
        case .agent(let agent): agent.reporter
        case .host(let host): host.reporter
        }
    }
}

/// The agent that writes a record, and the address space that it speaks of.
package struct FleetReporter: Sendable, Hashable {
    /// The tenant, VRF or other address space; empty by default.
    ///
    /// Records of different realms are never joined: the same address in two of them is two hosts.
    package var realm: String
    /// The agent's name, unique in its realm.
    package var agent: String
    /// The place or group of the agent, for summaries; may be empty.
    package var site: String
    /// A hash of the machine's identity, by which two machines with one name are noticed; may be empty.
    package var machine: String

    package init(realm: String = "", agent: String, site: String = "", machine: String = "") {
        self.realm = realm
        self.agent = agent
        self.site = site
        self.machine = machine
    }
}
