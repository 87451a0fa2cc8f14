// SPDX-License-Identifier: Apache-2.0
package import Packets

extension Finding {
    /// Why a connection fails on its way.
    package enum PathCause: String, CaseIterable, Sendable {
        /// The client acknowledges the SYN-ACK again and again, and the server never gets it.
        case ackNotDelivered = "ack_not_delivered"
        /// The server has the acknowledgement and no room for the connection.
        case acceptQueueFull = "accept_queue_full"
        /// One of the two; from here they look the same.
        case ackLostOrQueueFull = "ack_lost_or_queue_full"
        /// SYN and ACK come past here, the SYN-ACK never does: the reply takes another way.
        case replyBypasses = "reply_bypasses"
        /// A SYN-ACK comes past here, its SYN never did.
        case oneWayHere = "one_way_here"
        /// Nearly all connections show one direction only: the tap does.
        case oneWayTap = "one_way_tap"
        /// SYNs, or data of an open connection, stay without an answer although the host answers others.
        case noAnswer = "no_answer"
        /// Packets were lost and sent again, and got through.
        case loss
        /// Traffic goes on by the way that a router's ICMP redirect told it to leave.
        case redirectIgnored = "redirect_ignored"
        /// This machine got the packet and did not send it on.
        case droppedHere = "dropped_here"
        /// The packet was seen at one point and not at the next.
        case droppedBetween = "dropped_between"

        /// False for what networks live with, and for what is the capture's own doing.
        package var isProblem: Bool {
            switch self {
            case .ackNotDelivered, .acceptQueueFull, .ackLostOrQueueFull, .replyBypasses, .oneWayHere, .noAnswer,
                .redirectIgnored, .droppedHere, .droppedBetween:
                true
            case .loss, .oneWayTap: false
            }
        }
    }

    /// The details of a path finding.
    ///
    /// The finding's five-tuple has the client first; its `count` is the number of connections of this route that show
    /// it.
    package struct Path: Sendable {
        /// The segment that is retransmitted.
        package enum Repeated: String, CaseIterable, Sendable {
            case syn
            case synACK = "syn_ack"
            case ack
            case data
        }

        /// A router's word that a destination is better reached another way.
        package struct Redirect: Hashable, Sendable {
            package var from: IPAddress
            package var gateway: IPAddress

            package init(from: IPAddress, gateway: IPAddress) {
                self.from = from
                self.gateway = gateway
            }
        }

        /// A sign of life of a host that does not answer a connection.
        package enum Answer: Sendable, Equatable {
            /// Answers to ping.
            case ping(Int)
            /// A connection to another TCP port works.
            case otherPort(UInt16)
            /// Other connections work.
            case other
            /// The words of the program that reported it: of a decoded finding.
            case decoded(String)
        }

        package var cause: PathCause
        package var repeated: Repeated?
        /// The times of the transmissions, in seconds after the first, which is the first element; at most seven.
        package var seconds: [Double] = []
        /// The number of retransmissions.
        package var copies = 0
        /// The services of the server that show it.
        package var ports: [UInt16] = []
        package var redirect: Redirect?
        /// The client's acknowledgement of the SYN-ACK came past here.
        package var isAcknowledgedHere = false
        /// The replies were seen to come another way than the requests leave.
        package var hasOtherWayBack = false
        /// The server's SYN-ACK came past here, though the client has none.
        package var answerPasses = false
        /// The sign of life of the host that does not answer here.
        package var answers: Answer?
        /// Of repeated data: the segment's length, whether the server sent it, and whether smaller ones got through.
        package var bytes: Int?
        package var isFromServer = false
        package var isOnlyLarge = false
        /// The seconds of silence on the connection when the data was sent first; `nil` where that explains
        /// nothing.
        package var silence: Double?
        /// The repeated data is the first that the client sent (on 443 the TLS ClientHello).
        package var isFirstData = false
        /// Other connections of the same hosts to the same port work.
        package var othersWork = false
        /// The signature option of the segments of an unanswered handshake.
        package var signature: TCPSignature?
        /// Servers that it stands for, where several share one cause.
        package var servers = 1
        /// After how many seconds it got through.
        package var recoveredSeconds: Double?
        /// The result of a comparison of captures; `nil` for findings of one point.
        package var crossing: LegGap?
        /// Of `dropped_here`: what this machine did not send on.
        package var forwarding: Forwarding?

        package init(cause: PathCause) {
            self.cause = cause
        }

        /// Seconds with one decimal.
        package static func text(_ seconds: Double) -> String {
            let tenths = Int((min(max(seconds, 0), 1e9) * 10).rounded())
            return "\(tenths / 10).\(tenths % 10)"
        }
    }

    /// A host's packets come another way than before.
    ///
    /// The finding's five-tuple goes from the host to one of its peers; its `count` is the number of flows that moved.
    package struct PathChange: Sendable {
        /// The host's hop now.
        package var hop: Int
        /// The host's hop before.
        package var hostHop: Int
        /// Hosts that moved together.
        package var hosts: Int

        package init(hop: Int, hostHop: Int, hosts: Int = 1) {
            self.hop = hop
            self.hostHop = hostHop
            self.hosts = hosts
        }
    }

    /// The contents of an ICMP error.
    ///
    /// The finding's five-tuple is the one that it quotes, with the client first where that is known.
    package struct ICMPError: Sendable {
        package var type: UInt8
        package var code: UInt8
        /// True for ICMPv6: its types have other numbers.
        package var isIPv6: Bool
        /// Its sender, and the hop that its TTL tells; `nil` where the TTL is not known.
        package var from: IPAddress
        package var hop: Int?
        /// Of a redirect: the router to use instead.
        package var gateway: IPAddress?
        /// Of "fragmentation needed" and "packet too big", bytes.
        package var mtu: Int?
        /// In the quoted packet's direction.
        ///
        /// Ports are 0 where they were not quoted.
        package var quoted: FiveTuple
        /// Whom it was sent to; the quoted source, unless an address was translated.
        package var to: IPAddress?
        /// Of a parameter problem: the octet of the quoted packet that is wrong.
        package var octet: Int?
        /// IP protocol of the quoted packet; absent where it was not quoted.
        package var protocolNumber: UInt8?
        /// The quoted packet goes from the client to the server; absent where that was not seen.
        package var clientIsSource: Bool?

        package init(type: UInt8, code: UInt8, isIPv6: Bool, from: IPAddress, hop: Int?, quoted: FiveTuple) {
            self.type = type
            self.code = code
            self.isIPv6 = isIPv6
            self.from = from
            self.hop = hop
            self.quoted = quoted
        }
    }

    /// Something to know when reading the other findings.
    ///
    /// The finding's five-tuple is that of the packet that showed it.
    package struct Notice: Sendable {
        package enum Cause: String, CaseIterable, Sendable {
            /// A next hop gives all packets one TTL: distances through it tell nothing.
            case ttlRewritten = "ttl_rewritten"
            /// Open connections of several hosts were reset within seconds.
            case resetEvent = "reset_event"
        }

        package var cause: Cause
        /// Of `resetEvent`.
        package var event: ResetEvent?

        package init(cause: Cause) {
            self.cause = cause
        }
    }
}
