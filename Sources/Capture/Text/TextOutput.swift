// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

/// What was read of a text: the packets that are complete, and what all of its readers share.
package struct TextOutput {
    /// Packets that are complete, in the order of the text; whoever reads the text takes them away.
    package internal(set) var ready: [ObservedPacket] = []
    /// What the text held so far.
    package private(set) var counts = TextCounts()
    /// The first line with a packet that was not understood.
    package private(set) var firstProblem: TextProblem?
    /// Names so far, those of earlier texts included.
    package internal(set) var names: TextNames
    /// The interfaces that the text names.
    var interfaces = TextInterfaces()
    /// The number of the line that is read, counted from 1.
    package internal(set) var line: UInt64 = 0
    /// Whether packets carry a timestamp; `nil` before the first packet. Without, a packet's time is 0.
    package private(set) var hasTime: Bool?

    /// - Parameter names: the table of texts that were read before into the same engine.
    package init(names: TextNames = TextNames()) {
        self.names = names
    }

    /// Counts one more packet of the text.
    ///
    /// - Parameter hasTime: whether the text tells when it was captured.
    /// - Returns: its number, for `ObservedPacket.frame`.
    mutating func beginPacket(hasTime: Bool) -> UInt64 {
        if self.hasTime == nil { self.hasTime = hasTime }
        counts.packets += 1
        return counts.packets
    }

    /// Hands out a packet that was begun. Its time (ns) becomes the record's as well.
    mutating func emit(_ packet: ObservedPacket) {
        var packet = packet
        packet.record.time = UInt32(truncatingIfNeeded: packet.time >> 10)
        counts.records += 1
        ready.append(packet)
    }

    /// Counts a packet that was begun and gives no record.
    mutating func refuse(_ refusal: TextRefusal) {
        switch refusal {
        case .notIP: counts.notIP += 1
        case .laterFragment: counts.laterFragments += 1
        case .otherProtocol: counts.otherProtocols += 1
        case .withoutTTL: counts.withoutTTL += 1
        case .withoutFlags: counts.withoutFlags += 1
        case .notUnderstood(let reason):
            counts.notUnderstood += 1
            note(reason)
        }
    }

    /// Counts a line that belongs to no packet or adds nothing to one.
    mutating func passOver(_ line: TextCursor) {
        counts.ignoredLines += 1
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
        note("the line is longer than any program prints them")
    }

    private mutating func note(_ reason: String) {
        if firstProblem == nil { firstProblem = TextProblem(line: line, reason: reason) }
    }
}

/// Why a packet of a text has no record.
enum TextRefusal {
    case notIP
    case laterFragment
    case otherProtocol
    /// The TTL was not printed.
    case withoutTTL
    /// A TCP segment whose flags the program did not print.
    case withoutFlags
    case notUnderstood(String)
}

/// What a text held. Every packet is in exactly one of the counts behind `packets`, up to `notUnderstood`.
package struct TextCounts: Hashable, Sendable {
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
    /// TCP segments printed without their flags (`tcpdump -q`).
    package var withoutFlags: UInt64 = 0
    /// Packets printed without their TTL (tcpdump without `-v`).
    package var withoutTTL: UInt64 = 0
    /// IP packets whose text was not understood.
    package var notUnderstood: UInt64 = 0
    /// Lines that belong to no packet or add nothing to one: prompts, an application's text, prose.
    package var ignoredLines: UInt64 = 0
    /// Lines that were too long and stepped over.
    package var longLines: UInt64 = 0
}

/// The first line that was not understood.
package struct TextProblem: Hashable, Sendable {
    /// Counted from 1.
    package var line: UInt64
    /// What was wrong with it.
    package var reason: String
}
