// SPDX-License-Identifier: Apache-2.0

/// The text between a line's timestamp and its IP header: interface and direction (`-i any`), the link header (`-e`),
/// and `IP ` or `IP6 `.
///
/// Only what tcpdump's own words lead up to is taken for an IP packet, never a place further on in the line, which may
/// hold what somebody else wrote.
struct TcpdumpLink {
    enum Content {
        case ipv4
        case ipv6
        /// Labels; the IP header follows in the next line.
        case mpls
        /// A packet, but not an IP one.
        case other
    }

    var content = Content.other
    /// The addresses come next, without `IP `: tcpdump before 3.8, which prints the IP header behind the packet.
    var isBare = false
    /// The packet was leaving (`Out`).
    var isEgress = false
    /// The interface's name, where it was printed.
    var interface: TextCursor?
    var domain: TextDomain
    /// Folded as bpf/parse.h does; 0 where none was printed.
    var sourceMAC: UInt32 = 0

    /// Steps over it.
    ///
    /// `nil` where the text is not known to be a packet's.
    init?(_ cursor: inout TextCursor, domain: TextDomain = TextDomain()) {
        self.domain = domain
        if readContent(&cursor) { return }
        readPFLog(&cursor)
        if cursor.skip("PFE proto 2 (ipv4): ") || cursor.skip("PFE proto 6 (ipv6): ") { _ = cursor.skip("IP ") }
        readInterface(&cursor)
        if readContent(&cursor) { return }
        let hasMAC = readMACs(&cursor)
        if readEthertypes(&cursor) || readContent(&cursor) || readAnyLink(&cursor) { return }
        guard hasMAC || interface != nil || Self.isOther(cursor) else { return nil }
    }

    /// `IP `, `IP6 `, or the header or addresses themselves (`-e`, and tcpdump before 3.8).
    private mutating func readContent(_ cursor: inout TextCursor) -> Bool {
        // PPP's protocol number, whose header comes later; scapy's layers.
        if cursor.starts(with: "IP (0x") || cursor.starts(with: "IP / ") { return false }
        if cursor.skip("IP6 ") {
            content = .ipv6
        } else if cursor.skip("IP ") || cursor.starts(with: "(tos 0x") {
            content = .ipv4
        } else if cursor.starts(with: "MPLS (") {
            content = .mpls
        } else {
            return readBareAddresses(cursor)
        }
        return true
    }

    /// Link layers of other kinds (PPP, PPPoE, radiotap): the IP header's fields stand in the line's first bracket that
    /// is no number.
    ///
    /// The one text of somebody else's in such a place, a wireless network's name, is too short to hold a packet.
    private mutating func readAnyLink(_ cursor: inout TextCursor) -> Bool {
        var copy = cursor
        let limit = copy.position + 512
        while let open = copy.limited(to: limit).find(UInt8(ascii: "(")) {
            guard !cursor.limited(to: open).contains(" > ") else { return false }
            copy.move(to: open)
            if copy.starts(with: "(tos 0x") {
                content = .ipv4
            } else if copy.starts(with: "(class 0x") || copy.starts(with: "(flowlabel 0x")
                || copy.starts(with: "(hlim ")
            {
                content = .ipv6
            } else {
                copy.advance()
                guard copy.starts(with: "0x"), copy.hexadecimal() != nil, copy.skip(byte: UInt8(ascii: ")")) else {
                    return false
                }
                continue
            }
            cursor = copy
            return true
        }
        return false
    }

    /// `10.0.0.1.22 > `: tcpdump before 3.8 says no `IP`.
    private mutating func readBareAddresses(_ cursor: TextCursor) -> Bool {
        var copy = cursor
        let source = copy.word()
        guard copy.starts(with: " > "), source.count >= 3 else { return false }
        var digits = source
        if let dot = source.lastDot(), source.limited(to: dot).ipv6() != nil || source.ipv6() != nil {
            content = .ipv6
        } else if source.ipv6() != nil {
            content = .ipv6
        } else if digits.number() != nil, digits.peek() == UInt8(ascii: ".") {
            content = .ipv4
        } else if cursor.contains("(ttl ") {
            // Names in the place of addresses.
            content = .ipv4
        } else if Self.isSegmentBetweenNames(cursor) {
            content = .ipv4
        } else {
            return false
        }
        isBare = true
        return true
    }

