// SPDX-License-Identifier: Apache-2.0
package import Packets

/// One packet of a connection's opening or end, as one agent saw it pass.
package struct FleetSighting: Sendable, Hashable {
    /// The packets that agents report.
    package enum Packet: String, CaseIterable, Sendable {
        case syn
        case synACK = "syn_ack"
        /// The client's first acknowledgement, which completes the handshake.
        case ack
        case reset = "rst"

        /// The packet's name in a sentence.
        package var text: String {
            switch self {
            case .syn: "SYN"
            case .synACK: "SYN-ACK"
            case .ack: "ACK"
            case .reset: "RST"
            }
        }
    }

    /// The reason why an agent reports a packet.
    package enum Reason: String, CaseIterable, Sendable {
        /// Its flow has one of the lowest keyed hashes: agents with one key report the same flows.
        case sampled
        /// A packet of its handshake was repeated.
        case suspect
        /// Its connection was reset, or it is the reset.
        case reset
        /// A device without an agent logged the session; weaker than a packet.
        case deviceLog = "device_log"
    }

    package var reporter: FleetReporter
    /// The time of the packet by the agent's clock, ns since 1970.
    package var time: UInt64
    /// The client's initial sequence number; 0 where it is not known.
    package var clientISN: UInt32
    /// 16 hexadecimal digits, equal at all agents that saw the packet.
    ///
    /// Not unique: a repeated SYN without timestamps has the key of the first.
    package var packetKey: String
    package var packet: Packet
    package var reason: Reason
    package var source: IPAddress
    package var destination: IPAddress
    package var sourcePort: UInt16
    package var destinationPort: UInt16
    /// True where its source opened the connection.
    package var isFromClient: Bool
    package var ttl: UInt8
    /// The sender's hop by the TTL: 0 made on this machine, 1 a neighbour; -1 where the TTL is not known.
    package var hop: Int
    package var interface: String
    /// True where it was seen leaving the machine.
    package var isLeaving: Bool
    /// Microseconds, as the agent's kernel states it.
    package var clockOffset: Int32

    package init(
        reporter: FleetReporter, time: UInt64, packet: Packet, reason: Reason, tuple: FiveTuple, isFromClient: Bool,
        clientISN: UInt32, packetKey: String, ttl: UInt8, hop: Int
    ) {
        self.reporter = reporter
        self.time = time
        self.packet = packet
        self.reason = reason
        (source, sourcePort) = (tuple.source, tuple.sourcePort)
        (destination, destinationPort) = (tuple.destination, tuple.destinationPort)
        self.isFromClient = isFromClient
        self.clientISN = clientISN
        self.packetKey = packetKey
        self.ttl = ttl
        self.hop = hop
        interface = ""
        isLeaving = false
        clockOffset = 0
    }

    package var fiveTuple: FiveTuple {
        FiveTuple(
            source: source, sourcePort: sourcePort, destination: destination, destinationPort: destinationPort)
    }
}
