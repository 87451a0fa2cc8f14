// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

/// Turns lines of `tcpdump -v` into records, one line at a time. Pure: it neither reads nor keeps the time itself.
///
/// Bounded: it holds at most one packet that is not complete, and the tables of names and sequence numbers.
package struct TcpdumpTextParser {
    /// What the text held so far.
    package struct Counts: Sendable {
        /// Packets in the text, understood or not. A packet's number is the value after it was counted.
        package var packets: UInt64 = 0
        /// Records that were made of them.
        package var records: UInt64 = 0
        /// ARP, STP, 802.3 and other packets that are not IP.
        package var notIP: UInt64 = 0
        /// Fragments after the first: they have no ports.
        package var laterFragments: UInt64 = 0
        /// Neither TCP, UDP nor ICMP.
        package var otherProtocols: UInt64 = 0
        /// Packets printed without their TTL: without `-v`.
        package var withoutTTL: UInt64 = 0
        /// IP packets whose text was not understood.
        package var notUnderstood: UInt64 = 0
        /// Lines that belong to no packet or add nothing to one: prompts, hex dumps, an application's text.
        package var ignoredLines: UInt64 = 0
        /// Lines that were too long and stepped over.
        package var longLines: UInt64 = 0
    }

    /// The first line that was not understood.
    package struct Problem: Sendable {
        /// Counted from 1.
        package var line: UInt64
        /// What was wrong with it.
        package var reason: String
    }

    /// What the next indented line is taken for.
    enum Expectation {
        case nothing
        case transport(TcpdumpTextHeader)
        case quote
        case quotedTransport(TcpdumpTextHeader)
    }

    package private(set) var counts = Counts()
    package private(set) var firstProblem: Problem?
    /// The number of the line that was fed last.
    package private(set) var line: UInt64 = 0
    /// Whether packets carry a timestamp; `nil` before the first packet. Without, a packet's time is 0.
    package private(set) var hasTime: Bool?
    /// Packets that are complete; the reader takes them away.
    package var ready: [ObservedPacket] = []

    var names = TcpdumpTextNames()
    private var clock = TcpdumpTextClock()
    private var sequences = TcpdumpTextSequences()
    private var expectation = Expectation.nothing
    /// Columns before the first packet's line. What is indented deeper is part of a packet and never one itself: the
    /// application's text in it was written by somebody else.
    private var indentation: Int?
    /// The packet that lines are being added to.
    private var current = ObservedPacket()
    private var hasCurrent = false

    package init() {}

    /// The name that an address of the discard prefix 100::/64 stands for, where the text has names in the place of
    /// addresses.
    package var hostNames: [IPAddress: String] { names.names }

    /// Takes one line, without its line feed.
    package mutating func feed(_ bytes: UnsafeBufferPointer<UInt8>) {
        line += 1
        var cursor = Self.trimmed(bytes)
        let columns = Self.skipIndentation(&cursor)
        if cursor.isAtEnd {
            counts.ignoredLines += 1
            return
        }
        if let indentation, columns > indentation {
            addToCurrent(cursor)
        } else {
            begin(cursor, columns: columns)
        }
    }

    /// Counts a line that was too long to be fed.
    package mutating func skipLongLine() {
        line += 1
        counts.longLines += 1
        note("the line is longer than tcpdump prints them")
    }

    /// Completes the last packet: no line follows.
    package mutating func finish() {
        if case .transport = expectation { giveUp("the text ends before the packet's addresses") }
        complete()
    }

    // MARK: Lines

    /// Without the carriage return and blanks at the end.
    private static func trimmed(_ bytes: UnsafeBufferPointer<UInt8>) -> TcpdumpTextCursor {
        var count = bytes.count
        while count > 0, bytes[count - 1] == 13 || bytes[count - 1] == 32 || bytes[count - 1] == 9 { count -= 1 }
        return TcpdumpTextCursor(UnsafeBufferPointer(rebasing: bytes[..<count]))
    }

    /// Steps over quotation marks of mail (`> > `) and blanks; returns the columns of the latter.
    private static func skipIndentation(_ cursor: inout TcpdumpTextCursor) -> Int {
        while cursor.peek() == UInt8(ascii: ">") {
            cursor.advance()
            if cursor.peek() == UInt8(ascii: " ") { cursor.advance() }
        }
        return cursor.skipBlanks()
    }

    /// A line that can begin a packet.
    private mutating func begin(_ text: TcpdumpTextCursor, columns: Int) {
        var cursor = text
        let stamp = TcpdumpTextClock.stamp(&cursor)
        if hasTime == true, stamp == nil {
            addToCurrent(cursor)
            return
        }
        guard let link = TcpdumpTextLink(&cursor) else {
            if case .transport = expectation, stamp == nil {
                addToCurrent(cursor)
            } else if stamp != nil, indentation != nil {
                startPacket(stamp, columns: columns)
                counts.notIP += 1
            } else {
                counts.ignoredLines += 1
            }
            return
        }
        startPacket(stamp, columns: columns)
        current.record.interface = link.isEgress ? UInt8(PACKET_INTERFACE_EGRESS) : 0
        readHeader(&cursor, isIPv6: link.isIPv6)
    }

    /// A line that belongs to the packet before.
    private mutating func addToCurrent(_ text: TcpdumpTextCursor) {
        switch expectation {
        case .transport(let header):
            expectation = .nothing
            readTransport(text, header: header)
        default:
            counts.ignoredLines += 1
        }
    }

    private mutating func startPacket(_ stamp: TcpdumpTextClock.Stamp?, columns: Int) {
        if case .transport = expectation { giveUp("the packet's second line, with its addresses, is missing") }
        complete()
        if indentation == nil { indentation = columns }
        if hasTime == nil { hasTime = stamp != nil }
        counts.packets += 1
        current = ObservedPacket()
        current.frame = counts.packets
        if let stamp { current.time = clock.time(of: stamp) }
    }

    /// Hands out the packet that is complete.
    private mutating func complete() {
        expectation = .nothing
        guard hasCurrent else { return }
        hasCurrent = false
        counts.records += 1
        ready.append(current)
    }

    private mutating func giveUp(_ reason: String) {
        expectation = .nothing
        counts.notUnderstood += 1
        note(reason)
    }

    private mutating func note(_ reason: String) {
        if firstProblem == nil { firstProblem = Problem(line: line, reason: reason) }
    }

    // MARK: Packets

    private mutating func readHeader(_ cursor: inout TcpdumpTextCursor, isIPv6: Bool) {
        var header = TcpdumpTextHeader(isIPv6: isIPv6)
        Self.skipMissingBytes(&cursor)
        if cursor.peek() == UInt8(ascii: "(") {
            guard let inside = cursor.group() else { return giveUp("the IP header's bracket is not closed") }
            header.read(inside)
            cursor.skipBlanks()
            Self.skipMissingBytes(&cursor)
        }
        if cursor.isAtEnd {
            expectation = .transport(header)
        } else {
            readTransport(cursor, header: header)
        }
    }

    /// A capture that was cut (`-s`) has this before or behind the header's fields.
    private static func skipMissingBytes(_ cursor: inout TcpdumpTextCursor) {
        guard cursor.starts(with: "truncated-ip"), let close = cursor.find("missing!") else { return }
        cursor.move(to: close + 8)
        cursor.skipBlanks()
    }

    /// `src > dst: …`
    private mutating func readTransport(_ text: TcpdumpTextCursor, header: TcpdumpTextHeader) {
        guard header.fragmentOffset == 0 else {
            counts.laterFragments += 1
            return
        }
        var cursor = text
        let source = cursor.word()
        guard cursor.skip(" > ") else { return giveUp("\"source > destination:\" is missing") }
        var destination = cursor.word()
        guard destination.count > 1, destination.peek(destination.count - 1) == UInt8(ascii: ":") else {
            return giveUp("\"source > destination:\" is missing")
        }
        destination = destination.limited(to: destination.end - 1)
        cursor.skipBlanks()
        switch header.ipProtocol {
        case 6: readTCP(cursor, source: source, destination: destination, header: header)
        case 1, 58: readICMP(cursor, source: source, destination: destination, header: header)
        default: counts.otherProtocols += 1
        }
    }

    private mutating func readTCP(
        _ text: TcpdumpTextCursor, source: TcpdumpTextCursor, destination: TcpdumpTextCursor,
        header: TcpdumpTextHeader
    ) {
        guard let segment = TcpdumpTextTCP(text) else { return giveUp("the TCP segment's flags or window are missing") }
        guard fill(header, source: source, destination: destination, ports: true) else { return }
        let numbers = sequences.absolute(segment, of: current.record.fiveTuple)
        current.record.seq = numbers.seq
        current.record.ack = numbers.ack
        current.record.flags = segment.flags.rawValue
        current.record.window = segment.window
        current.record.payload_length = UInt16(clamping: segment.payloadLength)
        let packetClass: PacketClass =
            if segment.flags.contains(.rst) { .reset } else if segment.flags.isDisjoint(with: [.syn, .fin]) {
                .bulk
            } else {
                .handshake
            }
        current.record.class = packetClass.rawValue
        hasCurrent = true
        complete()
    }

    private mutating func readICMP(
        _ text: TcpdumpTextCursor, source: TcpdumpTextCursor, destination: TcpdumpTextCursor,
        header: TcpdumpTextHeader
    ) {
        guard let message = TcpdumpTextICMP(text, isIPv6: header.isIPv6) else {
            return giveUp("the ICMP message is not known")
        }
        guard fill(header, source: source, destination: destination, ports: false) else { return }
        current.record.src_port = message.identifier
        current.record.dst_port = message.identifier
        current.record.seq = message.rest
        current.record.window = UInt16(message.type) << 8 | UInt16(message.code)
        current.record.class = PacketClass.handshake.rawValue
        hasCurrent = true
        complete()
    }

    /// Copies what the IP header says into the current record. False, with the reason counted, where it cannot be used.
    private mutating func fill(
        _ header: TcpdumpTextHeader, source: TcpdumpTextCursor, destination: TcpdumpTextCursor, ports: Bool
    ) -> Bool {
        guard let ttl = header.ttl else {
            counts.withoutTTL += 1
            return false
        }
        guard let from = endpoint(source, header: header, hasPort: ports),
            let to = endpoint(destination, header: header, hasPort: ports)
        else {
            giveUp("an address or a port is not understood")
            return false
        }
        current.record.src_high = from.address.high
        current.record.src_low = from.address.low
        current.record.src_port = from.port
        current.record.dst_high = to.address.high
        current.record.dst_low = to.address.low
        current.record.dst_port = to.port
        current.record.ttl = ttl
        current.record.tos = header.tos
        current.record.id = header.id
        let transport: TransportProtocol =
            switch header.ipProtocol {
            case 17: .udp
            case 1: .icmp
            case 58: .icmpv6
            default: .tcp
            }
        var layers = transport.rawValue << UInt8(PACKET_LAYERS_PROTOCOL_SHIFT)
        if header.isIPv6 { layers |= UInt8(PACKET_LAYERS_IPV6) }
        if header.dontFragment { layers |= UInt8(PACKET_LAYERS_DF) }
        if header.moreFragments { layers |= UInt8(PACKET_LAYERS_FRAGMENT) }
        current.record.layers = layers
        return true
    }

    /// `10.0.0.1.22`, `2001:db8::1.22`, `host.example.ssh`, or without the port.
    private mutating func endpoint(
        _ text: TcpdumpTextCursor, header: TcpdumpTextHeader, hasPort: Bool
    ) -> (address: IPAddress, port: UInt16)? {
        var address = text
        var port: UInt16 = 0
        if hasPort {
            guard let dot = text.lastDot() else { return nil }
            address = text.limited(to: dot)
            var service = text
            service.move(to: dot + 1)
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
