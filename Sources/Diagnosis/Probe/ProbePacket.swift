// SPDX-License-Identifier: Apache-2.0

/// One packet of an active probe.
package struct ProbePacket: Hashable, Sendable {
    package enum Kind: Hashable, CaseIterable, Sendable {
        /// A SYN to the port in question.
        case syn
        /// A SYN to another port of the host, which is known to answer.
        case reference
        /// An ICMP echo request.
        case echo
        /// A UDP datagram to a port where nothing listens.
        case udp
    }

    /// Unique in a probe, from 0 on.
    package var number: Int
    package var kind: Kind
    /// Packets of one kind and flow have everything in common that a router chooses a path by (Augustin et al.:
    /// Avoiding Traceroute Anomalies with Paris Traceroute, IMC 2006): addresses, ports, identifier, checksum of an
    /// echo, flow label.
    package var flow: Int
    package var ttl: UInt8

    package init(number: Int, kind: Kind, flow: Int, ttl: UInt8) {
        self.number = number
        self.kind = kind
        self.flow = flow
        self.ttl = ttl
    }

    /// The TTL of a packet that is meant to arrive.
    package static let fullTTL: UInt8 = 64
}
