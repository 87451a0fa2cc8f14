// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Reads programs that print one line for a packet, with its connection and its flags: Hubble and `cilium monitor`,
/// MikroTik's firewall log, FortiGate's `debug flow`, SRX flow traces, ngrep, scapy's summaries, retis, and
/// nftables' traces.
///
/// Of these only retis and nftables tell the TTL; most tell no numbers.
struct ConnectionLineReader: TextReader {
    private(set) var program = "Hubble"

    private var clock = PrintedClock()
    private var numbers = NextNumbers()
    /// The time of the event whose packet retis prints in the next line.
    private var eventTime: PrintedClock.Stamp?

    private enum Kind {
        case hubble, ciliumMonitor, mikroTik, debugFlow, flowTrace, ngrep, scapy, retis, nftables
        /// A line of the program that holds no packet; retis' has the time of the next one.
        case other, event
    }

    var leavesDumps: Bool { false }

    func recognises(_ line: TextCursor) -> Bool {
        kind(of: line) != nil
    }

    private func kind(of line: TextCursor) -> Kind? {
        if line.contains("->") {
            if line.contains(" (TCP Flags: ") { return .hubble }
            if line.contains(" proto TCP (") && line.contains(", len ") { return .mikroTik }
            if line.contains(" received a packet(proto=") || line.contains("\"received a packet(proto=") {
                return .debugFlow
            }
            if line.contains(" flow 0x"),
                line.starts(with: "-> ") || line.starts(with: "<- ") || line.starts(with: "xx ")
            {
                return line.contains(" tcp ") ? .ciliumMonitor : nil
            }
            if line.contains(":CID-") {
                return line.contains(", tcp, flag ") ? .flowTrace : line.contains(":RT:") ? .other : nil
            }
            if line.starts(with: "T "), line.contains(" ["), line.contains(" -> ") { return .ngrep }
        }
        if line.contains(" <- "), line.contains(" (TCP Flags: ") { return .hubble }
        if line.contains(" <> "), line.contains(" (TCP Flags: ") { return .hubble }
        if line.contains(" > ") {
            if line.contains(" / TCP ") || line.starts(with: "TCP "), Self.scapyStart(line) != nil { return .scapy }
            if line.contains(" proto TCP (6) "), line.contains(" flags ["), line.contains(" ttl ") {
                return line.contains(" off ") ? .retis : nil
            }
        }
        if line.starts(with: "trace id ") {
            return line.contains(" packet: ") && line.contains(" tcp sport ") ? .nftables : .other
        }
        return Self.event(line) == nil ? nil : .event
    }

    mutating func read(_ line: TextCursor, into output: inout TextOutput) -> TextLineUse {
        guard let kind = kind(of: line) else { return .unknown }
        switch kind {
        case .hubble: return readHubble(line, &output)
        case .ciliumMonitor: return readCiliumMonitor(line, &output)
        case .mikroTik: return readMikroTik(line, &output)
        case .debugFlow: return readDebugFlow(line, &output)
        case .flowTrace: return readFlowTrace(line, &output)
        case .ngrep: return readNgrep(line, &output)
        case .scapy: return readScapy(line, &output)
        case .retis: return readRetis(line, &output)
        case .nftables: return readNftables(line, &output)
        case .other: return .taken
        case .event:
            eventTime = Self.event(line)
            return .taken
        }
    }

    mutating func finish(into output: inout TextOutput) {}

    // MARK: Parts

    private func begun(_ name: String) -> PrintedPacket {
        var packet = PrintedPacket()
        packet.ipProtocol = 6
        return packet
    }

    /// Sets both ends; false where one is none.
    private static func setEnds(
        _ source: TextCursor, _ destination: TextCursor, of packet: inout PrintedPacket, _ output: inout TextOutput
    ) -> Bool {
        guard let from = PrintedEndpoint(source, hasPort: true, &output.names),
            let to = PrintedEndpoint(destination, hasPort: true, &output.names)
        else { return false }
        packet.source = from.address
        packet.sourcePort = from.port
        packet.destination = to.address
        packet.destinationPort = to.port
        return true
    }

