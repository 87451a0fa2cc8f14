// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

/// Builds the bytes of a frame layer by layer, outermost first:
/// `Ethernet().vlan(100).ipv4(ttl: 63).tcp(flags: [.rst, .ack])`.
///
/// Lengths, checksums, Ethertypes and protocol numbers follow from the layers behind; each can be set to something
/// wrong by its parameter. A value can be kept and continued in several ways.
package struct FrameBuilder: Hashable, Sendable {
    var layers: [FrameLayer] = []
    /// The link type of the frame (`enum packet_link`).
    var link = UInt8(PACKET_LINK_ETHERNET.rawValue)
    /// A tag that the device took out of the bytes (`skb->vlan_tci`), or `nil`.
    var tagBeside: UInt16?
    /// The length at which the built bytes are cut, or `nil`.
    var cut: Int?

    /// A frame that begins with an Ethernet header.
    ///
    /// `ethertype` is a lie about what follows.
    package init(
        source: MACAddress = .neighbour, destination: MACAddress = .here, ethertype: UInt16? = nil
    ) {
        layers = [.ethernet(source: source, destination: destination, ethertype: ethertype)]
    }

    private init(link: packet_link) {
        self.link = UInt8(link.rawValue)
    }

    /// A packet without a link header (tun, wg, raw captures).
    package static var bareIP: FrameBuilder { FrameBuilder(link: PACKET_LINK_IP) }

    /// A packet whose link header was taken off by the file reader, which knows the Ethertype (Linux cooked).
    package static var behindOtherLink: FrameBuilder { FrameBuilder(link: PACKET_LINK_ETHERTYPE) }

    func adding(_ layer: FrameLayer) -> FrameBuilder {
        var copy = self
        copy.layers.append(layer)
        return copy
    }

    /// Ends with `bytes`, whatever they are.
    package func payload(_ bytes: [UInt8]) -> FrameBuilder { adding(.bytes(bytes)) }

    /// Ends with `text` in UTF-8.
    package func payload(_ text: String) -> FrameBuilder { adding(.bytes(Array(text.utf8))) }

    /// Only the first `length` bytes; the lengths inside stay as built.
    ///
    /// `wireLength` stays that of the whole frame.
    package func captured(_ length: Int) -> FrameBuilder {
        var copy = self
        copy.cut = length
        return copy
    }

    /// A VLAN tag that stands beside the bytes, as the kernel keeps it for TC.
    package func tagBeside(_ identifier: UInt16) -> FrameBuilder {
        var copy = self
        copy.tagBeside = identifier
        return copy
    }
}

/// `Ethernet().ipv4().tcp()` reads better than the builder's name.
package typealias Ethernet = FrameBuilder

/// An IEEE 802 address, in the low 48 bits.
package struct MACAddress: Hashable, Sendable {
    package var value: UInt64

    package init(_ value: UInt64) {
        self.value = value & 0xffff_ffff_ffff
    }

    /// The router that frames come from in tests.
    package static let neighbour = MACAddress(0x02_00_00_00_00_01)
    /// The machine that captures in tests.
    package static let here = MACAddress(0x02_00_00_00_00_02)

    var bytes: [UInt8] { stride(from: 40, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt64($0)) } }
}

// MARK: - Link layer

extension FrameBuilder {
    /// An Ethernet header within: behind VXLAN, GENEVE, GRE or an MPLS pseudowire.
    package func ethernet(
        source: MACAddress = .neighbour, destination: MACAddress = .here, ethertype: UInt16? = nil
    ) -> FrameBuilder {
        adding(.ethernet(source: source, destination: destination, ethertype: ethertype))
    }

    /// A tag: 802.1Q (0x8100), 802.1ad (0x88a8), 0x9100 or Cisco metadata (0x8909).
    package func vlan(
        _ identifier: UInt16, priority: UInt16 = 0, tpid: UInt16 = 0x8100, ethertype: UInt16? = nil
    ) -> FrameBuilder {
        adding(.tag(tpid: tpid, control: priority << 13 | identifier & 0xfff, ethertype: ethertype))
    }

    /// One MPLS label (RFC 3032).
    ///
    /// The bottom-of-stack bit is set where no other label follows.
    package func mpls(_ label: UInt32, ttl: UInt8 = 64) -> FrameBuilder { adding(.mpls(label: label, ttl: ttl)) }

