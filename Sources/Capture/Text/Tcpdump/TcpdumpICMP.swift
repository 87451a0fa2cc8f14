// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The text of an ICMP or ICMPv6 message behind `src > dst: ` (print-icmp.c, print-icmp6.c), as far as the record needs
/// it.
struct TcpdumpICMP {
    var type: UInt8 = 0
    var code: UInt8 = 0
    /// An echo's identifier.
    var identifier: UInt16 = 0
    /// An echo's sequence number, else the four bytes behind the checksum (MTU, gateway) where the text tells them.
    var rest: UInt32 = 0
    /// The destination of the packet that an error or a redirect is about, and its protocol, where the message says
    /// them.
    private var subject: IPAddress?
    private var subjectProtocol: UInt8 = 0
    /// Of the whole message, header included, where it was printed.
    var length: UInt32?

    /// `ICMP echo request, id 1, seq 2, length 64`; before tcpdump 3.9 `icmp 64: echo request seq 2`.
    ///
    /// `nil` where the text is none of the messages that are known.
    init?(_ text: TextCursor, isIPv6: Bool) {
        var cursor = text
        // "[icmp6 sum ok] "
        if cursor.peek() == UInt8(ascii: "["), let close = cursor.find(UInt8(ascii: "]")) {
            cursor.move(to: close + 1)
            cursor.skipBlanks()
        }
        if cursor.skip("icmp ") {
            guard let value = cursor.number(), cursor.skip(": ") else { return nil }
            length = UInt32(value)
        } else if !cursor.skip("ICMP6, ") && !cursor.skip("ICMP ") && !cursor.skip("icmp6: ") && !cursor.skip("icmp: ")
        {
            return nil
        }
        guard isIPv6 ? readV6(&cursor) : readV4(&cursor) else { return nil }
        if let found = cursor.find(", length ") {
            cursor.move(to: found + 9)
            if let value = cursor.number(limit: 0xffff) { length = UInt32(value) }
        }
    }

    /// An error or a redirect: class `icmp`, and a quoted packet may follow.
    func isError(isIPv6: Bool) -> Bool {
        if isIPv6 { return (1...4).contains(type) || type == 137 }
        return [3, 4, 5, 11, 12].contains(type)
    }

    func isEcho(isIPv6: Bool) -> Bool {
        isIPv6 ? type == 128 || type == 129 : type == 0 || type == 8
    }

    /// The facts that the message itself gives about the packet that it is about, sent by `record`'s destination.
    ///
    /// Without -v nothing is quoted.
    func told(to record: PacketRecord) -> TextQuote? {
        subject.map {
            TextQuote(source: record.destination, destination: $0, isIPv6: record.isIPv6, ipProtocol: subjectProtocol)
        }
    }

    /// `10.0.0.1 tcp port 22`, `host 10.0.0.1`, `10.0.0.1`.
    private mutating func readSubject(_ text: TextCursor) {
        var cursor = text
        _ = cursor.skip("host ") || cursor.skip("net ")
        subject = cursor.word().ipv4()
        cursor.skipBlanks()
        if cursor.starts(with: "tcp port ") { subjectProtocol = 6 }
        if cursor.starts(with: "udp port ") { subjectProtocol = 17 }
    }

    // MARK: IPv4

    private mutating func readV4(_ cursor: inout TextCursor) -> Bool {
        if cursor.skip("echo request") { return readEcho(&cursor, type: 8) }
        if cursor.skip("echo reply") { return readEcho(&cursor, type: 0) }
        if cursor.skip("time exceeded in-transit") { return set(11, 0) }
        if cursor.skip("ip reassembly time exceeded") { return set(11, 1) }
        if cursor.skip("time exceeded-#") { return readNumberedCode(&cursor, type: 11) }
        if cursor.skip("redirect") { return readRedirect(&cursor) }
        if cursor.skip("parameter problem - octet ") {
            guard let octet = cursor.number(limit: 255) else { return false }
            rest = UInt32(octet) << 24
            return set(12, 0)
        }
        if cursor.skip("parameter problem - code ") { return readNumberedCode(&cursor, type: 12) }
        if cursor.skip("source quench") { return set(4, 0) }
        if cursor.skip("router advertisement") { return set(9, 0) }
        if cursor.skip("router solicitation") { return set(10, 0) }
        if cursor.skip("time stamp reply") { return readTimestamp(&cursor, type: 14) }
        if cursor.skip("time stamp query") || cursor.skip("time stamp request") {
            return readTimestamp(&cursor, type: 13)
        }
        if cursor.skip("information request") { return set(15, 0) }
        if cursor.skip("information reply") { return set(16, 0) }
        if cursor.skip("address mask request") { return set(17, 0) }
        if cursor.skip("address mask is") { return set(18, 0) }
        if cursor.skip("type-#") {
            guard let value = cursor.number(limit: 255) else { return false }
            return set(UInt8(value), 0)
        }
        return readUnreachable(&cursor)
    }

