// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The sender of an ARP packet (RFC 826): who is on the link, and under which station's address.
enum ARPFrame {
    private static let ethertype: UInt16 = 0x0806
    private static let tags: Set<UInt16> = [0x8100, 0x88a8]

    /// Returns the sender of an Ethernet frame with an ARP packet, untagged or with one tag.
    ///
    /// `nil` for other frames, for a probe (RFC 5227: sender 0.0.0.0), and for a frame that another station sent than
    /// the one that it names.
    static func sender(_ bytes: UnsafeRawBufferPointer) -> Neighbour? {
        guard bytes.count >= 14 else { return nil }
        var (type, offset, domain) = (bytes.load16(12), 14, UInt32(0))
        if tags.contains(type), bytes.count >= 18 {
            domain = UInt32(bytes.load16(14) & 0xfff)
            (type, offset) = (bytes.load16(16), 18)
        }
        guard type == ethertype, let arp = sender(bytes, at: offset), arp.station == bytes.load48(6) else { return nil }
        return Neighbour(address: arp.address, link: LinkHash.of(domain: domain, folded: LinkHash.fold(arp.station)))
    }

    /// Returns the sender that an ARP packet behind another link header names; `senderHash` as in `LinkLayer.Content`.
    static func sender(_ bytes: UnsafeRawBufferPointer, behind content: LinkLayer.Content) -> Neighbour? {
        guard content.ethertype == ethertype, let arp = sender(bytes, at: content.offset) else { return nil }
        return Neighbour(
            address: arp.address, link: LinkHash.of(domain: 0, folded: 0) ^ content.senderHash)
    }

    /// Hardware Ethernet, protocol IPv4; both a request and a reply tell their sender.
    private static func sender(
        _ bytes: UnsafeRawBufferPointer, at offset: Int
    ) -> (address: IPAddress, station: UInt64)? {
        guard bytes.count >= offset + 28, bytes.load16(offset) == 1, bytes.load16(offset + 2) == 0x0800,
            bytes[offset + 4] == 6, bytes[offset + 5] == 4, (1...2).contains(bytes.load16(offset + 6))
        else { return nil }
        let address = UInt32(bytes.load16(offset + 14)) << 16 | UInt32(bytes.load16(offset + 16))
        let station = bytes.load48(offset + 8)
        // A group address (RFC 1812, 3.3.2) is nobody's station.
        guard address != 0, station != 0, bytes[offset + 8] & 1 == 0 else { return nil }
        return (IPAddress(v4: address), station)
    }
}

extension UnsafeRawBufferPointer {
    /// Returns two bytes in network order.
    fileprivate func load16(_ offset: Int) -> UInt16 {
        UInt16(self[offset]) << 8 | UInt16(self[offset + 1])
    }

    /// Returns six bytes in network order.
    fileprivate func load48(_ offset: Int) -> UInt64 {
        (0..<6).reduce(0) { $0 << 8 | UInt64(self[offset + $1]) }
    }
}
