// SPDX-License-Identifier: Apache-2.0

/// An observation that supports or contradicts a conclusion about a connection that several agents saw.
package struct FleetEvidence: Sendable, Equatable {
    /// The observations, with the natural-log odds that one of them gives.
    ///
    /// The weights are judged, not calibrated: enough ground truth takes fleets that do not exist yet. Two independent
    /// agents that agree weigh more than one, and an agent that made the packet itself settles the question.
    package enum Name: String, CaseIterable, Sendable {
        /// The agent's own kernel says that this machine made the packet.
        case madeHere = "made_here"
        /// The agent's own forwarding says that this machine dropped the packet.
        case droppedHere = "dropped_here"
        /// The agent on the host itself saw no such packet leave.
        case hostSilent = "host_silent"
        /// An agent nearer to the packet's claimed source saw the same direction of the connection, and not the packet.
        case notSeenNearer = "not_seen_nearer"
        /// The same of an agent that saw the other direction only: the packet can have gone around it.
        case notSeenOtherDirection = "not_seen_other_direction"
        /// An agent further from the packet's source saw the same direction of the connection, and not the packet.
        case notSeenFarther = "not_seen_farther"
        /// The same of the agent on the host that the packet was for.
        case notDelivered = "not_delivered"
        /// The agent saw the packet.
        case seen
        /// All agents put the sender at the same number of hops before the host.
        case hopsAgree = "hops_agree"
        /// Agents put the sender at different numbers of hops before the host.
        case hopsDiffer = "hops_differ"
        /// The agent's own verdict, from its place alone.
        case verdict

        package var weight: Double {
            switch self {
            case .madeHere, .droppedHere: 5
            case .hostSilent, .notDelivered: 4
            case .notSeenNearer, .notSeenFarther: 3
            case .notSeenOtherDirection, .hopsAgree: 1
            case .hopsDiffer: -1
            case .seen, .verdict: 0
            }
        }
    }

    package var name: Name
    /// The agent that it rests on; empty where it rests on several.
    package var agent: String
    /// Log odds for the conclusion; 0 marks a note.
    package var weight: Double
    package var text: String

    package init(_ name: Name, agent: String = "", weight: Double? = nil, _ text: String) {
        self.name = name
        self.agent = agent
        self.weight = weight ?? name.weight
        self.text = text
    }
}