    /// `client.1284 > server.22: P 1:45(44) ack 1 win 8332`.
    private static func isSegmentBetweenNames(_ text: TextCursor) -> Bool {
        var cursor = text
        return TcpdumpEndpoints(&cursor)?.hasNumberedPorts == true && TcpdumpTCP(cursor) != nil
    }

    /// `eth0  In  ` of `-i any`; without the name (SLL); `< ` and `> ` before tcpdump 3.9.
    private mutating func readInterface(_ cursor: inout TextCursor) {
        let start = cursor.position
        if readDirection(&cursor) { return }
        let name = cursor.word()
        guard !name.isAtEnd, name.count < 32, cursor.skipBlanks() > 0, readDirection(&cursor) else {
            cursor.move(to: start)
            return
        }
        interface = name
    }

    /// `rule 5/0(match): block in on em0: ` of a pflog interface; OpenBSD prints `rule 5/(match) block in on em0: `.
    private mutating func readPFLog(_ cursor: inout TextCursor) {
        var copy = cursor
        guard copy.skip("rule "), copy.number() != nil else { return }
        var head = copy.limited(to: copy.position + 160)
        guard let place = head.find(" on "), let end = head.find(": ", from: place) else { return }
        isEgress = head.limited(to: place).contains(" out")
        head.move(to: place + 4)
        interface = head.limited(to: end)
        cursor.move(to: end + 2)
        _ = cursor.skip("IP6 ") || cursor.skip("IP ")
    }

    private mutating func readDirection(_ cursor: inout TextCursor) -> Bool {
        let start = cursor.position
        if cursor.skip("Out ") || (cursor.skip("> ") && Self.isAddressNext(cursor)) {
            isEgress = true
        } else if !cursor.skip("In "), !cursor.skip("B "), !cursor.skip("M "), !cursor.skip("P "), !cursor.skip("< ") {
            cursor.move(to: start)
            return false
        }
        cursor.skipBlanks()
        return true
    }

    /// Tells the old `eth0 > 10.0.0.1.22 > …` from `name > 10.0.0.1: …`.
    private static func isAddressNext(_ cursor: TextCursor) -> Bool {
        var copy = cursor
        _ = copy.word()
        return copy.starts(with: " > ")
    }

    /// `02:00:00:00:00:01 > 02:00:00:00:00:02, `; with one address for SLL; without `>` before tcpdump 3.8.
    private mutating func readMACs(_ cursor: inout TextCursor) -> Bool {
        if cursor.skip("ifindex ") {
            _ = cursor.number()
            cursor.skipBlanks()
        }
        guard let source = Self.mac(&cursor) else { return false }
        sourceMAC = source
        Self.skipVendor(&cursor)
        let hasArrow = cursor.skip(" > ")
        if hasArrow {
            _ = cursor.skip("Broadcast") || Self.mac(&cursor) != nil
            Self.skipVendor(&cursor)
            _ = cursor.skip(", ")
            return true
        }
        cursor.skipBlanks()
        if cursor.starts(with: "ethertype ") { return true }
        // "0:1:2:3:4:5 0:6:7:8:9:a ip 74: "
        guard Self.mac(&cursor) != nil || cursor.skip("Broadcast") || cursor.skip("ff:ff:ff:ff:ff:ff") else {
            return true
        }
        cursor.skipBlanks()
        if cursor.skip("ip ") || cursor.skip("ip6 ") || cursor.skip("0800 ") || cursor.skip("8100 ") {
            _ = cursor.number()
            _ = cursor.skip(": ")
        }
        while cursor.skip("802.1Q vlan#") {
            if let vlan = cursor.number(limit: 4095) { domain.add(vlan: UInt32(vlan)) }
            _ = cursor.skip(" P")
            _ = cursor.number()
            cursor.skipBlanks()
        }
        return true
    }

