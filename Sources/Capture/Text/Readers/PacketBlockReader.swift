// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Reads programs that print a packet's headers in a block of lines: PAN-OS' packet-diag (`flow basic`), VPP's
/// `show trace`, `debug ip packet detail` of Cisco IOS, and scapy's `show()`.
///
/// All of them but IOS tell the TTL.
struct PacketBlockReader: TextReader {
    private(set) var program = "PAN-OS packet-diag"

    private var clock = PrintedClock()
    /// The packet whose lines are being read.
    private var current: PrintedPacket?
    private var length: UInt32 = 0
    private var headerLength: UInt32 = 0
    private var stamp: PrintedClock.Stamp?
    /// VPP prints a packet at each node that it passes; its first header counts.
    private var isSkipping = false
    private var layer = Layer.none

    private enum Layer { case none, panOS, vpp, ios, scapyIP, scapyTCP, scapyOther }

    var leavesDumps: Bool { false }

    func recognises(_ line: TextCursor) -> Bool {
        var cursor = line
        cursor.skipBlanks()
        return Self.isPanOSHeader(cursor) || cursor.starts(with: "###[ ") || Self.isVPPHeading(cursor)
            || Self.iosAddresses(cursor) != nil || Self.vppNode(cursor) != nil
    }

    mutating func read(_ line: TextCursor, into output: inout TextOutput) -> TextLineUse {
        var cursor = line
        cursor.skipBlanks()
        if cursor.isAtEnd { return .taken }
        if begin(cursor, &output) { return .taken }
        switch layer {
        case .none: return .unknown
        case .panOS: return readPanOS(cursor, &output)
        case .vpp: return readVPP(cursor, &output)
        case .ios: return readIOS(cursor, &output)
        case .scapyIP, .scapyTCP, .scapyOther: return readScapy(cursor, &output)
        }
    }

    mutating func pause(into output: inout TextOutput) { complete(&output) }

    mutating func finish(into output: inout TextOutput) { complete(&output) }

    /// Takes a line that begins a packet or a part of one.
    private mutating func begin(_ text: TextCursor, _ output: inout TextOutput) -> Bool {
        var cursor = text
        if cursor.skip("== ") {
            // `== 2023-05-04 10:01:44.123 +0200 ==`
            guard let found = PrintedClock.stamp(&cursor) else { return false }
            complete(&output)
            stamp = Self.shifted(found, cursor)
            layer = .panOS
            return true
        }
        if Self.isPanOSHeader(text) {
            start(.panOS, "PAN-OS packet-diag", &output)
            return readPanOS(text, &output) == .taken
        }
        if Self.isVPPHeading(text) {
            complete(&output)
            layer = .vpp
            program = "VPP trace"
            isSkipping = false
            stamp = nil
            return true
        }
        if let time = Self.vppNode(text), layer != .panOS {
            layer = .vpp
            program = "VPP trace"
            if stamp == nil { stamp = .clock(time) }
            if current?.destinationPort != nil { isSkipping = true }
            return true
        }
        if let ends = Self.iosAddresses(text) {
            start(.ios, "IOS debug ip packet", &output)
            return readIOSAddresses(text, ends, &output)
        }
        if cursor.skip("###[ ") {
            program = "scapy"
            if cursor.starts(with: "TCP ]") {
                layer = .scapyTCP
                current?.ipProtocol = 6
            } else if cursor.starts(with: "IP ]") || cursor.starts(with: "IPv6 ]") {
                start(.scapyIP, "scapy", &output)
            } else {
                layer = .scapyOther
            }
            return true
        }
        return false
    }

    private mutating func start(_ layer: Layer, _ program: String, _ output: inout TextOutput) {
        let time = self.layer == layer ? stamp : nil
        complete(&output)
        self.layer = layer
        self.program = program
        stamp = time
        current = PrintedPacket()
        length = 0
        headerLength = 20
    }

    private mutating func complete(_ output: inout TextOutput) {
        guard var packet = current else { return }
        current = nil
        packet.time = stamp.map { clock.time(of: $0) }
        stamp = nil
        let isPlain = packet.flags.map { $0.isDisjoint(with: [.syn, .rst]) } ?? false
        if isPlain, packet.payloadLength == 0, length > 20 + headerLength {
            packet.payloadLength = length - 20 - headerLength
        }
        packet.deliver(to: &output)
    }

