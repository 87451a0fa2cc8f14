// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Reads what Cisco ASA's and Firepower's `show capture` prints, which is the text of an old tcpdump behind a number:
/// `3: 10:01:49.000000 10.1.0.1.50992 > 10.4.0.2.22: S 1000:1000(0) win 64240 <mss 1460>`.
///
/// With `detail` the link header comes first, the packet in the next line, and TTL and IP-ID in brackets behind it;
/// without, no TTL is shown.
struct CiscoASAReader: TextReader {
    let program = "ASA show capture"

    private var clock = PrintedClock()
    private var numbers = NextNumbers()
    /// The first line of a packet with `detail`, whose second one follows.
    private var current: PrintedPacket?

    func recognises(_ line: TextCursor) -> Bool {
        Self.head(line) != nil
    }

    /// The time and the rest of a packet's first line: a number with a colon, a time, then a link header or addresses.
    private static func head(_ line: TextCursor) -> (stamp: PrintedClock.Stamp, rest: TextCursor)? {
        var cursor = line
        cursor.skipBlanks()
        guard cursor.number() != nil, cursor.skip(": "), cursor.skipBlanks() >= 0,
            let stamp = PrintedClock.stamp(&cursor)
        else { return nil }
        let isDetail = isLinkHeader(cursor)
        guard
            isDetail || cursor.limited(to: cursor.position + 160).contains(" > ")
                || cursor.starts(with: "arp ") || cursor.starts(with: "802.1Q ")
        else { return nil }
        return (stamp, cursor)
    }

    /// `0200.0000.000a 0200.0000.000b 0x0800 `.
    private static func isLinkHeader(_ text: TextCursor) -> Bool {
        var cursor = text
        let first = cursor.word()
        cursor.skipBlanks()
        let second = cursor.word()
        return isMAC(first) && isMAC(second)
    }

    private static func isMAC(_ text: TextCursor) -> Bool {
        text.count == 14 && text.peek(4) == UInt8(ascii: ".") && text.peek(9) == UInt8(ascii: ".")
    }

    mutating func read(_ line: TextCursor, into output: inout TextOutput) -> TextLineUse {
        if let head = Self.head(line) {
            finish(into: &output)
            var packet = PrintedPacket()
            packet.time = clock.time(of: head.stamp)
            var cursor = head.rest
            if Self.isLinkHeader(cursor) {
                packet.sourceMAC = Self.foldedMAC(cursor)
                for _ in 0..<3 {
                    _ = cursor.word()
                    cursor.skipBlanks()
                }
                // `74: ` in older versions, `Length: 74` in newer ones; the packet follows here or in the next line.
                if cursor.skip("Length: ") { cursor.skipBlanks() }
                _ = cursor.number()
                _ = cursor.skip(byte: UInt8(ascii: ":"))
                cursor.skipBlanks()
            }
            readTags(&cursor, &packet)
            if cursor.isAtEnd {
                current = packet
            } else {
                readPacket(cursor, packet, &output)
            }
            return .taken
        }
        var cursor = line
        if cursor.skipBlanks() > 0, let packet = current {
            current = nil
            readPacket(cursor, packet, &output)
            return .taken
        }
        return Self.isFrameOfList(line) ? .taken : .unknown
    }

    /// `6 packets captured`, `4 packets shown`.
    private static func isFrameOfList(_ line: TextCursor) -> Bool {
        var cursor = line
        cursor.skipBlanks()
        guard cursor.number() != nil else { return false }
        return cursor.isEqual(to: " packets captured") || cursor.isEqual(to: " packets shown")
            || cursor.isEqual(to: " packet shown") || cursor.isEqual(to: " packet captured")
    }

    mutating func finish(into output: inout TextOutput) {
        guard let packet = current else { return }
        current = nil
        _ = output.beginPacket(time: packet.time)
        output.refuse(.notUnderstood("the packet's second line, with its addresses, is missing"))
    }

