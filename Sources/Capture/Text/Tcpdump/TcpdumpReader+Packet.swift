// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// From the link header to the ports.
extension TcpdumpReader {
    /// The rest of a packet's first line.
    mutating func readLink(_ link: TcpdumpLink, _ text: TextCursor, _ output: inout TextOutput) {
        domain = link.domain
        sourceMAC = link.sourceMAC
        if let name = link.interface { current.record.interface = output.interfaces.slot(of: name) }
        if link.isEgress { current.record.interface |= UInt8(PACKET_INTERFACE_EGRESS) }
        switch link.content {
        case .other: output.refuse(.notIP)
        case .mpls: expectation = .header(.outer)
        case .ipv4: readHeader(text, isIPv6: false, isBare: link.isBare, layer: .outer, &output)
        case .ipv6: readHeader(text, isIPv6: true, isBare: link.isBare, layer: .outer, &output)
        }
    }

    /// The header in a tunnel, behind labels, or quoted.
    mutating func readInside(_ link: TcpdumpLink, _ text: TextCursor, layer: Layer, _ output: inout TextOutput) {
        if layer == .inner {
            domain = link.domain
            if link.sourceMAC != 0 { sourceMAC = link.sourceMAC }
        }
        switch link.content {
        case .ipv4: readHeader(text, isIPv6: false, isBare: link.isBare, layer: layer, &output)
        case .ipv6: readHeader(text, isIPv6: true, isBare: link.isBare, layer: layer, &output)
        case .mpls: expectation = .header(layer)
        case .other: finish(layer, .notIP, &output)
        }
    }

    /// Ends a layer that cannot be used.
    ///
    /// What was read before it stays.
    private mutating func finish(_ layer: Layer, _ refusal: TextRefusal, _ output: inout TextOutput) {
        if layer != .quote, !hasRecord { output.refuse(refusal) }
    }

    private mutating func readHeader(
        _ text: TextCursor, isIPv6: Bool, isBare: Bool, layer: Layer, _ output: inout TextOutput
    ) {
        var cursor = text
        var header = TcpdumpHeader(isIPv6: isIPv6)
        header.mayHaveTail = isBare
        Self.skipComplaint(&cursor)
        // Else a placeholder: "(server).22 > …".
        if TcpdumpHeader.isBracket(cursor) {
            guard let inside = cursor.group() else {
                finish(layer, .notUnderstood("the IP header's bracket is not closed"), &output)
                return
            }
            header.read(inside)
            cursor.skipBlanks()
            Self.skipComplaint(&cursor)
        }
        if cursor.isAtEnd {
            expectation = .transport(header, layer)
        } else {
            readTransport(cursor, header: header, layer: layer, &output)
        }
    }

    /// Skips tcpdump's remark about a truncated packet or inconsistent lengths: `truncated-ip - 20 bytes missing! `,
    /// `[total length 60 > length 40] (invalid) `.
    private static func skipComplaint(_ cursor: inout TextCursor) {
        if cursor.starts(with: "truncated-ip"), let found = cursor.find("missing!") {
            cursor.move(to: found + 8)
        } else if isComplaint(cursor), let close = cursor.find(UInt8(ascii: "]")) {
            cursor.move(to: close + 1)
            _ = cursor.skip(" (invalid)")
        } else {
            return
        }
        cursor.skipBlanks()
    }

    /// Else a placeholder: `[SERVER].22 > …`.
    private static func isComplaint(_ cursor: TextCursor) -> Bool {
        cursor.starts(with: "[total ") || cursor.starts(with: "[header ") || cursor.starts(with: "[length ")
            || cursor.starts(with: "[payload ") || cursor.starts(with: "[|") || cursor.starts(with: "[bad ")
    }

    /// `src > dst: …`.
    mutating func readTransport(_ text: TextCursor, header: TcpdumpHeader, layer: Layer, _ output: inout TextOutput) {
        if let refusal = transport(text, header: header, layer: layer, &output) { finish(layer, refusal, &output) }
    }