    private mutating func deliver(_ begun: PrintedPacket, _ program: String, _ output: inout TextOutput) -> TextLineUse
    {
        self.program = program
        var packet = begun
        if let source = packet.source, let destination = packet.destination, let sourcePort = packet.sourcePort,
            let destinationPort = packet.destinationPort, let flags = packet.flags,
            packet.ack != nil || packet.seq != nil
        {
            packet.seq = numbers.number(
                packet.seq, ack: packet.ack, taken: flags.isDisjoint(with: [.syn, .fin]) ? 0 : 1,
                of: FiveTuple(
                    source: source, sourcePort: sourcePort, destination: destination,
                    destinationPort: destinationPort, transport: .tcp))
        }
        packet.deliver(to: &output)
        return .taken
    }

    /// The last word of a stretch, without a bracket behind it: `default/client:50992 (ID:1234)`.
    private static func lastWord(_ text: TextCursor) -> TextCursor {
        var words = text.words(limit: 32)
        while let last = words.last, last.peek() == UInt8(ascii: "("), words.count > 1 { words.removeLast() }
        return words.last ?? text
    }

    // MARK: Hubble

    /// `May  4 10:01:44.123: default/a:50992 (ID:1) -> default/b:8080 (ID:2) to-endpoint FORWARDED (TCP Flags: SYN)`.
    private mutating func readHubble(_ line: TextCursor, _ output: inout TextOutput) -> TextLineUse {
        guard let colon = line.find(": "), let flagsAt = line.find(" (TCP Flags: "),
            let arrow = line.find(" -> ") ?? line.find(" <- ") ?? line.find(" <> "), colon < arrow, arrow < flagsAt
        else { return .unknown }
        var packet = begun("Hubble")
        var head = line.limited(to: colon)
        packet.time = PrintedClock.stamp(atStart: &head).map { clock.time(of: $0) }
        var left = line
        left.move(to: colon + 2)
        left = left.limited(to: arrow)
        var right = line.limited(to: flagsAt)
        right.move(to: arrow + 4)
        let far = right.word()
        let isReversed = line.find(" <- ") == arrow
        let near = Self.lastWord(left)
        guard Self.setEnds(isReversed ? far : near, isReversed ? near : far, of: &packet, &output) else {
            return .unknown
        }
        // The point where Cilium saw it: to-endpoint, from-network.
        right.skipBlanks()
        if right.peek() == UInt8(ascii: "(") {
            _ = right.group()
            right.skipBlanks()
        }
        packet.interface = output.interfaces.slot(of: right.word())
        var flags = line
        flags.move(to: flagsAt + 13)
        if let close = flags.find(UInt8(ascii: ")")) { packet.flags = flags.limited(to: close).flagWords }
        return deliver(packet, "Hubble", &output)
    }

    /// `-> endpoint 1234 flow 0x1 , identity 1->5678 state new ifindex lxc1 orig-ip 10.0.1.5: A:1 -> B:2 tcp SYN`.
    private mutating func readCiliumMonitor(_ line: TextCursor, _ output: inout TextOutput) -> TextLineUse {
        var cursor = line
        while let colon = cursor.find(": ") { cursor.move(to: colon + 2) }
        var packet = begun("cilium monitor")
        let source = cursor.word()
        guard cursor.skip(" -> ") else { return .unknown }
        let destination = cursor.word()
        guard cursor.skip(" tcp "), Self.setEnds(source, destination, of: &packet, &output) else { return .unknown }
        packet.flags = cursor.flagWords
        var point = line
        point.advance(3)
        packet.interface = output.interfaces.slot(of: point.word())
        return deliver(packet, "cilium monitor", &output)
    }

    // MARK: Devices

    /// `forward: in:ether1 out:ether2, … proto TCP (ACK,RST), 10.4.0.2:22->10.1.0.1:50992, len 40`.
    private mutating func readMikroTik(_ line: TextCursor, _ output: inout TextOutput) -> TextLineUse {
        guard let place = line.find(" proto TCP (") else { return .unknown }
        var cursor = line
        cursor.move(to: place + 12)
        guard let close = cursor.find(UInt8(ascii: ")")) else { return .unknown }
        var packet = begun("MikroTik's log")
        packet.flags = cursor.limited(to: close).flagWords
        cursor.move(to: close + 1)
        guard cursor.skip(", "), let arrow = cursor.find("->"), let comma = cursor.find(UInt8(ascii: ",")) else {
            return .unknown
        }
        var destination = cursor.limited(to: comma)
        destination.move(to: arrow + 2)
        guard Self.setEnds(cursor.limited(to: arrow), destination, of: &packet, &output) else { return .unknown }
        if let found = cursor.find(", len ") {
            cursor.move(to: found + 6)
            Self.setLength(cursor.number(limit: 0xffff) ?? 0, of: &packet)
        }
        var head = line.limited(to: place)
        packet.time = PrintedClock.stamp(atStart: &head).map { clock.time(of: $0) }
        if let found = head.find("in:"), let name = Self.interface(head, at: found + 3) {
            packet.interface = output.interfaces.slot(of: name)
        } else if let found = head.find("out:"), let name = Self.interface(head, at: found + 4) {
            packet.interface = output.interfaces.slot(of: name) | UInt8(PACKET_INTERFACE_EGRESS)
        }
        if let found = head.find("src-mac ") {
            head.move(to: found + 8)
            packet.sourceMAC = head.foldedMAC() ?? 0
        }
        return deliver(packet, "MikroTik's log", &output)
    }

