// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// An ICMP or ICMPv6 error or redirect, as far as rstwho looks at it.
///
/// Everything in it is what its sender says.
struct ICMPMessage {
    /// The meaning of the type in both versions (RFC 792, RFC 4443, RFC 4861 4.5).
    enum Kind {
        case unreachable
        /// ICMPv6 only; of ICMP it is unreachable, code 4.
        case packetTooBig
        case timeExceeded
        case redirect
        case parameterProblem
        /// ICMP only, and obsolete (RFC 6633).
        case sourceQuench
    }

    let kind: Kind
    let type: UInt8
    let code: UInt8
    let isIPv6: Bool
    /// The sender; the recipient follows.
    let from: IPAddress
    let to: IPAddress
    let domain: UInt16
    let distance: HopDistance
    /// The quoted packet.
    let quote: QuotedPacket
    /// Of a redirect: the router to use instead, or the destination itself where that is a neighbour.
    let gateway: IPAddress?
    /// Of "fragmentation needed" and "packet too big": the MTU of the next link, bytes.
    ///
    /// Routers before RFC 1191 tell none.
    let mtu: Int?
    /// Of a parameter problem: which octet of the quoted packet is wrong, counted from 0.
    let octet: Int?

    /// `nil` where the packet is no ICMP error or redirect, or quotes nothing that tells whose packet it is about.
    init?(_ packet: ObservedPacket) {
        let record = packet.record
        guard let kind = Self.kind(record), let headers = packet.headers, let quote = headers.pointee.quote else {
            return nil
        }
        self.kind = kind
        type = record.icmpType
        code = record.icmpCode
        isIPv6 = record.isIPv6
        from = record.source
        to = record.destination
        domain = record.domain
        distance = record.distance
        self.quote = quote
        let isRedirect = kind == .redirect
        gateway =
            isRedirect ? record.isIPv6 ? headers.pointee.redirectedV6?.target : IPAddress(v4: record.seq) : nil
        mtu =
            switch kind {
            case .packetTooBig: Int(record.seq)
            // RFC 1191, 4: the low 16 bits.
            case .unreachable where !record.isIPv6 && record.icmpCode == 4 && record.seq & 0xffff != 0:
                Int(record.seq & 0xffff)
            default: nil
            }
        // RFC 792: the first of the four bytes; RFC 4443, 3.4: all of them.
        octet = kind == .parameterProblem ? Int(record.isIPv6 ? record.seq : record.seq >> 24) : nil
    }

    private static func kind(_ record: PacketRecord) -> Kind? {
        switch (record.transport, record.icmpType) {
        case (.icmp, 3), (.icmpv6, 1): .unreachable
        case (.icmpv6, 2): .packetTooBig
        case (.icmp, 11), (.icmpv6, 3): .timeExceeded
        case (.icmp, 5), (.icmpv6, 137): .redirect
        case (.icmp, 12), (.icmpv6, 4): .parameterProblem
        case (.icmp, 4): .sourceQuench
        default: nil
        }
    }
}

extension ICMPMessage {
    /// True for a redirect that its receiver would have to look at: it comes from a neighbour of the host that it is
    /// said to, about a packet of that host, and names a router that can be one (RFC 1122, 3.2.2.2; RFC 4861, 8.1).
    var isPlausibleRedirect: Bool {
        guard kind == .redirect, let gateway, gateway != from, gateway != to, quote.source == to,
            quote.destination != to, quote.destination != from
        else { return false }
        if isIPv6 {
            let isRouter = gateway.isLinkLocalV6 || gateway == quote.destination
            return code == 0 && distance.ttl == 255 && from.isLinkLocalV6 && isRouter && !quote.destination.isMulticast
        }
        // Nothing stands between the router and the host: wherever it is seen, its TTL is whole (0: not known).
        return code <= 3 && (distance.decrements == 0 || distance.ttl == 0) && !gateway.isMulticast
            && !gateway.isUnusableV4
    }
}

extension IPAddress {
    /// fe80::/10.
    var isLinkLocalV6: Bool { high >> 54 == 0xfe80 >> 6 }

    /// 224.0.0.0/4 and what lies above it, ff00::/8.
    var isMulticast: Bool { isIPv4 ? UInt32(truncatingIfNeeded: low) >> 28 >= 14 : high >> 56 == 0xff }

    /// 0.0.0.0/8 and 127.0.0.0/8.
    fileprivate var isUnusableV4: Bool {
        let first = UInt32(truncatingIfNeeded: low) >> 24
        return first == 0 || first == 127
    }
}
