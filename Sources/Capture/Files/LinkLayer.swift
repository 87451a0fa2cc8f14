// SPDX-License-Identifier: Apache-2.0
internal import CPacket

/// The link layers that are opened, by the link types of draft-ietf-opsawg-pcaplinktype.
enum LinkLayer: UInt8 {
    case ethernet, ip, null, loop, cooked, cooked2, ppp, pppWithDirection, pppHDLC, pppoe, ciscoHDLC
    case wireless, radiotap, prism, avs, ppi
    case nflog, pflog, pktap, enc, ipnet, fddi, tokenRing, llc, fibreChannel, frameRelay, frameRelayWithDirection
    case ciscoHDLCWithDirection, juniperEthernet, juniperPPP, juniperHDLC, netAnalyzer, preamble, mpls
    case unknown

    init(linkType: UInt16) {
        switch linkType {
        case 1: self = .ethernet
        case 12, 14, 101, 228, 229: self = .ip
        case 0: self = .null
        case 108: self = .loop
        case 113: self = .cooked
        case 276: self = .cooked2
        case 9: self = .ppp
        case 204: self = .pppWithDirection
        case 50: self = .pppHDLC
        case 51: self = .pppoe
        case 104: self = .ciscoHDLC
        case 105: self = .wireless
        case 127: self = .radiotap
        case 119: self = .prism
        case 163: self = .avs
        case 192: self = .ppi
        case 239: self = .nflog
        case 117: self = .pflog
        case 258: self = .pktap
        case 109: self = .enc
        case 226: self = .ipnet
        case 10: self = .fddi
        case 6: self = .tokenRing
        case 100: self = .llc
        case 122: self = .fibreChannel
        case 107: self = .frameRelay
        case 206: self = .frameRelayWithDirection
        case 205: self = .ciscoHDLCWithDirection
        case 178: self = .juniperEthernet
        case 179: self = .juniperPPP
        case 181: self = .juniperHDLC
        case 240: self = .netAnalyzer
        // EPON and IEEE 802.3br: a preamble before the Ethernet header.
        case 259, 274: self = .preamble
        case 219: self = .mpls
        default: self = .unknown
        }
    }

    /// The offset in a frame where the parser begins, and its parameters.
    struct Content {
        /// Bytes of the frame that were opened.
        var offset: Int
        /// `enum packet_link`.
        var link: UInt8
        /// Host order, for PACKET_LINK_ETHERTYPE.
        var ethertype: UInt16 = 0
        /// `PACKET_INTERFACE_*`; the link layer may know the direction.
        var interface: UInt8
        /// Of the sender's link address, where a header that the parser does not see has it.
        var senderHash: UInt16 = 0

        mutating func found(at offset: Int, ethertype: UInt16) -> UInt32 {
            self.offset = offset
            self.link = UInt8(PACKET_LINK_ETHERTYPE.rawValue)
            self.ethertype = ethertype
            return PACKET_PARSED.rawValue
        }

        mutating func foundIP(at offset: Int) -> UInt32 {
            self.offset = offset
            self.link = UInt8(PACKET_LINK_IP.rawValue)
            return PACKET_PARSED.rawValue
        }
    }

    /// `sll_pkttype` of what leaves (PACKET_OUTGOING in linux/if_packet.h).
    static let packetOutgoing: UInt8 = 4

    /// ARPHRD_LOOPBACK (linux/if_arp.h): what comes by this interface is this machine's own, and arrives nowhere.
    private static let loopback: UInt16 = 772

    static let ipv4: UInt16 = 0x0800
    static let ipv6: UInt16 = 0x86dd
    static let pppoeSession: UInt16 = 0x8864

    /// Finds what a frame carries.
    ///
    /// Returns PACKET_PARSED, a parser's refusal, or PACKET_REFUSAL_COUNT and a `LinkRefusal` above it. Reads only
    /// `length` bytes.
    func open(_ bytes: UnsafeRawPointer, length: Int, content: inout Content) -> UInt32 {
        let bytes = UnsafeRawBufferPointer(start: bytes, count: length)
        switch self {
        case .ethernet:
            content.link = UInt8(PACKET_LINK_ETHERNET.rawValue)
            return PACKET_PARSED.rawValue
        case .ip: return content.foundIP(at: 0)
        case .null, .loop: return Self.openLoopback(bytes, content: &content)
        case .cooked: return Self.openCooked(bytes, content: &content)
        case .cooked2: return Self.openCooked2(bytes, content: &content)
        case .ppp: return Self.openPPP(bytes, at: 0, content: &content)
        case .pppWithDirection:
            guard let direction = bytes.first else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
            if direction != 0 { content.interface |= UInt8(PACKET_INTERFACE_EGRESS) }
            return Self.openPPP(bytes, at: 1, content: &content)
        case .pppHDLC:
            // Address 0xff is PPP in HDLC-like framing (RFC 1662), everything else Cisco's.
            guard let address = bytes.first else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
            if address == 0xff { return Self.openPPP(bytes, at: 0, content: &content) }
            return Self.openCiscoHDLC(bytes, content: &content)
        case .pppoe: return content.found(at: 0, ethertype: Self.pppoeSession)
        case .ciscoHDLC: return Self.openCiscoHDLC(bytes, content: &content)
        case .wireless: return Self.openWireless(bytes, at: 0, isPadded: false, content: &content)
        case .radiotap: return Self.openRadiotap(bytes, content: &content)
        case .prism, .avs: return Self.openPrism(bytes, content: &content)
        case .ppi: return Self.openPPI(bytes, content: &content)
        case .unknown: return LinkRefusal.unknownLinkType.outcome
        default: return openWrapped(bytes, content: &content)
        }
    }

