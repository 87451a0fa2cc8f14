// SPDX-License-Identifier: Apache-2.0
internal import Packets

extension TextCursor {
    /// Reads the whole stretch as a dotted IPv4 address.
    func ipv4() -> IPAddress? {
        var copy = self
        guard let octets = copy.ipv4Octets(), copy.isAtEnd else { return nil }
        return IPAddress(v4: octets)
    }

    /// Steps over four decimal octets with dots between.
    private mutating func ipv4Octets() -> UInt32? {
        var value: UInt32 = 0
        for index in 0..<4 {
            if index > 0, !skip(byte: UInt8(ascii: ".")) { return nil }
            guard let octet = number(limit: 255) else { return nil }
            value = value << 8 | UInt32(octet)
        }
        return value
    }

    /// Reads the whole stretch as an IPv6 address (RFC 4291, 2.2), with a trailing IPv4 part or without.
    ///
    /// A zone is not accepted.
    func ipv6() -> IPAddress? {
        var copy = self
        var words: (high: UInt64, low: UInt64) = (0, 0)
        var tail: (high: UInt64, low: UInt64) = (0, 0)
        var count = 0
        var countBeforeGap: Int?
        if copy.skip("::") { countBeforeGap = 0 }
        while !copy.isAtEnd {
            guard count < 8 else { return nil }
            let start = copy
            var value: UInt64 = 0
            var digits = 0
            while let digit = Self.hexadecimalDigit(copy.peek()) {
                value = value << 4 | UInt64(digit)
                digits += 1
                copy.advance()
                if digits > 4 { return nil }
            }
            if copy.peek() == UInt8(ascii: "."), count <= 6 {
                var octets = start
                guard let last = octets.ipv4Octets(), octets.isAtEnd else { return nil }
                Self.append(UInt64(last >> 16), to: &words)
                Self.append(UInt64(last & 0xffff), to: &words)
                count += 2
                copy.move(to: octets.position)
                break
            }
            guard digits > 0 else { return nil }
            Self.append(value, to: &words)
            count += 1
            if copy.isAtEnd { break }
            if copy.starts(with: "::") {
                guard countBeforeGap == nil else { return nil }
                countBeforeGap = count
                tail = words
                words = (0, 0)
                copy.advance(2)
            } else if !copy.skip(byte: UInt8(ascii: ":")) || copy.isAtEnd {
                return nil
            }
        }
        guard let countBeforeGap else { return count == 8 ? IPAddress(high: words.high, low: words.low) : nil }
        guard count < 8 else { return nil }
        // The words before the gap go to the front: shifted by the words that are missing behind them.
        for _ in countBeforeGap..<8 { Self.append(0, to: &tail) }
        return IPAddress(high: tail.high | words.high, low: tail.low | words.low)
    }

    private static func append(_ word: UInt64, to words: inout (high: UInt64, low: UInt64)) {
        words.high = words.high << 16 | words.low >> 48
        words.low = words.low << 16 | word
    }
}
