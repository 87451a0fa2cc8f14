// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Reads what tcpdump prints, with `-v` or without, in the styles of all its versions.
///
/// Bounded: it holds at most one packet that is not complete, and a table of sequence numbers.
struct TcpdumpReader: TextReader {
    /// The IP header of a packet that is being read.
    enum Layer {
        case outer
        case inner
        /// The packet quoted by an ICMP error.
        case quote
    }

    /// The expected meaning of the packet's next line.
    enum Expectation {
        case nothing
        case header(Layer)
        case transport(TcpdumpHeader, Layer)
    }

    let program = "tcpdump"

    /// The time and place of the next packet, which a line of its own told.
    var announced: Announcement?

    var sequences = TextSequences()
    var expectation = Expectation.nothing
    /// The packet that lines are being added to.
    var current = ObservedPacket()
    /// `current` has a record.
    var hasRecord = false
    /// The TCP options of `current`, and what it quotes.
    var options: TextTCPOptions?
    var quote: TextQuote?
    /// The newest TCP segment.
    var lastSegment: PacketRecord?
    var domain = TextDomain()
    var sourceMAC: UInt32 = 0
    var tunnel = PACKET_TUNNEL_NONE
    private var clock = TextClock()
    /// Whether packets carry a timestamp; `nil` before the first packet.
    private var hasTime: Bool?
    /// Columns before the first packet's line.
    ///
    /// What is indented deeper is part of a packet and never one itself: the application's text in it was written by
    /// somebody else.
    private var indentation: Int?
    /// Continuation lines stand where packets begin: the indentation was lost on the text's way.
    private var isFlat = false
    /// The line before was a packet's.
    private var followsPacket = false
    /// The text shows what packets carry (`-A`): then a line without a time is never another program's.
    private var carriesPayload = false
    /// Lines with a timestamp before the first packet that is known to be one.
    private var stampedBefore: UInt64 = 0

    func recognises(_ line: TextCursor) -> Bool {
        if Announcement(line) != nil { return true }
        var cursor = line
        _ = Announcement.skipLogger(&cursor)
        _ = Self.skipIndentation(&cursor)
        _ = Self.stamp(&cursor)
        return TcpdumpLink(&cursor) != nil
    }

    mutating func read(_ line: TextCursor, into output: inout TextOutput) -> TextLineUse {
        if let found = Announcement(line) {
            complete(&output)
            announced = found
            return .taken
        }
        var cursor = line
        let isLogged = Announcement.skipLogger(&cursor)
        let columns = Self.skipIndentation(&cursor)
        if announced != nil || isLogged { return begin(cursor, columns: 0, &output) }
        if cursor.isAtEnd || cursor.starts(with: "0x0") {
            // "0x0010:  4500 003c": a hex dump.
            if cursor.isAtEnd { followsPacket = false }
            output.passOver(cursor)
            return .taken
        }
        if let indentation, columns > indentation {
            if case .nothing = expectation, !carriesPayload { return .unknown }
            addToCurrent(cursor, &output)
            return .taken
        }
        return begin(cursor, columns: columns, &output)
    }

    mutating func passOver(_ line: TextCursor, into output: inout TextOutput) {
        var cursor = line
        let columns = Self.skipIndentation(&cursor)
        guard let stamp = Self.stamp(&cursor) else {
            // `-A` prints each packet's bytes, beginning with its IP header, directly below its line.
            if followsPacket, !cursor.isAtEnd, !Self.isTrailer(cursor) { carriesPayload = true }
            followsPacket = false
            return output.passOver(line)
        }
        guard indentation != nil else {
            _ = clock.time(of: stamp)
            stampedBefore += 1
            return output.passOver(line)
        }
        // A packet of a protocol that is not known here.
        startPacket(stamp, columns: columns, &output)
        output.refuse(.notIP)
    }

    mutating func finish(into output: inout TextOutput) {
        complete(&output)
    }

    /// True for lines behind the last packet: tcpdump's counts, `^C`, or a prompt.
    private static func isTrailer(_ text: TextCursor) -> Bool {
        var number = text
        if number.number() != nil, number.starts(with: " packet") { return true }
        return text.starts(with: "^C") || text.limited(to: text.position + 96).contains("$ ")
            || text.limited(to: text.position + 96).contains("# ") || text.starts(with: "```")
    }

    // MARK: Lines

