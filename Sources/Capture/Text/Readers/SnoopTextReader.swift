// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Reads what Solaris' snoop prints: a line for a packet, several with `-V`, or a tree with `-v`.
///
/// `  1   0.00000     10.1.0.1 -> 10.4.0.2     TCP D=22 S=50992 Syn Seq=1000 Len=0 Win=64240 Options=<mss 1460>`
///
/// `-V` and `-v` tell the TTL.
struct SnoopTextReader: TextReader {
    let program = "snoop"

    private var clock = PrintedClock()
    private var current: PrintedPacket?
    /// The number of the packet whose lines are being read, where snoop printed one.
    private var number: UInt64 = 0
    private var length: UInt32 = 0
    private var isTree = false

    var leavesDumps: Bool { false }

    /// A line's number, time, addresses and what follows them.
    private struct Line {
        var number: UInt64
        var stamp: PrintedClock.Stamp?
        var source: TextCursor
        var destination: TextCursor
        var body: TextCursor

        init?(_ line: TextCursor) {
            var cursor = line
            cursor.skipBlanks()
            guard let number = cursor.number(limit: 1 << 40), cursor.skipBlanks() > 0 else { return nil }
            self.number = number
            stamp = PrintedClock.stamp(&cursor)
            source = cursor.word()
            guard stamp != nil, cursor.skip(" -> ") else { return nil }
            destination = cursor.word()
            guard cursor.skipBlanks() > 1 else { return nil }
            body = cursor
            guard
                body.starts(with: "TCP D=") || body.starts(with: "IP ") || body.starts(with: "ETHER ")
                    || body.starts(with: "UDP D=") || body.starts(with: "ICMP Echo") || body.starts(with: "ICMP Dest")
                    || body.starts(with: "VLAN ")
            else { return nil }
        }
    }

    func recognises(_ line: TextCursor) -> Bool {
        if (line.starts(with: "IP:   ") && !line.contains("->")) || line.starts(with: "ETHER:  ") { return true }
        return line.contains(" -> ") && Line(line) != nil
    }

    mutating func read(_ line: TextCursor, into output: inout TextOutput) -> TextLineUse {
        if line.contains("->") && line.starts(with: "IP:") { return .unknown }
        if line.starts(with: "ETHER:") || line.starts(with: "IP:") || line.starts(with: "TCP:")
            || line.starts(with: "UDP:")
            || line.starts(with: "ICMP:") || line.starts(with: "IPv6:")
        {
            readTree(line, &output)
            return .taken
        }
        if line.starts(with: "________") {
            complete(&output)
            return .taken
        }
        guard let found = Line(line) else { return .unknown }
        isTree = false
        if current == nil || number != found.number {
            complete(&output)
            current = PrintedPacket()
            length = 0
            number = found.number
            current?.time = found.stamp.map { clock.time(of: $0) }
            current?.source = found.source.host(&output.names)
            current?.destination = found.destination.host(&output.names)
        }
        read(found.body, &output)
        return .taken
    }

    mutating func pause(into output: inout TextOutput) { complete(&output) }

    mutating func finish(into output: inout TextOutput) { complete(&output) }

