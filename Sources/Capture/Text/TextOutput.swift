// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

/// The output of reading a text: the complete packets, and the state that all readers share.
package struct TextOutput {
    /// Packets that are complete, in the order of the text; whoever reads the text takes them away.
    package internal(set) var ready: [ObservedPacket] = []
    /// The counts of the text so far.
    package private(set) var counts = TextCounts()
    /// The first line with a packet that was not understood.
    package private(set) var firstProblem: TextProblem?
    /// The first line that looks like a packet's and was not read; `reason` is its beginning.
    package private(set) var firstUnread: TextProblem?
    /// Names so far, those of earlier texts included.
    package internal(set) var names: TextNames
    /// The interfaces that the text names.
    var interfaces = TextInterfaces()
    /// Connections as lines of conntrack(8) in the text have them, by their original direction.
    package private(set) var tracked: [FiveTuple: TrackedConnection] = [:]
    /// The number of the line that is read, counted from 1.
    package internal(set) var line: UInt64 = 0
    /// Whether packets carry a timestamp; `nil` before the first packet.
    ///
    /// Without, a packet's time is 0.
    package private(set) var hasTime: Bool?

    /// The headers of packets that were printed as a hex dump, or that are written from what a text tells.
    let snapshots = HeaderSnapshots()
    /// The packet that was begun last: a hex dump below it replaces what was read of its text.
    private var held: Held?
    /// Lines that were passed over since, which then stand between the packet and a dump.
    private var passedOver = 0

    /// A packet that ended and was not counted yet.
    private struct Held {
        var packet: ObservedPacket
        /// Why there is no record; `nil` where there is one.
        var refusal: TextRefusal?
        var line: UInt64
        var options: TextTCPOptions?
        var quote: TextQuote?
    }

    /// - Parameter names: the table of texts that were read before into the same engine.
    package init(names: TextNames = TextNames()) {
        self.names = names
    }

    /// Counts one more packet of the text.
    ///
    /// - Parameter time: when it was captured, in ns since 1970; `nil` where the text does not tell it.
    /// - Returns: its number, for `ObservedPacket.frame`.
    mutating func beginPacket(time: UInt64?) -> UInt64 {
        flush()
        if hasTime == nil { hasTime = time != nil }
        counts.packets += 1
        begunTime = time ?? 0
        passedOver = 0
        return counts.packets
    }

    /// The time of the packet that was begun last.
    private var begunTime: UInt64 = 0

    /// Hands out a packet that was begun.
    ///
    /// Its time (ns) becomes the record's as well.
    ///
    /// Of a handshake, a reset and an ICMP error the engine looks at headers too: they are written from what the text
    /// tells, unless the packet brings its own.
    ///
    /// - `options`: the TCP options that the text tells; `nil` where it tells nothing of options.
    /// - `quote`: what an ICMP error quotes.
    mutating func emit(_ packet: ObservedPacket, options: TextTCPOptions? = nil, quote: TextQuote? = nil) {
        held = Held(packet: packet, refusal: nil, line: line, options: options, quote: quote)
        held?.packet.record.time = UInt32(truncatingIfNeeded: packet.time >> 10)
    }

    /// Ends a packet that was begun and gives no record.
    mutating func refuse(_ refusal: TextRefusal) {
        var packet = ObservedPacket()
        packet.frame = counts.packets
        packet.time = begunTime
        held = Held(packet: packet, refusal: refusal, line: line)
    }

    /// Hands out a packet that the text does not show and that must have been there: what the next packet answers.
    ///
    /// It has the number of that packet and is not counted with those of the text.
    mutating func imply(_ packet: PrintedPacket) {
        guard case .success(var record) = packet.record else { return }
        flush()
        var implied = ObservedPacket()
        implied.frame = counts.packets + 1
        implied.time = packet.time ?? 0
        record.time = UInt32(truncatingIfNeeded: implied.time >> 10)
        implied.record = record
        counts.implied += 1
        ready.append(implied)
    }

    /// Whether a hex dump in the next line belongs to the packet that ended last.
    var awaitsDump: Bool { held != nil && passedOver == 0 }
    /// The time (ns) and the interface of the packet that ended last.
    var heldPlace: (time: UInt64, interface: UInt8)? {
        held.map { ($0.packet.time, $0.packet.record.interface) }
    }

    /// Replaces what was read of the last packet's text by its hex dump, and hands it out.
    ///
    /// A dump that is not of the same packet as the text is passed over: it may be what a packet carried.
    ///
    /// - `hasLink`: whether the dump begins with a link header; without, what the text says of it stays.
    mutating func amend(_ dump: Result<ObservedPacket, HexDumpRefusal>, hasLink: Bool) {
        guard var known = held else { return }
        switch dump {
        case .failure(let problem):
            if known.refusal != nil { known.refusal = problem.refusal }
        case .success(let packet):
            guard known.refusal != nil || packet.record.mayBe(known.packet.record) else { break }
            let old = known.packet
            known.packet.record = packet.record
            known.packet.headers = packet.headers
            if known.refusal == nil {
                known.packet.record.interface = old.record.interface
                if !hasLink { known.packet.record.takeLink(of: old.record) }
            }
            known.refusal = nil
        }
        held = known
        flush()
    }

    /// Counts the packet that ended last and hands it out: nothing will be added to it.
    mutating func flush() {
        guard let held else { return }
        self.held = nil
        if let refusal = held.refusal {
            count(refusal, line: held.line)
        } else {
            counts.records += 1
            if !held.packet.record.hasTTL { counts.withoutTTL += 1 }
            ready.append(withHeaders(held))
        }
    }

    /// The packet with the headers that its text tells, where the engine looks at them and it brings none of its own.
    private func withHeaders(_ held: Held) -> ObservedPacket {
        var packet = held.packet
        let hasHeaders =
            packet.record.transport == .tcp
            ? held.options != nil && packet.record.packetClass != .bulk
            : packet.record.packetClass == .icmp && held.quote != nil
        guard packet.headers == nil, hasHeaders, let snapshot = snapshots.next() else { return packet }
        snapshot.initialize(to: HeaderSnapshot())
        snapshot.pointee.fill(
            packet.record, time: packet.time, options: held.options ?? TextTCPOptions(), quote: held.quote)
        snapshots.keep()
        packet.headers = UnsafePointer(snapshot)
        return packet
    }

    private mutating func count(_ refusal: TextRefusal, line: UInt64) {
        switch refusal {
        case .notIP: counts.notIP += 1
        case .laterFragment: counts.laterFragments += 1
        case .otherProtocol: counts.otherProtocols += 1
        case .withoutFlags: counts.withoutFlags += 1
        case .notUnderstood(let reason):
            counts.notUnderstood += 1
            note(reason, line: line)
        }
    }

    /// Counts a line that belongs to no packet or adds nothing to one.
    mutating func passOver(_ line: TextCursor) {
        counts.ignoredLines += 1
        var text = line
        text.skipBlanks()
        if !text.isAtEnd { passedOver += 1 }
        guard TextShape.looksLikePacket(line) else { return }
        counts.unreadLines += 1
        if firstUnread == nil {
            firstUnread = TextProblem(line: self.line, reason: line.limited(to: line.position + 100).printable)
        }
    }

    /// Remembers what a machine's connection tracking has of a connection; its last state counts.
    ///
    /// Bounded: of more than 4,096 connections the first are kept.
    mutating func track(_ connection: TrackedConnection) {
        if let known = tracked[connection.original] {
            var newer = connection
            // `[DESTROY]` names no state.
            newer.state = connection.state ?? known.state
            newer.isAssured = connection.isAssured || known.isAssured
            tracked[connection.original] = newer
        } else if tracked.count < 4096 {
            tracked[connection.original] = connection
        }
    }

    /// Takes back lines that were passed over and turned out to be packets which are not IP.
    mutating func countEarlier(notIP lines: UInt64) {
        counts.ignoredLines -= min(lines, counts.ignoredLines)
        counts.packets += lines
        counts.notIP += lines
    }

    /// Counts a line that was too long to be read.
    mutating func skipLongLine() {
        counts.longLines += 1
        note("the line is longer than any program prints them", line: line)
    }

    private mutating func note(_ reason: String, line: UInt64) {
        if firstProblem == nil { firstProblem = TextProblem(line: line, reason: reason) }
    }
}

