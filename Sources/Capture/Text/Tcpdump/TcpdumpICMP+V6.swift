// SPDX-License-Identifier: Apache-2.0

extension TcpdumpICMP {
    /// The message behind `ICMP6, `.
    ///
    /// tcpdump quotes no packet for these.
    mutating func readV6(_ cursor: inout TextCursor) -> Bool {
        if cursor.skip("echo request") { return readEchoV6(&cursor, type: 128) }
        if cursor.skip("echo reply") { return readEchoV6(&cursor, type: 129) }
        if cursor.skip("destination unreachable, ") { return readUnreachableV6(&cursor) }
        if cursor.skip("packet too big") {
            type = 2
            if cursor.skip(", mtu "), let mtu = cursor.number() { rest = UInt32(mtu) }
            return true
        }
        if cursor.skip("time exceeded in-transit") {
            type = 3
            code = cursor.skip(" (reassembly)") ? 1 : 0
            return true
        }
        if cursor.skip("parameter problem") {
            type = 4
            if cursor.skip(", next header") { code = 1 }
            if cursor.skip(", option") { code = 2 }
            if cursor.skip(", incomplete header chain") { code = 3 }
            if cursor.skip(", code-#"), let value = cursor.number(limit: 255) { code = UInt8(value) }
            _ = cursor.skip(", erroneous")
            if cursor.skip(" - octet "), let pointer = cursor.number() { rest = UInt32(pointer) }
            return true
        }
        guard let other = Self.otherV6(&cursor) else { return false }
        type = other
        return true
    }

    private mutating func readEchoV6(_ cursor: inout TextCursor, type: UInt8) -> Bool {
        self.type = type
        if cursor.skip(", id ") {
            guard let value = cursor.number(limit: 0xffff) else { return false }
            identifier = UInt16(value)
        }
        if cursor.skip(", seq ") {
            guard let value = cursor.number(limit: 0xffff) else { return false }
            rest = UInt32(value)
        }
        return true
    }

    private mutating func readUnreachableV6(_ cursor: inout TextCursor) -> Bool {
        type = 1
        cursor.skipBlanks()
        if cursor.skip("unreachable route") {
            code = 0
        } else if cursor.skip("unreachable prohibited") {
            code = 1
        } else if cursor.skip("beyond scope") {
            code = 2
        } else if cursor.skip("unreachable address") {
            code = 3
        } else if cursor.skip("unreachable port") {
            code = 4
        } else if cursor.skip("unknown unreach code ("), let value = cursor.number(limit: 255) {
            code = UInt8(value)
        } else {
            return false
        }
        return true
    }

    /// The types that are no echo and no error, by their names in print-icmp6.c.
    private static func otherV6(_ cursor: inout TextCursor) -> UInt8? {
        if cursor.skip("multicast listener query") { return 130 }
        if cursor.skip("multicast listener report v2") { return 143 }
        if cursor.skip("multicast listener report") { return 131 }
        if cursor.skip("multicast listener done") { return 132 }
        if cursor.skip("router solicitation") { return 133 }
        if cursor.skip("router advertisement") { return 134 }
        if cursor.skip("neighbor solicitation") { return 135 }
        if cursor.skip("neighbor advertisement") { return 136 }
        if cursor.skip("redirect") { return 137 }
        if cursor.skip("router renumbering") { return 138 }
        if cursor.skip("node information query") { return 139 }
        if cursor.skip("node information reply") { return 140 }
        if cursor.skip("RPL") { return 155 }
        if cursor.skip("unknown icmp6 type ("), let value = cursor.number(limit: 255) { return UInt8(value) }
        return nil
    }
}
