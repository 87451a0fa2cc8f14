// SPDX-License-Identifier: Apache-2.0
internal import Packets
internal import Reporting

/// Finds addresses, with their ports, in text that some tool has printed.
///
/// Ports are taken as `a:p`, `a.p` (tcpdump), `a#p` (dig), `a(p)` (Cisco IOS), `a/p` (Cisco ASA), `a port p` (sshd,
/// curl), `"a", port p` (psql), `('a', p)` (Python), `a tcp/p`, `[v6]:p` and by the name of their service. After an
/// IPv6 address a colon is part of it, except in netstat's lines of tcp6.
struct EndpointScanner {
    struct Endpoint: Equatable {
        var address: IPAddress
        var port: UInt16?
        /// The number behind a slash: a port in a pair, a prefix length by itself.
        var slash: UInt16?
        /// The position in the text.
        var range: Range<Int>

        var end: Question.FlowPattern.End { Question.FlowPattern.End(address, port ?? slash) }
    }

    /// Endpoints are looked for until there are so many.
    private static let bound = 64
    /// The longest address, zone or name of a service, in bytes.
    static let longest = 64

    let bytes: [UInt8]
    let colonBeforePort: Bool

    /// Without addresses that mean "any", which listening sockets show.
    static func endpoints(in bytes: [UInt8]) -> [Endpoint] {
        let scanner = EndpointScanner(bytes: bytes, colonBeforePort: contains(Array("tcp6".utf8), in: bytes))
        var found: [Endpoint] = []
        var position = 0
        while position < bytes.count, found.count < bound {
            guard let endpoint = scanner.endpoint(at: position) else {
                position += 1
                continue
            }
            position = endpoint.range.upperBound
            if !isAny(endpoint.address) { found.append(endpoint) }
        }
        return found
    }

    private static func isAny(_ address: IPAddress) -> Bool {
        address.isIPv4 ? address.low << 32 == 0 : address.high == 0 && address.low == 0
    }

    func byte(_ position: Int) -> UInt8 { bytes.indices.contains(position) ? bytes[position] : 0 }

    private func endpoint(at start: Int) -> Endpoint? {
        let before = byte(start - 1)
        if byte(start) == UInt8(ascii: "[") { return bracketed(at: start) }
        guard start == 0 || !(before.isWordByte || before == UInt8(ascii: ".") || before == UInt8(ascii: "-")) else {
            return nil
        }
        return version4(at: start) ?? version6(at: start, before)
    }

    // MARK: Addresses

    private func version4(at start: Int) -> Endpoint? {
        var position = start
        var octets: UInt32 = 0
        for number in 0..<4 {
            if number > 0 {
                guard byte(position) == UInt8(ascii: ".") else { return nil }
                position += 1
            }
            let digits = digits(at: position, atMost: 3)
            guard let value = digits.value, value <= 255, digits.count == 1 || byte(position) != UInt8(ascii: "0")
            else {
                return nil
            }
            octets = octets << 8 | UInt32(value)
            position += digits.count
        }
        guard !byte(position).isWordByte else { return nil }
        let endpoint = Endpoint(address: IPAddress(v4: octets), range: start..<position)
        // A fifth number is the port, as tcpdump has it; a sixth makes it something else.
        if byte(position) == UInt8(ascii: ".") {
            let digits = digits(at: position + 1, atMost: 5)
            if digits.count > 0 {
                let end = position + 1 + digits.count
                guard let value = digits.value, let port = UInt16(exactly: value), !byte(end).isWordByte,
                    !(byte(end) == UInt8(ascii: ".") && Self.isDigit(byte(end + 1)))
                else { return nil }
                return Endpoint(address: endpoint.address, port: port, range: start..<end)
            }
            if let (port, end) = service(at: position + 1) {
                return Endpoint(address: endpoint.address, port: port, range: start..<end)
            }
            // A name such as 2.0.4.10.in-addr.arpa.
            if byte(position + 1).isWordByte { return nil }
            return endpoint
        }
        return withPort(endpoint, colonIsPort: true)
    }

    private func version6(at start: Int, _ before: UInt8) -> Endpoint? {
        guard before != UInt8(ascii: ":"), Self.isHex(byte(start)) || byte(start) == UInt8(ascii: ":") else {
            return nil
        }
        var end = start
        while end - start <= Self.longest,
            Self.isHex(byte(end)) || byte(end) == UInt8(ascii: ":") || byte(end) == UInt8(ascii: ".")
        {
            end += 1
        }
        guard end - start <= Self.longest, bytes[start..<end].count(where: { $0 == UInt8(ascii: ":") }) >= 2 else {
            return nil
        }
        if byte(end).isWordByte {
            // A service by its name, as tcpdump has it.
            guard let dot = bytes[start..<end].lastIndex(of: UInt8(ascii: ".")), let address = address(start..<dot),
                let (port, behind) = service(at: dot + 1)
            else { return nil }
            return Endpoint(address: address, port: port, range: start..<behind)
        }
        if colonBeforePort, let endpoint = divided(start..<end, at: UInt8(ascii: ":")) { return endpoint }
        if let address = address(start..<end) {
            return withPort(Endpoint(address: address, range: start..<end), colonIsPort: false)
        }
        // What ends a sentence, or tcpdump's addresses, is none of it.
        let isTrimmed = byte(end - 1) == UInt8(ascii: ":") || byte(end - 1) == UInt8(ascii: ".")
        let range = start..<(isTrimmed ? end - 1 : end)
        return divided(range, at: UInt8(ascii: ".")) ?? address(range).map { Endpoint(address: $0, range: range) }
    }

    /// An address, `separator`, a port.
    private func divided(_ range: Range<Int>, at separator: UInt8) -> Endpoint? {
        guard let place = bytes[range].lastIndex(of: separator), let address = address(range.lowerBound..<place) else {
            return nil
        }
        let digits = digits(at: place + 1, atMost: 5)
        guard let value = digits.value, let port = UInt16(exactly: value), place + 1 + digits.count == range.upperBound
        else { return nil }
        return Endpoint(address: address, port: port, range: range)
    }

    /// `[2001:db8::1]:443`; brackets around anything else are passed over.
    private func bracketed(at start: Int) -> Endpoint? {
        guard let close = bytes[start...].prefix(Self.longest + 2).firstIndex(of: UInt8(ascii: "]")) else { return nil }
        let zone = bytes[start..<close].firstIndex(of: UInt8(ascii: "%")) ?? close
        guard let address = address(start + 1..<zone) else { return nil }
        let endpoint = Endpoint(address: address, range: start..<close + 1)
        if byte(close + 1) == UInt8(ascii: "."), let port = port(at: close + 2) {
            return Endpoint(address: address, port: port.value, range: start..<port.end)
        }
        return withPort(endpoint, colonIsPort: true)
    }

    private func address(_ range: Range<Int>) -> IPAddress? {
        guard !range.isEmpty else { return nil }
        return IPAddress(String(decoding: bytes[range], as: UTF8.self))
    }

    // MARK: Characters

    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    static func isHex(_ byte: UInt8) -> Bool { isDigit(byte) || (0x61...0x66).contains(byte | 0x20) }

    private static func contains(_ word: [UInt8], in bytes: [UInt8]) -> Bool {
        guard bytes.count >= word.count else { return false }
        return (0...bytes.count - word.count).contains { start in
            zip(bytes[start...], word).allSatisfy { $0 == $1 }
        }
    }
}
