// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import Packets

/// The view of one connection that all agents of a fleet have together, and the conclusion from it.
package struct FleetTrace: Sendable {
    /// The conclusion.
    package enum Verdict: Sendable, Equatable {
        /// The machine of this agent made the reset, in another host's name.
        case madeBy(agent: String)
        /// The host in whose name the reset came made it itself, as its own agent or another's evidence says.
        case madeByHost(agent: String)
        /// The reset was made between two agents: the nearer one saw it, the farther one did not.
        case madeBetween(saw: String, sawNot: String)
        /// The reset came from beyond the nearest agent, where no other agent is.
        case madeBeyond(agent: String)
        /// The machine of this agent dropped the packet.
        case droppedBy(agent: String)
        /// The packet passed one agent and did not reach the next: in the first one's machine, or between them.
        case lostBetween(FleetSighting.Packet, after: String, before: String)
        /// The packet passed an agent, got no answer, and no agent is beyond.
        case lostBeyond(FleetSighting.Packet, after: String)
        /// Everything that was sent got through.
        case delivered
        /// Agents saw too little to say.
        case undetermined
    }

    /// An agent's view of the connection.
    package struct View: Sendable {
        package var stop: FleetPath.Stop
        /// The times that it saw each packet, by the reference's clock.
        package var seen: [FleetSighting.Packet: [UInt64]] = [:]
        /// Why its silence about the decisive packet proves nothing.
        package var doubt: FleetWatch.Doubt?
        /// The addresses that the connection has there.
        package var tuple: FiveTuple?
        /// The id of its own finding about the decisive packet.
        package var findingID: String?

        init(_ stop: FleetPath.Stop) {
            self.stop = stop
        }
    }

    package var realm: String
    /// The connection with the client first, as it was asked, or as it is nearest to the client.
    package var connection: FiveTuple
    package var clientISN: UInt32
    package var time: UInt64
    package var verdict: Verdict
    package var confidence: Double
    package var evidence: [FleetEvidence]
    package var views: [View]
    package var path: FleetPath
    /// The reset that it was about; `nil` where there was none.
    package var reset: FleetFinding?
    /// The finding that names the cause best: of the device itself where that has an agent.
    package var best: FleetFinding?
    /// Other attempts of the same hosts and service with the same conclusion.
    package var alike = 0
    package var clocks: FleetClocks

    package var isProblem: Bool {
        switch verdict {
        case .delivered, .undetermined, .madeByHost: false
        default: true
        }
    }

    /// The probability of a conclusion with that evidence.
    static func confidence(_ evidence: [FleetEvidence]) -> Double {
        let odds = evidence.reduce(0) { $0 + $1.weight }
        return min(0.999, 1 / (1 + exp(-odds)))
    }
}