    /// `802.1Q vlan#17 P0 `.
    private func readTags(_ cursor: inout TextCursor, _ packet: inout PrintedPacket) {
        while cursor.skip("802.1Q vlan#") {
            packet.vlan = UInt32(cursor.number(limit: 4095) ?? 0)
            cursor.skipBlanks()
            if cursor.peek() == UInt8(ascii: "P") { _ = cursor.word() }
            cursor.skipBlanks()
        }
    }

    /// The source of `DDDD.DDDD.DDDD SSSS.SSSS.SSSS`, as of a capture: destination and source follow each other as in
    /// the frame, or the other way round; either is the same for all packets of a neighbour.
    private static func foldedMAC(_ text: TextCursor) -> UInt32 {
        var value: UInt64 = 0
        for offset in 0..<14 {
            if let digit = TextCursor.hexadecimalDigit(text.peek(offset)) { value = value << 4 | UInt64(digit) }
        }
        return UInt32(truncatingIfNeeded: value >> 32) ^ UInt32(truncatingIfNeeded: value)
    }

    /// `10.1.0.1.50992 > 10.4.0.2.22: S 1000:1000(0) win 64240 (DF) (ttl 64, id 300)`.
    private mutating func readPacket(_ text: TextCursor, _ begun: PrintedPacket, _ output: inout TextOutput) {
        var packet = begun
        var cursor = text
        var header = TcpdumpHeader(isIPv6: false)
        header.readTail(of: &cursor)
        if let ttl = header.ttl {
            packet.ttl = ttl
            packet.identification = header.id
            packet.dontFragment = header.dontFragment
        }
        let source = cursor.word()
        guard cursor.skip(" > ") else {
            _ = output.beginPacket(time: packet.time)
            output.refuse(.notIP)
            return
        }
        var destination = cursor.word()
        let hasColon = destination.peek(destination.count - 1) == UInt8(ascii: ":")
        if hasColon { destination = destination.limited(to: destination.end - 1) }
        cursor.skipBlanks()
        let isICMP = cursor.starts(with: "icmp")
        if let from = PrintedEndpoint(source, hasPort: !isICMP, &output.names),
            let to = PrintedEndpoint(destination, hasPort: !isICMP, &output.names)
        {
            packet.source = from.address
            packet.sourcePort = from.port
            packet.destination = to.address
            packet.destinationPort = to.port
        }
        if isICMP {
            Self.readICMP(cursor, &packet)
        } else if cursor.skip("udp ") {
            packet.ipProtocol = 17
            packet.payloadLength = UInt32(cursor.number(limit: 0xffff) ?? 0)
        } else if let segment = TcpdumpTCP(cursor) {
            packet.ipProtocol = 6
            packet.flags = segment.flags
            packet.ack = segment.ack
            packet.window = segment.window
            packet.payloadLength = segment.payloadLength
            packet.seq = seq(of: segment, packet)
        }
        packet.deliver(to: &output)
    }

    private mutating func seq(of segment: TcpdumpTCP, _ packet: PrintedPacket) -> UInt32? {
        guard let source = packet.source, let destination = packet.destination, let sourcePort = packet.sourcePort,
            let destinationPort = packet.destinationPort
        else { return segment.seq }
        let taken = segment.payloadLength &+ (segment.flags.isDisjoint(with: [.syn, .fin]) ? 0 : 1)
        return numbers.number(
            segment.seq, ack: segment.ack, taken: taken,
            of: FiveTuple(
                source: source, sourcePort: sourcePort, destination: destination, destinationPort: destinationPort,
                transport: .tcp))
    }

    private static func readICMP(_ body: TextCursor, _ packet: inout PrintedPacket) {
        packet.ipProtocol = 1
        if body.contains("echo request") {
            packet.icmpType = 8
        } else if body.contains("echo reply") {
            packet.icmpType = 0
        } else if body.contains("unreachable") {
            packet.icmpType = 3
            packet.icmpCode = body.contains(" port ") ? 3 : body.contains("prohibited") ? 13 : 1
        } else if body.contains("time exceeded") {
            packet.icmpType = 11
        } else {
            packet.ipProtocol = nil
        }
    }
}
