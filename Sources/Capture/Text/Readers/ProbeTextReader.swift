// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Reads the answers that probing programs print: ping's replies (Linux, BSD, macOS, BusyBox, Windows), nmap's
/// `--reason` and `--packet-trace`, nping, and hping3.
///
/// The prober's own address is seldom printed: `this-machine` stands for it. Of most of these programs a line is an
/// answer; the probe before it is implied (`TextOutput.imply`).
struct ProbeTextReader: TextReader {
    private(set) var program = "ping"

    /// The target that nmap or hping3 probes, by the last line that named it.
    private var target: IPAddress?

    private enum Kind {
        case echo, reason, trace, hping
        /// A line that names the target and holds no packet.
        case target
    }

    func recognises(_ line: TextCursor) -> Bool {
        kind(of: line) != nil
    }

    private func kind(of line: TextCursor) -> Kind? {
        if line.starts(with: "SENT (") || line.starts(with: "RCVD (") { return .trace }
        if line.starts(with: "Nmap scan report for ") || line.starts(with: "HPING ") || line.starts(with: "PING ") {
            return .target
        }
        if line.starts(with: "len="), line.contains(" ip="), line.contains(" ttl=") { return .hping }
        if Self.reasonTTL(line) != nil { return .reason }
        if Self.echo(line) != nil { return .echo }
        // A prompt and the command: `$ sudo nmap -Pn --reason 10.4.0.2`.
        return Self.commandTarget(line) != nil ? .target : nil
    }

    mutating func read(_ line: TextCursor, into output: inout TextOutput) -> TextLineUse {
        guard let kind = kind(of: line) else { return .unknown }
        switch kind {
        case .target: readTarget(line, &output)
        case .echo: readEcho(line, &output)
        case .reason: readReason(line, &output)
        case .trace: return readTrace(line, &output)
        case .hping: readHping(line, &output)
        }
        return .taken
    }

    mutating func finish(into output: inout TextOutput) {}

