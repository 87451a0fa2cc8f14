// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The content of Wireshark's "Info" column for one packet:
/// `[TCP Retransmission] 51506 → 443 [SYN, ACK] Seq=0 Ack=1 Win=42340 Len=0 MSS=1400`.
struct PacketListInfo {
    /// Reads the text of a TCP segment into `packet`.
    ///
    /// False where it does not show flags.
    static func readTCP(_ text: TextCursor, _ packet: inout PrintedPacket, _ names: inout TextNames) -> Bool {
        var cursor = text
        var start = cursor.position
        while let open = cursor.find(UInt8(ascii: "[")) {
            cursor.move(to: open + 1)
            guard let close = cursor.find(UInt8(ascii: "]")) else { return false }
            if let flags = flags(cursor.limited(to: close)) {
                var ports = text
                ports.move(to: start)
                readPorts(ports.limited(to: open), isUDP: false, &packet, &names)
                packet.flags = flags
                cursor.move(to: close + 1)
                readNumbers(cursor, &packet)
                return true
            }
            // A note of the analysis: `[TCP Retransmission] `.
            cursor.move(to: close + 1)
            start = cursor.position
        }
        return false
    }

    /// `SYN, ACK`, `<None>`; `nil` where it is another note in brackets.
    private static func flags(_ text: TextCursor) -> TCPFlags? {
        guard text.count >= 2, text.count < 64 else { return nil }
        if text.isEqual(to: "<None>") { return [] }
        let known: [(StaticString, TCPFlags)] = [
            ("SYN", .syn), ("ACK", .ack), ("FIN", .fin), ("RST", .rst), ("PSH", .psh), ("URG", .urg), ("ECN", .ece),
            ("ECE", .ece), ("CWR", .cwr), ("NS", []), ("AE", []), ("Reserved", []),
        ]
        var flags: TCPFlags = []
        for part in text.fields(separator: UInt8(ascii: ","), limit: 12) {
            var part = part
            part.skipBlanks()
            guard let found = known.first(where: { part.isEqual(to: $0.0) }) else { return nil }
            flags.insert(found.1)
        }
        return flags
    }

    /// `51506 → 443 `, `https > 51506 `, `52326→http(80) `, `49676 53 `.
    static func readPorts(
        _ text: TextCursor, isUDP: Bool, _ packet: inout PrintedPacket, _ names: inout TextNames
    ) {
        var cursor = text
        cursor.skipBlanks()
        let first = portText(&cursor)
        // The sign between: an arrow in any encoding, or nothing.
        while !cursor.isAtEnd, !isPortByte(cursor.peek()) { cursor.advance() }
        let second = portText(&cursor)
        packet.sourcePort = port(first, isUDP: isUDP, &names)
        packet.destinationPort = port(second, isUDP: isUDP, &names)
    }

    private static func isPortByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122: true
        default: false
        }
    }

    private static func portText(_ cursor: inout TextCursor) -> TextCursor {
        let start = cursor
        while isPortByte(cursor.peek()) || cursor.peek() == UInt8(ascii: "_")
            || (cursor.peek() == UInt8(ascii: "-") && isPortByte(cursor.peek(1)))
        {
            cursor.advance()
        }
        let name = start.limited(to: cursor.position)
        // `http(80)`: the number counts.
        if cursor.peek() == UInt8(ascii: "("), var inside = cursor.group() {
            let number = inside
            if inside.number(limit: 0xffff) != nil, inside.isAtEnd { return number }
        }
        return name
    }

    private static func port(_ text: TextCursor, isUDP: Bool, _ names: inout TextNames) -> UInt16? {
        text.port ?? names.port(of: text, isUDP: isUDP)
    }

    /// ` Seq=0 Ack=1 Win=42340 Len=0`; what follows `Len=` is options and notes.
    private static func readNumbers(_ text: TextCursor, _ packet: inout PrintedPacket) {
        for word in text.words(limit: 12) {
            var word = word
            if word.skip("Seq=") {
                packet.seq = word.number().map { UInt32($0) }
            } else if word.skip("Ack=") {
                packet.ack = word.number().map { UInt32($0) }
            } else if word.skip("Win=") {
                packet.window = UInt16(clamping: word.number() ?? 0)
            } else if word.skip("Len=") {
                packet.payloadLength = UInt32(word.number() ?? 0)
            }
        }
    }

    /// `Echo (ping) reply    id=0x0007, seq=1/256, ttl=61`, `Destination unreachable (Port unreachable)`.
    ///
    /// False where the message is not known.
    static func readICMP(_ text: TextCursor, isIPv6: Bool, _ packet: inout PrintedPacket) -> Bool {
        packet.ipProtocol = isIPv6 ? 58 : 1
        if text.contains("ping) request") {
            packet.icmpType = isIPv6 ? 128 : 8
        } else if text.contains("ping) reply") {
            packet.icmpType = isIPv6 ? 129 : 0
        } else if text.contains("unreachable") || text.contains("prohibited") {
            packet.icmpType = isIPv6 ? 1 : 3
            packet.icmpCode = unreachableCode(text, isIPv6: isIPv6)
        } else if text.contains("ime-to-live exceeded") || text.contains("ime to live exceeded")
            || text.contains("ime Exceeded")
        {
            packet.icmpType = isIPv6 ? 3 : 11
        } else if text.contains("Packet Too Big") {
            packet.icmpType = 2
        } else if text.contains("ragmentation needed") {
            packet.icmpType = 3
            packet.icmpCode = 4
        } else {
            return false
        }
        for word in text.words(limit: 12) {
            var word = word
            if word.skip("id=") {
                packet.icmpIdentifier = word.hexadecimal().map { UInt16(truncatingIfNeeded: $0) } ?? 0
            } else if word.skip("seq=") {
                packet.icmpRest = UInt32(word.number(limit: 0xffff) ?? 0)
            } else if word.skip("ttl=") || word.skip("limit=") {
                packet.ttl = word.number(limit: 255).map { UInt8($0) }
            }
        }
        return true
    }

    private static func unreachableCode(_ text: TextCursor, isIPv6: Bool) -> UInt8 {
        if text.contains("Port unreachable") { return isIPv6 ? 4 : 3 }
        if isIPv6 { return text.contains("rohibited") ? 1 : text.contains("no route") ? 0 : 3 }
        if text.contains("ragmentation needed") { return 4 }
        if text.contains("Host administratively") { return 10 }
        if text.contains("Network administratively") { return 9 }
        if text.contains("administratively") { return 13 }
        if text.contains("Network unreachable") { return 0 }
        return text.contains("Protocol unreachable") ? 2 : 1
    }
}