    private mutating func transport(
        _ text: TextCursor, header printed: TcpdumpHeader, layer: Layer,
        _ output: inout TextOutput
    ) -> TextRefusal? {
        var header = printed
        var cursor = text
        if header.mayHaveTail { header.readTail(of: &cursor) }
        if header.fragmentOffset != 0 { return .laterFragment }
        var endpoints = TcpdumpEndpoints(&cursor)
        if endpoints == nil { return .notUnderstood("\"source > destination:\" is missing") }
        if header.isIPv6, TcpdumpExtensions.skip(&cursor, header: &header) {
            if header.fragmentOffset != 0 { return .laterFragment }
            // The ports stand behind the extension headers, without the addresses.
            if let ports = TcpdumpEndpoints(ports: &cursor) { endpoints?.setPorts(ports) }
        }
        guard let endpoints else { return nil }
        switch header.ipProtocol {
        case 6: return readTCP(cursor, endpoints, header: header, layer: layer, &output)
        case 17: return readUDP(cursor, endpoints, header: header, layer: layer, &output)
        case 1, 58: return readICMP(cursor, endpoints, header: header, layer: layer, &output)
        case 4, 41: return enter(PACKET_TUNNEL_IPIP, identifier: 0, cursor, layer: layer, &output)
        case 47: return readGRE(cursor, layer: layer, &output)
        case nil: return readUnnamed(cursor, endpoints, header: header, layer: layer, &output)
        default: return .otherProtocol
        }
    }

    /// A packet whose IP protocol was not printed: tcpdump before 3.9, or behind IPv6 extension headers.
    private mutating func readUnnamed(
        _ text: TextCursor, _ endpoints: TcpdumpEndpoints, header printed: TcpdumpHeader, layer: Layer,
        _ output: inout TextOutput
    ) -> TextRefusal? {
        var header = printed
        if text.starts(with: "icmp") || text.starts(with: "ICMP") || text.starts(with: "[icmp6")
            || text.starts(with: "[bad icmp6")
        {
            header.ipProtocol = header.isIPv6 ? 58 : 1
            return readICMP(text, endpoints, header: header, layer: layer, &output)
        }
        if TcpdumpTCP(text) != nil {
            header.ipProtocol = 6
            return readTCP(text, endpoints, header: header, layer: layer, &output)
        }
        if text.starts(with: "udp ") || text.starts(with: "UDP, ") || text.starts(with: "[udp sum")
            || text.starts(with: "[bad udp") || text.starts(with: "[no cksum]")
        {
            header.ipProtocol = 17
            return readUDP(text, endpoints, header: header, layer: layer, &output)
        }
        // "tcp 0", of -q.
        if text.starts(with: "tcp ") { return .withoutFlags }
        if text.starts(with: "Flags [") { return .notUnderstood("the TCP segment's flags or window are missing") }
        // Without -v tcpdump does not say UDP where it knows what is in it: "12345+ A? example.com. (29)".
        if header.length == nil, endpoints.hasNumberedPorts, !text.starts(with: "sctp") {
            header.ipProtocol = 17
            return readUDP(text, endpoints, header: header, layer: layer, &output)
        }
        return .otherProtocol
    }

    private mutating func readTCP(
        _ text: TextCursor, _ endpoints: TcpdumpEndpoints, header: TcpdumpHeader, layer: Layer,
        _ output: inout TextOutput
    ) -> TextRefusal? {
        if layer == .quote { return readQuotedPorts(text, endpoints, header: header, &output) }
        guard let segment = TcpdumpTCP(text) else {
            if text.starts(with: "tcp ") { return .withoutFlags }
            return .notUnderstood("the TCP segment's flags or window are missing")
        }
        guard var record = record(header, endpoints, hasPorts: true, &output) else { return Self.badEndpoint(output) }
        let numbers = sequences.absolute(segment, of: record.fiveTuple)
        record.seq = numbers.seq
        record.ack = numbers.ack
        record.flags = segment.flags.rawValue
        record.window = segment.window
        record.payload_length = UInt16(clamping: segment.payloadLength)
        options = segment.options
        if layer == .outer { lastSegment = record }
        let packetClass: PacketClass =
            if segment.flags.contains(.rst) {
                .reset
            } else {
                segment.flags.isDisjoint(with: [.syn, .fin]) ? .bulk : .handshake
            }
        record.class = packetClass.rawValue
        deliver(record, &output)
        return nil
    }

