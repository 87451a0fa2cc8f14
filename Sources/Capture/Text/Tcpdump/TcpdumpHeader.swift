// SPDX-License-Identifier: Apache-2.0

/// The IP header as tcpdump -v prints it: `(tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length 60)`, or
/// for IPv6 `(class 0x1, flowlabel 0x2, hlim 64, next-header TCP (6) payload length: 20)`.
struct TcpdumpHeader {
    var isIPv6: Bool
    /// TTL or hop limit; `nil` without -v.
    var ttl: UInt8?
    /// Type of service or traffic class.
    var tos: UInt8 = 0
    /// IP-ID or flow label.
    var id: UInt32 = 0
    /// Bytes from the start of the packet (IPv4), in the unit that tcpdump prints.
    var fragmentOffset: UInt32 = 0
    var dontFragment = false
    var moreFragments = false
    /// The protocol number, where it was printed (not before tcpdump 3.8).
    var ipProtocol: UInt8?
    /// IPv4: total length.
    ///
    /// IPv6: payload length.
    var length: UInt32?

    /// There are options (IPv4) or extension headers (IPv6), whose length is not printed.
    var hasOptions = false

    /// The fields stand behind the packet.
    var mayHaveTail = false

    /// True where a bracket with the fields of an IP header begins.
    static func isBracket(_ cursor: TextCursor) -> Bool {
        cursor.starts(with: "(tos ") || cursor.starts(with: "(ttl ") || cursor.starts(with: "(id ")
            || cursor.starts(with: "(class ") || cursor.starts(with: "(flowlabel ") || cursor.starts(with: "(hlim ")
            || cursor.starts(with: "(len ") || cursor.starts(with: "(header ")
    }

    init(isIPv6: Bool) {
        self.isIPv6 = isIPv6
    }

    /// Bytes behind the L4 header of `headerLength`, by the IP header; too many by the options where there are some.
    func payload(behind headerLength: UInt32) -> UInt32 {
        guard let length else { return 0 }
        let headers = headerLength + (isIPv6 ? 0 : 20)
        return length > headers ? length - headers : 0
    }

    /// tcpdump before 3.8 prints the header behind the packet: `(DF) [tos 0x10] (ttl 64, id 1, len 60)`.
    ///
    /// Takes it off the end of `text`, if it is there.
    mutating func readTail(of text: inout TextCursor) {
        guard text.peek(text.count - 1) == UInt8(ascii: ")") else { return }
        var depth = 0
        var start = text.count
        // The last bracket; IP options in it nest at most two deep.
        repeat {
            start -= 1
            if text.peek(start) == UInt8(ascii: ")") { depth += 1 }
            if text.peek(start) == UInt8(ascii: "(") { depth -= 1 }
        } while depth > 0 && start > 0
        var tail = text
        tail.advance(start)
        guard
            tail.starts(with: "(ttl ") || tail.starts(with: "(id ") || tail.starts(with: "(len ")
                || tail.starts(with: "(hlim "), let inside = tail.group()
        else { return }
        text = text.limited(to: text.position + start)
        read(inside)
        readMarks(text)
    }

    /// ` (DF) [tos 0x10,ECT(0)]  [ttl 1]` and ` (frag 7:1480@0+)` before the last bracket.
    private mutating func readMarks(_ text: TextCursor) {
        var marks = text
        marks.move(to: max(text.position, text.end - 80))
        dontFragment = marks.contains(" (DF)")
        if let found = marks.find(" [tos ") {
            var tos = marks
            tos.move(to: found + 6)
            if let value = tos.hexadecimal(), value < 256 { self.tos = UInt8(value) }
        }
        if let found = marks.find(" [ttl ") {
            var ttl = marks
            ttl.move(to: found + 6)
            if let value = ttl.number(limit: 255) { self.ttl = UInt8(value) }
        }
        if let found = marks.find(" (frag ") {
            var fragment = marks
            fragment.move(to: found + 7)
            if let value = fragment.number(limit: 0xffff) { id = UInt32(value) }
            if let at = fragment.find(UInt8(ascii: "@")) {
                fragment.move(to: at + 1)
                if let value = fragment.number(limit: 0xffff) { fragmentOffset = UInt32(value) }
                moreFragments = fragment.peek() == UInt8(ascii: "+")
            }
        }
    }

