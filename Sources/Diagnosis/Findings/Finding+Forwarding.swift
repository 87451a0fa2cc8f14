// SPDX-License-Identifier: Apache-2.0

extension Finding {
    /// The packets that this machine should have forwarded and did not: the source of the sentences of `dropped_here`.
    ///
    /// Not part of the JSON contract; the evidence says it there.
    package struct Forwarding: Sendable, Equatable {
        /// The purpose of the packets.
        package enum Packet: String, CaseIterable, Sendable {
            case syn = "SYN"
            case synAck = "SYN-ACK"
            case ack = "ACK"
            case data
            case fin = "FIN"
        }

        /// The explanation, the most telling first.
        package enum Reason: Sendable, Equatable {
            /// Connection tracking knows the connection from one side only.
            case replyNeverSeen
            /// Connection tracking never saw how the connection began.
            case openingNeverSeen
            /// Connection tracking knows the connection and takes the packet for none of it.
            case invalid
            /// Connection tracking has no room.
            case tableFull(tracked: UInt64, maximum: UInt64)
            /// The source is not routed back by the interface that the packet came by.
            case reversePath
            /// The next link is too narrow for it, and the sender does not hear of that.
            case tooBig
            /// The packet filter, for another reason.
            case filter
            /// The kernel's name of the reason.
            case kernel(String)
            case unknown
        }

        package var packet: Packet
        package var isFromClient: Bool
        /// The number of packets that arrived and did not leave.
        package var packets: Int
        package var reason: Reason
        /// The interface that they came by, where it has a name.
        package var interface: String?

        package init(packet: Packet, isFromClient: Bool, packets: Int, reason: Reason, interface: String? = nil) {
            self.packet = packet
            self.isFromClient = isFromClient
            self.packets = packets
            self.reason = reason
            self.interface = interface
        }
    }
}
