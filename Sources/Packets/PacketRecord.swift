// SPDX-License-Identifier: Apache-2.0
public import CPacket

/// One packet as the kernel part or the host build of the parser describes it: `struct packet_record` of
/// `bpf/packet_record.h`, which documents every field.
@usableFromInline package typealias PacketRecord = packet_record

/// A record with its time, its frame number and the snapshot of its headers where there is one.
///
/// `headers` points into the batch and is valid only while the batch is.
package typealias ObservedPacket = observed_packet

/// The class of a packet (`enum packet_class`), in the order in which classes are shed.
@usableFromInline package enum PacketClass: UInt8, CaseIterable, Hashable, Sendable {
    case bulk = 0
    case handshake = 1
    case icmp = 2
    case reset = 3
}

/// The tunnel that a packet was found in (`enum packet_tunnel`).
@usableFromInline package enum Tunnel: UInt8, Hashable, Sendable {
    case none, ipip, gre, erspan, vxlan, geneve, teredo, gtpu
}

/// The direction of a packet relative to this machine.
@usableFromInline package enum PacketDirection: Hashable, Sendable {
    /// It arrived, or the capture does not tell.
    case ingress
    /// It left; whether it was made here or forwarded is not known from the record alone (a file).
    case egress
    /// It left and this machine made it (`ingress_ifindex` 0 at TC egress).
    case egressMadeHere
}

// What every packet is asked can be inlined into other modules, and for that all that it mentions is usable from there:
// without it, the comparison of two enumeration values alone would be a call that looks for a witness table.
extension PacketRecord {
    @inlinable package var source: IPAddress { IPAddress(high: src_high, low: src_low) }
    @inlinable package var destination: IPAddress { IPAddress(high: dst_high, low: dst_low) }
    @inlinable package var isIPv6: Bool { layers & UInt8(PACKET_LAYERS_IPV6) != 0 }
    @inlinable package var isFirstFragment: Bool { layers & UInt8(PACKET_LAYERS_FRAGMENT) != 0 }
    @inlinable package var dontFragment: Bool { layers & UInt8(PACKET_LAYERS_DF) != 0 }

    @inlinable package var transport: TransportProtocol {
        // Two bits: every value is a case.
        switch layers >> UInt8(PACKET_LAYERS_PROTOCOL_SHIFT) & 3 {
        case 1: .udp
        case 2: .icmp
        case 3: .icmpv6
        default: .tcp
        }
    }

    package var tunnel: Tunnel {
        // Three bits: every value is a case.
        Tunnel(rawValue: layers >> UInt8(PACKET_LAYERS_TUNNEL_SHIFT)) ?? .none
    }

    @inlinable package var packetClass: PacketClass {
        switch self.class {
        case 1: .handshake
        case 2: .icmp
        case 3: .reset
        default: .bulk
        }
    }
    @inlinable package var tcpFlags: TCPFlags { TCPFlags(rawValue: flags) }

    /// IP-ID (IPv4, 16 bits) or flow label (IPv6, 20 bits).
    @inlinable package var identification: UInt32 { id & UInt32(PACKET_ID_MASK) }

    /// The VLAN ID, or a hash of tags and tunnel, or 0: see `packet_record.id`.
    @inlinable package var domain: UInt16 { UInt16(truncatingIfNeeded: id >> UInt32(PACKET_DOMAIN_SHIFT)) }

    @inlinable package var interfaceSlot: UInt8 { interface & UInt8(PACKET_INTERFACE_SLOT_MASK) }

    @inlinable package var direction: PacketDirection {
        if interface & UInt8(PACKET_INTERFACE_EGRESS) == 0 { return .ingress }
        return interface & UInt8(PACKET_INTERFACE_MADE_HERE) == 0 ? .egress : .egressMadeHere
    }

    @inlinable package var distance: HopDistance { HopDistance(ttl: ttl, isEgress: direction != .ingress) }

    package var fiveTuple: FiveTuple {
        FiveTuple(
            source: source, sourcePort: src_port, destination: destination, destinationPort: dst_port,
            transport: transport)
    }

    /// False for a packet of a text that does not tell the TTL: nothing then follows from `distance`.
    ///
    /// A packet that really arrives with a TTL of 0 tells no distance either.
    @inlinable package var hasTTL: Bool { ttl != 0 }

    /// ICMP type (meaningful for ICMP and ICMPv6 only).
    @inlinable package var icmpType: UInt8 { UInt8(window >> 8) }
    /// ICMP code (meaningful for ICMP and ICMPv6 only).
    @inlinable package var icmpCode: UInt8 { UInt8(truncatingIfNeeded: window) }
}