    /// Steps over quotation marks of mail (`> > `) and blanks; returns the columns of the latter.
    private static func skipIndentation(_ cursor: inout TextCursor) -> Int {
        while cursor.peek() == UInt8(ascii: ">") {
            cursor.advance()
            if cursor.peek() == UInt8(ascii: " ") { cursor.advance() }
        }
        return cursor.skipBlanks()
    }

    /// A line that can begin a packet.
    private mutating func begin(
        _ text: TextCursor, columns: Int, _ output: inout TextOutput
    ) -> TextLineUse {
        var cursor = text
        let stamp = Self.stamp(&cursor)
        if stamp == nil, announced == nil, continues(cursor) {
            // Another program's output in the same text, unless lines here may be what a packet carried.
            if case .nothing = expectation, !carriesPayload { return .unknown }
            addToCurrent(cursor, &output)
            return .taken
        }
        guard let link = TcpdumpLink(&cursor) else {
            // Juniper's and pktmon's own lines between a packet's time and the packet.
            return announced == nil ? .unknown : .taken
        }
        startPacket(stamp ?? announced?.stamp, columns: columns, &output)
        if let place = announced {
            current.record.interface = place.interface.map { output.interfaces.slot(of: $0.cursor) } ?? 0
            if place.isEgress { current.record.interface |= UInt8(PACKET_INTERFACE_EGRESS) }
            announced = nil
        }
        readLink(link, cursor, &output)
        return .taken
    }

    /// Steps over a line's timestamp, and a packet's number before it.
    static func stamp(_ cursor: inout TextCursor) -> TextClock.Stamp? {
        if let stamp = TextClock.stamp(&cursor) { return stamp }
        return skipNumber(&cursor) ? TextClock.stamp(&cursor) : nil
    }

    /// Steps over the packet's number (`-#`): digits and two blanks.
    private static func skipNumber(_ cursor: inout TextCursor) -> Bool {
        var copy = cursor
        guard copy.number(limit: 1 << 40) != nil, copy.skip("  ") else { return false }
        cursor = copy
        return true
    }

    /// Whether a line without a timestamp, as little indented as a packet's first, goes on with the packet before.
    private mutating func continues(_ text: TextCursor) -> Bool {
        if hasTime == true { return true }
        switch expectation {
        case .nothing, .header(.outer): return false
        // tcpdump prints what is inside of VXLAN so.
        case .header(.inner): return true
        case .header(.quote): return isFlat
        case .transport:
            var copy = text
            _ = copy.word()
            guard copy.starts(with: " > ") else { return false }
            isFlat = true
            return true
        }
    }

    /// A line that belongs to the packet before.
    private mutating func addToCurrent(_ text: TextCursor, _ output: inout TextOutput) {
        var cursor = text
        switch expectation {
        case .nothing:
            output.passOver(text)
        case .transport(let header, let layer):
            expectation = .nothing
            readTransport(cursor, header: header, layer: layer, &output)
        case .header(let layer):
            guard let link = TcpdumpLink(&cursor, domain: layer == .inner ? domain : TextDomain()) else {
                output.passOver(text)
                return
            }
            expectation = .nothing
            readInside(link, cursor, layer: layer, &output)
        }
    }

    private mutating func startPacket(_ stamp: TextClock.Stamp?, columns: Int, _ output: inout TextOutput) {
        complete(&output)
        followsPacket = true
        if indentation == nil {
            indentation = columns
            hasTime = stamp != nil
            output.countEarlier(notIP: stampedBefore)
        }
        current = ObservedPacket()
        if let stamp { current.time = clock.time(of: stamp) }
        current.frame = output.beginPacket(time: stamp == nil ? nil : current.time)
        hasRecord = false
        options = nil
        quote = nil
        tunnel = PACKET_TUNNEL_NONE
    }

    /// Hands out the packet that lines were added to, or counts why there is none.
    mutating func complete(_ output: inout TextOutput) {
        let expected = expectation
        expectation = .nothing
        if hasRecord {
            hasRecord = false
            output.emit(current, options: options, quote: quote)
            return
        }
        switch expected {
        case .nothing: break
        case .header(.inner): output.refuse(.otherProtocol)
        case .header: output.refuse(.notUnderstood("the line with the IP header is missing"))
        case .transport: output.refuse(.notUnderstood("the packet's second line, with its addresses, is missing"))
        }
    }
}
