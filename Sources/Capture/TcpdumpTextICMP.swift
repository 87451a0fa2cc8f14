// SPDX-License-Identifier: Apache-2.0

/// What tcpdump prints behind `src > dst: ` of an ICMP or ICMPv6 message (print-icmp.c, print-icmp6.c), as far as the
/// record needs it.
struct TcpdumpTextICMP {
    var type: UInt8
    var code: UInt8 = 0
    /// An echo's identifier.
    var identifier: UInt16 = 0
    /// An echo's sequence number, or the four bytes behind an error's checksum (MTU, gateway).
    var rest: UInt32 = 0
    /// Of the whole message, header included, where it was printed.
    var length: UInt32?
    /// An error or a redirect: a quoted packet follows.
    var isError = false

    /// `ICMP echo request, id 1, seq 2, length 64`; before tcpdump 3.9 `icmp 64: echo request seq 2`. `nil` where the
    /// text is none of the messages that are known.
    init?(_ text: TcpdumpTextCursor, isIPv6: Bool) {
        var cursor = text
        if cursor.skip("ICMP6, ") || cursor.skip("ICMP ") || cursor.skip("icmp6: ") || cursor.skip("icmp: ") {
            // The name of the protocol is stepped over.
        } else if cursor.skip("icmp ") {
            guard let value = cursor.number(), cursor.skip(": ") else { return nil }
            length = UInt32(value)
        } else {
            return nil
        }
        type = 0
        if cursor.skip("echo request") {
            type = isIPv6 ? 128 : 8
        } else if cursor.skip("echo reply") {
            type = isIPv6 ? 129 : 0
        } else {
            return nil
        }
        guard readEcho(&cursor) else { return nil }
    }

    private mutating func readEcho(_ cursor: inout TcpdumpTextCursor) -> Bool {
        while !cursor.isAtEnd {
            if cursor.skip("id ") || cursor.skip("id:") {
                guard let value = cursor.number(limit: 0xffff) else { return false }
                identifier = UInt16(value)
            } else if cursor.skip("seq ") || cursor.skip("seq:") {
                guard let value = cursor.number(limit: 0xffff) else { return false }
                rest = UInt32(value)
            } else if cursor.skip("length ") {
                guard let value = cursor.number(limit: 0xffff) else { return false }
                length = UInt32(value)
                return true
            } else {
                cursor.advance()
            }
        }
        return true
    }
}
