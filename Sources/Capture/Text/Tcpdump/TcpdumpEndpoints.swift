// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// `10.0.0.1.22 > 10.0.0.2.33: `, `2001:db8::1.22 > …`, `host.example.ssh > …`, or without ports.
struct TcpdumpEndpoints {
    private var from: TextCursor
    private var to: TextCursor
    /// The ports, if they stand apart from the addresses, behind IPv6 extension headers.
    private var ports: (from: TextCursor, to: TextCursor)?

    /// Steps over both ends and the colon.
    ///
    /// `nil`, without moving, where they do not come next.
    init?(_ cursor: inout TextCursor) {
        var copy = cursor
        from = copy.word()
        guard !from.isAtEnd, copy.skip(" > ") else { return nil }
        let end = copy.word()
        guard end.count > 1, end.peek(end.count - 1) == UInt8(ascii: ":") else { return nil }
        to = end.limited(to: end.end - 1)
        copy.skipBlanks()
        cursor = copy
    }

    /// `443 > 50000: `.
    init?(ports cursor: inout TextCursor) {
        self.init(&cursor)
    }

    mutating func setPorts(_ other: TcpdumpEndpoints) {
        ports = (other.from, other.to)
    }

    /// Both ends have a port in digits behind their last dot.
    var hasNumberedPorts: Bool { [from, to].allSatisfy(Self.hasNumberedPort) }

    private static func hasNumberedPort(_ end: TextCursor) -> Bool {
        guard let dot = end.lastDot(), end.limited(to: dot).count > 0 else { return false }
        // "10.0.0.1" alone has no port.
        guard end.ipv4() == nil, end.ipv6() == nil else { return false }
        var port = end
        port.move(to: dot + 1)
        return port.number(limit: 0xffff) != nil && port.isAtEnd
    }

    func source(
        _ header: TcpdumpHeader, hasPort: Bool, _ names: inout TextNames
    ) -> (address: IPAddress, port: UInt16)? {
        Self.read(from, ports?.from, header, hasPort, &names)
    }

    func destination(
        _ header: TcpdumpHeader, hasPort: Bool, _ names: inout TextNames
    ) -> (address: IPAddress, port: UInt16)? {
        Self.read(to, ports?.to, header, hasPort, &names)
    }

    private static func read(
        _ text: TextCursor, _ separatePort: TextCursor?, _ header: TcpdumpHeader, _ hasPort: Bool,
        _ names: inout TextNames
    ) -> (address: IPAddress, port: UInt16)? {
        var address = text
        var port: UInt16 = 0
        if hasPort {
            var service = text
            if let separatePort {
                service = separatePort
            } else {
                guard let dot = text.lastDot() else { return nil }
                address = text.limited(to: dot)
                service.move(to: dot + 1)
            }
            var digits = service
            if let number = digits.number(limit: 0xffff), digits.isAtEnd {
                port = UInt16(number)
            } else {
                guard let number = names.port(of: service, isUDP: header.ipProtocol == 17) else { return nil }
                port = number
            }
        }
        guard let found = (header.isIPv6 ? address.ipv6() : address.ipv4()) ?? names.address(of: address) else {
            return nil
        }
        return (found, port)
    }
}