    private mutating func set(_ type: UInt8, _ code: UInt8) -> Bool {
        self.type = type
        self.code = code
        return true
    }

    private mutating func readNumberedCode(_ cursor: inout TextCursor, type: UInt8) -> Bool {
        guard let value = cursor.number(limit: 255) else { return false }
        return set(type, UInt8(value))
    }

    /// `, id 1, seq 2, length 64`; the identifier is missing before tcpdump 3.9, and both without -v before 3.8.
    private mutating func readEcho(_ cursor: inout TextCursor, type: UInt8) -> Bool {
        self.type = type
        while cursor.skip(byte: UInt8(ascii: ",")) || cursor.skip(byte: UInt8(ascii: " ")) || cursor.peek() == 0x28 {
            if cursor.skip("id ") {
                guard let value = cursor.number(limit: 0xffff) else { return false }
                identifier = UInt16(value)
            } else if cursor.skip("seq ") {
                guard let value = cursor.number(limit: 0xffff) else { return false }
                rest = UInt32(value)
            } else if cursor.starts(with: "length ") {
                // The caller looks for it with its comma.
                cursor.move(to: cursor.position - 2)
                return true
            } else if cursor.peek() != UInt8(ascii: " ") {
                return true
            }
        }
        return true
    }

    /// ` id 1 seq 2`.
    private mutating func readTimestamp(_ cursor: inout TextCursor, type: UInt8) -> Bool {
        if cursor.skip(" id "), let id = cursor.number(limit: 0xffff), cursor.skip(" seq "),
            let seq = cursor.number(limit: 0xffff)
        {
            rest = UInt32(id) << 16 | UInt32(seq)
        }
        return set(type, 0)
    }

    /// ` 10.0.0.1 to host 10.0.0.2`, behind `redirect` or `redirect-tos`.
    private mutating func readRedirect(_ cursor: inout TextCursor) -> Bool {
        let isTOS = cursor.skip("-tos")
        if cursor.skip("-#") {
            guard readNumberedCode(&cursor, type: 5) else { return false }
        } else if cursor.contains(" to net ") {
            _ = set(5, isTOS ? 2 : 0)
        } else {
            _ = set(5, isTOS ? 3 : 1)
        }
        guard let to = cursor.find(" to ") else { return false }
        cursor.skipBlanks()
        subject = cursor.limited(to: to).ipv4()
        cursor.move(to: to + 4)
        _ = cursor.skip("net ") || cursor.skip("host ")
        let gateway = cursor.limited(to: cursor.find(UInt8(ascii: ",")) ?? cursor.end)
        if let address = gateway.ipv4() { rest = UInt32(truncatingIfNeeded: address.low) }
        return true
    }

    /// `host 10.0.0.1 unreachable - admin prohibited filter` and its kin.
    private mutating func readUnreachable(_ cursor: inout TextCursor) -> Bool {
        guard let found = cursor.find(" unreachable") else { return false }
        let subject = cursor.limited(to: found)
        cursor.move(to: found + 12)
        let isNet = subject.starts(with: "net ")
        let isHost = subject.starts(with: "host ")
        readSubject(subject)
        if cursor.skip(" - ") {
            if cursor.skip("#") { return readNumberedCode(&cursor, type: 3) }
            if cursor.skip("need to frag") {
                if cursor.skip(" (mtu "), let mtu = cursor.number(limit: 0xffff) { rest = UInt32(mtu) }
                return set(3, 4)
            }
            if cursor.skip("source route failed") { return set(3, 5) }
            if cursor.skip("unknown") { return set(3, isNet ? 6 : 7) }
            if cursor.skip("source host isolated") { return set(3, 8) }
            if cursor.skip("admin prohibited filter") { return set(3, 13) }
            if cursor.skip("admin prohibited") { return set(3, isNet ? 9 : 10) }
            if cursor.skip("tos prohibited") { return set(3, isNet ? 11 : 12) }
            if cursor.skip("host precedence violation") { return set(3, 14) }
            if cursor.skip("precedence cutoff") { return set(3, 15) }
            return false
        }
        if isNet { return set(3, 0) }
        if isHost { return set(3, 1) }
        if subject.contains(" port ") { return set(3, 3) }
        if subject.contains(" protocol ") { return set(3, 2) }
        return false
    }
}
