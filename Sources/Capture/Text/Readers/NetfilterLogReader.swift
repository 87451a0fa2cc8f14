// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Reads the lines that netfilter's LOG target and nftables' `log` write: to the kernel's log, through ulogd, by UFW,
/// firewalld and OpenWrt.
///
/// `IN=eth1 OUT=eth0 MAC=… SRC=10.4.0.2 DST=10.1.0.1 LEN=40 TTL=63 ID=0 DF PROTO=TCP SPT=22 …`
///
/// The fields and their order are those of `nf_log_syslog.c` in Linux and of ulogd's `printpkt.c`.
struct NetfilterLogReader: TextReader {
    let program = "netfilter LOG"

    private var clock = PrintedClock()
    /// Kernel time and clock of the first line that has both: the kernel's time is finer.
    private var anchor: (uptime: UInt64, time: UInt64)?
    private var hasEchoRequests = false

    func recognises(_ line: TextCursor) -> Bool {
        Self.fields(of: line) != nil
    }

    /// The stretch from `IN=` on, where the line's fields are netfilter's: `IN=` and `OUT=` with ` SRC=` behind.
    private static func fields(of line: TextCursor) -> TextCursor? {
        // A prefix has at most 127 characters, with the syslog header before it far below 512.
        var cursor = line
        while let found = cursor.limited(to: line.position + 512).find("IN=") {
            cursor.move(to: found)
            let isWord = found == line.position || [32, 9, 93, 58].contains(line.peek(found - line.position - 1))
            var copy = cursor
            _ = copy.word()
            if isWord, copy.skip(" OUT=") { return cursor.contains(" SRC=") ? cursor : nil }
            cursor.advance()
        }
        return nil
    }

    mutating func read(_ line: TextCursor, into output: inout TextOutput) -> TextLineUse {
        guard let fields = Self.fields(of: line) else { return .unknown }
        var packet = PrintedPacket()
        packet.time = time(of: line.limited(to: fields.position))
        var cursor = fields
        var isIPv6 = false
        var length: UInt32?
        var urgent = false
        var hasIngress = false
        while !cursor.isAtEnd {
            let word = cursor.word()
            cursor.skipBlanks()
            var value = word
            // "[" opens the packet that an ICMP error quotes; its fields have the same names.
            if word.peek() == UInt8(ascii: "[") {
                Self.readQuote(cursor, first: word, &packet)
                break
            }
            if value.skip("SRC=") {
                packet.source = value.address
                isIPv6 = packet.source.map { !$0.isIPv4 } ?? false
            } else if value.skip("DST=") {
                packet.destination = value.address
            } else if value.skip("IN=") {
                hasIngress = !value.isAtEnd
                if hasIngress { packet.interface = output.interfaces.slot(of: value) }
            } else if value.skip("OUT=") {
                // `OUT=` alone is a packet that leaves: at OUTPUT and POSTROUTING there is no `IN=`.
                guard !hasIngress, !value.isAtEnd else { continue }
                packet.interface = output.interfaces.slot(of: value) | UInt8(PACKET_INTERFACE_EGRESS)
            } else if value.skip("MACSRC=") {
                packet.sourceMAC = value.foldedMAC() ?? 0
            } else if value.skip("MAC=") {
                // Destination, source, Ethertype.
                packet.sourceMAC = value.foldedMAC(at: 18) ?? 0
            } else if value.skip("TTL=") || value.skip("HOPLIMIT=") {
                packet.ttl = value.number(limit: 255).map { UInt8($0) }
            } else if value.skip("TOS=") || value.skip("TC=") {
                packet.tos |= value.hexadecimal().map { UInt8(truncatingIfNeeded: $0) } ?? 0
            } else if value.skip("PREC=") {
                packet.tos |= value.hexadecimal().map { UInt8(truncatingIfNeeded: $0) } ?? 0
            } else if value.skip("FLOWLBL=") {
                packet.identification = value.number().map { UInt32($0) } ?? 0
            } else if value.skip("ID=") {
                readID(value, &packet)
            } else if value.skip("LEN=") {
                if length == nil { length = value.number().map { UInt32($0) } }
            } else if value.skip("FRAG:") {
                packet.fragmentOffset = value.number().map { UInt32($0) } ?? 0
            } else if value.skip("PROTO=") {
                packet.ipProtocol = Self.protocolNumber(value)
                if packet.ipProtocol == 6 { packet.flags = [] }
            } else if value.skip("SPT=") {
                packet.sourcePort = value.port
            } else if value.skip("SPORT=") {
                // xtables-monitor, which names no protocol: the flags tell.
                packet.sourcePort = value.port
                packet.flags = packet.flags ?? []
                packet.ipProtocol = packet.ipProtocol ?? 6
            } else if value.skip("DPT=") || value.skip("DPORT=") {
                packet.destinationPort = value.port
            } else if value.skip("SEQ=") {
                packet.seq = value.number().map { UInt32($0) }
            } else if value.skip("ACK=") {
                packet.ack = value.number().map { UInt32($0) }
            } else if value.skip("WINDOW=") {
                packet.window = value.port ?? 0
            } else if value.skip("TYPE=") {
                packet.icmpType = value.number(limit: 255).map { UInt8($0) }
            } else if value.skip("CODE=") {
                packet.icmpCode = value.number(limit: 255).map { UInt8($0) } ?? 0
            } else if value.skip("MTU=") {
                packet.icmpRest = value.number().map { UInt32($0) } ?? 0
            } else if word.starts(with: "URGP=") {
                // The flags stand before it; what follows are options and marks.
                urgent = true
            } else if !urgent {
                Self.readFlag(word, &packet)
            }
        }
        if packet.ipProtocol == 1 || packet.ipProtocol == 58 {
            // An echo's number stands in SEQ=.
            if packet.quotedPorts == nil, let seq = packet.seq { packet.icmpRest = seq }
        }
        if packet.flags == [], fields.contains(" SPORT=") { packet.ipProtocol = 17 }
        let headers: UInt32 = (isIPv6 ? 40 : 20) + (packet.ipProtocol == 6 ? 20 : 8)
        // Options are not printed, so that a SYN would seem to carry data.
        let hasData = packet.flags.map { $0.isDisjoint(with: [.syn, .rst]) } ?? true
        if let length, length > headers, hasData { packet.payloadLength = Self.payload(length - headers, packet) }
        hasEchoRequests = hasEchoRequests || packet.icmpType == (packet.ipProtocol == 1 ? 8 : 128)
        // A rule chooses what is logged: replies without any requests answer requests that were not chosen.
        if !hasEchoRequests, let request = packet.impliedRequest { output.imply(request) }
        packet.deliver(to: &output)
        return .taken
    }

