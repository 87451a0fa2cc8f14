// SPDX-License-Identifier: Apache-2.0

/// The fields of tshark and Wireshark that a record is made of, with the names under which their outputs print them.
enum DissectionField: String, CaseIterable {
    case number = "frame.number"
    case time = "frame.time"
    case epoch = "frame.time_epoch"
    case relativeTime = "frame.time_relative"
    case frameLength = "frame.len"
    case interface = "frame.interface_name"
    case sourceMAC = "eth.src"
    case vlan = "vlan.id"
    case cookedType = "sll.pkttype"

    case ipSource = "ip.src"
    case ipDestination = "ip.dst"
    case ttl = "ip.ttl"
    case tos = "ip.dsfield"
    case identification = "ip.id"
    case dontFragment = "ip.flags.df"
    case moreFragments = "ip.flags.mf"
    case fragmentOffset = "ip.frag_offset"
    case ipProtocol = "ip.proto"

    case ipv6Source = "ipv6.src"
    case ipv6Destination = "ipv6.dst"
    case hopLimit = "ipv6.hlim"
    case trafficClass = "ipv6.tclass"
    case flowLabel = "ipv6.flow"
    case nextHeader = "ipv6.nxt"

    case tcpSourcePort = "tcp.srcport"
    case tcpDestinationPort = "tcp.dstport"
    case tcpFlags = "tcp.flags"
    case tcpFlagLetters = "tcp.flags.str"
    case tcpReset = "tcp.flags.reset"
    case tcpSYN = "tcp.flags.syn"
    case tcpFIN = "tcp.flags.fin"
    case tcpACK = "tcp.flags.ack"
    case tcpPush = "tcp.flags.push"
    case tcpSeq = "tcp.seq"
    case tcpSeqRaw = "tcp.seq_raw"
    case tcpAck = "tcp.ack"
    case tcpAckRaw = "tcp.ack_raw"
    case tcpWindow = "tcp.window_size_value"
    case tcpScaledWindow = "tcp.window_size"
    case tcpLength = "tcp.len"

    case udpSourcePort = "udp.srcport"
    case udpDestinationPort = "udp.dstport"
    case udpLength = "udp.length"

    case icmpType = "icmp.type"
    case icmpCode = "icmp.code"
    case icmpIdentifier = "icmp.ident"
    case icmpSequence = "icmp.seq"
    case icmpMTU = "icmp.mtu"
    case icmpv6Type = "icmpv6.type"
    case icmpv6Code = "icmpv6.code"
    case icmpv6Identifier = "icmpv6.echo.identifier"
    case icmpv6Sequence = "icmpv6.echo.sequence_number"
    case icmpv6MTU = "icmpv6.mtu"

    /// By the names of `-T fields`, `-T json` and PDML, and those of `-T ek`, which has underscores and the protocol
    /// twice: `ip_ip_ttl`.
    static let byName: [String: DissectionField] = {
        var table: [String: DissectionField] = [:]
        for field in allCases {
            let name = field.rawValue
            table[name] = field
            let flat = name.split(separator: ".").joined(separator: "_")
            let layer = name.prefix { $0 != "." }
            table["\(layer)_\(flat)"] = field
        }
        return table
    }()

    /// A protocol's part of a dissection.
    enum Layer: Hashable {
        case frame, link, vlan, ipv4, ipv6, tcp, udp, icmp, icmpv6
        /// A payload, or a protocol that is not read.
        case other

        /// By the protocol's short name in JSON and PDML.
        init(name: String) {
            switch name {
            case "frame", "geninfo": self = .frame
            case "eth", "sll": self = .link
            case "vlan": self = .vlan
            case "ip": self = .ipv4
            case "ipv6": self = .ipv6
            case "tcp": self = .tcp
            case "udp": self = .udp
            case "icmp": self = .icmp
            case "icmpv6": self = .icmpv6
            default: self = .other
            }
        }
    }

    /// By the words of `tshark -V`, in lower case, per protocol.
    static let byLabel: [Layer: [String: DissectionField]] = [
        .frame: [
            "epoch time": .epoch, "epoch arrival time": .epoch, "arrival time": .time, "utc arrival time": .time,
            "time since reference or first frame": .relativeTime, "interface name": .interface,
            "frame number": .number,
        ],
        .link: ["source": .sourceMAC, "packet type": .cookedType],
        .vlan: ["id": .vlan],
        .ipv4: [
            "time to live": .ttl, "identification": .identification, "protocol": .ipProtocol,
            "differentiated services field": .tos, "don't fragment": .dontFragment, "more fragments": .moreFragments,
            "fragment offset": .fragmentOffset, "source address": .ipSource, "destination address": .ipDestination,
            "source": .ipSource, "destination": .ipDestination,
        ],
        .ipv6: [
            "hop limit": .hopLimit, "traffic class": .trafficClass, "flow label": .flowLabel, "flowlabel": .flowLabel,
            "next header": .nextHeader, "source address": .ipv6Source, "destination address": .ipv6Destination,
            "source": .ipv6Source, "destination": .ipv6Destination,
        ],
        .tcp: [
            "source port": .tcpSourcePort, "destination port": .tcpDestinationPort, "flags": .tcpFlags,
            "sequence number": .tcpSeq, "sequence number (raw)": .tcpSeqRaw, "acknowledgment number": .tcpAck,
            "acknowledgement number": .tcpAck, "acknowledgment number (raw)": .tcpAckRaw, "window": .tcpWindow,
            "window size value": .tcpWindow, "window size": .tcpScaledWindow, "tcp segment len": .tcpLength,
        ],
        .udp: ["source port": .udpSourcePort, "destination port": .udpDestinationPort, "length": .udpLength],
        .icmp: [
            "type": .icmpType, "code": .icmpCode, "identifier (be)": .icmpIdentifier, "identifier": .icmpIdentifier,
            "sequence number (be)": .icmpSequence, "sequence number": .icmpSequence, "mtu of next hop": .icmpMTU,
        ],
        .icmpv6: [
            "type": .icmpv6Type, "code": .icmpv6Code, "identifier": .icmpv6Identifier, "sequence": .icmpv6Sequence,
            "mtu": .icmpv6MTU,
        ],
    ]
}