    private mutating func readUDP(
        _ text: TextCursor, _ endpoints: TcpdumpEndpoints, header: TcpdumpHeader, layer: Layer,
        _ output: inout TextOutput
    ) -> TextRefusal? {
        if layer == .quote { return readQuotedPorts(text, endpoints, header: header, &output) }
        guard var record = record(header, endpoints, hasPorts: true, &output) else { return Self.badEndpoint(output) }
        var length = header.payload(behind: 8)
        if header.hasOptions, let found = text.find("UDP, length ") {
            var number = text
            number.move(to: found + 12)
            if let value = number.number(limit: 0xffff) { length = UInt32(value) }
        }
        record.payload_length = UInt16(clamping: length)
        var cursor = text
        if cursor.peek() == UInt8(ascii: "["), let close = cursor.find("] ") { cursor.move(to: close + 2) }
        guard layer == .outer, let found = Self.udpTunnel(&cursor) else {
            deliver(record, &output)
            return nil
        }
        // The outer packet is handed out unless the inner one is understood.
        keep(record)
        return enter(found.tunnel, identifier: found.identifier, cursor, layer: layer, &output)
    }

    private mutating func readICMP(
        _ text: TextCursor, _ endpoints: TcpdumpEndpoints, header: TcpdumpHeader, layer: Layer,
        _ output: inout TextOutput
    ) -> TextRefusal? {
        guard let message = TcpdumpICMP(text, isIPv6: header.isIPv6) else {
            return .notUnderstood("the ICMP message is not known")
        }
        let isEcho = message.isEcho(isIPv6: header.isIPv6)
        if layer == .quote {
            if isEcho { current.record.ack = UInt32(message.identifier) << 16 | UInt32(message.identifier) }
            if let quoted = self.record(header, endpoints, hasPorts: false, &output) {
                quote = Self.quote(quoted, header)
                if isEcho { quote?.ports = (message.identifier, message.identifier) }
                quote?.seq = message.rest
            }
            complete(&output)
            return nil
        }
        guard var record = record(header, endpoints, hasPorts: false, &output) else { return Self.badEndpoint(output) }
        record.src_port = message.identifier
        record.dst_port = message.identifier
        record.seq = message.rest
        record.window = UInt16(message.type) << 8 | UInt16(message.code)
        let length = message.length.map { $0 > 8 ? $0 - 8 : 0 } ?? header.payload(behind: 8)
        record.payload_length = UInt16(clamping: length)
        let isError = message.isError(isIPv6: header.isIPv6)
        let packetClass: PacketClass = isError ? .icmp : isEcho ? .handshake : .bulk
        record.class = packetClass.rawValue
        guard isError else {
            deliver(record, &output)
            return nil
        }
        keep(record)
        quote = message.told(to: record)
        tellPorts()
        expectation = .header(.quote)
        readOldQuote(text, &output)
        return nil
    }

    /// `… for 10.0.0.1.22 > …`: tcpdump before 3.9 quotes in the same line, with -vv.
    private mutating func readOldQuote(_ text: TextCursor, _ output: inout TextOutput) {
        var cursor = text
        guard let found = cursor.find(" for ") else { return }
        cursor.move(to: found + 5)
        guard let link = TcpdumpLink(&cursor) else { return }
        expectation = .nothing
        readInside(link, cursor, layer: .quote, &output)
    }

