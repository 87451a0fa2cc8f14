// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Reads the lines of pf's filterlog, as pfSense and OPNsense write them:
/// `4,,,1000000103,em1,match,block,in,4,0x0,,63,0,0,DF,6,tcp,40,10.4.0.2,10.1.0.1,22,50992,0,RA,0,1001,0,,`.
///
/// The order of the fields is that of pfSense's documentation ("Raw Filter Log Format").
struct FilterlogReader: TextReader {
    let program = "filterlog"

    private var clock = PrintedClock()

    func recognises(_ line: TextCursor) -> Bool {
        Self.fields(of: line) != nil
    }

    /// The fields of a line, or `nil` where it is no line of filterlog.
    private static func fields(of line: TextCursor) -> [TextCursor]? {
        guard let comma = line.find(UInt8(ascii: ",")) else { return nil }
        var start = comma
        while start > line.position, case 48...57 = line.peek(start - 1 - line.position) { start -= 1 }
        guard start < comma, start == line.position || line.peek(start - 1 - line.position) == UInt8(ascii: " ") else {
            return nil
        }
        var cursor = line
        cursor.move(to: start)
        let fields = cursor.fields(separator: UInt8(ascii: ","), limit: 40)
        guard fields.count >= 17, fields[7].isEqual(to: "in") || fields[7].isEqual(to: "out"),
            fields[8].isEqual(to: "4") || fields[8].isEqual(to: "6")
        else { return nil }
        let actions: [StaticString] = ["pass", "block", "reject", "rdr", "nat", "binat", "scrub", "match"]
        return actions.contains { fields[6].isEqual(to: $0) } ? fields : nil
    }

    mutating func read(_ line: TextCursor, into output: inout TextOutput) -> TextLineUse {
        guard let fields = Self.fields(of: line) else { return .unknown }
        var packet = PrintedPacket()
        var head = line.limited(to: fields[0].position)
        // RFC 5424 puts priority and version before the time: `<134>1 2026-11-30T22:57:05+00:00 …`.
        if head.peek() == UInt8(ascii: "<"), let end = head.find(UInt8(ascii: " ")) { head.move(to: end + 1) }
        if let stamp = PrintedClock.stamp(atStart: &head) { packet.time = clock.time(of: stamp) }
        packet.interface = output.interfaces.slot(of: fields[4])
        if fields[7].isEqual(to: "out") { packet.interface |= UInt8(PACKET_INTERFACE_EGRESS) }
        let rest: ArraySlice<TextCursor>
        if fields[8].isEqual(to: "4") {
            guard fields.count >= 20 else { return refuse(packet, &output) }
            packet.tos = Self.hexadecimal(fields[9])
            packet.ttl = Self.number(fields[11], limit: 255).map { UInt8($0) }
            packet.identification = Self.number(fields[12], limit: 0xffff).map { UInt32($0) } ?? 0
            packet.fragmentOffset = Self.number(fields[13], limit: 0xffff).map { UInt32($0) } ?? 0
            packet.dontFragment = fields[14].contains("DF")
            packet.moreFragments = fields[14].contains("+")
            packet.ipProtocol = Self.number(fields[15], limit: 255).map { UInt8($0) }
            packet.source = fields[18].address
            packet.destination = fields[19].address
            rest = fields[20...]
        } else {
            guard fields.count >= 17 else { return refuse(packet, &output) }
            packet.tos = Self.hexadecimal(fields[9])
            var label = fields[10]
            packet.identification = label.hexadecimal() ?? 0
            packet.ttl = Self.number(fields[11], limit: 255).map { UInt8($0) }
            packet.ipProtocol = Self.number(fields[13], limit: 255).map { UInt8($0) }
            packet.source = fields[15].address
            packet.destination = fields[16].address
            rest = fields[17...]
        }
        Self.readTransport(Array(rest), &packet)
        packet.deliver(to: &output)
        return .taken
    }

    private func refuse(_ packet: PrintedPacket, _ output: inout TextOutput) -> TextLineUse {
        _ = output.beginPacket(time: packet.time)
        output.refuse(.notUnderstood("the line of filterlog ends before the addresses"))
        return .taken
    }

    /// TCP: ports, length, flags, sequence number, acknowledgement, window.
    ///
    /// UDP: ports, length. ICMP: the type in words.
    private static func readTransport(_ fields: [TextCursor], _ packet: inout PrintedPacket) {
        switch packet.ipProtocol {
        case 6, 17:
            guard fields.count >= 3 else { return }
            packet.sourcePort = fields[0].port
            packet.destinationPort = fields[1].port
            packet.payloadLength = number(fields[2], limit: 0xffff).map { UInt32($0) } ?? 0
            guard packet.ipProtocol == 6, fields.count >= 7 else { return }
            packet.flags = fields[3].flagLetters
            var seq = fields[4]
            packet.seq = seq.number().map { UInt32($0) }
            packet.ack = number(fields[5], limit: UInt64(UInt32.max)).map { UInt32($0) }
            packet.window = fields[6].port ?? 0
        case 1:
            guard let kind = fields.first else { return }
            if kind.isEqual(to: "request") || kind.isEqual(to: "reply") {
                packet.icmpType = kind.isEqual(to: "request") ? 8 : 0
                packet.icmpIdentifier = fields.count > 1 ? fields[1].port ?? 0 : 0
                packet.icmpRest = fields.count > 2 ? UInt32(fields[2].port ?? 0) : 0
            } else if kind.starts(with: "unreach") {
                packet.icmpType = 3
                packet.icmpCode = kind.isEqual(to: "unreachport") ? 3 : kind.isEqual(to: "unreachproto") ? 2 : 1
            } else if kind.isEqual(to: "timexceed") {
                packet.icmpType = 11
            }
        default: break
        }
    }

    private static func number(_ text: TextCursor, limit: UInt64) -> UInt64? {
        var copy = text
        guard let value = copy.number(limit: limit), copy.isAtEnd else { return nil }
        return value
    }

    private static func hexadecimal(_ text: TextCursor) -> UInt8 {
        var copy = text
        return copy.hexadecimal().map { UInt8(truncatingIfNeeded: $0) } ?? 0
    }

    mutating func finish(into output: inout TextOutput) {}
}
