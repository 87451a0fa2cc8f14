// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

/// Turns lines of `tcpdump -v` into records, one line at a time. Pure: it neither reads nor keeps the time itself.
///
/// Bounded: it holds at most one packet that is not complete, and the tables of names and sequence numbers.
package struct TcpdumpTextParser {
    /// What the text held so far. Every packet is in exactly one of the counts behind `packets`.
    package struct Counts: Hashable, Sendable {
        /// Packets in the text, understood or not. A packet's number is the value after it was counted.
        package var packets: UInt64 = 0
        /// Records that were made of them.
        package var records: UInt64 = 0
        /// ARP, STP, 802.3 and other packets that are not IP.
        package var notIP: UInt64 = 0
        /// Fragments after the first: they have no ports.
        package var laterFragments: UInt64 = 0
        /// Neither TCP, UDP, ICMP nor a tunnel with one of them in it.
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
    package struct Problem: Hashable, Sendable {
        /// Counted from 1.
        package var line: UInt64
        /// What was wrong with it.
        package var reason: String
    }

    /// Which of a packet's IP headers is being read.
    enum Layer {
        case outer
        case inner
        /// What an ICMP error quotes.
        case quote
    }

    /// What the packet's next line is taken for.
    enum Expectation {
        case nothing
        case header(Layer)
        case transport(TcpdumpTextHeader, Layer)
    }

    package private(set) var counts = Counts()
    package private(set) var firstProblem: Problem?
    /// The number of the line that was fed last.
    package private(set) var line: UInt64 = 0
    /// Whether packets carry a timestamp; `nil` before the first packet. Without, a packet's time is 0.
    package private(set) var hasTime: Bool?
    /// Packets that are complete; the reader takes them away.
    package var ready: [ObservedPacket] = []

    /// Names so far, those of earlier texts included.
    package internal(set) var names: TcpdumpTextNames
    var sequences = TcpdumpTextSequences()
    var interfaces = TcpdumpTextInterfaces()
    var expectation = Expectation.nothing
    /// The packet that lines are being added to.
    var current = ObservedPacket()
    /// `current` has a record.
    var hasRecord = false
    var domain = TcpdumpTextDomain()
    var sourceMAC: UInt32 = 0
    var tunnel = PACKET_TUNNEL_NONE
    private var clock = TcpdumpTextClock()
    /// Columns before the first packet's line. What is indented deeper is part of a packet and never one itself: the
    /// application's text in it was written by somebody else.
    private var indentation: Int?
    /// Continuation lines stand where packets begin: the indentation was lost on the text's way.
    private var isFlat = false
    /// Lines with a timestamp before the first packet that is known to be one.
    private var stampedBefore: UInt64 = 0

    /// - Parameter names: the table of texts that were read before into the same engine.
    package init(names: TcpdumpTextNames = TcpdumpTextNames()) {
        self.names = names
    }

    /// The name that an address of the discard prefix 100::/64 stands for, where the text has names in the place of
    /// addresses.
    package var hostNames: [IPAddress: String] { names.names }

    /// Names of interfaces by `PacketRecord.interfaceSlot`, where the text tells them (`-i any`).
    package var interfaceNames: [UInt8: String] { interfaces.names }

    /// Takes one line, without its line feed.
    package mutating func feed(_ bytes: UnsafeBufferPointer<UInt8>) {
        line += 1
        var cursor = Self.trimmed(bytes)
        let columns = Self.skipIndentation(&cursor)
        if cursor.isAtEnd || cursor.starts(with: "0x0") {
            // "0x0010:  4500 003c": a hex dump.
            counts.ignoredLines += 1
        } else if let indentation, columns > indentation {
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
        var stamp = TcpdumpTextClock.stamp(&cursor)
        if stamp == nil, Self.skipNumber(&cursor) { stamp = TcpdumpTextClock.stamp(&cursor) }
        if stamp == nil, continues(cursor) {
            addToCurrent(cursor)
            return
        }
        guard let link = TcpdumpTextLink(&cursor) else {
            if let stamp, indentation == nil {
                _ = clock.time(of: stamp)
                stampedBefore += 1
                counts.ignoredLines += 1
            } else if stamp == nil {
                counts.ignoredLines += 1
            } else {
                startPacket(stamp, columns: columns)
                counts.notIP += 1
            }
            return
        }
        startPacket(stamp, columns: columns)
        readLink(link, cursor)
    }

    /// Steps over the packet's number (`-#`): digits and two blanks.
    private static func skipNumber(_ cursor: inout TcpdumpTextCursor) -> Bool {
        var copy = cursor
        guard copy.number(limit: 1 << 40) != nil, copy.skip("  ") else { return false }
        cursor = copy
        return true
    }

    /// Whether a line without a timestamp, as little indented as a packet's first, goes on with the packet before.
    private mutating func continues(_ text: TcpdumpTextCursor) -> Bool {
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
    private mutating func addToCurrent(_ text: TcpdumpTextCursor) {
        var cursor = text
        switch expectation {
        case .nothing:
            counts.ignoredLines += 1
        case .transport(let header, let layer):
            expectation = .nothing
            readTransport(cursor, header: header, layer: layer)
        case .header(let layer):
            guard let link = TcpdumpTextLink(&cursor, domain: layer == .inner ? domain : TcpdumpTextDomain()) else {
                counts.ignoredLines += 1
                return
            }
            expectation = .nothing
            readInside(link, cursor, layer: layer)
        }
    }

    private mutating func startPacket(_ stamp: TcpdumpTextClock.Stamp?, columns: Int) {
        complete()
        if indentation == nil {
            indentation = columns
            hasTime = stamp != nil
            counts.packets += stampedBefore
            counts.notIP += stampedBefore
            counts.ignoredLines -= stampedBefore
        }
        counts.packets += 1
        current = ObservedPacket()
        current.frame = counts.packets
        hasRecord = false
        tunnel = PACKET_TUNNEL_NONE
        if let stamp { current.time = clock.time(of: stamp) }
    }

    /// Hands out the packet that lines were added to, or counts why there is none.
    mutating func complete() {
        let expected = expectation
        expectation = .nothing
        if hasRecord {
            hasRecord = false
            counts.records += 1
            ready.append(current)
            return
        }
        switch expected {
        case .nothing: break
        case .header(.inner): refuse(.otherProtocol)
        case .header: refuse(.notUnderstood("the line with the IP header is missing"))
        case .transport: refuse(.notUnderstood("the packet's second line, with its addresses, is missing"))
        }
    }

    /// Why a packet has no record.
    enum Refusal {
        case notIP
        case laterFragment
        case otherProtocol
        case withoutTTL
        case notUnderstood(String)
    }

    /// Counts a packet that gives no record.
    mutating func refuse(_ refusal: Refusal) {
        switch refusal {
        case .notIP: counts.notIP += 1
        case .laterFragment: counts.laterFragments += 1
        case .otherProtocol: counts.otherProtocols += 1
        case .withoutTTL: counts.withoutTTL += 1
        case .notUnderstood(let reason):
            counts.notUnderstood += 1
            note(reason)
        }
    }

    private mutating func note(_ reason: String) {
        if firstProblem == nil { firstProblem = Problem(line: line, reason: reason) }
    }
}