    /// A PPPoE session header with PPP (RFC 2516).
    package func pppoe(session: UInt16 = 1, protocolField: UInt16? = nil) -> FrameBuilder {
        adding(.pppoe(session: session, protocolField: protocolField))
    }
}

// MARK: - Network layer

extension FrameBuilder {
    /// An IPv4 header (RFC 791).
    ///
    /// `options` are padded to whole words; `ihl`, `totalLength` and `protocolNumber` override what follows from the
    /// layers. `fragmentOffset` is in units of 8 bytes.
    package func ipv4(
        _ source: IPAddress = .server, _ destination: IPAddress = .client, ttl: UInt8 = 64, tos: UInt8 = 0,
        identification: UInt16 = 0x1234, dontFragment: Bool = true, moreFragments: Bool = false,
        fragmentOffset: UInt16 = 0, options: [UInt8] = [], version: UInt8 = 4, ihl: UInt8? = nil,
        totalLength: UInt16? = nil, protocolNumber: UInt8? = nil
    ) -> FrameBuilder {
        let flags = (dontFragment ? 0x4000 : 0) | (moreFragments ? 0x2000 : 0) | fragmentOffset & 0x1fff
        return adding(
            .ipv4(
                IPv4Layer(
                    source: source, destination: destination, ttl: ttl, tos: tos, identification: identification,
                    flags: flags, options: options, version: version, ihl: ihl, totalLength: totalLength,
                    protocolNumber: protocolNumber)))
    }

    /// An IPv6 header (RFC 8200).
    package func ipv6(
        _ source: IPAddress = .server6, _ destination: IPAddress = .client6, hopLimit: UInt8 = 64,
        trafficClass: UInt8 = 0, flowLabel: UInt32 = 0, version: UInt8 = 6, payloadLength: UInt16? = nil,
        nextHeader: UInt8? = nil
    ) -> FrameBuilder {
        adding(
            .ipv6(
                IPv6Layer(
                    source: source, destination: destination, hopLimit: hopLimit, trafficClass: trafficClass,
                    flowLabel: flowLabel, version: version, payloadLength: payloadLength, nextHeader: nextHeader)))
    }

    /// An IPv6 extension header of `words` × 8 bytes beyond the first 8: hop-by-hop 0, routing 43, destination 60,
    /// mobility 135, HIP 139, Shim6 140.
    ///
    /// `nextHeader` overrides what follows.
    package func ipv6Extension(_ number: UInt8, words: UInt8 = 0, nextHeader: UInt8? = nil) -> FrameBuilder {
        adding(.ipv6Extension(number: number, words: words, nextHeader: nextHeader))
    }

    /// An IPv6 fragment header.
    ///
    /// `offset` is in units of 8 bytes.
    package func ipv6Fragment(offset: UInt16, more: Bool, identification: UInt32 = 1) -> FrameBuilder {
        adding(.ipv6Fragment(offset: offset << 3 | (more ? 1 : 0), identification: identification))
    }

    /// An authentication header (RFC 4302) with `integrityWords` × 4 bytes of check value.
    package func authentication(integrityWords: UInt8 = 3) -> FrameBuilder {
        adding(.authentication(integrityWords: integrityWords))
    }
}

// MARK: - Transport layer

extension FrameBuilder {
    /// A TCP header (RFC 9293).
    ///
    /// `options` are padded to whole words; `dataOffset` overrides what follows from them.
    package func tcp(
        _ sourcePort: UInt16 = 22, _ destinationPort: UInt16 = 50992, seq: UInt32 = 0, ack: UInt32 = 0,
        flags: TCPFlags, window: UInt16 = 0, options: [UInt8] = [], dataOffset: UInt8? = nil
    ) -> FrameBuilder {
        adding(
            .tcp(
                TCPLayer(
                    sourcePort: sourcePort, destinationPort: destinationPort, seq: seq, ack: ack, flags: flags,
                    window: window, options: options, dataOffset: dataOffset)))
    }

    /// A UDP header.
    package func udp(_ sourcePort: UInt16 = 53, _ destinationPort: UInt16 = 40000) -> FrameBuilder {
        adding(.udp(sourcePort: sourcePort, destinationPort: destinationPort))
    }

