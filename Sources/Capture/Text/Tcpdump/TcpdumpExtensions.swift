// SPDX-License-Identifier: Apache-2.0

/// IPv6 extension headers as tcpdump prints them behind the addresses:
/// `HBH (rtalert: 0x0000) (padn) ICMP6, …`, `frag (0x00000007:0|1448) 443 > 50000: Flags …`.
enum TcpdumpExtensions {
    /// More than a real packet has.
    private static let maximum = 16

    /// Steps over them.
    ///
    /// True where there were some: the protocol is then to be told from the text.
    static func skip(_ cursor: inout TextCursor, header: inout TcpdumpHeader) -> Bool {
        // Hop-by-hop, routing, fragment, destination options, mobility (RFC 8200, RFC 6275).
        guard let first = header.ipProtocol, [0, 43, 44, 60, 135].contains(first) else { return false }
        for _ in 0..<maximum {
            if cursor.skip("frag (") {
                readFragment(&cursor, header: &header)
            } else if !cursor.skip("HBH"), !cursor.skip("DSTOPT"), !cursor.skip("srcrt") {
                break
            }
            cursor.skipBlanks()
            while cursor.peek() == UInt8(ascii: "("), cursor.group() != nil { cursor.skipBlanks() }
        }
        header.ipProtocol = nil
        header.hasOptions = true
        return true
    }

    /// `0x00000007:1448|1000)`: identification, offset, length.
    private static func readFragment(_ cursor: inout TextCursor, header: inout TcpdumpHeader) {
        let inside = cursor.limited(to: cursor.find(UInt8(ascii: ")")) ?? cursor.end)
        cursor.move(to: inside.end + 1)
        var numbers = inside
        guard let colon = numbers.find(UInt8(ascii: ":")) else { return }
        numbers.move(to: colon + 1)
        if let offset = numbers.number(limit: 0xffff) { header.fragmentOffset = UInt32(offset) }
        header.moreFragments = header.fragmentOffset == 0
        if numbers.skip(byte: UInt8(ascii: "|")), let length = numbers.number(limit: 0xffff) {
            header.length = UInt32(length)
        }
    }
}
