// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// One layer of a frame that is being built.
enum FrameLayer: Hashable, Sendable {
    case ethernet(source: MACAddress, destination: MACAddress, ethertype: UInt16?)
    case tag(tpid: UInt16, control: UInt16, ethertype: UInt16?)
    case mpls(label: UInt32, ttl: UInt8)
    case pppoe(session: UInt16, protocolField: UInt16?)
    case ipv4(IPv4Layer)
    case ipv6(IPv6Layer)
    case ipv6Extension(number: UInt8, words: UInt8, nextHeader: UInt8?)
    case ipv6Fragment(offset: UInt16, identification: UInt32)
    case authentication(integrityWords: UInt8)
    case tcp(TCPLayer)
    case udp(sourcePort: UInt16, destinationPort: UInt16)
    case icmp(type: UInt8, code: UInt8, rest: UInt32)
    case gre(checksum: Bool, key: UInt32?, sequence: UInt32?, version: UInt16, protocolType: UInt16?)
    case erspan(version: UInt8, session: UInt16, subheader: Bool)
    case vxlan(identifier: UInt32, flags: UInt8)
    case geneve(identifier: UInt32, optionWords: UInt8, protocolType: UInt16?)
    case teredo(authentication: Bool, origin: Bool)
    case gtpu(tunnel: UInt32, sequence: UInt16?, messageType: UInt8)
    case bytes([UInt8])
}

struct IPv4Layer: Hashable, Sendable {
    var source: IPAddress
    var destination: IPAddress
    var ttl: UInt8
    var tos: UInt8
    var identification: UInt16
    var flags: UInt16
    var options: [UInt8]
    var version: UInt8
    var ihl: UInt8?
    var totalLength: UInt16?
    var protocolNumber: UInt8?
}

struct IPv6Layer: Hashable, Sendable {
    var source: IPAddress
    var destination: IPAddress
    var hopLimit: UInt8
    var trafficClass: UInt8
    var flowLabel: UInt32
    var version: UInt8
    var payloadLength: UInt16?
    var nextHeader: UInt8?
}

struct TCPLayer: Hashable, Sendable {
    var sourcePort: UInt16
    var destinationPort: UInt16
    var seq: UInt32
    var ack: UInt32
    var flags: TCPFlags
    var window: UInt16
    var options: [UInt8]
    var dataOffset: UInt8?
}

extension FrameLayer {
    var isIP: Bool {
        switch self {
        case .ipv4, .ipv6: true
        default: false
        }
    }

    /// The Ethertype by which this layer is announced; 0 for bytes that nobody described.
    var ethertype: UInt16 {
        switch self {
        case .ipv4: 0x0800
        case .ipv6: 0x86dd
        case .tag(let tpid, _, _): tpid
        case .mpls: 0x8847
        case .pppoe: 0x8864
        case .ethernet: 0x6558
        default: 0
        }
    }

    /// The IP protocol number by which this layer is announced.
    ///
    /// `inIPv6` tells ICMP and ICMPv6 apart.
    func protocolNumber(inIPv6: Bool) -> UInt8 {
        switch self {
        case .ipv4: 4
        case .ipv6: 41
        case .tcp: 6
        case .udp: 17
        case .icmp: inIPv6 ? 58 : 1
        case .gre, .erspan: 47
        case .mpls: 137
        case .authentication: 51
        case .ipv6Fragment: 44
        case .ipv6Extension(let number, _, _): number
        default: 59
        }
    }
}
