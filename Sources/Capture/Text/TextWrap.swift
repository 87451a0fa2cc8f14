// SPDX-License-Identifier: Apache-2.0

/// The end of a line of tcpdump's output, told from its grammar: lines may have been wrapped at any width, or joined.
enum TextWrap {
    /// A line that was put together of wrapped ones is at most so long.
    static let limit = 8192

    /// False where nothing in the line can be the beginning of a packet's; cheap.
    static func mayBegin(_ line: TextCursor) -> Bool { line.contains("IP") || line.contains(" > ") }

    /// True where the line begins with tcpdump's first words for a packet, not with addresses alone.
    static func begins(_ line: TextCursor) -> Bool {
        var cursor = line
        while cursor.peek() == UInt8(ascii: ">") || cursor.peek() == 32 || cursor.peek() == 9 { cursor.advance() }
        let hasStamp = TextClock.stamp(&cursor) != nil
        if !hasStamp, !cursor.starts(with: "IP "), !cursor.starts(with: "IP6 ") { return false }
        guard let link = TcpdumpLink(&cursor) else { return false }
        switch link.content {
        case .other: return false
        case .mpls: return true
        case .ipv4, .ipv6: return isPacketBehindIP(cursor)
        }
    }

    /// True where a header's fields or addresses come next, be it cut: `Raw IP (7)` and `Client IP address: 0.0.0.0` in
    /// a dissection are no packets.
    private static func isPacketBehindIP(_ text: TextCursor) -> Bool {
        if text.isAtEnd || isHeaderBracket(text) { return true }
        if text.starts(with: "truncated-ip") || text.starts(with: "[total length") { return true }
        if text.peek() == UInt8(ascii: "(") { return text.count < 5 }
        var cursor = text
        let host = cursor.word()
        return cursor.isAtEnd ? host.find(UInt8(ascii: ".")) != nil : cursor.starts(with: " >")
    }