/// Why a packet of a text has no record.
enum TextRefusal {
    case notIP
    case laterFragment
    case otherProtocol
    /// A TCP segment whose flags the program did not print.
    case withoutFlags
    case notUnderstood(String)
}

/// The counts of a text.
///
/// Every packet is in exactly one of the counts behind `packets`, up to `notUnderstood`.
package struct TextCounts: Hashable, Sendable {
    /// Packets in the text, understood or not.
    ///
    /// A packet's number is the value after it was counted.
    package var packets: UInt64 = 0
    /// Records that were made of them.
    package var records: UInt64 = 0
    /// Records of packets that are not in the text: the requests that printed replies answer.
    package var implied: UInt64 = 0
    /// ARP, STP, 802.3 and other packets that are not IP.
    package var notIP: UInt64 = 0
    /// Fragments after the first: they have no ports.
    package var laterFragments: UInt64 = 0
    /// Neither TCP, UDP, ICMP nor a tunnel with one of them in it.
    package var otherProtocols: UInt64 = 0
    /// TCP segments printed without their flags (`tcpdump -q`).
    package var withoutFlags: UInt64 = 0
    /// IP packets whose text was not understood.
    package var notUnderstood: UInt64 = 0
    /// Records without a TTL, because the text does not tell it.
    package var withoutTTL: UInt64 = 0
    /// Lines that belong to no packet or add nothing to one: prompts, an application's text, prose.
    package var ignoredLines: UInt64 = 0
    /// Of these, lines that look like a packet's: two addresses, or a time and an address with its port.
    package var unreadLines: UInt64 = 0
    /// Lines that were too long and stepped over.
    package var longLines: UInt64 = 0

    /// Packets, or what looks like them, of which nothing is known: what was found says nothing of them.
    package var unread: UInt64 { withoutFlags &+ notUnderstood &+ unreadLines &+ longLines }
}

/// The first line that was not understood.
package struct TextProblem: Hashable, Sendable {
    /// Counted from 1.
    package var line: UInt64
    /// The problem.
    package var reason: String
}
