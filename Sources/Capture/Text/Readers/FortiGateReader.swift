// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Reads what FortiGate's `diagnose sniffer packet` prints:
/// `2026-11-30 10:01:44.000000 port1 in 10.1.0.1.50992 -> 10.4.0.2.22: syn 1000`.
///
/// Levels 1 and 4 show neither TTL nor window nor length; the hex dumps of the other levels have them (`HexDump`).
/// An interface and `in` or `out` stand in levels 4 to 6 alone.
struct FortiGateReader: TextReader {
    let program = "FortiGate sniffer"

    private var clock = PrintedClock()
    private var numbers = NextNumbers()

    /// A packet's line in its parts.
    private struct Line {
        var stamp: PrintedClock.Stamp?
        var interface: TextCursor?
        var isEgress = false
        var source: TextCursor
        var destination: TextCursor
        var body: TextCursor
        var isTCP = false

        init?(_ line: TextCursor) {
            var cursor = line
            cursor.skipBlanks()
            guard let arrow = cursor.limited(to: cursor.position + 256).find(" -> ") else { return nil }
            stamp = PrintedClock.stamp(atStart: &cursor)
            if let place = PrintedInterface(&cursor) {
                interface = place.name
                isEgress = place.isEgress
            } else {
                // `wan1 -- 10.0.0.1 -> …`, where one interface was named.
                var copy = cursor
                let name = copy.word()
                if copy.skip(" -- ") {
                    interface = name
                    cursor = copy
                }
            }
            // Tags: `802.1Q vlan#10 P0 `.
            while cursor.starts(with: "802.1") {
                for _ in 0..<3 {
                    _ = cursor.word()
                    cursor.skipBlanks()
                }
            }
            guard cursor.position < arrow else { return nil }
            source = cursor.limited(to: arrow)
            cursor.move(to: arrow + 4)
            let end = cursor.word()
            guard end.count > 1, end.peek(end.count - 1) == UInt8(ascii: ":") else { return nil }
            destination = end.limited(to: end.end - 1)
            cursor.skipBlanks()
            body = cursor
            guard source.find(UInt8(ascii: " ")) == nil, Self.isHost(source), Self.isHost(destination) else {
                return nil
            }
            let words: [StaticString] = ["syn ", "ack ", "psh ", "fin ", "rst ", "urg "]
            isTCP = words.contains { body.starts(with: $0) }
            guard
                isTCP || body.starts(with: "udp ") || body.starts(with: "icmp") || body.starts(with: "ip-proto-")
                    || body.starts(with: "esp") || body.starts(with: "ah") || body.starts(with: "gre")
            else { return nil }
        }

        /// Digits, letters and the signs of addresses; more is another program's text.
        private static func isHost(_ text: TextCursor) -> Bool {
            guard (2...253).contains(text.count) else { return false }
            for offset in 0..<text.count {
                switch text.peek(offset) {
                case 48...57, 65...90, 97...122, UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "-"),
                    UInt8(ascii: "_"):
                    continue
                default: return false
                }
            }
            return true
        }
    }

    func recognises(_ line: TextCursor) -> Bool {
        Line(line) != nil
    }

    mutating func read(_ line: TextCursor, into output: inout TextOutput) -> TextLineUse {
        if line.starts(with: "interfaces=[") || line.starts(with: "filters=[") { return .taken }
        guard let line = Line(line) else { return .unknown }
        var packet = PrintedPacket()
        packet.time = line.stamp.map { clock.time(of: $0) }
        if let name = line.interface { packet.interface = output.interfaces.slot(of: name) }
        if line.isEgress { packet.interface |= UInt8(PACKET_INTERFACE_EGRESS) }
        let hasPorts = line.isTCP || line.body.starts(with: "udp ")
        if let source = PrintedEndpoint(line.source, hasPort: hasPorts, &output.names),
            let destination = PrintedEndpoint(line.destination, hasPort: hasPorts, &output.names)
        {
            packet.source = source.address
            packet.sourcePort = source.port
            packet.destination = destination.address
            packet.destinationPort = destination.port
        }
        if line.isTCP {
            readTCP(line.body, &packet)
        } else if hasPorts {
            packet.ipProtocol = 17
            var body = line.body
            if body.skip("udp "), let length = body.number(limit: 0xffff) { packet.payloadLength = UInt32(length) }
        } else if line.body.starts(with: "icmp") {
            Self.readICMP(line.body, &packet)
        }
        packet.deliver(to: &output)
        return .taken
    }

    /// `psh 1123456781 ack 2123456781`, `rst 2123456781`, `ack 1`, `syn 1 ack 2`.
    private mutating func readTCP(_ body: TextCursor, _ packet: inout PrintedPacket) {
        packet.ipProtocol = 6
        var flags: TCPFlags = []
        var seq: UInt32?
        var cursor = body
        while !cursor.isAtEnd {
            let word = cursor.word()
            cursor.skipBlanks()
            let flag: TCPFlags
            if word.isEqual(to: "syn") {
                flag = .syn
            } else if word.isEqual(to: "fin") {
                flag = .fin
            } else if word.isEqual(to: "rst") {
                flag = .rst
            } else if word.isEqual(to: "psh") {
                flag = .psh
            } else if word.isEqual(to: "urg") {
                flag = .urg
            } else if word.isEqual(to: "ack") {
                flag = .ack
            } else {
                break
            }
            flags.insert(flag)
            if let number = cursor.number() {
                if flag == .ack { packet.ack = UInt32(number) } else { seq = UInt32(number) }
            }
            cursor.skipBlanks()
        }
        packet.flags = flags
        guard let source = packet.source, let destination = packet.destination, let sourcePort = packet.sourcePort,
            let destinationPort = packet.destinationPort
        else { return }
        packet.seq = numbers.number(
            seq, ack: packet.ack, taken: flags.isDisjoint(with: [.syn, .fin]) ? 0 : 1,
            of: FiveTuple(
                source: source, sourcePort: sourcePort, destination: destination, destinationPort: destinationPort,
                transport: .tcp))
    }

    /// `icmp: echo request`, `icmp: time exceeded in-transit`, `icmp: 10.0.0.1 udp port 53 unreachable`.
    private static func readICMP(_ body: TextCursor, _ packet: inout PrintedPacket) {
        packet.ipProtocol = body.starts(with: "icmp6") ? 58 : 1
        let isIPv6 = packet.ipProtocol == 58
        if body.contains("echo request") {
            packet.icmpType = isIPv6 ? 128 : 8
        } else if body.contains("echo reply") {
            packet.icmpType = isIPv6 ? 129 : 0
        } else if body.contains("unreachable") {
            packet.icmpType = isIPv6 ? 1 : 3
            let needsFragmentation = body.contains("need to frag")
            let isPort = body.contains(" port ")
            packet.icmpCode = needsFragmentation ? 4 : isPort ? (isIPv6 ? 4 : 3) : isIPv6 ? 0 : 1
        } else if body.contains("time exceeded") {
            packet.icmpType = isIPv6 ? 3 : 11
        } else {
            packet.ipProtocol = nil
        }
    }

    mutating func finish(into output: inout TextOutput) {}
}