    /// `ether1`; `nil` for `(unknown 0)` and `(none)`.
    private static func interface(_ text: TextCursor, at position: Int) -> TextCursor? {
        var cursor = text
        cursor.move(to: position)
        let word = cursor.word()
        guard word.count > 0, word.peek() != UInt8(ascii: "(") else { return nil }
        return word.find(UInt8(ascii: ",")).map { word.limited(to: $0) } ?? word
    }

    /// Bytes of an IPv4 packet whose options are not printed: as netfilter's.
    private static func setLength(_ length: UInt64, of packet: inout PrintedPacket) {
        guard let flags = packet.flags, flags.isDisjoint(with: [.syn, .rst]), length > 80 else { return }
        packet.payloadLength = UInt32(length) - 52
    }

    /// `received a packet(proto=6, A:1->B:2) tun_id=0.0.0.0 from port1. flag [S.], seq 5000, ack 1001, win 65160"`.
    private mutating func readDebugFlow(_ line: TextCursor, _ output: inout TextOutput) -> TextLineUse {
        guard let place = line.find("received a packet(proto=") else { return .unknown }
        var cursor = line
        cursor.move(to: place + 24)
        var packet = begun("FortiGate's debug flow")
        packet.ipProtocol = cursor.number(limit: 255).map { UInt8($0) }
        guard cursor.skip(", "), let arrow = cursor.find("->"), let close = cursor.find(UInt8(ascii: ")")),
            arrow < close
        else { return .unknown }
        var destination = cursor.limited(to: close)
        destination.move(to: arrow + 2)
        guard Self.setEnds(cursor.limited(to: arrow), destination, of: &packet, &output) else { return .unknown }
        cursor.move(to: close + 1)
        if let found = cursor.find(" from ") {
            var name = cursor
            name.move(to: found + 6)
            name = name.word()
            if name.count > 1, name.peek(name.count - 1) == UInt8(ascii: ".") { name = name.limited(to: name.end - 1) }
            packet.interface = output.interfaces.slot(of: name)
        }
        if let found = cursor.find("flag [") {
            cursor.move(to: found + 6)
            if let end = cursor.find(UInt8(ascii: "]")) { packet.flags = cursor.limited(to: end).flagLetters }
        }
        packet.seq = Self.value(cursor, "seq ")
        packet.ack = packet.flags?.contains(.ack) == true ? Self.value(cursor, "ack ") : nil
        packet.window = Self.value(cursor, "win ").map { UInt16(truncatingIfNeeded: $0) } ?? 0
        var head = line
        packet.time = PrintedClock.stamp(atStart: &head).map { clock.time(of: $0) }
        return deliver(packet, "FortiGate's debug flow", &output)
    }

    private static func value(_ text: TextCursor, _ key: StaticString) -> UInt32? {
        var cursor = text
        guard let found = cursor.find(key) else { return nil }
        cursor.move(to: found + key.utf8CodeUnitCount)
        return cursor.number().map { UInt32($0) }
    }