    /// The ports of a quoted segment or datagram.
    private mutating func readQuotedPorts(
        _ text: TextCursor, _ endpoints: TcpdumpEndpoints, header: TcpdumpHeader,
        _ output: inout TextOutput
    ) -> TextRefusal? {
        if let quoted = record(header, endpoints, hasPorts: true, &output) {
            current.record.ack = UInt32(quoted.src_port) << 16 | UInt32(quoted.dst_port)
            quote = Self.quote(quoted, header)
            quote?.ports = (quoted.src_port, quoted.dst_port)
            // tcpdump remembers the numbers of a quoted segment as of any other.
            if header.ipProtocol == 6, let segment = TcpdumpTCP(text) {
                let numbers = sequences.absolute(segment, of: quoted.fiveTuple)
                quote?.seq = numbers.seq
                quote?.ack = numbers.ack
                quote?.flags = segment.flags.rawValue
                quote?.window = segment.window
            }
        }
        complete(&output)
        return nil
    }

    /// Without -v an error does not say which ports it is about: those of the segment before it, if that went the same
    /// way.
    private mutating func tellPorts() {
        guard let told = quote, told.ports == nil, told.ipProtocol == 0 || told.ipProtocol == 6, let lastSegment,
            lastSegment.source == told.source, lastSegment.destination == told.destination
        else { return }
        quote?.ipProtocol = 6
        quote?.ports = (lastSegment.src_port, lastSegment.dst_port)
        quote?.seq = lastSegment.seq
        quote?.ack = lastSegment.ack
        quote?.flags = lastSegment.flags
    }

    private static func quote(_ quoted: PacketRecord, _ header: TcpdumpHeader) -> TextQuote {
        TextQuote(
            source: quoted.source, destination: quoted.destination, isIPv6: header.isIPv6,
            ipProtocol: header.ipProtocol ?? 0, ttl: header.ttl ?? 0,
            identification: UInt16(truncatingIfNeeded: header.id))
    }

    private static func badEndpoint(_ output: TextOutput) -> TextRefusal {
        .notUnderstood(
            output.names.isOverrun
                ? "the table of names is full: \(TextNames.capacity) hosts"
                : "an address or a port is not understood")
    }

    /// A record with what the IP header and the addresses say.
    private mutating func record(
        _ header: TcpdumpHeader, _ endpoints: TcpdumpEndpoints, hasPorts: Bool,
        _ output: inout TextOutput
    ) -> PacketRecord? {
        output.names.isOverrun = false
        guard let source = endpoints.source(header, hasPort: hasPorts, &output.names),
            let destination = endpoints.destination(header, hasPort: hasPorts, &output.names)
        else { return nil }
        var record = PacketRecord()
        record.src_high = source.address.high
        record.src_low = source.address.low
        record.src_port = source.port
        record.dst_high = destination.address.high
        record.dst_low = destination.address.low
        record.dst_port = destination.port
        record.ttl = header.ttl ?? 0
        record.tos = header.tos
        record.id = header.id | domain.bits << UInt32(PACKET_DOMAIN_SHIFT)
        record.link_hash = domain.linkHash(sourceMAC: sourceMAC)
        record.interface = current.record.interface
        let transport: TransportProtocol =
            switch header.ipProtocol {
            case 17: .udp
            case 1: .icmp
            case 58: .icmpv6
            default: .tcp
            }
        record.layers = transport.rawValue << UInt8(PACKET_LAYERS_PROTOCOL_SHIFT)
        record.layers |= UInt8(truncatingIfNeeded: tunnel.rawValue << UInt32(PACKET_LAYERS_TUNNEL_SHIFT))
        if header.isIPv6 { record.layers |= UInt8(PACKET_LAYERS_IPV6) }
        if header.dontFragment { record.layers |= UInt8(PACKET_LAYERS_DF) }
        if header.moreFragments { record.layers |= UInt8(PACKET_LAYERS_FRAGMENT) }
        return record
    }

    /// The packet has a record; more may follow.
    private mutating func keep(_ record: PacketRecord) {
        current.record = record
        hasRecord = true
    }

    /// The packet is complete.
    private mutating func deliver(_ record: PacketRecord, _ output: inout TextOutput) {
        keep(record)
        complete(&output)
    }
}