    /// True where the line begins with a time and a capital word, as packets of protocols do that are not read.
    static func beginsOther(_ line: TextCursor) -> Bool {
        var cursor = line
        guard TextClock.stamp(&cursor) != nil else { return false }
        return (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(cursor.peek())
    }

    /// True where the line begins with a packet that has its time.
    static func beginsWithStamp(_ line: TextCursor) -> Bool {
        var cursor = line
        return TextClock.stamp(&cursor) != nil && begins(line)
    }

    // MARK: Wrapped lines

    /// True where the line lacks its end.
    ///
    /// - `followsHeader`: the line before was an IP header alone.
    static func isOpen(_ line: TextCursor, followsHeader: Bool) -> Bool {
        if hasOpenHeader(line) { return true }
        let isArrow = line.contains(" > ")
        guard isArrow || (followsHeader && line.count > 4) || line.contains("IP ") else { return false }
        if line.contains("Flags [") { return length(line) == nil }
        guard followsHeader || begins(line) else { return false }
        // The second line of a packet, or a packet without its header, before its flags are told.
        if isHeaderAlone(line) { return false }
        guard isArrow else { return followsHeader ? false : isCut(line) }
        return isCut(line) || (line.contains("ICMP") && length(line) == nil) || isOldSegmentCut(line)
    }

    /// Whether `line` can go on with what `held` lacks: it begins no packet, no address pair and no hex dump.
    static func continues(_ held: TextCursor, by line: TextCursor) -> Bool {
        guard !line.isAtEnd else { return false }
        var cursor = line
        cursor.skipBlanks()
        if cursor.starts(with: "0x0") && cursor.contains(":") { return false }
        var pair = cursor
        if !hasOpenHeader(held), held.contains(" > "), TcpdumpEndpoints(&pair) != nil { return false }
        return true
    }

    /// A bracket with the fields of an IP header that is not closed.
    private static func hasOpenHeader(_ line: TextCursor) -> Bool {
        guard let open = headerStart(line) else { return false }
        var cursor = line
        cursor.move(to: open)
        return cursor.group() == nil
    }

    /// The position of the bracket with an IP header's fields, among the line's first words.
    private static func headerStart(_ line: TextCursor) -> Int? {
        let start = line.limited(to: line.position + 256)
        var cursor = start
        while let open = cursor.find(UInt8(ascii: "(")) {
            cursor.move(to: open)
            if isHeaderBracket(cursor) { return open }
            cursor.advance()
        }
        return nil
    }

    /// `(tos 0x0`, `(class 0x`, `(flowlabel 0x`, `(hlim 64`; also where it was cut short.
    static func isHeaderBracket(_ cursor: TextCursor) -> Bool {
        cursor.starts(with: "(tos ") || cursor.starts(with: "(class 0x") || cursor.starts(with: "(flowlabel 0x")
            || cursor.starts(with: "(hlim ")
    }

    /// The line ends with the bracket of an IP header: addresses come in the next one.
    static func isHeaderAlone(_ line: TextCursor) -> Bool {
        guard line.peek(line.count - 1) == UInt8(ascii: ")"), let open = headerStart(line) else { return false }
        var cursor = line
        cursor.move(to: open)
        return cursor.group() != nil && cursor.isAtEnd
    }

    /// The line ends within the addresses, or before what the packet is.
    private static func isCut(_ line: TextCursor) -> Bool {
        var cursor = line
        cursor.skipBlanks()
        _ = TcpdumpReader.stamp(&cursor)
        if let open = headerStart(cursor) {
            cursor.move(to: open)
            _ = cursor.group()
        } else if let found = cursor.find("IP ") ?? cursor.find("IP6 ") {
            cursor.move(to: found)
            _ = cursor.word()
        } else if let colon = cursor.find("): ").map({ $0 + 1 }) ?? linkLengthEnd(cursor) {
            // "ethertype IPv4 (0x0800), length 54: "
            cursor.move(to: colon + 2)
        }
        cursor.skipBlanks()
        // "MPLS (label 29, …)": the name of a layer, whose packet comes in the next line.
        if cursor.starts(with: "MPLS (") { return false }
        guard TcpdumpEndpoints(&cursor) != nil else { return true }
        return cursor.count < 6
    }

    /// The colon behind the length of a frame, which stands before the addresses; a datagram's own length has none.
    private static func linkLengthEnd(_ line: TextCursor) -> Int? {
        var cursor = line
        while let found = cursor.find(" length ") {
            cursor.move(to: found + 8)
            if cursor.number() != nil, cursor.starts(with: ": ") { return cursor.position }
        }
        return nil
    }

    /// A segment in the style before tcpdump 4.0 that lacks its window, or the end of the IP header behind it.
    private static func isOldSegmentCut(_ line: TextCursor) -> Bool {
        if let tail = line.find("(ttl ") {
            var cursor = line
            cursor.move(to: tail)
            return cursor.group() == nil
        }
        guard let colon = line.find(": ") else { return false }
        var cursor = line
        cursor.move(to: colon + 2)
        let flags = cursor.word()
        var isFlags = flags.count > 0 && flags.count <= 4
        for offset in 0..<flags.count where ![0x53, 0x46, 0x50, 0x52, 0x2e, 0x2c].contains(flags.peek(offset)) {
            isFlags = false
        }
        return isFlags && !line.contains(" win ")
    }

    /// The text after the last `length` of the line; `nil` where there is none.
    private static func length(_ line: TextCursor) -> TextCursor? {
        var cursor = line
        var found: TextCursor?
        while let position = cursor.find("length ") {
            cursor.move(to: position + 7)
            if cursor.number() != nil { found = cursor }
        }
        return found
    }

    /// Words that tcpdump always follows with a blank.
    private static let whole: Set<String> = [
        "seq", "ack", "win", "length", "tos", "ttl", "id", "offset", "flags", "proto", "cksum", "options", "Flags",
        "mss", "val", "ecr", "wscale", "TS", "ICMP", "echo", "request", "reply", "IP", "IP6", ">", "host", "to",
        "class",
        "hlim", "payload", "length:", "proto:", "TCP", "UDP", "UDP,", "flowlabel", "next-header", "urg", "unreachable",
        "port", "udp", "tcp", "redirect", "ethertype", "IPv4", "IPv6", "incorrect", "->", "who-has", "tell",
    ]

    /// Whether a blank was lost where a line was wrapped.
    static func needsBlank(_ held: TextCursor, _ line: TextCursor) -> Bool {
        let (last, first) = (held.peek(held.count - 1), line.peek())
        if [32, 9].contains(last) || [32, 9].contains(first) { return false }
        if last == UInt8(ascii: ",") || last == UInt8(ascii: ">") || last == UInt8(ascii: ":") { return true }
        switch first {
        case UInt8(ascii: ","), UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: ":"), UInt8(ascii: "."): return false
        case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: ">"), UInt8(ascii: "<"):
            return last != UInt8(ascii: "(") && last != UInt8(ascii: "[")
        default: break
        }
        guard isWordByte(last), isWordByte(first) else { return last == UInt8(ascii: ")") || last == UInt8(ascii: "]") }
        let word = lastWord(of: held)
        if whole.contains(word.text) { return true }
        if word.starts(with: "0x") || word.starts(with: "(0x") { return false }
        // A number before a letter ended; two parts of a word or of a number are one.
        return isDigit(last) && !isDigit(first) && word.ipv4() == nil && word.lastDot() == nil
    }

    private static func lastWord(of text: TextCursor) -> TextCursor {
        var start = text.count
        while start > 0, text.peek(start - 1) != 32, text.peek(start - 1) != 9 { start -= 1 }
        var word = text
        word.advance(start)
        return word
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte >= 0x80
    }

    // MARK: Joined lines

    /// The position of a second packet in the line: directly behind the end of a packet as tcpdump writes it.
    ///
    /// Nowhere else, because a packet's content may look like a packet.
    static func secondPacket(in line: TextCursor) -> Int? {
        var cursor = line
        cursor.advance(24)
        while let found = cursor.find(" IP") {
            cursor.move(to: found + 1)
            var behind = cursor
            guard behind.skip("IP ") || behind.skip("IP6 ") else { continue }
            guard isHeaderBracket(behind) || TcpdumpEndpoints(&behind) != nil else { continue }
            let start = stampStart(line, before: found)
            if endsPacket(line.limited(to: start)) {
                var packet = line
                packet.move(to: start)
                packet.skipBlanks()
                if begins(packet) { return packet.position }
            }
        }
        return nil
    }

    /// The position of the timestamp before ` IP `: one or two words that begin with a digit.
    private static func stampStart(_ line: TextCursor, before position: Int) -> Int {
        var start = position
        for _ in 0..<2 {
            var word = start
            while word > line.position, line.peek(word - 1 - line.position) != 32 { word -= 1 }
            guard word < start, word > line.position, isDigit(line.peek(word - line.position)) else { break }
            var stamp = line
            stamp.move(to: word)
            let isDate = stamp.limited(to: start).count == 10 && stamp.peek(4) == UInt8(ascii: "-")
            guard stamp.limited(to: start).contains(":") || stamp.limited(to: start).contains(".") || isDate else {
                break
            }
            start = word - 1
        }
        return start
    }

    /// True where the text ends as tcpdump ends a packet: `length 64`, `win 0`, `<mss 1460>`, a closed bracket.
    private static func endsPacket(_ text: TextCursor) -> Bool {
        var count = text.count
        while count > 0, text.peek(count - 1) == 32 { count -= 1 }
        let text = text.limited(to: text.position + count)
        switch text.peek(count - 1) {
        case UInt8(ascii: ">"), UInt8(ascii: ")"), UInt8(ascii: "]"): return text.contains(" > ")
        default: break
        }
        let number = lastWord(of: text)
        var digits = number
        guard digits.number() != nil, digits.isAtEnd, number.position > text.position else { return false }
        let word = lastWord(of: text.limited(to: number.position - 1))
        return word.text == "length" || word.text == "win" || word.text == "tcp"
    }
}