    /// `May  4 10:01:46 10:01:46.123460:CID-0:RT:  ge-0/0/1.0:10.4.0.2/22->10.1.0.1/50992, tcp, flag 14 rst ack`.
    private mutating func readFlowTrace(_ line: TextCursor, _ output: inout TextOutput) -> TextLineUse {
        guard let mark = line.find(":CID-"), let end = line.find(", tcp, flag "), mark < end else { return .unknown }
        let words = line.limited(to: end).words(limit: 16)
        guard let last = words.last, let arrow = last.find("->"), let colon = last.find(UInt8(ascii: ":")),
            colon < arrow
        else { return .unknown }
        var packet = begun("SRX flow trace")
        var source = last.limited(to: arrow)
        source.move(to: colon + 1)
        var destination = last
        destination.move(to: arrow + 2)
        guard Self.setEnds(source, destination, of: &packet, &output) else { return .unknown }
        packet.interface = output.interfaces.slot(of: last.limited(to: colon))
        var flags = line
        flags.move(to: end + 12)
        packet.flags = flags.hexadecimal().map { TCPFlags(rawValue: UInt8(truncatingIfNeeded: $0)) }
        if var stamp = line.limited(to: mark).words(limit: 8).last, let time = PrintedClock.timeOfDay(&stamp) {
            packet.time = clock.time(of: .clock(time))
        }
        return deliver(packet, "SRX flow trace", &output)
    }

    // MARK: Programs

    /// `T 10.1.0.1:50992 -> 10.4.0.2:80 [AP] #4`, with `-t` `T 2023/05/04 10:01:44.123456 10.1.0.1:50992 -> …`.
    private mutating func readNgrep(_ line: TextCursor, _ output: inout TextOutput) -> TextLineUse {
        var cursor = line
        guard cursor.skip("T ") else { return .unknown }
        var packet = begun("ngrep")
        packet.time = PrintedClock.stamp(&cursor).map { clock.time(of: $0) }
        let source = cursor.word()
        guard cursor.skip(" -> ") else { return .unknown }
        let destination = cursor.word()
        guard cursor.skip(" ["), let close = cursor.find(UInt8(ascii: "]")),
            let flags = cursor.limited(to: close).flagLetters,
            Self.setEnds(source, destination, of: &packet, &output)
        else { return .unknown }
        packet.flags = flags
        return deliver(packet, "ngrep", &output)
    }

    /// The place behind `IP / TCP ` or `IPv6 / TCP `.
    private static func scapyStart(_ line: TextCursor) -> Int? {
        let head = line.limited(to: line.position + 96)
        return head.find("IP / TCP ").map { $0 + 9 } ?? head.find("IPv6 / TCP ").map { $0 + 11 }
    }

    /// `Ether / IP / TCP 10.4.0.2:ssh > 10.1.0.1:50992 RA / Padding`.
    private mutating func readScapy(_ line: TextCursor, _ output: inout TextOutput) -> TextLineUse {
        guard let start = Self.scapyStart(line) else { return .unknown }
        var cursor = line
        cursor.move(to: start)
        var packet = begun("scapy")
        let source = cursor.word()
        guard cursor.skip(" > ") else { return .unknown }
        let destination = cursor.word()
        cursor.skipBlanks()
        guard let flags = cursor.word().flagLetters,
            let from = Self.scapyEnd(source, &output), let to = Self.scapyEnd(destination, &output)
        else { return .unknown }
        (packet.source, packet.sourcePort) = from
        (packet.destination, packet.destinationPort) = to
        packet.flags = flags
        return deliver(packet, "scapy", &output)
    }

    /// `10.4.0.2:ssh`: scapy prints the names of services.
    private static func scapyEnd(_ text: TextCursor, _ output: inout TextOutput) -> (IPAddress, UInt16)? {
        if let end = PrintedEndpoint(text, hasPort: true, &output.names), let port = end.port {
            return (end.address, port)
        }
        var cursor = text
        var colon: Int?
        while let found = cursor.find(UInt8(ascii: ":")) {
            colon = found
            cursor.move(to: found + 1)
        }
        guard let colon, let port = output.names.port(of: cursor, isUDP: false),
            let address = text.limited(to: colon).host(&output.names)
        else { return nil }
        return (address, port)
    }

    /// The time (ns) of an event of retis: `1683187304123456789 (2) [curl] 1234 [tp] skb:kfree_skb …`.
    private static func event(_ line: TextCursor) -> PrintedClock.Stamp? {
        var cursor = line
        guard let time = cursor.number(limit: 1 << 62), cursor.position - line.position >= 10, cursor.skip(" ("),
            cursor.number(limit: 65_535) != nil, cursor.skip(") "), cursor.contains("] ")
        else { return nil }
        return PrintedClock.Stamp(nanoseconds: time)
    }