    /// The number behind `key`.
    private static func value(_ text: TextCursor, _ key: StaticString) -> UInt32? {
        var cursor = text
        if !cursor.skip(key) {
            guard let found = cursor.find(key) else { return nil }
            cursor.move(to: found + key.utf8CodeUnitCount)
        }
        if cursor.starts(with: "0x") { return cursor.hexadecimal() }
        return cursor.number().map { UInt32($0) }
    }

    /// Sets both addresses of `10.1.0.1->10.4.0.2` or `10.1.0.1 -> 10.4.0.2`.
    private mutating func setAddresses(_ text: TextCursor, _ output: inout TextOutput) -> Bool {
        guard let arrow = text.find("->") else { return false }
        var source = text.limited(to: arrow)
        source.skipBlanks()
        var destination = text
        destination.move(to: arrow + 2)
        destination.skipBlanks()
        destination = destination.word()
        if let comma = destination.find(UInt8(ascii: ",")) { destination = destination.limited(to: comma) }
        current?.source = source.word().host(&output.names)
        current?.destination = destination.host(&output.names)
        return true
    }

    // MARK: PAN-OS

    /// `IP:     10.1.0.1->10.4.0.2, protocol 6`.
    private static func isPanOSHeader(_ text: TextCursor) -> Bool {
        (text.starts(with: "IP: ") || text.starts(with: "IPv6: ")) && text.contains("->")
            && text.contains(", protocol ")
    }

    /// ` +0200 ==`: the zone behind a time.
    private static func shifted(_ stamp: PrintedClock.Stamp, _ text: TextCursor) -> PrintedClock.Stamp {
        guard case .absolute(let time) = stamp, let sign = [43, 45].firstIndex(of: text.peek()) else { return stamp }
        var cursor = text
        cursor.advance()
        guard let zone = cursor.number(limit: 1500) else { return stamp }
        let shift = (zone / 100 * 60 + zone % 100) * 60_000_000_000
        return .absolute(sign == 0 ? time - min(time, shift) : time &+ shift)
    }

    private mutating func readPanOS(_ text: TextCursor, _ output: inout TextOutput) -> TextLineUse {
        var cursor = text
        guard current != nil else {
            // Before the header: `Packet received at fastpath stage, tag 1234, type ATOMIC`, `Packet info: …`, `L2: …`.
            return text.starts(with: "Packet ") || text.starts(with: "L2:") || text.starts(with: "wqe ")
                ? .taken : .unknown
        }
        if cursor.skip("IP:") || cursor.skip("IPv6:") {
            guard setAddresses(cursor, &output) else { return .unknown }
            current?.ipProtocol = Self.value(cursor, ", protocol ").map { UInt8(truncatingIfNeeded: $0) }
        } else if text.starts(with: "version ") {
            current?.tos = Self.value(text, ", tos ").map { UInt8(truncatingIfNeeded: $0) } ?? 0
            length = Self.value(text, ", len ") ?? Self.value(text, "payload_len ").map { $0 + 20 } ?? 0
            if let ttl = Self.value(text, "hop_limit ") { current?.ttl = UInt8(truncatingIfNeeded: ttl) }
        } else if text.contains("ttl "), text.contains("frag_off ") {
            current?.identification = (Self.value(text, "id ") ?? 0) & 0xffff
            let fragment = Self.value(text, "frag_off ") ?? 0
            current?.dontFragment = fragment & 0x4000 != 0
            current?.fragmentOffset = fragment & 0x1fff
            current?.ttl = Self.value(text, "ttl ").map { UInt8(truncatingIfNeeded: $0) }
        } else if text.starts(with: "TCP:") || text.starts(with: "UDP:") {
            current?.sourcePort = Self.value(text, "sport ").map { UInt16(truncatingIfNeeded: $0) }
            current?.destinationPort = Self.value(text, "dport ").map { UInt16(truncatingIfNeeded: $0) }
            current?.seq = Self.value(text, "seq ")
            current?.ack = Self.value(text, " ack ")
        } else if text.starts(with: "reserved ") {
            headerLength = (Self.value(text, "offset ") ?? 5) * 4
            current?.window = Self.value(text, "window ").map { UInt16(truncatingIfNeeded: $0) } ?? 0
        } else if text.starts(with: "flags 0x") {
            current?.flags = Self.value(text, "flags ").map { TCPFlags(rawValue: UInt8(truncatingIfNeeded: $0)) }
            current?.payloadLength = Self.value(text, "l4 data len ") ?? 0
        } else if text.starts(with: "ICMP:") {
            current?.icmpType = Self.value(text, "type ").map { UInt8(truncatingIfNeeded: $0) }
            current?.icmpCode = Self.value(text, "code ").map { UInt8(truncatingIfNeeded: $0) } ?? 0
            current?.icmpIdentifier = Self.value(text, "id ").map { UInt16(truncatingIfNeeded: $0) } ?? 0
            current?.icmpRest = Self.value(text, "seq ") ?? 0
        } else if text.starts(with: "TCP option") {
            return .taken
        } else {
            complete(&output)
            return .unknown
        }
        return .taken
    }

