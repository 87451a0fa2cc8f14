// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The role of a packet, as far as devices on the path treat it differently.
package enum PacketKind: UInt8, CaseIterable, Hashable, Sendable {
    case syn
    case synACK
    /// A TCP segment without payload, SYN, FIN or RST.
    case ack
    case data
    case fin
    case rst
    case echoRequest
    case echoReply
    case udp
    /// Every other ICMP and ICMPv6: errors, redirects.
    case icmp

    /// The name in JSON.
    package var label: String {
        switch self {
        case .syn: "syn"
        case .synACK: "syn_ack"
        case .ack: "ack"
        case .data: "data"
        case .fin: "fin"
        case .rst: "rst"
        case .echoRequest: "echo_request"
        case .echoReply: "echo_reply"
        case .udp: "udp"
        case .icmp: "icmp"
        }
    }

    package var isTCP: Bool { rawValue <= Self.rst.rawValue }

    @inline(__always)
    init(_ record: PacketRecord) {
        switch record.transport {
        case .tcp: self.init(tcp: record)
        case .udp, .other: self = .udp
        case .icmp: self = record.icmpType == 8 ? .echoRequest : record.icmpType == 0 ? .echoReply : .icmp
        case .icmpv6: self = record.icmpType == 128 ? .echoRequest : record.icmpType == 129 ? .echoReply : .icmp
        }
    }

    @inline(__always)
    private init(tcp record: PacketRecord) {
        let flags = record.tcpFlags
        if flags.contains(.rst) {
            self = .rst
        } else if flags.contains(.syn) {
            self = flags.contains(.ack) ? .synACK : .syn
        } else if flags.contains(.fin) {
            self = .fin
        } else {
            self = record.payload_length > 0 ? .data : .ack
        }
    }
}
