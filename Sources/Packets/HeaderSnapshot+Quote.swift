// SPDX-License-Identifier: Apache-2.0
internal import CPacket

extension HeaderSnapshot {
    /// Headers before the transport header of a quoted IPv6 packet that are skipped: as many as the parser does.
    private static let quotedExtensions = 2

    /// The packet that an ICMP error or redirect quotes; `nil` where it quotes none, or not even an IP header.
    package var quote: QuotedPacket? {
        guard quote_offset != 0 else { return nil }
        return withBytes { bytes in
            let start = Int(quote_offset)
            guard start < bytes.count else { return nil }
            switch bytes[start] >> 4 {
            case 4: return Self.quoteV4(bytes, at: start)
            case 6: return Self.quoteV6(bytes, at: start)
            default: return nil
            }
        }
    }

    /// The target of an ICMPv6 redirect, the better first hop, and the destination that it is for (RFC 4861, 4.5);
    /// `nil` where they are not all there.
    ///
    /// The caller knows that it is one.
    package var redirectedV6: (target: IPAddress, destination: IPAddress)? {
        withBytes { bytes in
            let start = Int(transport_offset)
            guard let target = Self.loadV6(bytes, at: start + 8),
                let destination = Self.loadV6(bytes, at: start + 24)
            else { return nil }
            return (target, destination)
        }
    }

    private static func quoteV4(_ bytes: UnsafeRawBufferPointer, at start: Int) -> QuotedPacket? {
        let header = Int(bytes[start] & 15) * 4
        guard header >= 20, let source = load32(bytes, at: start + 12), let destination = load32(bytes, at: start + 16),
            let fragment = load16(bytes, at: start + 6)
        else { return nil }
        var quote = QuotedPacket(
            source: IPAddress(v4: source), destination: IPAddress(v4: destination),
            protocolNumber: bytes[start + 9], ttl: bytes[start + 8])
        // A later fragment has no transport header.
        if fragment & 0x1fff == 0 { readTransport(bytes, at: start + header, into: &quote) }
        return quote
    }

    private static func quoteV6(_ bytes: UnsafeRawBufferPointer, at start: Int) -> QuotedPacket? {
        guard let source = loadV6(bytes, at: start + 8), let destination = loadV6(bytes, at: start + 24) else {
            return nil
        }
        var quote = QuotedPacket(
            source: source, destination: destination, protocolNumber: nil, ttl: bytes[start + 7])
        var next = bytes[start + 6]
        var offset = start + 40
        for _ in 0..<quotedExtensions {
            // Hop-by-hop, routing, fragment and destination options (RFC 8200, 4).
            guard [0, 43, 44, 60].contains(next) else { break }
            guard offset + 4 <= bytes.count else { return quote }
            let isFragment = next == 44
            if isFragment, let fragment = load16(bytes, at: offset + 2), fragment & 0xfff8 != 0 { return quote }
            next = bytes[offset]
            offset += isFragment ? 8 : 8 + Int(bytes[offset + 1]) * 8
        }
        quote.protocolNumber = next
        readTransport(bytes, at: offset, into: &quote)
        return quote
    }

    private static func readTransport(_ bytes: UnsafeRawBufferPointer, at offset: Int, into quote: inout QuotedPacket) {
        switch quote.protocolNumber {
        case 6, 17:
            guard let source = load16(bytes, at: offset), let destination = load16(bytes, at: offset + 2) else {
                return
            }
            quote.ports = (source, destination)
            guard quote.protocolNumber == 6 else { return }
            quote.seq = load32(bytes, at: offset + 4)
            quote.ack = load32(bytes, at: offset + 8)
            if offset + 14 <= bytes.count { quote.flags = TCPFlags(rawValue: bytes[offset + 13]) }
        case 1, 58:
            guard offset + 8 <= bytes.count, [0, 8, 128, 129].contains(bytes[offset]),
                let identifier = load16(bytes, at: offset + 4)
            else { return }
            quote.ports = (identifier, identifier)
            quote.seq = load16(bytes, at: offset + 6).map { UInt32($0) }
        default: break
        }
    }

    private static func loadV6(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> IPAddress? {
        guard let first = load32(bytes, at: offset), let second = load32(bytes, at: offset + 4),
            let third = load32(bytes, at: offset + 8), let fourth = load32(bytes, at: offset + 12)
        else { return nil }
        return IPAddress(high: UInt64(first) << 32 | UInt64(second), low: UInt64(third) << 32 | UInt64(fourth))
    }
}