    /// Six groups of one or two hexadecimal digits, folded as bpf/parse.h folds the address.
    private static func mac(_ cursor: inout TextCursor) -> UInt32? {
        let start = cursor.position
        var value: UInt64 = 0
        for index in 0..<6 {
            // pktmon prints dashes.
            if index > 0, !cursor.skip(byte: UInt8(ascii: ":")), !cursor.skip(byte: UInt8(ascii: "-")) {
                cursor.move(to: start)
                return nil
            }
            guard let first = TextCursor.hexadecimalDigit(cursor.peek()) else {
                cursor.move(to: start)
                return nil
            }
            cursor.advance()
            var byte = first
            if let second = TextCursor.hexadecimalDigit(cursor.peek()) {
                byte = first << 4 | second
                cursor.advance()
            }
            value = value << 8 | UInt64(byte)
        }
        let follower = cursor.peek()
        guard follower == UInt8(ascii: " ") || follower == UInt8(ascii: ",") else {
            cursor.move(to: start)
            return nil
        }
        return UInt32(truncatingIfNeeded: value >> 32) ^ UInt32(truncatingIfNeeded: value)
    }

    /// ` (oui Unknown)`, without -n.
    private static func skipVendor(_ cursor: inout TextCursor) {
        guard cursor.starts(with: " (oui ") else { return }
        cursor.advance()
        _ = cursor.group()
    }

    /// `ethertype 802.1Q (0x8100), length 78: vlan 100, p 0, ethertype IPv4 (0x0800), `.
    ///
    /// True where an IP packet or labels follow.
    private mutating func readEthertypes(_ cursor: inout TextCursor) -> Bool {
        var isKnown = false
        for _ in 0..<6 {
            if cursor.skip("ethertype ") {
                guard let found = Self.ethertype(&cursor) else { return false }
                isKnown = found != .other
                if isKnown { content = found }
            } else if cursor.skip("length ") {
                _ = cursor.number()
                _ = cursor.skip(": ")
            } else if cursor.skip("vlan ") {
                if let vlan = cursor.number(limit: 4095) { domain.add(vlan: UInt32(vlan)) }
                _ = cursor.skip(", p ")
                _ = cursor.number()
                _ = cursor.skip(", DEI")
                _ = cursor.skip(", ")
            } else {
                break
            }
        }
        guard isKnown else { return false }
        _ = cursor.skip("IP6 ") || cursor.skip("IP ")
        return true
    }

    /// `IPv4 (0x0800), `; before tcpdump 4.0 an inner one has no number.
    private static func ethertype(_ cursor: inout TextCursor) -> Content? {
        let name = cursor.limited(to: cursor.position + 40)
        guard let end = name.find(", ") else { return nil }
        let isIPv4 = name.starts(with: "IPv4")
        let isIPv6 = name.starts(with: "IPv6")
        let isMPLS = name.starts(with: "MPLS")
        cursor.move(to: end + 2)
        return isIPv4 ? .ipv4 : isIPv6 ? .ipv6 : isMPLS ? .mpls : .other
    }

    /// The first words of packets that are not IP, for their number in the text.
    private static func isOther(_ cursor: TextCursor) -> Bool {
        cursor.starts(with: "ARP, ") || cursor.starts(with: "arp ") || cursor.starts(with: "RARP")
            || cursor.starts(with: "STP ") || cursor.starts(with: "LLDP, ") || cursor.starts(with: "CDPv")
            || cursor.starts(with: "EAPOL") || cursor.starts(with: "LACPv") || cursor.starts(with: "IS-IS")
            || cursor.starts(with: "Loopback, ") || cursor.starts(with: "802.1") || cursor.starts(with: "[|")
    }
}