    /// `if 2 (eth0) 10.4.0.2.22 > 10.1.0.1.50992 tos 0x0 ttl 63 id 0 off 0 [DF] len 40 proto TCP (6) flags [R.] seq 1`.
    private mutating func readRetis(_ line: TextCursor, _ output: inout TextOutput) -> TextLineUse {
        guard let arrow = line.find(" > ") else { return .unknown }
        var packet = begun("retis")
        let left = line.limited(to: arrow)
        var right = line
        right.move(to: arrow + 3)
        let destination = right.word()
        guard Self.setEnds(Self.lastWord(left), destination, of: &packet, &output) else { return .unknown }
        if let open = left.find(" (") ?? left.find("if ("), let close = left.find(UInt8(ascii: ")")), open + 2 < close {
            var name = left.limited(to: close)
            name.move(to: open + 2)
            packet.interface = output.interfaces.slot(of: name)
        }
        packet.ttl = Self.value(right, " ttl ").map { UInt8(truncatingIfNeeded: $0) }
        packet.identification = (Self.value(right, " id ") ?? 0) & 0xffff
        packet.dontFragment = right.contains("[DF]")
        packet.seq = Self.value(right, " seq ")
        packet.ack = Self.value(right, " ack ")
        packet.window = Self.value(right, " win ").map { UInt16(truncatingIfNeeded: $0) } ?? 0
        if let found = right.find(" flags [") {
            right.move(to: found + 8)
            if let close = right.find(UInt8(ascii: "]")) { packet.flags = right.limited(to: close).flagLetters }
        }
        var head = line
        let stamp = Self.event(line) ?? PrintedClock.stamp(atStart: &head) ?? eventTime
        packet.time = stamp.map { clock.time(of: $0) }
        return deliver(packet, "retis", &output)
    }

    /// `trace id a95ea7ef ip filter input packet: iif "eth0" ether saddr … ip saddr A ip daddr B … tcp flags == syn`.
    private mutating func readNftables(_ line: TextCursor, _ output: inout TextOutput) -> TextLineUse {
        var packet = begun("nftables trace")
        var words = line.words(limit: 96).makeIterator()
        var layer = TextCursor(UnsafeBufferPointer(start: nil, count: 0))
        while var word = words.next() {
            if word.isEqual(to: "ip") || word.isEqual(to: "ip6") || word.isEqual(to: "tcp") || word.isEqual(to: "ether")
            {
                layer = word
                continue
            }
            let isIP = layer.starts(with: "ip")
            if word.isEqual(to: "saddr"), isIP {
                packet.source = words.next()?.address
            } else if word.isEqual(to: "daddr"), isIP {
                packet.destination = words.next()?.address
            } else if word.isEqual(to: "saddr") {
                packet.sourceMAC = words.next()?.foldedMAC() ?? 0
            } else if word.isEqual(to: "ttl") || word.isEqual(to: "hoplimit") {
                var number = words.next()
                packet.ttl = number?.number(limit: 255).map { UInt8($0) }
            } else if word.isEqual(to: "id"), isIP {
                packet.identification = UInt32(words.next()?.port ?? 0)
            } else if word.isEqual(to: "length"), isIP {
                packet.payloadLength = UInt32(words.next()?.port ?? 0)
            } else if word.isEqual(to: "sport") {
                packet.sourcePort = words.next()?.port
            } else if word.isEqual(to: "dport") {
                packet.destinationPort = words.next()?.port
            } else if word.isEqual(to: "window") {
                packet.window = words.next()?.port ?? 0
            } else if word.isEqual(to: "flags"), layer.isEqual(to: "tcp") {
                guard var value = words.next() else { break }
                if value.isEqual(to: "=="), let next = words.next() { value = next }
                packet.flags =
                    value.starts(with: "0x")
                    ? value.hexadecimal().map { TCPFlags(rawValue: UInt8(truncatingIfNeeded: $0)) } : value.flagWords
            } else if word.skip("iif") || word.skip("oif"), word.isAtEnd || word.isEqual(to: "name"),
                var name = words.next()
            {
                if name.skip(byte: UInt8(ascii: "\"")), name.count > 1 { name = name.limited(to: name.end - 1) }
                if packet.interface == 0 { packet.interface = output.interfaces.slot(of: name) }
            }
        }
        let length = packet.payloadLength
        packet.payloadLength = 0
        Self.setLength(UInt64(length), of: &packet)
        return deliver(packet, "nftables trace", &output)
    }
}