    /// An ICMP or ICMPv6 header, by the IP header before it.
    ///
    /// `rest` is the word behind the checksum.
    package func icmp(type: UInt8, code: UInt8 = 0, rest: UInt32 = 0) -> FrameBuilder {
        adding(.icmp(type: type, code: code, rest: rest))
    }

    /// An echo request or reply, of ICMP or ICMPv6 by the IP header before it.
    package func echo(reply: Bool, identifier: UInt16 = 0x77, sequence: UInt16 = 1) -> FrameBuilder {
        let type: UInt8 =
            switch layers.last(where: \.isIP) {
            case .ipv6: reply ? 129 : 128
            default: reply ? 0 : 8
            }
        return icmp(type: type, rest: UInt32(identifier) << 16 | UInt32(sequence))
    }

    /// An ICMP or ICMPv6 error that quotes the first `length` bytes of `packet`, which should be `bareIP`.
    ///
    /// RFC 792 asks for the IP header and 8 bytes.
    package func icmpError(
        type: UInt8, code: UInt8 = 0, rest: UInt32 = 0, quoting packet: FrameBuilder, length: Int? = nil
    ) -> FrameBuilder {
        let quoted = packet.bytes
        return icmp(type: type, code: code, rest: rest).payload(Array(quoted.prefix(length ?? quoted.count)))
    }
}

// MARK: - Tunnels

extension FrameBuilder {
    /// A GRE header (RFC 2784, 2890).
    ///
    /// `protocolType` overrides what follows from the next layer.
    package func gre(
        checksum: Bool = false, key: UInt32? = nil, sequence: UInt32? = nil, version: UInt16 = 0,
        protocolType: UInt16? = nil
    ) -> FrameBuilder {
        adding(
            .gre(checksum: checksum, key: key, sequence: sequence, version: version, protocolType: protocolType))
    }

    /// GRE with an ERSPAN header: type I (no header, `version` 0), type II (`version` 1) or type III (2).
    package func erspan(version: UInt8, session: UInt16 = 5, subheader: Bool = false) -> FrameBuilder {
        adding(.erspan(version: version, session: session, subheader: subheader))
    }

    /// UDP to port 4789 (or 8472, as Linux's old default) and a VXLAN header (RFC 7348).
    package func vxlan(_ identifier: UInt32, port: UInt16 = 4789, flags: UInt8 = 0x08) -> FrameBuilder {
        udp(49152, port).adding(.vxlan(identifier: identifier, flags: flags))
    }

    /// UDP to port 6081 and a GENEVE header (RFC 8926) with `optionWords` × 4 bytes of options.
    package func geneve(_ identifier: UInt32, optionWords: UInt8 = 0, protocolType: UInt16? = nil) -> FrameBuilder {
        udp(49152, 6081).adding(
            .geneve(identifier: identifier, optionWords: optionWords, protocolType: protocolType))
    }

    /// UDP to port 3544 (RFC 4380), with an authentication and an origin indication if asked for.
    package func teredo(authentication: Bool = false, origin: Bool = false) -> FrameBuilder {
        udp(49152, 3544).adding(.teredo(authentication: authentication, origin: origin))
    }

    /// UDP to port 2152 and a GTPv1-U header (3GPP TS 29.281), with the sequence number's word if asked for.
    package func gtpu(_ tunnel: UInt32, sequence: UInt16? = nil, messageType: UInt8 = 255) -> FrameBuilder {
        udp(2152, 2152).adding(.gtpu(tunnel: tunnel, sequence: sequence, messageType: messageType))
    }
}

extension IPAddress {
    private init(fixture high: UInt64, _ low: UInt64) {
        self.init(high: high, low: low)
    }

    /// 10.4.0.2, the server of the fixtures.
    package static let server = IPAddress(v4: 0x0a04_0002)
    /// 10.1.0.1, the client of the fixtures.
    package static let client = IPAddress(v4: 0x0a01_0001)
    /// 2001:db8:4::2.
    package static let server6 = IPAddress(fixture: 0x2001_0db8_0004_0000, 2)
    /// 2001:db8:1::1.
    package static let client6 = IPAddress(fixture: 0x2001_0db8_0001_0000, 1)
}
