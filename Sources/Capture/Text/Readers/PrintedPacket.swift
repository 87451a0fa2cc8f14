// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The fields of a packet as a program printed them, and the record that they make.
///
/// Fields that the program did not print stay `nil`; the record then has 0 in their place.
struct PrintedPacket {
    var source: IPAddress?
    var destination: IPAddress?
    var sourcePort: UInt16?
    var destinationPort: UInt16?
    /// 6, 17, 1 or 58; another number gives no record.
    var ipProtocol: UInt8?
    var ttl: UInt8?
    var tos: UInt8 = 0
    /// IP-ID or flow label.
    var identification: UInt32 = 0
    var dontFragment = false
    var moreFragments = false
    var fragmentOffset: UInt32 = 0
    /// Bytes behind the transport header.
    var payloadLength: UInt32 = 0

    var flags: TCPFlags?
    var seq: UInt32?
    var ack: UInt32?
    var window: UInt16 = 0

    var icmpType: UInt8?
    var icmpCode: UInt8 = 0
    var icmpIdentifier: UInt16 = 0
    /// An echo's sequence number; an error's MTU or gateway.
    var icmpRest: UInt32 = 0
    /// The ports that an ICMP error quotes.
    var quotedPorts: (source: UInt16, destination: UInt16)?

    /// Folded as bpf/parse_cursor.h folds the address; 0 where none was printed.
    var sourceMAC: UInt32 = 0
    var vlan: UInt32 = 0
    /// `PACKET_INTERFACE_*`.
    var interface: UInt8 = 0
    /// ns since 1970; `nil` where the program printed no time.
    var time: UInt64?

    /// Counts the packet and hands out its record, or the reason why there is none.
    func deliver(to output: inout TextOutput) {
        var packet = ObservedPacket()
        packet.frame = output.beginPacket(time: time)
        packet.time = time ?? 0
        switch record {
        case .success(let record):
            packet.record = record
            output.emit(packet)
        case .failure(let problem): output.refuse(problem.refusal)
        }
    }

    /// The echo request that an echo reply answers; `nil` of other packets.
    var impliedRequest: PrintedPacket? {
        let isReply = ipProtocol == 1 && icmpType == 0 || ipProtocol == 58 && icmpType == 129
        guard isReply else { return nil }
        var request = PrintedPacket()
        request.source = destination
        request.destination = source
        request.ipProtocol = ipProtocol
        request.icmpType = ipProtocol == 1 ? 8 : 128
        request.icmpIdentifier = icmpIdentifier
        request.icmpRest = icmpRest
        request.vlan = vlan
        request.interface = interface | UInt8(PACKET_INTERFACE_EGRESS)
        request.time = time
        return request
    }

    /// Why fields make no record.
    struct Problem: Error {
        var refusal: TextRefusal
    }

    /// The record; its time is not set.
    var record: Result<PacketRecord, Problem> {
        guard let source, let destination else {
            return .failure(Problem(refusal: .notUnderstood("an address is missing or not understood")))
        }
        if fragmentOffset != 0 { return .failure(Problem(refusal: .laterFragment)) }
        var record = PacketRecord()
        record.src_high = source.high
        record.src_low = source.low
        record.dst_high = destination.high
        record.dst_low = destination.low
        record.ttl = ttl ?? 0
        record.tos = tos
        record.payload_length = UInt16(clamping: payloadLength)
        record.interface = interface
        let transport: TransportProtocol
        switch ipProtocol {
        case 6:
            transport = .tcp
            if let refusal = fillTCP(&record) { return .failure(Problem(refusal: refusal)) }
        case 17:
            transport = .udp
            record.src_port = sourcePort ?? 0
            record.dst_port = destinationPort ?? 0
        case 1, 58:
            transport = ipProtocol == 1 ? .icmp : .icmpv6
            if let refusal = fillICMP(&record, isIPv6: ipProtocol == 58) {
                return .failure(Problem(refusal: refusal))
            }
        default: return .failure(Problem(refusal: .otherProtocol))
        }
        // A name stands for an address of either family; IPv4 is the commoner one.
        let isIPv6 = ipProtocol == 58 || !(source.isIPv4 || destination.isIPv4 || source.standsForName)
        record.layers = transport.rawValue << UInt8(PACKET_LAYERS_PROTOCOL_SHIFT)
        if isIPv6 { record.layers |= UInt8(PACKET_LAYERS_IPV6) }
        if dontFragment { record.layers |= UInt8(PACKET_LAYERS_DF) }
        if moreFragments { record.layers |= UInt8(PACKET_LAYERS_FRAGMENT) }
        var domain = TextDomain()
        domain.add(vlan: vlan)
        record.id = identification & UInt32(PACKET_ID_MASK) | domain.bits << UInt32(PACKET_DOMAIN_SHIFT)
        record.link_hash = domain.linkHash(sourceMAC: sourceMAC)
        return .success(record)
    }