    /// `TCP D=22 S=50992 Syn Ack=1 Seq=2 Len=0 Win=3`, `IP  D=10.4.0.2 S=10.1.0.1 LEN=60, ID=300, TOS=0x0, TTL=64`.
    private mutating func read(_ body: TextCursor, _ output: inout TextOutput) {
        let isTCP = body.starts(with: "TCP ")
        let isIP = body.starts(with: "IP ")
        if isTCP { current?.ipProtocol = 6 }
        if body.starts(with: "UDP ") { current?.ipProtocol = 17 }
        if body.starts(with: "ICMP Echo") {
            current?.ipProtocol = 1
            current?.icmpType = body.contains("Echo reply") ? 0 : 8
        }
        guard isTCP || isIP || body.starts(with: "UDP ") else { return }
        if isTCP { current?.flags = [] }
        for word in body.words(limit: 32) {
            var value = word
            if value.count > 1, value.peek(value.count - 1) == UInt8(ascii: ",") {
                value = value.limited(to: value.end - 1)
            }
            if isIP {
                if value.skip("TTL=") {
                    current?.ttl = value.number(limit: 255).map { UInt8($0) }
                } else if value.skip("ID=") {
                    current?.identification = UInt32(value.port ?? 0)
                } else if value.skip("LEN=") {
                    length = UInt32(value.port ?? 0)
                } else if value.skip("S=") {
                    // Behind a tunnel's header the last one counts.
                    current?.source = value.host(&output.names)
                } else if value.skip("D=") {
                    current?.destination = value.host(&output.names)
                }
            } else if value.skip("D=") {
                current?.destinationPort = value.port ?? output.names.port(of: value, isUDP: !isTCP)
            } else if value.skip("S=") {
                current?.sourcePort = value.port ?? output.names.port(of: value, isUDP: !isTCP)
            } else if value.skip("Ack=") {
                current?.ack = value.number().map { UInt32($0) }
                current?.flags?.insert(.ack)
            } else if value.skip("Seq=") {
                current?.seq = value.number().map { UInt32($0) }
            } else if value.skip("Len=") {
                current?.payloadLength = value.number().map { UInt32($0) } ?? 0
            } else if value.skip("Win=") {
                current?.window = UInt16(clamping: value.number() ?? 0)
            } else if let flag = value.flagWords {
                current?.flags?.formUnion(flag)
            }
        }
    }

    /// `IP:   Time to live = 63 seconds/hops`.
    private mutating func readTree(_ line: TextCursor, _ output: inout TextOutput) {
        if line.contains("----- Ether Header")
            || (line.contains("----- IP Header") && (current?.source != nil || !isTree))
        {
            complete(&output)
        }
        if !isTree {
            isTree = true
            complete(&output)
        }
        if current == nil {
            current = PrintedPacket()
            length = 0
        }
        guard let equals = line.find(" = ") else {
            var cursor = line
            if let found = cursor.find(" arrived at ") {
                cursor.move(to: found + 12)
                current?.time = PrintedClock.stamp(&cursor).map { clock.time(of: $0) }
            }
            return
        }
        var value = line
        value.move(to: equals + 3)
        var key = line.limited(to: equals)
        _ = key.word()
        key.skipBlanks()
        // Bits of a field: `0... .... = …`.
        if key.contains("...") { return }
        while key.count > 0, key.peek(key.count - 1) == 32 { key = key.limited(to: key.end - 1) }
        var word = value.word()
        if word.count > 1, word.peek(word.count - 1) == UInt8(ascii: ",") { word = word.limited(to: word.end - 1) }
        var number = word
        let parsed = number.number()
        if key.isEqual(to: "Time to live") || key.isEqual(to: "Hop limit") {
            current?.ttl = parsed.map { UInt8(truncatingIfNeeded: $0) }
        } else if key.isEqual(to: "Identification") {
            current?.identification = UInt32(parsed ?? 0) & 0xffff
        } else if key.isEqual(to: "Total length") {
            length = UInt32(parsed ?? 0)
        } else if key.isEqual(to: "Protocol") {
            current?.ipProtocol = parsed.map { UInt8(truncatingIfNeeded: $0) }
        } else if key.isEqual(to: "Source address") {
            current?.source = word.host(&output.names)
        } else if key.isEqual(to: "Destination address") {
            current?.destination = word.host(&output.names)
        } else if key.isEqual(to: "Source port") {
            current?.sourcePort = word.port
        } else if key.isEqual(to: "Destination port") {
            current?.destinationPort = word.port
        } else if key.isEqual(to: "Sequence number") {
            current?.seq = parsed.map { UInt32($0) }
        } else if key.isEqual(to: "Acknowledgement number") {
            current?.ack = parsed.map { UInt32($0) }
        } else if key.isEqual(to: "Flags"), line.starts(with: "TCP:") {
            current?.flags = word.hexadecimal().map { TCPFlags(rawValue: UInt8(truncatingIfNeeded: $0)) }
        } else if key.isEqual(to: "Window") {
            current?.window = UInt16(clamping: parsed ?? 0)
        }
    }

    private mutating func complete(_ output: inout TextOutput) {
        guard var packet = current else { return }
        current = nil
        guard packet.source != nil || packet.sourcePort != nil else { return }
        let isPlain = packet.flags.map { $0.isDisjoint(with: [.syn, .rst]) } ?? false
        if isTree, isPlain, length > 52 { packet.payloadLength = length - 52 }
        packet.deliver(to: &output)
    }
}
