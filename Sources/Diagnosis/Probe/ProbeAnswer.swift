// SPDX-License-Identifier: Apache-2.0
package import Packets

/// An answer to a packet of a probe.
package struct ProbeAnswer: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        /// ICMP time exceeded: the packet came as far as its TTL let it.
        case timeExceeded
        case unreachable(Unreachable)
        case reset
        case synAck
        case echoReply
    }

    /// Why it was not delivered: the codes of RFC 792, RFC 1812 (5.2.7.1) and RFC 4443 (3.1) that mean the same.
    package enum Unreachable: String, Sendable, CaseIterable {
        case network, host, port, `protocol`, prohibited, other

        package init(code: UInt8, isIPv6: Bool) {
            switch (code, isIPv6) {
            case (0, _), (6, false), (11, false): self = .network
            case (1, false), (7, false), (8, false), (12, false), (3, true): self = .host
            case (2, false): self = .protocol
            case (3, false), (4, true): self = .port
            case (9, false), (10, false), (13, false), (1, true), (5, true), (6, true): self = .prohibited
            default: self = .other
            }
        }
    }

    package var kind: Kind
    /// The source address of the answer.
    package var source: IPAddress
    /// The distance of the answer.
    package var distance: HopDistance
    /// True where it never was on a wire: this machine made it.
    package var isLocal: Bool

    package init(_ kind: Kind, from source: IPAddress, distance: HopDistance, isLocal: Bool = false) {
        self.kind = kind
        self.source = source
        self.distance = distance
        self.isLocal = isLocal
    }
}
