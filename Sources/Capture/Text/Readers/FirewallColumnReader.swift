// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Reads the log of the Windows firewall (pfirewall.log), whose `#Fields:` line names the columns:
/// `2023-05-04 10:01:47 DROP TCP 10.4.0.2 10.1.0.1 22 50992 40 RA 5001 1001 0 - - - RECEIVE`.
///
/// It shows neither a TTL nor, of allowed connections, their later packets.
struct FirewallColumnReader: TextReader {
    let program = "Windows firewall log"

    private var clock = PrintedClock()

    func recognises(_ line: TextCursor) -> Bool {
        line.starts(with: "#Fields: date time action protocol ") || columns(of: line) != nil
    }

    /// The columns of a packet's line: a date, a time, an action, a protocol, two addresses and more.
    private func columns(of line: TextCursor) -> (stamp: PrintedClock.Stamp, words: [TextCursor])? {
        guard line.contains(" TCP ") || line.contains(" UDP ") || line.contains(" ICMP ") else { return nil }
        var cursor = line
        guard let stamp = PrintedClock.stamp(&cursor),
            cursor.starts(with: "DROP ") || cursor.starts(with: "ALLOW ") || cursor.starts(with: "OPEN")
                || cursor.starts(with: "CLOSE")
        else { return nil }
        let words = cursor.words(limit: 16)
        guard words.count >= 14, words[2].address != nil, words[3].address != nil else { return nil }
        return (stamp, words)
    }

    mutating func read(_ line: TextCursor, into output: inout TextOutput) -> TextLineUse {
        if line.peek() == UInt8(ascii: "#") { return .taken }
        guard let (stamp, words) = columns(of: line) else { return .unknown }
        var packet = PrintedPacket()
        packet.time = clock.time(of: stamp)
        packet.source = words[2].address
        packet.destination = words[3].address
        packet.sourcePort = words[4].port
        packet.destinationPort = words[5].port
        packet.ipProtocol = words[1].isEqual(to: "TCP") ? 6 : words[1].isEqual(to: "UDP") ? 17 : 255
        if words[words.count - 1].isEqual(to: "SEND") { packet.interface = UInt8(PACKET_INTERFACE_EGRESS) }
        // `-` where the line is of a connection and not of a packet.
        packet.flags = words[7].flagLetters
        packet.seq = words[8].number32
        packet.ack = words[9].number32
        packet.window = words[10].port ?? 0
        packet.deliver(to: &output)
        return .taken
    }

    mutating func finish(into output: inout TextOutput) {}
}

extension TextCursor {
    /// The whole stretch as a number of 32 bits.
    fileprivate var number32: UInt32? {
        var copy = self
        guard let value = copy.number(), copy.isAtEnd else { return nil }
        return UInt32(value)
    }
}