    /// An address family in four bytes, in the byte order of the machine that captured (NULL) or of the network (LOOP).
    private static func openLoopback(_ bytes: UnsafeRawBufferPointer, content: inout Content) -> UInt32 {
        guard bytes.count >= 4 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        var family = bytes.loadUnaligned(as: UInt32.self).bigEndian
        if family > 0xffff { family = family.byteSwapped }
        switch family {
        case 2: return content.found(at: 4, ethertype: ipv4)
        // Linux; NetBSD and OpenBSD; FreeBSD; Darwin.
        case 10, 24, 28, 30: return content.found(at: 4, ethertype: ipv6)
        default: return PACKET_REFUSED_NOT_IP.rawValue
        }
    }

    /// Linux "cooked" capture, first version: packet type, ARPHRD, address length, address, protocol.
    private static func openCooked(_ bytes: UnsafeRawBufferPointer, content: inout Content) -> UInt32 {
        guard bytes.count >= 16 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        if load16(bytes, 0) == UInt16(packetOutgoing) || load16(bytes, 2) == loopback {
            content.interface |= UInt8(PACKET_INTERFACE_EGRESS)
        }
        content.senderHash = hash(bytes, at: 6, length: load16(bytes, 4))
        return openCookedProtocol(bytes, at: 16, ethertype: load16(bytes, 14), content: &content)
    }

    /// Second version: protocol, reserved, interface index, ARPHRD, packet type, address length, address.
    private static func openCooked2(_ bytes: UnsafeRawBufferPointer, content: inout Content) -> UInt32 {
        guard bytes.count >= 20 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        if bytes[10] == packetOutgoing || load16(bytes, 8) == loopback {
            content.interface |= UInt8(PACKET_INTERFACE_EGRESS)
        }
        // The low five bits of the big-endian index.
        content.interface &= ~UInt8(PACKET_INTERFACE_SLOT_MASK)
        content.interface |= bytes[7] & UInt8(PACKET_INTERFACE_SLOT_MASK)
        content.senderHash = hash(bytes, at: 12, length: UInt16(bytes[11]))
        return openCookedProtocol(bytes, at: 20, ethertype: load16(bytes, 0), content: &content)
    }

    /// FNV-1a, folded, of a link address of at most 8 bytes.
    ///
    /// The caller has checked that 8 are there.
    static func hash(_ bytes: UnsafeRawBufferPointer, at offset: Int, length: UInt16) -> UInt16 {
        var hash: UInt32 = 0x811c_9dc5
        for byte in bytes[offset..<offset + min(Int(length), 8)] {
            hash = (hash ^ UInt32(byte)) &* 0x0100_0193
        }
        return length == 0 ? 0 : UInt16(truncatingIfNeeded: hash ^ hash >> 16)
    }

    private static func openCookedProtocol(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, ethertype: UInt16, content: inout Content
    ) -> UInt32 {
        switch ethertype {
        // ETH_P_802_2: an LLC header follows.
        case 4: return openLLC(bytes, at: offset, content: &content)
        // No protocol: what a raw link (ARPHRD_NONE, ARPHRD_RAWIP) carries is IP, and the parser checks the version.
        case 0: return content.foundIP(at: offset)
        default: return content.found(at: offset, ethertype: ethertype)
        }
    }

    /// PPP (RFC 1661): address and control may be left out, and the protocol may be one byte long.
    private static func openPPP(_ bytes: UnsafeRawBufferPointer, at start: Int, content: inout Content) -> UInt32 {
        var offset = start
        if bytes.count >= offset + 2, bytes[offset] == 0xff, bytes[offset + 1] == 0x03 { offset += 2 }
        guard bytes.count > offset else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        var number = UInt16(bytes[offset])
        if number & 1 == 0 {
            guard bytes.count > offset + 1 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
            number = number << 8 | UInt16(bytes[offset + 1])
            offset += 1
        }
        offset += 1
        switch number {
        case 0x0021: return content.found(at: offset, ethertype: ipv4)
        case 0x0057: return content.found(at: offset, ethertype: ipv6)
        // MPLS, unicast and multicast (RFC 3032).
        case 0x0281: return content.found(at: offset, ethertype: 0x8847)
        case 0x0283: return content.found(at: offset, ethertype: 0x8848)
        default: return PACKET_REFUSED_NOT_IP.rawValue
        }
    }

    /// Address, control, Ethertype.
    private static func openCiscoHDLC(_ bytes: UnsafeRawBufferPointer, content: inout Content) -> UInt32 {
        guard bytes.count >= 4 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        return content.found(at: 4, ethertype: load16(bytes, 2))
    }

    /// Two bytes in network order.
    ///
    /// The caller has checked that they are there.
    static func load16(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt16 {
        UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
    }
}

extension LinkRefusal {
    /// Above the parser's own refusals, in the counting of `CaptureFileBatch`.
    var outcome: UInt32 { PACKET_REFUSAL_COUNT.rawValue + UInt32(rawValue) }
}
