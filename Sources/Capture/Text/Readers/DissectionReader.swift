// SPDX-License-Identifier: Apache-2.0

/// Reads complete dissections: `tshark -V` and Wireshark's export of packet details as plain text.
struct DissectionReader: TextReader {
    let program = "tshark -V"
    /// A dump is part of the dissection, whose fields say all of it; or it is a payload's.
    let leavesDumps = false

    private var clock = PrintedClock()
    private var current: DissectedPacket?
    private var layer = DissectionField.Layer.frame
    /// Fields are indented, as tshark prints them; else the indentation was lost on the text's way.
    private var isIndented = false

    func recognises(_ line: TextCursor) -> Bool {
        Self.isFrame(line)
    }

    /// `Frame 1: 98 bytes on wire (784 bits), …`, in older versions `Frame 1 (98 bytes on wire, …)`.
    private static func isFrame(_ line: TextCursor) -> Bool {
        var cursor = line
        guard cursor.skip("Frame "), cursor.number() != nil else { return false }
        return (cursor.starts(with: ": ") || cursor.starts(with: " (") || cursor.starts(with: ", "))
            && cursor.contains(" bytes")
    }

    mutating func read(_ line: TextCursor, into output: inout TextOutput) -> TextLineUse {
        if Self.isFrame(line) {
            finish(into: &output)
            current = DissectedPacket()
            layer = .frame
            return .taken
        }
        guard current != nil else { return .unknown }
        var cursor = line
        let columns = cursor.skipBlanks()
        if columns > 0 { isIndented = true }
        if columns == 0, !cursor.isAtEnd {
            readTitle(cursor, &output)
        } else if cursor.starts(with: "Internet Protocol Version ") {
            // Indented: in an ICMP error.
            begin(cursor.starts(with: "Internet Protocol Version 6") ? .ipv6 : .ipv4)
        } else if cursor.starts(with: "Transmission Control Protocol") {
            begin(.tcp)
        } else if cursor.starts(with: "User Datagram Protocol") {
            begin(.udp)
        } else {
            readField(cursor, &output)
        }
        return .taken
    }

    mutating func finish(into output: inout TextOutput) {
        guard var packet = current else { return }
        current = nil
        packet.deliver(&clock, to: &output)
    }

    mutating func pause(into output: inout TextOutput) {}

    private mutating func begin(_ layer: DissectionField.Layer) {
        self.layer = layer
        current?.begin(layer)
    }

    /// A line without indentation names the protocol whose fields follow.
    ///
    /// Where the indentation was lost it may be a field.
    private mutating func readTitle(_ line: TextCursor, _ output: inout TextOutput) {
        if line.starts(with: "Ethernet II, ") || line.starts(with: "Linux cooked capture") {
            begin(.link)
        } else if line.starts(with: "802.1Q Virtual LAN") {
            begin(.vlan)
        } else if line.starts(with: "Internet Protocol Version 6") {
            begin(.ipv6)
            readParts(line, [("Src: ", .ipv6Source), ("Dst: ", .ipv6Destination)], &output)
        } else if line.starts(with: "Internet Protocol Version 4") || line.starts(with: "Internet Protocol, ") {
            begin(.ipv4)
            readParts(line, [("Src: ", .ipSource), ("Dst: ", .ipDestination)], &output)
        } else if line.starts(with: "Transmission Control Protocol, ") {
            begin(.tcp)
            readParts(
                line,
                [
                    ("Src Port: ", .tcpSourcePort), ("Dst Port: ", .tcpDestinationPort), ("Seq: ", .tcpSeq),
                    ("Ack: ", .tcpAck), ("Len: ", .tcpLength),
                ], &output)
        } else if line.starts(with: "User Datagram Protocol, ") {
            begin(.udp)
            readParts(line, [("Src Port: ", .udpSourcePort), ("Dst Port: ", .udpDestinationPort)], &output)
        } else if line.starts(with: "Internet Control Message Protocol v6") {
            begin(.icmpv6)
        } else if line.starts(with: "Internet Control Message Protocol") {
            begin(.icmp)
        } else if isIndented || !(line.contains(": ") || line.contains(" = ") || line.peek() == UInt8(ascii: "[")) {
            layer = .other
        } else {
            readField(line, &output)
        }
    }

    /// The fields in the title itself, which is all that there is where the protocol's fields were not expanded.
    private mutating func readParts(
        _ line: TextCursor, _ parts: [(StaticString, DissectionField)], _ output: inout TextOutput
    ) {
        for part in line.limited(to: line.position + 512).fields(separator: UInt8(ascii: ","), limit: 8) {
            var part = part
            part.skipBlanks()
            for (label, field) in parts where part.skip(label) { current?.set(field, part, &output) }
        }
    }

    /// `Time to Live: 64`, `[TCP Segment Len: 0]`, `.1.. .... = Don't fragment: Set`.
    private mutating func readField(_ line: TextCursor, _ output: inout TextOutput) {
        guard layer != .other, let table = DissectionField.byLabel[layer] else { return }
        var cursor = line
        _ = cursor.skip(byte: UInt8(ascii: "["))
        let first = cursor.peek()
        if first == UInt8(ascii: ".") || first == UInt8(ascii: "0") || first == UInt8(ascii: "1") {
            guard let equals = cursor.limited(to: cursor.position + 48).find(" = ") else { return }
            cursor.move(to: equals + 3)
        }
        guard let colon = cursor.limited(to: cursor.position + 48).find(": ") else { return }
        let label = cursor.limited(to: colon)
        guard let field = table[label.lowercased] else { return }
        cursor.move(to: colon + 2)
        var end = cursor.end
        if cursor.peek(cursor.count - 1) == UInt8(ascii: "]") { end -= 1 }
        if field == .epoch || field == .relativeTime, let blank = cursor.find(UInt8(ascii: " ")) {
            end = min(end, blank)
        }
        current?.set(field, cursor.limited(to: end), &output)
    }
}

extension TextCursor {
    /// The stretch as text with A to Z in lower case.
    var lowercased: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for offset in 0..<count {
            let byte = peek(offset)
            bytes.append((65...90).contains(byte) ? byte | 0x20 : byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