    // MARK: VPP

    /// `Packet 1`.
    private static func isVPPHeading(_ text: TextCursor) -> Bool {
        var cursor = text
        return cursor.skip("Packet ") && cursor.number() != nil && cursor.isAtEnd
    }

    /// The time of `00:10:37:205030: ip4-input`, which counts from VPP's start.
    private static func vppNode(_ text: TextCursor) -> UInt64? {
        var cursor = text
        guard let hours = cursor.number(limit: 9999), cursor.skip(byte: UInt8(ascii: ":")),
            let minutes = cursor.number(limit: 59), cursor.skip(byte: UInt8(ascii: ":")),
            let seconds = cursor.number(limit: 59), cursor.skip(byte: UInt8(ascii: ":")),
            let micros = cursor.number(limit: 999_999), cursor.skip(": ")
        else { return nil }
        let node = cursor.word()
        guard cursor.isAtEnd, node.find(UInt8(ascii: "-")) != nil || node.starts(with: "drop") else { return nil }
        return (((hours % 24) * 60 + minutes) * 60 + seconds) * 1_000_000_000 + micros * 1000
    }

    /// Reads a line of a header, such as `tos 0x00, ttl 64, length 60` or `seq. 0x000003e8 ack 0x0`.
    private mutating func readVPP(_ text: TextCursor, _ output: inout TextOutput) -> TextLineUse {
        guard !isSkipping else { return .taken }
        var cursor = text
        let name = cursor.word()
        let isProtocol =
            name.isEqual(to: "TCP:") || name.isEqual(to: "UDP:") || name.isEqual(to: "ICMP:")
            || name.isEqual(to: "ICMP6:")
        if isProtocol, cursor.contains(" -> ") {
            var first = cursor
            first.skipBlanks()
            let left = first.word()
            if left.port != nil {
                var right = first
                guard right.skip(" -> ") else { return .taken }
                current?.sourcePort = left.port
                current?.destinationPort = right.word().port
                return .taken
            }
            if left.address != nil, current?.source == nil {
                current = PrintedPacket()
                length = 0
                headerLength = 20
                current?.ipProtocol =
                    name.isEqual(to: "TCP:") ? 6 : name.isEqual(to: "UDP:") ? 17 : name.isEqual(to: "ICMP:") ? 1 : 58
                return setAddresses(cursor, &output) ? .taken : .unknown
            }
            return .taken
        }
        guard current != nil else { return .taken }
        if text.starts(with: "tos 0x") || text.contains("hop-limit ") {
            current?.ttl = (Self.value(text, "ttl ") ?? Self.value(text, "hop-limit ")).map {
                UInt8(truncatingIfNeeded: $0)
            }
            length = Self.value(text, "length ") ?? 0
        } else if text.starts(with: "fragment id ") {
            current?.identification = (Self.value(text, "fragment id ") ?? 0) & 0xffff
            current?.dontFragment = text.contains("DONT_FRAGMENT")
        } else if text.starts(with: "seq. ") {
            current?.seq = Self.value(text, "seq. ")
            current?.ack = Self.value(text, " ack ")
        } else if text.starts(with: "flags 0x") {
            current?.flags = Self.value(text, "flags ").map { TCPFlags(rawValue: UInt8(truncatingIfNeeded: $0)) }
            headerLength = Self.value(text, "tcp header: ") ?? 20
        } else if text.starts(with: "window ") {
            current?.window = Self.value(text, "window ").map { UInt16(truncatingIfNeeded: $0) } ?? 0
        } else if text.starts(with: "ICMP echo_re") {
            current?.icmpType = text.starts(with: "ICMP echo_request") ? 8 : 0
        }
        return .taken
    }

    // MARK: IOS

