// SPDX-License-Identifier: Apache-2.0
internal import CPacket

/// The part of a packet that an ICMP error quotes (RFC 792, RFC 1812 4.3.2.3, RFC 4443 2.4): at least the IP header and
/// 8 bytes, often more.
///
/// It comes from outside: whoever sends it writes what he likes.
package struct QuotedPacket: Hashable, Sendable {
    package var source: IPAddress
    package var destination: IPAddress
    /// IP protocol number of the transport header, extension headers skipped; `nil` where they were not all quoted.
    package var protocolNumber: UInt8?
    /// TTL or hop limit that it had left.
    package var ttl: UInt8
    /// Of a TCP segment, a UDP datagram; of an echo both are its identifier.
    ///
    /// `nil` where they were not quoted.
    package var ports: (source: UInt16, destination: UInt16)? {
        get { hasPorts ? (sourcePort, destinationPort) : nil }
        set {
            hasPorts = newValue != nil
            (sourcePort, destinationPort) = newValue ?? (0, 0)
        }
    }
    private var hasPorts = false
    private var sourcePort: UInt16 = 0
    private var destinationPort: UInt16 = 0
    /// Of a TCP segment, as far as it was quoted; `seq` of an echo too.
    package var seq: UInt32?
    package var ack: UInt32?
    package var flags: TCPFlags?

    package init(source: IPAddress, destination: IPAddress, protocolNumber: UInt8?, ttl: UInt8) {
        self.source = source
        self.destination = destination
        self.protocolNumber = protocolNumber
        self.ttl = ttl
    }

    /// The protocol, where it is one that a record can carry.
    package var transport: TransportProtocol? {
        switch protocolNumber {
        case 1: .icmp
        case 6: .tcp
        case 17: .udp
        case 58: .icmpv6
        default: nil
        }
    }

    /// In the quoted packet's direction; `nil` where the ports were not quoted or the protocol has none.
    package var fiveTuple: FiveTuple? {
        guard let transport, let ports else { return nil }
        return FiveTuple(
            source: source, sourcePort: ports.source, destination: destination, destinationPort: ports.destination,
            transport: transport)
    }
}
