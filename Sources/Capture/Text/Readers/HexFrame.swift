// SPDX-License-Identifier: Apache-2.0
internal import CPacket

/// The bytes of a hex dump as a frame: which link header they begin with is told from the bytes, because a dump does
/// not say it.
enum HexFrame {
    /// Link layers and the bytes up to their IP header, in the order in which they are tried.
    ///
    /// The first whose IP header agrees with itself is taken. IP alone comes after those whose header is checked too.
    private static let candidates: [(link: LinkLayer, header: Int)] = [
        (.ethernet, 14), (.cooked, 16), (.cooked2, 20), (.null, 4), (.ciscoHDLC, 4), (.ppp, 4), (.ppp, 2), (.ip, 0),
    ]

    /// The link layer of a dump that starts with a link header or with IP; `nil` where neither is plausible.
    static func link(of bytes: UnsafeRawBufferPointer) -> LinkLayer? {
        for candidate in candidates where isIP(bytes, at: candidate.header) {
            if agrees(candidate.link, header: candidate.header, bytes) { return candidate.link }
        }
        // Tags and labels before IP, which the parser steps over; an ARP packet, for its number.
        guard bytes.count >= 18 else { return nil }
        switch LinkLayer.load16(bytes, 12) {
        case 0x8100, 0x88a8, 0x9100, 0x8847, 0x8848, LinkLayer.pppoeSession, 0x8909: return .ethernet
        case 0x0806: return LinkLayer.load16(bytes, 14) == 1 ? .ethernet : nil
        default: return nil
        }
    }

    /// Whether the link header before the IP header says that IP follows.
    private static func agrees(_ link: LinkLayer, header: Int, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let ethertype = bytes[header] >> 4 == 4 ? LinkLayer.ipv4 : LinkLayer.ipv6
        switch link {
        case .ip: return true
        case .ethernet: return LinkLayer.load16(bytes, 12) == ethertype
        case .cooked: return bytes[0] == 0 && bytes[1] <= 4 && LinkLayer.load16(bytes, 14) == ethertype
        case .cooked2: return LinkLayer.load16(bytes, 0) == ethertype && LinkLayer.load16(bytes, 2) == 0
        default:
            var content = LinkLayer.Content(offset: 0, link: 0, interface: 0)
            guard let start = bytes.baseAddress,
                link.open(start, length: bytes.count, content: &content) == PACKET_PARSED.rawValue
            else { return false }
            return content.offset == header && content.ethertype == ethertype
        }
    }

    /// Whether an IP header that agrees with its own fields begins at `offset`.
    static func isIP(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        let rest = bytes.count - offset
        guard rest >= 20 else { return false }
        let header = UnsafeRawBufferPointer(rebasing: bytes[offset...])
        switch header[0] >> 4 {
        case 4:
            let words = Int(header[0] & 15)
            let total = Int(LinkLayer.load16(header, 2))
            // 0 is what a network card that segments leaves; the sum is 0 where the card was to make it.
            guard words >= 5, total == 0 || total >= words * 4, header[8] != 0 else { return false }
            guard rest >= words * 4 else { return true }
            // Where addresses were replaced the sum is wrong; then the length must agree, but for Ethernet's padding.
            let hasLength = total > 0 && total <= rest && rest - total <= (offset == 0 ? 0 : 46)
            return hasLength || sum(header.prefix(words * 4)) == 0xffff || LinkLayer.load16(header, 10) == 0
        case 6:
            guard rest >= 40, header[7] != 0 else { return false }
            switch header[6] {
            case 0, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 60, 89, 132: return true
            default: return false
            }
        default: return false
        }
    }

    /// The sum of RFC 1071 over a header: 0xffff where its checksum is right.
    private static func sum(_ header: Slice<UnsafeRawBufferPointer>) -> UInt32 {
        var sum: UInt32 = 0
        var index = header.startIndex
        while index + 1 < header.endIndex {
            sum += UInt32(header[index]) << 8 | UInt32(header[index + 1])
            index += 2
        }
        while sum >> 16 != 0 { sum = sum & 0xffff + sum >> 16 }
        return sum
    }
}
