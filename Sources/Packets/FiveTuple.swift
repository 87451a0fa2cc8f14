// SPDX-License-Identifier: Apache-2.0
internal import CPacket

/// The protocols that a record can carry, and `other` for what an ICMP error quotes of the rest.
@usableFromInline package enum TransportProtocol: UInt8, Hashable, Sendable {
    case tcp = 0
    case udp = 1
    case icmp = 2
    case icmpv6 = 3
    /// Never a record's: those are packets with ports or an echo's identifier.
    case other = 4

    /// As it is shown: `tcp`, `udp`, `icmp`, `icmpv6`, `other`.
    package var label: String { "\(self)" }

    package init?(label: String) {
        guard let known = [Self.tcp, .udp, .icmp, .icmpv6, .other].first(where: { $0.label == label }) else {
            return nil
        }
        self = known
    }
}

/// Addresses, ports and protocol of a packet, in its own direction.
///
/// For an echo both ports are its identifier.
package struct FiveTuple: Hashable, Sendable {
    package var source: IPAddress
    package var destination: IPAddress
    package var sourcePort: UInt16
    package var destinationPort: UInt16
    package var transport: TransportProtocol

    package init(
        source: IPAddress, sourcePort: UInt16, destination: IPAddress, destinationPort: UInt16,
        transport: TransportProtocol = .tcp
    ) {
        self.source = source
        self.destination = destination
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.transport = transport
    }

    /// The port of the service: the server's, or the lower of the two where nobody knows which side that is.
    package func servicePort(serverIsSource: Bool?) -> UInt16 {
        guard let serverIsSource else { return min(sourcePort, destinationPort) }
        return serverIsSource ? sourcePort : destinationPort
    }

    /// The same flow seen from the other side.
    package var reversed: FiveTuple {
        FiveTuple(
            source: destination, sourcePort: destinationPort, destination: source, destinationPort: sourcePort,
            transport: transport)
    }

    /// The hash by which the kernel part sheds this flow (`bpf/shedding.h`); the same for both directions.
    package func flowHash(_ key: FlowHashKey) -> UInt32 { ends.flowHash(key) }

    /// The bit of this flow in the kernel part's focus (`bpf/focus.h`), below 65,536; the same for both directions.
    package func focusBit(_ key: FlowHashKey) -> UInt32 { rstwho_focus_bit(flowHash(key)) }

    /// A record with the addresses and ports only.
    private var ends: PacketRecord {
        var record = PacketRecord()
        (record.src_high, record.src_low, record.src_port) = (source.high, source.low, sourcePort)
        (record.dst_high, record.dst_low, record.dst_port) = (destination.high, destination.low, destinationPort)
        return record
    }
}