    private static func thisMachine(_ output: inout TextOutput) -> IPAddress? {
        let name: StaticString = "this-machine"
        return output.names.address(
            of: TextCursor(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)))
    }

    // MARK: Targets

    /// `Nmap scan report for server (10.4.0.2)`, `HPING 10.4.0.2 (eth0 10.4.0.2): …`, or a command's last word.
    private mutating func readTarget(_ line: TextCursor, _ output: inout TextOutput) {
        var cursor = line
        if cursor.skip("Nmap scan report for ") {
            program = "nmap"
            if let open = cursor.find(UInt8(ascii: "(")), let close = cursor.find(UInt8(ascii: ")")), open < close {
                cursor.move(to: open + 1)
                target = cursor.limited(to: close).address
            } else {
                target = cursor.host(&output.names)
            }
        } else if cursor.skip("HPING ") {
            program = "hping3"
            target = cursor.word().host(&output.names)
        } else if cursor.skip("PING ") {
            if target == nil, let open = cursor.find(UInt8(ascii: "(")), let close = cursor.find(UInt8(ascii: ")")) {
                cursor.move(to: open + 1)
                target = cursor.limited(to: close).address
            }
        } else {
            program = "nmap"
            target = Self.commandTarget(line)
        }
    }

    /// The address that ends a line in which `nmap` or `hping3` is called.
    private static func commandTarget(_ line: TextCursor) -> IPAddress? {
        guard line.count < 256 else { return nil }
        let words = line.words(limit: 40)
        guard let last = words.last, words.count > 1,
            words.prefix(4).contains(where: {
                $0.isEqual(to: "nmap") || $0.isEqual(to: "hping3")
            })
        else { return nil }
        return last.address
    }

    // MARK: ping

    /// The address and TTL of `64 bytes from 10.4.0.2: icmp_seq=1 ttl=61 time=2.01 ms`,
    /// `64 bytes from server (10.4.0.2): …`, `Reply from 10.4.0.2: bytes=32 time=2ms TTL=61`.
    private static func echo(_ line: TextCursor) -> (from: TextCursor, ttl: UInt8, seq: UInt16)? {
        var cursor = line
        cursor.skipBlanks()
        guard let place = cursor.find("ttl=") ?? cursor.find("TTL=") ?? cursor.find("hlim=") else { return nil }
        var number = cursor
        number.move(to: place)
        _ = number.skip("ttl=") || number.skip("TTL=") || number.skip("hlim=")
        guard let ttl = number.number(limit: 255), ttl > 0 else { return nil }
        // `64 bytes from` and its kin, or `Reply from` in any language: the address is the last word before the colon.
        var head = cursor.limited(to: place)
        let isUnix = head.number(limit: 65_535) != nil && head.skip(" bytes from ")
        let from: TextCursor
        var seq: UInt16 = 0
        if isUnix {
            guard let colon = head.find(": ") ?? head.find(" icmp_seq") else { return nil }
            from = head.limited(to: colon)
            if let found = head.find("seq=") {
                head.move(to: found + 4)
                seq = head.number(limit: 0xffff).map { UInt16($0) } ?? 0
            }
        } else {
            guard line.contains("TTL="), let colon = cursor.limited(to: place).find(": ") else { return nil }
            let words = cursor.limited(to: colon).words(limit: 4)
            guard (2...3).contains(words.count), let last = words.last, last.address != nil,
                cursor.limited(to: place).contains("=")
            else { return nil }
            from = last
        }
        return (from, UInt8(ttl), seq)
    }

    private mutating func readEcho(_ line: TextCursor, _ output: inout TextOutput) {
        guard let reply = Self.echo(line) else { return }
        program = "ping"
        var from = reply.from
        if let open = from.find(UInt8(ascii: "(")), let close = from.find(UInt8(ascii: ")")), open < close {
            from.move(to: open + 1)
            from = from.limited(to: close)
        }
        var packet = PrintedPacket()
        packet.source = from.host(&output.names)
        packet.destination = Self.thisMachine(&output)
        let isIPv4 = packet.source?.isIPv4 ?? true
        packet.ipProtocol = isIPv4 ? 1 : 58
        packet.icmpType = isIPv4 ? 0 : 129
        packet.icmpRest = UInt32(reply.seq)
        packet.ttl = reply.ttl
        // ping prints replies to its own requests only.
        if let request = packet.impliedRequest { output.imply(request) }
        packet.deliver(to: &output)
    }

    // MARK: nmap --reason, hping3

    /// `22/tcp closed ssh reset ttl 63`: the TTL, where the line is one of nmap's table.
    private static func reasonTTL(_ line: TextCursor) -> (port: UInt16, isReset: Bool, isUDP: Bool, ttl: UInt8)? {
        var cursor = line
        cursor.skipBlanks()
        guard let port = cursor.number(limit: 0xffff) else { return nil }
        let isUDP = cursor.skip("/udp ")
        guard isUDP || cursor.skip("/tcp ") else { return nil }
        cursor.skipBlanks()
        guard let place = cursor.find(" ttl ") else { return nil }
        let before = cursor.limited(to: place)
        let isReset = before.contains("reset")
        guard isReset || before.contains("syn-ack") else { return nil }
        cursor.move(to: place + 5)
        guard let ttl = cursor.number(limit: 255) else { return nil }
        return (UInt16(port), isReset, isUDP, UInt8(ttl))
    }

    private mutating func readReason(_ line: TextCursor, _ output: inout TextOutput) {
        guard let answer = Self.reasonTTL(line) else { return }
        program = "nmap"
        deliver(
            from: target, port: answer.port, flags: answer.isReset ? [.rst, .ack] : [.syn, .ack], ttl: answer.ttl,
            window: nil, identification: 0, &output)
    }

    /// `len=46 ip=10.4.0.2 ttl=63 DF id=0 sport=22 flags=RA seq=0 win=0 rtt=1.2 ms`.
    private mutating func readHping(_ line: TextCursor, _ output: inout TextOutput) {
        program = "hping3"
        var from: IPAddress?
        var ttl: UInt8 = 0
        var port: UInt16?
        var flags: TCPFlags?
        var window: UInt16?
        var identification: UInt32 = 0
        for word in line.words(limit: 24) {
            var word = word
            if word.skip("ip=") {
                from = word.host(&output.names)
            } else if word.skip("ttl=") {
                ttl = word.number(limit: 255).map { UInt8($0) } ?? 0
            } else if word.skip("sport=") {
                port = word.port
            } else if word.skip("flags=") {
                flags = word.flagLetters
            } else if word.skip("win=") {
                window = word.port
            } else if word.skip("id=") {
                identification = word.number(limit: 0xffff).map { UInt32($0) } ?? 0
            }
        }
        guard let port, let flags else {
            // A reply to an ICMP or UDP probe.
            var packet = PrintedPacket()
            packet.source = from
            packet.destination = Self.thisMachine(&output)
            packet.ipProtocol = line.contains("icmp_seq=") ? 1 : nil
            packet.icmpType = 0
            packet.ttl = ttl
            packet.deliver(to: &output)
            return
        }
        deliver(
            from: from, port: port, flags: flags, ttl: ttl, window: window, identification: identification, &output)
    }

    /// Hands out an answer and, as implied, the probe: a SYN.
    ///
    /// Numbers are not printed: the SYN's is taken for 0.
    private func deliver(
        from: IPAddress?, port: UInt16, flags: TCPFlags, ttl: UInt8, window: UInt16?, identification: UInt32,
        _ output: inout TextOutput
    ) {
        let here = Self.thisMachine(&output)
        var probe = PrintedPacket()
        probe.source = here
        probe.sourcePort = 0
        probe.destination = from
        probe.destinationPort = port
        probe.ipProtocol = 6
        probe.flags = [.syn]
        probe.interface = UInt8(PACKET_INTERFACE_EGRESS)
        output.imply(probe)
        var answer = PrintedPacket()
        answer.source = from
        answer.sourcePort = port
        answer.destination = here
        answer.destinationPort = 0
        answer.ipProtocol = 6
        answer.flags = flags
        answer.ttl = ttl
        answer.ack = flags.contains(.ack) ? 1 : 0
        answer.window = window ?? 0
        answer.identification = identification
        answer.deliver(to: &output)
    }

    // MARK: nmap --packet-trace, nping

    /// `SENT (0.0350s) TCP 192.0.2.7:57019 > 192.0.2.1:80 S ttl=53 id=54387 iplen=40 seq=3243190494 win=2048`,
    /// `RCVD (0.1s) ICMP [192.0.2.1 > 192.0.2.7 Echo reply (type=0/code=0) id=1 seq=0] IP [ttl=64 id=1 iplen=28 ]`.
    private mutating func readTrace(_ line: TextCursor, _ output: inout TextOutput) -> TextLineUse {
        program = "nmap"
        var cursor = line
        let isSent = cursor.skip("SENT (")
        guard isSent || cursor.skip("RCVD ("), let time = Self.seconds(&cursor), cursor.skip("s)") else {
            return .unknown
        }
        cursor.skipBlanks()
        var packet = PrintedPacket()
        packet.time = 86_400_000_000_000 + time
        packet.interface = isSent ? UInt8(PACKET_INTERFACE_EGRESS) : 0
        let name = cursor.word()
        cursor.skipBlanks()
        _ = cursor.skip(byte: UInt8(ascii: "["))
        packet.ipProtocol =
            name.isEqual(to: "TCP") ? 6 : name.isEqual(to: "UDP") ? 17 : name.isEqual(to: "ICMP") ? 1 : nil
        let source = cursor.word()
        guard cursor.skip(" > ") else { return .unknown }
        let destination = cursor.word()
        let hasPorts = packet.ipProtocol == 6 || packet.ipProtocol == 17
        if let from = PrintedEndpoint(source, hasPort: hasPorts, &output.names),
            let to = PrintedEndpoint(destination, hasPort: hasPorts, &output.names)
        {
            packet.source = from.address
            packet.sourcePort = from.port
            packet.destination = to.address
            packet.destinationPort = to.port
        }
        cursor.skipBlanks()
        if packet.ipProtocol == 6 { packet.flags = cursor.word().flagLetters }
        Self.readTraceFields(cursor, &packet)
        packet.deliver(to: &output)
        return .taken
    }

    private static func seconds(_ cursor: inout TextCursor) -> UInt64? {
        guard let whole = cursor.number(limit: 1 << 32) else { return nil }
        guard cursor.skip(byte: UInt8(ascii: ".")) else { return whole * 1_000_000_000 }
        let start = cursor.position
        guard var fraction = cursor.number(limit: 999_999_999), cursor.position - start <= 9 else { return nil }
        for _ in cursor.position - start..<9 { fraction *= 10 }
        return whole * 1_000_000_000 + fraction
    }

    /// `ttl=64 id=1 iplen=40 seq=1 win=0`; where the transport header has brackets of its own, an `id=` in them is not
    /// IP's.
    private static func readTraceFields(_ text: TextCursor, _ packet: inout PrintedPacket) {
        var isInTransport = text.contains("IP [")
        var length: UInt32 = 0
        for word in text.words(limit: 48) {
            var word = word
            if word.isEqual(to: "IP") { isInTransport = false }
            _ = word.skip(byte: UInt8(ascii: "["))
            _ = word.skip(byte: UInt8(ascii: "("))
            if word.skip("ttl=") {
                packet.ttl = word.number(limit: 255).map { UInt8($0) }
            } else if word.skip("iplen=") {
                length = word.number(limit: 0xffff).map { UInt32($0) } ?? 0
            } else if word.skip("id=") {
                guard let number = word.number(limit: 0xffff) else { continue }
                if isInTransport {
                    packet.icmpIdentifier = UInt16(number)
                } else {
                    packet.identification = UInt32(number)
                }
            } else if word.skip("seq=") {
                let number = word.number().map { UInt32($0) }
                if packet.ipProtocol == 6 { packet.seq = number } else { packet.icmpRest = number ?? 0 }
            } else if word.skip("ack=") {
                packet.ack = word.number().map { UInt32($0) }
            } else if word.skip("win=") {
                packet.window = word.number(limit: 0xffff).map { UInt16($0) } ?? 0
            } else if word.skip("type=") {
                packet.icmpType = word.number(limit: 255).map { UInt8($0) }
                if word.skip("/code=") { packet.icmpCode = word.number(limit: 255).map { UInt8($0) } ?? 0 }
            }
        }
        let isPlain = packet.flags.map { $0.isDisjoint(with: [.syn, .rst]) } ?? false
        if isPlain, length > 40 { packet.payloadLength = length - 40 }
    }
}