    /// Reads the inside of the brackets.
    ///
    /// Fields that are not known are stepped over.
    mutating func read(_ inside: TextCursor) {
        var cursor = inside
        while !cursor.isAtEnd {
            if cursor.skip(byte: UInt8(ascii: " ")) || cursor.skip(byte: UInt8(ascii: ",")) { continue }
            if !readField(&cursor) { Self.skipField(&cursor) }
        }
    }

    private mutating func readField(_ cursor: inout TextCursor) -> Bool {
        switch cursor.peek() {
        case UInt8(ascii: "t"):
            if cursor.skip("ttl ") {
                cursor.skipBlanks()
                guard let value = cursor.number(limit: 255) else { return false }
                ttl = UInt8(value)
                return true
            }
            guard cursor.skip("tos "), let value = cursor.hexadecimal(), value < 256 else { return false }
            tos = UInt8(value)
            // What follows without a blank is the ECN field in words: ",ECT(0)".
            if cursor.skip(byte: UInt8(ascii: ",")), cursor.peek() != UInt8(ascii: " ") { Self.skipField(&cursor) }
            return true
        case UInt8(ascii: "h"):
            guard cursor.skip("hlim "), let value = cursor.number(limit: 255) else { return false }
            ttl = UInt8(value)
            return true
        case UInt8(ascii: "c"):
            guard cursor.skip("class "), let value = cursor.hexadecimal(), value < 256 else { return false }
            tos = UInt8(value)
            return true
        case UInt8(ascii: "i"):
            guard cursor.skip("id "), let value = cursor.number(limit: 0xffff) else { return false }
            id = UInt32(value)
            return true
        case UInt8(ascii: "o"):
            if cursor.starts(with: "options (") || cursor.starts(with: "optlen") { hasOptions = true }
            guard cursor.skip("offset "), let value = cursor.number(limit: 0xffff) else { return false }
            fragmentOffset = UInt32(value)
            return true
        case UInt8(ascii: "f"): return readFlags(&cursor)
        case UInt8(ascii: "p"), UInt8(ascii: "n"), UInt8(ascii: "l"): return readProtocolOrLength(&cursor)
        default: return false
        }
    }

    private mutating func readFlags(_ cursor: inout TextCursor) -> Bool {
        if cursor.skip("flowlabel ") {
            guard let value = cursor.hexadecimal(), value <= 0xfffff else { return false }
            id = value
            return true
        }
        // The longest list of flags that tcpdump prints has 12 letters.
        guard cursor.skip("flags ["),
            let close = cursor.limited(to: cursor.position + 32).find(UInt8(ascii: "]"))
        else { return false }
        let flags = cursor.limited(to: close)
        dontFragment = flags.contains("DF")
        moreFragments = flags.contains("+")
        cursor.move(to: close + 1)
        return true
    }

    private mutating func readProtocolOrLength(_ cursor: inout TextCursor) -> Bool {
        if cursor.skip("proto") || cursor.skip("next-header") {
            _ = cursor.skip(byte: UInt8(ascii: ":"))
            cursor.skipBlanks()
            if let number = cursor.number(limit: 255) {
                ipProtocol = UInt8(number)
                return true
            }
            // "TCP (6)"; the name alone says nothing that is stable over versions.
            let field = cursor.limited(to: cursor.find(UInt8(ascii: ",")) ?? cursor.end)
            guard let open = field.find(UInt8(ascii: "(")) else { return false }
            cursor.move(to: open + 1)
            guard let number = cursor.number(limit: 255) else { return false }
            ipProtocol = UInt8(number)
            return cursor.skip(byte: UInt8(ascii: ")"))
        }
        _ = cursor.skip("payload ")
        guard cursor.skip("length") || cursor.skip("len") else { return false }
        _ = cursor.skip(byte: UInt8(ascii: ":"))
        cursor.skipBlanks()
        guard let value = cursor.number(limit: 1 << 24) else { return false }
        length = UInt32(value)
        return true
    }

    /// Steps to the next comma that is in no bracket.
    ///
    /// Linear also where brackets are never closed.
    private static func skipField(_ cursor: inout TextCursor) {
        var depth = 0
        while !cursor.isAtEnd {
            switch cursor.peek() {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth -= 1
            case UInt8(ascii: ",") where depth <= 0: return
            default: break
            }
            cursor.advance()
        }
    }
}
