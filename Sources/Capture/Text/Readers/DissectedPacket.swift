// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// A packet that is put together from the fields of a dissection.
///
/// The first value of a field is taken: what a payload says comes later. An IP header inside of another one (a tunnel)
/// replaces it; inside of an ICMP error it is what the error quotes.
struct DissectedPacket {
    private(set) var packet = PrintedPacket()
    /// An address, a port or a type was set.
    private(set) var hasContent = false
    private var stamp: PrintedClock.Stamp?
    private var filled: Set<DissectionField> = []
    private var isQuote = false
    private var quoted: (source: UInt16?, destination: UInt16?) = (nil, nil)
    /// A field of the transport layer makes it TCP or UDP where the IP header's protocol is not shown.
    private var shownProtocol: UInt8?

    /// Notes that a protocol's part begins.
    mutating func begin(_ layer: DissectionField.Layer) {
        guard layer == .ipv4 || layer == .ipv6 else { return }
        guard filled.contains(.ipSource) || filled.contains(.ipv6Source) || filled.contains(.ttl) else { return }
        if filled.contains(.icmpType) || filled.contains(.icmpv6Type) {
            isQuote = true
            return
        }
        // A tunnel: start again, but for what belongs to the frame.
        var inner = PrintedPacket()
        inner.interface = packet.interface
        inner.sourceMAC = packet.sourceMAC
        inner.vlan = packet.vlan
        packet = inner
        shownProtocol = nil
        let ofFrame: Set<DissectionField> = [
            .number, .time, .epoch, .relativeTime, .interface, .sourceMAC, .vlan, .cookedType, .frameLength,
        ]
        filled.formIntersection(ofFrame)
    }

    /// Takes a field's value.
    mutating func set(_ field: DissectionField, _ value: TextCursor, _ output: inout TextOutput) {
        if isQuote {
            setQuoted(field, value)
            return
        }
        guard !value.isAtEnd, filled.insert(field).inserted else { return }
        switch field {
        case .number, .frameLength: break
        case .time, .epoch, .relativeTime: setTime(field, value)
        case .interface: packet.interface |= output.interfaces.slot(of: value)
        case .sourceMAC:
            packet.sourceMAC = value.foldedMAC() ?? Self.bracketedMAC(value) ?? 0
        case .vlan: packet.vlan = UInt32(Self.number(value, limit: 4095) ?? 0)
        case .cookedType:
            if Self.number(value, limit: 4) == 4 || value.contains("Sent by us") {
                packet.interface |= UInt8(PACKET_INTERFACE_EGRESS)
            }
        default:
            hasContent = true
            setIP(field, value, &output)
        }
    }

    private mutating func setTime(_ field: DissectionField, _ value: TextCursor) {
        var cursor = value
        guard let found = PrintedClock.stamp(&cursor) else { return }
        switch (field, stamp) {
        case (_, nil), (.epoch, _): stamp = found
        case (.time, .relative): stamp = found
        default: break
        }
    }

    private mutating func setIP(_ field: DissectionField, _ value: TextCursor, _ output: inout TextOutput) {
        switch field {
        case .ipSource, .ipv6Source: packet.source = Self.address(value, &output)
        case .ipDestination, .ipv6Destination: packet.destination = Self.address(value, &output)
        case .ttl, .hopLimit: packet.ttl = Self.number(value, limit: 255).map { UInt8($0) }
        case .tos, .trafficClass: packet.tos = UInt8(truncatingIfNeeded: Self.number(value) ?? 0)
        case .identification, .flowLabel: packet.identification = UInt32(Self.number(value, limit: 0xfffff) ?? 0)
        case .dontFragment: packet.dontFragment = Self.isSet(value)
        case .moreFragments: packet.moreFragments = Self.isSet(value)
        case .fragmentOffset: packet.fragmentOffset = UInt32(Self.number(value, limit: 0xffff) ?? 0)
        case .ipProtocol, .nextHeader:
            if let number = Self.number(value, limit: 255) { packet.ipProtocol = UInt8(number) }
        default: setTransport(field, value)
        }
    }

    private mutating func setTransport(_ field: DissectionField, _ value: TextCursor) {
        switch field {
        case .tcpSourcePort, .udpSourcePort:
            packet.sourcePort = Self.port(value)
            shownProtocol = field == .tcpSourcePort ? 6 : 17
        case .tcpDestinationPort, .udpDestinationPort:
            packet.destinationPort = Self.port(value)
            shownProtocol = field == .tcpDestinationPort ? 6 : 17
        case .tcpFlags:
            if let number = Self.number(value) { packet.flags = TCPFlags(rawValue: UInt8(truncatingIfNeeded: number)) }
            shownProtocol = 6
        case .tcpFlagLetters: setLetters(value)
        case .tcpReset: setFlag(.rst, value)
        case .tcpSYN: setFlag(.syn, value)
        case .tcpFIN: setFlag(.fin, value)
        case .tcpACK: setFlag(.ack, value)
        case .tcpPush: setFlag(.psh, value)
        case .tcpSeqRaw: packet.seq = Self.number(value).map { UInt32(truncatingIfNeeded: $0) }
        case .tcpAckRaw: packet.ack = Self.number(value).map { UInt32(truncatingIfNeeded: $0) }
        case .tcpSeq where !filled.contains(.tcpSeqRaw):
            packet.seq = Self.number(value).map { UInt32(truncatingIfNeeded: $0) }
        case .tcpAck where !filled.contains(.tcpAckRaw):
            packet.ack = Self.number(value).map { UInt32(truncatingIfNeeded: $0) }
        case .tcpWindow: packet.window = UInt16(clamping: Self.number(value) ?? 0)
        case .tcpScaledWindow where !filled.contains(.tcpWindow):
            packet.window = UInt16(clamping: Self.number(value) ?? 0)
        case .tcpLength, .udpLength:
            let length = UInt32(clamping: Self.number(value) ?? 0)
            packet.payloadLength = field == .udpLength ? length - min(length, 8) : length
        default: setICMP(field, value)
        }
    }