    private func fillTCP(_ record: inout PacketRecord) -> TextRefusal? {
        guard let sourcePort, let destinationPort else {
            return .notUnderstood("a port is missing or not understood")
        }
        guard let flags else { return .withoutFlags }
        record.src_port = sourcePort
        record.dst_port = destinationPort
        record.flags = flags.rawValue
        record.seq = seq ?? 0
        record.ack = ack ?? 0
        record.window = window
        let packetClass: PacketClass =
            if flags.contains(.rst) {
                .reset
            } else {
                flags.isDisjoint(with: [.syn, .fin]) ? .bulk : .handshake
            }
        record.class = packetClass.rawValue
        return nil
    }

    private func fillICMP(_ record: inout PacketRecord, isIPv6: Bool) -> TextRefusal? {
        guard let icmpType else { return .notUnderstood("the ICMP message's type is missing") }
        record.src_port = icmpIdentifier
        record.dst_port = icmpIdentifier
        record.seq = icmpRest
        record.window = UInt16(icmpType) << 8 | UInt16(icmpCode)
        if let quotedPorts {
            record.ack = UInt32(quotedPorts.source) << 16 | UInt32(quotedPorts.destination)
        }
        let isEcho = isIPv6 ? icmpType == 128 || icmpType == 129 : icmpType == 8 || icmpType == 0
        let isError = isIPv6 ? icmpType < 128 || icmpType == 137 : [3, 4, 5, 11, 12].contains(icmpType)
        let packetClass: PacketClass = isError ? .icmp : isEcho ? .handshake : .bulk
        record.class = packetClass.rawValue
        return nil
    }
}

extension IPAddress {
    /// Of 100::/64, whose addresses stand for names.
    var standsForName: Bool { high == 0x0100_0000_0000_0000 }
}

extension TextCursor {
    /// The stretch as an address, or as a name that stands for one.
    func host(_ names: inout TextNames) -> IPAddress? {
        ipv4() ?? ipv6() ?? names.address(of: self)
    }

    /// The stretch as an address.
    var address: IPAddress? { ipv4() ?? ipv6() }

    /// The stretch as a number of at most 16 bits.
    var port: UInt16? {
        var copy = self
        guard let value = copy.number(limit: 0xffff), copy.isAtEnd else { return nil }
        return UInt16(value)
    }

    /// Six groups of two hexadecimal digits at the start, folded as bpf/parse_cursor.h folds a MAC address.
    func foldedMAC(at start: Int = 0) -> UInt32? {
        var value: UInt64 = 0
        for index in 0..<6 {
            let place = start + index * 3
            guard let high = Self.hexadecimalDigit(peek(place)), let low = Self.hexadecimalDigit(peek(place + 1)),
                index == 5 || peek(place + 2) == UInt8(ascii: ":") || peek(place + 2) == UInt8(ascii: "-")
            else { return nil }
            value = value << 8 | UInt64(high << 4 | low)
        }
        return UInt32(truncatingIfNeeded: value >> 32) ^ UInt32(truncatingIfNeeded: value)
    }
}