    /// Bytes behind the headers without options.
    ///
    /// Options are seldom printed: what a segment without PSH has of bytes is taken for options as long as it may be
    /// (40 bytes, RFC 9293, 3.1), and 12 bytes of a segment with PSH are.
    private static func payload(_ rest: UInt32, _ packet: PrintedPacket) -> UInt32 {
        guard packet.ipProtocol == 6, let flags = packet.flags else { return rest }
        if !flags.contains(.psh) { return rest > 40 ? rest - 12 : 0 }
        return rest > 12 ? rest - 12 : rest
    }

    /// `ID=` is the IP-ID, and behind `PROTO=ICMP` the echo's identifier.
    private func readID(_ value: TextCursor, _ packet: inout PrintedPacket) {
        var value = value
        guard let number = value.number(limit: 0xffff) else { return }
        if packet.ipProtocol == nil {
            packet.identification = UInt32(number)
        } else {
            packet.icmpIdentifier = UInt16(number)
        }
    }

    private static func readFlag(_ word: TextCursor, _ packet: inout PrintedPacket) {
        if packet.ipProtocol == nil {
            if word.isEqual(to: "DF") { packet.dontFragment = true }
            if word.isEqual(to: "MF") { packet.moreFragments = true }
            return
        }
        guard packet.flags != nil else { return }
        let names: [(StaticString, TCPFlags)] = [
            ("SYN", .syn), ("ACK", .ack), ("FIN", .fin), ("RST", .rst), ("PSH", .psh), ("URG", .urg), ("ECE", .ece),
            ("CWR", .cwr),
        ]
        for (name, flag) in names where word.isEqual(to: name) { packet.flags?.insert(flag) }
    }

    private static func protocolNumber(_ value: TextCursor) -> UInt8 {
        if value.isEqual(to: "TCP") { return 6 }
        if value.isEqual(to: "UDP") { return 17 }
        if value.isEqual(to: "ICMP") { return 1 }
        if value.isEqual(to: "ICMPv6") { return 58 }
        var number = value
        return number.number(limit: 255).map { UInt8($0) } ?? 255
    }

    /// `[SRC=… DST=… … PROTO=TCP SPT=… DPT=…`: the ports of the packet that an ICMP error answers.
    private static func readQuote(_ rest: TextCursor, first: TextCursor, _ packet: inout PrintedPacket) {
        var cursor = rest
        var source: UInt16?
        var destination: UInt16?
        while !cursor.isAtEnd {
            var word = cursor.word()
            cursor.skipBlanks()
            if word.skip("SPT=") {
                source = word.port
            } else if word.skip("DPT=") {
                destination = word.number(limit: 0xffff).map { UInt16($0) }
            } else if word.skip("MTU=") {
                packet.icmpRest = word.number().map { UInt32($0) } ?? 0
            }
        }
        packet.quotedPorts = (source ?? 0, destination ?? 0)
    }

    /// The time before the fields: the log's, refined by the kernel's where `[81234.101]` stands there too.
    private mutating func time(of head: TextCursor) -> UInt64? {
        var cursor = head
        let stamp = PrintedClock.stamp(atStart: &cursor)
        let uptime = Self.uptime(head)
        guard let stamp else {
            return uptime.map { clock.time(of: .relative($0)) }
        }
        let time = clock.time(of: stamp)
        guard let uptime else { return time }
        guard let anchor, uptime >= anchor.uptime else {
            self.anchor = (uptime, time)
            return time
        }
        let refined = anchor.time.addingReportingOverflow(uptime - anchor.uptime).partialValue
        // Two seconds apart: another start of the machine, or a clock that was set.
        let difference = refined > time ? refined - time : time - refined
        if difference > 2_000_000_000 {
            self.anchor = (uptime, time)
            return time
        }
        return refined
    }

    /// `[81234.101]` or `[81234.101234]`, in ns.
    private static func uptime(_ head: TextCursor) -> UInt64? {
        var cursor = head
        while let open = cursor.find(UInt8(ascii: "[")) {
            cursor.move(to: open + 1)
            var copy = cursor
            copy.skipBlanks()
            guard let seconds = copy.number(limit: 1 << 33), copy.skip(byte: UInt8(ascii: ".")) else { continue }
            let start = copy.position
            guard var fraction = copy.number(limit: 999_999_999), copy.peek() == UInt8(ascii: "]"),
                copy.position - start <= 9
            else { continue }
            for _ in copy.position - start..<9 { fraction *= 10 }
            return seconds * 1_000_000_000 + fraction
        }
        return nil
    }

    mutating func finish(into output: inout TextOutput) {}
}

extension TextCursor {
    /// Whether the whole stretch is `literal`.
    func isEqual(to literal: StaticString) -> Bool {
        count == literal.utf8CodeUnitCount && starts(with: literal)
    }
}
