// SPDX-License-Identifier: Apache-2.0
internal import CPacket

/// Headers that capture tools and operating systems put before a packet, and link layers with an LLC header.
extension LinkLayer {
    /// Opens the link layers of this file; the caller knows that it is one of them.
    func openWrapped(_ bytes: UnsafeRawBufferPointer, content: inout Content) -> UInt32 {
        switch self {
        case .nflog: return Self.openNFLOG(bytes, content: &content)
        case .pflog: return Self.openPFLOG(bytes, content: &content)
        case .pktap: return Self.openPKTAP(bytes, content: &content)
        case .enc: return Self.openENC(bytes, content: &content)
        case .ipnet: return Self.openIPNET(bytes, content: &content)
        case .fddi: return Self.openFDDI(bytes, content: &content)
        case .tokenRing: return Self.openTokenRing(bytes, content: &content)
        case .llc: return Self.openLLC(bytes, at: 0, content: &content)
        case .fibreChannel: return Self.openLLC(bytes, at: 16, content: &content)
        case .frameRelay: return Self.openFrameRelay(bytes, at: 0, content: &content)
        case .frameRelayWithDirection, .ciscoHDLCWithDirection:
            guard let direction = bytes.first else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
            if direction != 0 { content.interface |= UInt8(PACKET_INTERFACE_EGRESS) }
            if self == .frameRelayWithDirection { return Self.openFrameRelay(bytes, at: 1, content: &content) }
            guard bytes.count >= 5 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
            return content.found(at: 5, ethertype: Self.load16(bytes, 3))
        case .juniperEthernet, .juniperPPP, .juniperHDLC: return openJuniper(bytes, content: &content)
        case .netAnalyzer: return Self.openEthernet(bytes, at: 4, content: &content)
        case .preamble: return Self.openEthernet(bytes, at: 8, content: &content)
        case .mpls: return content.found(at: 0, ethertype: 0x8847)
        default: return LinkRefusal.unknownLinkType.outcome
        }
    }

    private static func openEthernet(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, content: inout Content
    ) -> UInt32 {
        guard bytes.count >= offset else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        content.offset = offset
        content.link = UInt8(PACKET_LINK_ETHERNET.rawValue)
        return PACKET_PARSED.rawValue
    }

    /// Opens Ethernet with a length in the place of the Ethertype, and LLC with SNAP behind it (IEEE 802.3, RFC 1042).
    ///
    /// `nil` for other frames.
    static func openSNAP(_ bytes: UnsafeRawPointer, length: Int, content: inout Content) -> UInt32? {
        let bytes = UnsafeRawBufferPointer(start: bytes, count: length)
        guard length >= 22, load16(bytes, 12) <= 1500, bytes[14] == 0xaa else { return nil }
        content.senderHash = hash(bytes, at: 6, length: 6)
        return openLLC(bytes, at: 14, content: &content)
    }