    private mutating func setICMP(_ field: DissectionField, _ value: TextCursor) {
        switch field {
        case .icmpType, .icmpv6Type:
            packet.icmpType = Self.number(value, limit: 255).map { UInt8($0) }
            shownProtocol = field == .icmpType ? 1 : 58
        case .icmpCode, .icmpv6Code: packet.icmpCode = UInt8(Self.number(value, limit: 255) ?? 0)
        case .icmpIdentifier, .icmpv6Identifier: packet.icmpIdentifier = UInt16(Self.number(value, limit: 0xffff) ?? 0)
        case .icmpSequence, .icmpv6Sequence: packet.icmpRest = UInt32(Self.number(value, limit: 0xffff) ?? 0)
        case .icmpMTU, .icmpv6MTU: packet.icmpRest = UInt32(clamping: Self.number(value) ?? 0)
        default: break
        }
    }

    private mutating func setQuoted(_ field: DissectionField, _ value: TextCursor) {
        switch field {
        case .tcpSourcePort, .udpSourcePort: quoted.source = quoted.source ?? Self.port(value)
        case .tcpDestinationPort, .udpDestinationPort: quoted.destination = quoted.destination ?? Self.port(value)
        default: break
        }
    }

    private mutating func setFlag(_ flag: TCPFlags, _ value: TextCursor) {
        shownProtocol = 6
        // A column of its own shows one flag; the complete byte is better.
        guard !filled.contains(.tcpFlags), !filled.contains(.tcpFlagLetters) else { return }
        if packet.flags == nil { packet.flags = [] }
        if Self.isSet(value) { packet.flags?.insert(flag) }
    }

    /// `·······A·R··`: twelve places, of which the last eight are C, E, U, A, P, R, S, F.
    private mutating func setLetters(_ value: TextCursor) {
        shownProtocol = 6
        guard !filled.contains(.tcpFlags) else { return }
        let places: [(UInt8, TCPFlags)] = [
            (UInt8(ascii: "F"), .fin), (UInt8(ascii: "S"), .syn), (UInt8(ascii: "R"), .rst), (UInt8(ascii: "P"), .psh),
            (UInt8(ascii: "A"), .ack), (UInt8(ascii: "U"), .urg), (UInt8(ascii: "E"), .ece), (UInt8(ascii: "C"), .cwr),
        ]
        var flags: TCPFlags = []
        var offset = value.count
        var place = 0
        // From the end, as the signs for "not set" have several bytes.
        while offset > 0, place < places.count {
            offset -= 1
            let byte = value.peek(offset)
            if byte & 0xc0 == 0x80 { continue }
            if byte == places[place].0 { flags.insert(places[place].1) }
            place += 1
        }
        packet.flags = flags
    }

    /// Hands the packet out.
    mutating func deliver(_ clock: inout PrintedClock, to output: inout TextOutput) {
        packet.time = stamp.map { clock.time(of: $0) }
        packet.ipProtocol = shownProtocol ?? packet.ipProtocol
        if isQuote { packet.quotedPorts = (quoted.source ?? 0, quoted.destination ?? 0) }
        if packet.source == nil, packet.destination == nil {
            _ = output.beginPacket(time: packet.time)
            output.refuse(.notIP)
            return
        }
        packet.deliver(to: &output)
    }

    // MARK: Values

    /// `64`, `0x0064`, `0x0064 (100)`, `TCP (6)`, `8 (Echo (ping) request)`.
    static func number(_ value: TextCursor, limit: UInt64 = UInt64(UInt32.max)) -> UInt64? {
        var cursor = value
        cursor.skipBlanks()
        if cursor.starts(with: "0x") {
            return cursor.hexadecimal().flatMap { UInt64($0) <= limit ? UInt64($0) : nil }
        }
        if let number = cursor.number(limit: limit) { return number }
        guard let open = cursor.find(UInt8(ascii: "(")) else { return nil }
        cursor.move(to: open + 1)
        return cursor.number(limit: limit)
    }

    /// `22`, `ssh (22)`.
    private static func port(_ value: TextCursor) -> UInt16? {
        number(value, limit: 0xffff).map { UInt16($0) }
    }

    private static func isSet(_ value: TextCursor) -> Bool {
        value.starts(with: "1") || value.starts(with: "True") || value.starts(with: "true") || value.starts(with: "Set")
    }

    /// `10.4.0.2`, `server.example (10.4.0.2)`, or a name.
    private static func address(_ value: TextCursor, _ output: inout TextOutput) -> IPAddress? {
        if let address = value.address { return address }
        if let open = value.find(UInt8(ascii: "(")), let close = value.find(UInt8(ascii: ")")), open < close {
            var inside = value
            inside.move(to: open + 1)
            if let address = inside.limited(to: close).address { return address }
        }
        return value.host(&output.names)
    }

    /// `Vendor_00:00:0a (02:00:00:00:00:0a)`.
    private static func bracketedMAC(_ value: TextCursor) -> UInt32? {
        guard let open = value.find(UInt8(ascii: "(")) else { return nil }
        var inside = value
        inside.move(to: open + 1)
        return inside.foldedMAC()
    }
}