    /// The stretch from `s=` on in `*May  4 10:01:44.123: IP: s=10.1.0.1 (Gi0/0), d=10.4.0.2 (Gi0/1), len 60, forward`.
    private static func iosAddresses(_ text: TextCursor) -> TextCursor? {
        guard let found = text.limited(to: text.position + 96).find("IP: s="), text.contains(", d=") else { return nil }
        var cursor = text
        cursor.move(to: found + 4)
        return cursor
    }

    private mutating func readIOSAddresses(_ text: TextCursor, _ ends: TextCursor, _ output: inout TextOutput) -> Bool {
        var head = text.limited(to: ends.position)
        while head.peek() == UInt8(ascii: "*") || head.peek() == UInt8(ascii: ".") { head.advance() }
        if let colon = head.find(": ") {
            head = head.limited(to: colon)
            stamp = PrintedClock.stamp(atStart: &head)
        }
        var source = ends
        source.advance(2)
        let from = source.word()
        current?.source = from.host(&output.names)
        source.skipBlanks()
        if source.peek() == UInt8(ascii: "("), let name = source.group() {
            current?.interface = output.interfaces.slot(of: name)
        }
        guard let found = ends.find(", d=") else { return false }
        var destination = ends
        destination.move(to: found + 4)
        destination = destination.word()
        if let comma = destination.find(UInt8(ascii: ",")) { destination = destination.limited(to: comma) }
        current?.destination = destination.host(&output.names)
        length = Self.value(ends, ", len ") ?? 0
        return true
    }

    /// `TCP src=22, dst=50992, seq=5001, ack=1001, win=0 ACK RST`.
    private mutating func readIOS(_ text: TextCursor, _ output: inout TextOutput) -> TextLineUse {
        guard let found = text.limited(to: text.position + 96).find("TCP src="), current != nil else {
            if text.contains("UDP src=") || text.contains("ICMP type=") {
                // The protocol is not followed.
                current?.ipProtocol = 255
                complete(&output)
                return .taken
            }
            return .unknown
        }
        var cursor = text
        cursor.move(to: found)
        current?.ipProtocol = 6
        current?.sourcePort = Self.value(cursor, "src=").map { UInt16(truncatingIfNeeded: $0) }
        current?.destinationPort = Self.value(cursor, "dst=").map { UInt16(truncatingIfNeeded: $0) }
        current?.seq = Self.value(cursor, "seq=")
        current?.ack = Self.value(cursor, "ack=")
        current?.window = Self.value(cursor, "win=").map { UInt16(truncatingIfNeeded: $0) } ?? 0
        if let window = cursor.find("win=") {
            cursor.move(to: window + 4)
            _ = cursor.number()
            current?.flags = cursor.flagWords
        }
        complete(&output)
        return .taken
    }

    // MARK: scapy

    /// `ttl       = 63`.
    private mutating func readScapy(_ text: TextCursor, _ output: inout TextOutput) -> TextLineUse {
        var cursor = text
        let name = cursor.word()
        cursor.skipBlanks()
        guard cursor.skip(byte: UInt8(ascii: "=")) else { return .taken }
        cursor.skipBlanks()
        let number = cursor.port
        switch layer {
        case .scapyIP:
            if name.isEqual(to: "src") {
                current?.source = cursor.host(&output.names)
            } else if name.isEqual(to: "dst") {
                current?.destination = cursor.host(&output.names)
            } else if name.isEqual(to: "ttl") || name.isEqual(to: "hlim") {
                current?.ttl = number.map { UInt8(truncatingIfNeeded: $0) }
            } else if name.isEqual(to: "id") {
                current?.identification = UInt32(number ?? 0)
            } else if name.isEqual(to: "len") {
                length = UInt32(number ?? 0)
            } else if name.isEqual(to: "flags") {
                current?.dontFragment = cursor.contains("DF")
            }
        case .scapyTCP:
            if name.isEqual(to: "sport") {
                current?.sourcePort = number ?? output.names.port(of: cursor, isUDP: false)
            } else if name.isEqual(to: "dport") {
                current?.destinationPort = number ?? output.names.port(of: cursor, isUDP: false)
            } else if name.isEqual(to: "seq") {
                current?.seq = cursor.number().map { UInt32($0) }
            } else if name.isEqual(to: "ack") {
                current?.ack = cursor.number().map { UInt32($0) }
            } else if name.isEqual(to: "flags") {
                current?.flags = cursor.flagLetters
            } else if name.isEqual(to: "window") {
                current?.window = number ?? 0
            } else if name.isEqual(to: "dataofs") {
                headerLength = UInt32(number ?? 5) * 4
            }
        default: break
        }
        return .taken
    }
}