    /// Four bytes at `offset`, the lowest first.
    ///
    /// The caller has checked that they are there.
    private static func load32Little(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
        bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self).littleEndian
    }

    private static func openFamily(
        _ family: UInt32, at offset: Int, content: inout Content
    ) -> UInt32 {
        switch family {
        case 2: return content.found(at: offset, ethertype: ipv4)
        // Linux; NetBSD and OpenBSD; Solaris; FreeBSD; Darwin.
        case 10, 24, 26, 28, 30: return content.found(at: offset, ethertype: ipv6)
        default: return PACKET_REFUSED_NOT_IP.rawValue
        }
    }

    /// Linux netfilter's log (`tcpdump -i nflog:1`): family, version, group, then attributes of netlink with length and
    /// type in the byte order of the machine that captured.
    ///
    /// Attribute 9 is the packet, 4 and 5 are the indices of its interfaces.
    private static func openNFLOG(_ bytes: UnsafeRawBufferPointer, content: inout Content) -> UInt32 {
        guard bytes.count >= 8 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        guard bytes[1] == 0 else { return LinkRefusal.unknownLinkType.outcome }
        // A type is below 256: its zero byte tells the order.
        let isBig = bytes[6] == 0 && bytes[7] != 0
        var position = 4
        var ingress: UInt32 = 0
        var egress: UInt32 = 0
        while position + 4 <= bytes.count {
            let first = load16(bytes, position)
            let second = load16(bytes, position + 2)
            let length = Int(isBig ? first : first.byteSwapped)
            let type = (isBig ? second : second.byteSwapped) & 0x3fff
            guard length >= 4 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
            if type == 9 {
                let index = ingress != 0 ? ingress : egress
                content.interface |= UInt8(truncatingIfNeeded: index) & UInt8(PACKET_INTERFACE_SLOT_MASK)
                if ingress == 0, egress != 0 { content.interface |= UInt8(PACKET_INTERFACE_EGRESS) }
                return openFamily(UInt32(bytes[0]), at: position + 4, content: &content)
            }
            if type == 4 || type == 5, length >= 8, position + 8 <= bytes.count {
                let index = bytes.loadUnaligned(fromByteOffset: position + 4, as: UInt32.self).bigEndian
                if type == 4 { ingress = index } else { egress = index }
            }
            position += (length + 3) & ~3
        }
        return PACKET_REFUSED_TRUNCATED_LINK.rawValue
    }

    /// pf's log: its own length without padding, address family, action, reason, names, numbers, and the direction in
    /// byte 60.
    private static func openPFLOG(_ bytes: UnsafeRawBufferPointer, content: inout Content) -> UInt32 {
        guard bytes.count >= 61 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        let length = (Int(bytes[0]) + 3) & ~3
        guard length >= 48, length <= bytes.count else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        // PF_OUT. Headers before 2005 are shorter and have it in byte 44.
        if bytes[length >= 64 ? 60 : 44] == 2 { content.interface |= UInt8(PACKET_INTERFACE_EGRESS) }
        return openFamily(UInt32(bytes[1]), at: length, content: &content)
    }

    /// Apple's packet tap (`tcpdump -i pktap`): length, record type, link type, interface name and flags, all
    /// little-endian.
    private static func openPKTAP(_ bytes: UnsafeRawBufferPointer, content: inout Content) -> UInt32 {
        guard bytes.count >= 40 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        let length = Int(load32Little(bytes, 0))
        guard length >= 40, length <= bytes.count, let start = bytes.baseAddress else {
            return PACKET_REFUSED_TRUNCATED_LINK.rawValue
        }
        // Record type 1 is a packet.
        guard load32Little(bytes, 4) == 1 else { return PACKET_REFUSED_NOT_IP.rawValue }
        if load32Little(bytes, 36) & 2 != 0 { content.interface |= UInt8(PACKET_INTERFACE_EGRESS) }
        let inner = LinkLayer(linkType: UInt16(clamping: load32Little(bytes, 8)))
        guard inner != .pktap else { return LinkRefusal.unknownLinkType.outcome }
        let outcome = inner.open(start + length, length: bytes.count - length, content: &content)
        content.offset += length
        return outcome
    }

    /// OpenBSD's enc interface: family in the byte order of the machine, SPI, flags; then what IPsec carries.
    private static func openENC(_ bytes: UnsafeRawBufferPointer, content: inout Content) -> UInt32 {
        guard bytes.count >= 12 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        var family = load32Little(bytes, 0)
        if family > 0xffff { family = family.byteSwapped }
        return openFamily(family, at: 12, content: &content)
    }

    /// Solaris' ipnet: version, family, hook, lengths, indices, zones.
    private static func openIPNET(_ bytes: UnsafeRawBufferPointer, content: inout Content) -> UInt32 {
        guard bytes.count >= 24 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        return openFamily(UInt32(bytes[1]), at: 24, content: &content)
    }

    /// FDDI: frame control, destination, source, LLC.
    ///
    /// Only LLC frames carry packets.
    private static func openFDDI(_ bytes: UnsafeRawBufferPointer, content: inout Content) -> UInt32 {
        guard bytes.count >= 13 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        guard bytes[0] & 0xf0 == 0x50 else { return PACKET_REFUSED_NOT_IP.rawValue }
        content.senderHash = hash(bytes, at: 7, length: 6)
        return openLLC(bytes, at: 13, content: &content)
    }

    /// Token Ring: access control, frame control, destination, source, source routing where the source says so, LLC.
    private static func openTokenRing(_ bytes: UnsafeRawBufferPointer, content: inout Content) -> UInt32 {
        guard bytes.count >= 16 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        guard bytes[1] & 0xc0 == 0x40 else { return PACKET_REFUSED_NOT_IP.rawValue }
        content.senderHash = hash(bytes, at: 8, length: 6)
        let routing = bytes[8] & 0x80 != 0 ? Int(bytes[14] & 0x1f) : 0
        return openLLC(bytes, at: 14 + routing, content: &content)
    }

    /// Frame Relay with a two-byte address (RFC 2427): control, NLPID.
    private static func openFrameRelay(
        _ bytes: UnsafeRawBufferPointer, at start: Int, content: inout Content
    ) -> UInt32 {
        guard bytes.count >= start + 4 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        // The second address byte ends the address; unnumbered information follows.
        guard bytes[start] & 1 == 0, bytes[start + 1] & 1 == 1 else { return PACKET_REFUSED_NOT_IP.rawValue }
        // Cisco's own encapsulation has an Ethertype in the place of control and NLPID.
        if bytes[start + 2] != 0x03 { return content.found(at: start + 4, ethertype: load16(bytes, start + 2)) }
        switch bytes[start + 3] {
        case 0xcc: return content.found(at: start + 4, ethertype: ipv4)
        case 0x8e: return content.found(at: start + 4, ethertype: ipv6)
        case 0x00, 0x80:
            // SNAP, behind a byte of padding.
            let snap = bytes[start + 3] == 0 ? start + 4 : start + 3
            guard bytes.count >= snap + 6 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
            guard bytes[snap] == 0x80 else { return PACKET_REFUSED_NOT_IP.rawValue }
            return content.found(at: snap + 6, ethertype: load16(bytes, snap + 4))
        default: return PACKET_REFUSED_NOT_IP.rawValue
        }
    }

    /// Juniper: the letters "MGC", flags, extensions where the flags say so, then the interface's own header, or none.
    private func openJuniper(_ bytes: UnsafeRawBufferPointer, content: inout Content) -> UInt32 {
        guard bytes.count >= 6 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        guard bytes[0] == 0x4d, bytes[1] == 0x47, bytes[2] == 0x43 else { return PACKET_REFUSED_NOT_IP.rawValue }
        let flags = bytes[3]
        if flags & 0x01 == 0 { content.interface |= UInt8(PACKET_INTERFACE_EGRESS) }
        let start = flags & 0x80 != 0 ? 6 + Int(Self.load16(bytes, 4)) : 4
        guard start < bytes.count, let base = bytes.baseAddress else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        if flags & 0x02 != 0 {
            // Without a link header: the protocol's number of four bytes may stand before IP.
            let isDirect = bytes[start] >> 4 == 4 || bytes[start] >> 4 == 6
            let offset = isDirect ? start : start + 4
            guard offset < bytes.count else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
            return content.foundIP(at: offset)
        }
        let inner: LinkLayer =
            switch self {
            case .juniperPPP: .ppp
            case .juniperHDLC: .ciscoHDLC
            default: .ethernet
            }
        let outcome = inner.open(base + start, length: bytes.count - start, content: &content)
        content.offset += start
        return outcome
    }
}
