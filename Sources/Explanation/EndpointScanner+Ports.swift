// SPDX-License-Identifier: Apache-2.0
internal import Packets
internal import Reporting

extension EndpointScanner {
    /// Returns the endpoint with the port that follows its address.
    func withPort(_ endpoint: Endpoint, colonIsPort: Bool) -> Endpoint {
        var endpoint = endpoint
        var position = endpoint.range.upperBound
        if byte(position) == UInt8(ascii: "%") {
            position += 1
            let start = position
            while position - start <= Self.longest, byte(position).isWordByte || byte(position) == UInt8(ascii: "-") {
                position += 1
            }
            endpoint.range = endpoint.range.lowerBound..<position
        }
        let start = endpoint.range.lowerBound
        switch byte(position) {
        case UInt8(ascii: ":") where colonIsPort || endpoint.address.isIPv4, UInt8(ascii: "#"):
            guard let port = port(at: position + 1) else { return endpoint }
            return Endpoint(address: endpoint.address, port: port.value, range: start..<port.end)
        case UInt8(ascii: "("):
            let digits = digits(at: position + 1, atMost: 5)
            let end = position + 1 + digits.count
            guard let port = digits.value.flatMap({ UInt16(exactly: $0) }), byte(end) == UInt8(ascii: ")") else {
                return endpoint
            }
            return Endpoint(address: endpoint.address, port: port, range: start..<end + 1)
        case UInt8(ascii: "/"):
            let digits = digits(at: position + 1, atMost: 5)
            guard let number = digits.value.flatMap({ UInt16(exactly: $0) }),
                !byte(position + 1 + digits.count).isWordByte
            else { return endpoint }
            endpoint.slash = number
            endpoint.range = start..<position + 1 + digits.count
            return endpoint
        default: return namedPort(endpoint, at: position)
        }
    }

    /// The texts between an address and its port, in either case.
    private static let introductions = [
        " port ", ", port ", "\", port ", "', port ", "', port=", "', ", " tcp/", " tcp port ",
    ].map { Array($0.utf8) }

    /// `10.4.0.2 port 22`, and what else `introductions` has.
    private func namedPort(_ endpoint: Endpoint, at position: Int) -> Endpoint {
        for words in Self.introductions where follows(words, at: position) {
            let digits = digits(at: position + words.count, atMost: 5)
            let end = position + words.count + digits.count
            guard let port = digits.value.flatMap({ UInt16(exactly: $0) }), !byte(end).isWordByte else { continue }
            return Endpoint(address: endpoint.address, port: port, range: endpoint.range.lowerBound..<end)
        }
        return endpoint
    }

    private func follows(_ words: [UInt8], at position: Int) -> Bool {
        bytes.count - position > words.count
            && zip(bytes[position...], words).allSatisfy { byte, word in
                byte == word || (0x61...0x7a).contains(word) && byte | 0x20 == word
            }
    }

    /// The two ports of a line of Wireshark or tshark, which has them behind both addresses: `TCP 54 22 → 50992 [RST,
    /// ACK]`.
    static func arrowedPorts(in bytes: [UInt8], from start: Int) -> (source: UInt16, destination: UInt16)? {
        let scanner = EndpointScanner(bytes: bytes, colonBeforePort: false)
        for arrow in [" \u{2192} ", " > ", " -> "].map({ Array($0.utf8) }) {
            var position = start
            while position < bytes.count {
                guard scanner.follows(arrow, at: position) else {
                    position += 1
                    continue
                }
                var first = position
                while first > start, isDigit(bytes[first - 1]) { first -= 1 }
                let (source, destination) = (scanner.port(at: first), scanner.port(at: position + arrow.count))
                if let source, source.end == position, first > start,
                    bytes[first - 1] == 0x20 || bytes[first - 1] == 0x09,
                    let destination
                {
                    return (source.value, destination.value)
                }
                position += arrow.count
            }
        }
        return nil
    }

    /// A number, or the name of a service.
    func port(at position: Int) -> (value: UInt16, end: Int)? {
        let digits = digits(at: position, atMost: 5)
        let end = position + digits.count
        if let value = digits.value.flatMap({ UInt16(exactly: $0) }), !byte(end).isWordByte { return (value, end) }
        return service(at: position)
    }

    func service(at start: Int) -> (value: UInt16, end: Int)? {
        guard byte(start).isWordByte, !Self.isDigit(byte(start)) else { return nil }
        var end = start
        while end - start < Self.longest, byte(end).isWordByte || byte(end) == UInt8(ascii: "-") { end += 1 }
        return ServicePort.named(String(decoding: bytes[start..<end], as: UTF8.self)).map { ($0, end) }
    }

    /// Decimal digits from `start` on; no value where there are none, or more than `bound`.
    func digits(at start: Int, atMost bound: Int) -> (value: Int?, count: Int) {
        var count = 0
        var value = 0
        while count <= bound, Self.isDigit(byte(start + count)) {
            value = value * 10 + Int(byte(start + count) - 0x30)
            count += 1
        }
        return (count == 0 || count > bound ? nil : value, count)
    }
}
