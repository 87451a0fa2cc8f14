// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Reads what Check Point's `fw monitor` prints, two lines for a packet:
/// `[vs_0][fw_1] eth1:i[60]: 10.1.0.1 -> 10.4.0.2 (TCP) len=60 id=300` and
/// `TCP: 50992 -> 22 .S.... seq=000003e8 ack=00000000`.
///
/// `i` and `I` stand before and behind the inspection of what arrives, `o` and `O` of what leaves. It shows no TTL.
/// Sequence numbers are hexadecimal.
struct CheckPointReader: TextReader {
    let program = "fw monitor"

    private var clock = PrintedClock()
    private var current: PrintedPacket?
    private var hasPorts = false

    /// A packet's first line.
    private struct Head {
        var stamp: PrintedClock.Stamp?
        var interface: TextCursor
        var isEgress: Bool
        var rest: TextCursor

        init?(_ line: TextCursor) {
            var cursor = line
            cursor.skipBlanks()
            while cursor.peek() == UInt8(ascii: "[") {
                guard let close = cursor.limited(to: cursor.position + 64).find(UInt8(ascii: "]")) else { return nil }
                cursor.move(to: close + 1)
                cursor.skipBlanks()
            }
            // `-T` prints a date and a time here.
            stamp = PrintedClock.stamp(atStart: &cursor)
            let place = cursor.word()
            guard let colon = place.find(UInt8(ascii: ":")), colon > place.position else { return nil }
            guard let bracket = place.find(UInt8(ascii: "[")) else { return nil }
            // With the point: `eth1:i` and `eth1:I` see the same packet twice.
            interface = place.limited(to: bracket)
            var point = place
            point.move(to: colon + 1)
            let letter = point.peek()
            guard [UInt8(ascii: "i"), UInt8(ascii: "I"), UInt8(ascii: "o"), UInt8(ascii: "O")].contains(letter) else {
                return nil
            }
            isEgress = letter | 0x20 == UInt8(ascii: "o")
            point.advance()
            // Newer versions name the module: `eth1:id[60]:`, `eth1:Oq[60]:`.
            while (97...122).contains(point.peek()) || (48...57).contains(point.peek()) { point.advance() }
            guard point.skip(byte: UInt8(ascii: "[")), point.number(limit: 1 << 20) != nil, point.skip("]:"),
                point.isAtEnd
            else { return nil }
            cursor.skipBlanks()
            rest = cursor
            guard rest.contains(" -> ") else { return nil }
        }
    }

    func recognises(_ line: TextCursor) -> Bool {
        Head(line) != nil
    }

    mutating func read(_ line: TextCursor, into output: inout TextOutput) -> TextLineUse {
        if let head = Head(line) {
            complete(&output)
            readHead(head, &output)
            return .taken
        }
        guard current != nil else { return .unknown }
        var cursor = line
        cursor.skipBlanks()
        if cursor.skip("TCP: ") {
            readTCP(cursor)
        } else if cursor.skip("UDP: ") {
            readPorts(&cursor)
        } else if cursor.skip("ICMP: ") {
            readICMP(cursor)
        } else {
            return .unknown
        }
        complete(&output)
        return .taken
    }

    mutating func pause(into output: inout TextOutput) {
        complete(&output)
    }

    mutating func finish(into output: inout TextOutput) {
        complete(&output)
    }

    /// `10.1.0.1 -> 10.4.0.2 (TCP) len=60 id=300`.
    private mutating func readHead(_ head: Head, _ output: inout TextOutput) {
        var packet = PrintedPacket()
        packet.time = head.stamp.map { clock.time(of: $0) }
        packet.interface = output.interfaces.slot(of: head.interface)
        if head.isEgress { packet.interface |= UInt8(PACKET_INTERFACE_EGRESS) }
        let words = head.rest.words(limit: 8)
        guard words.count >= 4, words[1].isEqual(to: "->") else { return }
        packet.source = words[0].host(&output.names)
        packet.destination = words[2].host(&output.names)
        let isProtocol: (StaticString) -> Bool = { words[3].isEqual(to: $0) }
        packet.ipProtocol =
            isProtocol("(TCP)")
            ? 6 : isProtocol("(UDP)") ? 17 : isProtocol("(ICMP)") ? 1 : isProtocol("(ICMPv6)") ? 58 : 0
        for word in words[4...] {
            var word = word
            if word.skip("len=") {
                length = word.number(limit: 0xffff).map { UInt32($0) } ?? 0
            } else if word.skip("id=") {
                packet.identification = word.number(limit: 0xffff).map { UInt32($0) } ?? 0
            }
        }
        current = packet
    }

    private var length: UInt32 = 0

    private mutating func readPorts(_ cursor: inout TextCursor) {
        guard let source = cursor.number(limit: 0xffff), cursor.skip(" -> "),
            let destination = cursor.number(limit: 0xffff)
        else { return }
        current?.sourcePort = UInt16(source)
        current?.destinationPort = UInt16(destination)
        cursor.skipBlanks()
    }

    /// `50992 -> 22 ..R.A. seq=00000000 ack=000003e9`: the letters' places are F, S, R, P, A, U.
    private mutating func readTCP(_ text: TextCursor) {
        var cursor = text
        readPorts(&cursor)
        let letters = cursor.word()
        var flags: TCPFlags = []
        for offset in 0..<min(letters.count, 8) where letters.peek(offset) != UInt8(ascii: ".") {
            switch letters.peek(offset) {
            case UInt8(ascii: "F"): flags.insert(.fin)
            case UInt8(ascii: "S"): flags.insert(.syn)
            case UInt8(ascii: "R"): flags.insert(.rst)
            case UInt8(ascii: "P"): flags.insert(.psh)
            case UInt8(ascii: "A"): flags.insert(.ack)
            case UInt8(ascii: "U"): flags.insert(.urg)
            default: return
            }
        }
        cursor.skipBlanks()
        if cursor.skip("seq=") { current?.seq = cursor.hexadecimal() }
        cursor.skipBlanks()
        if cursor.skip("ack=") { current?.ack = cursor.hexadecimal() }
        current?.flags = flags
        // Options are not printed: without PSH, what is little more than headers is taken for them.
        let isData = flags.contains(.psh) && length > 40 || flags.isDisjoint(with: [.syn, .rst]) && length > 80
        if isData { current?.payloadLength = length - 40 }
    }

    /// `type=8 code=0 echo request id=512 seq=256`.
    private mutating func readICMP(_ text: TextCursor) {
        for word in text.words(limit: 16) {
            var word = word
            if word.skip("type=") {
                current?.icmpType = word.number(limit: 255).map { UInt8($0) }
            } else if word.skip("code=") {
                current?.icmpCode = word.number(limit: 255).map { UInt8($0) } ?? 0
            } else if word.skip("id=") {
                current?.icmpIdentifier = word.port ?? 0
            } else if word.skip("seq=") {
                current?.icmpRest = UInt32(word.port ?? 0)
            }
        }
    }

    private mutating func complete(_ output: inout TextOutput) {
        guard let packet = current else { return }
        current = nil
        length = 0
        packet.deliver(to: &output)
    }
}
