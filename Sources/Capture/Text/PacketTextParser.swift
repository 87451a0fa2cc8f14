// SPDX-License-Identifier: Apache-2.0
package import Packets

/// Turns the lines in which a program prints packets into records.
///
/// Pure: it neither reads nor keeps the time itself.
///
/// Bounded: it holds at most one packet that is not complete, and tables of fixed capacity.
package struct PacketTextParser {
    /// The output so far.
    package private(set) var output: TextOutput
    private var preparation = TextPreparation()
    private var formats = TextFormats()

    /// - Parameter names: the table of texts that were read before into the same engine.
    package init(names: TextNames = TextNames()) {
        output = TextOutput(names: names)
    }

    /// Packets that are complete; whoever reads the text takes them away.
    package var ready: [ObservedPacket] {
        _read { yield output.ready }
        _modify { yield &output.ready }
    }

    /// Takes the packets that are complete away, and the memory of their headers with them.
    package mutating func removeReady() {
        output.ready.removeAll(keepingCapacity: true)
        output.snapshots.removeAll()
    }

    /// The counts of the text so far.
    package var counts: TextCounts { output.counts }
    /// The first line that was not understood.
    package var firstProblem: TextProblem? { output.firstProblem }
    /// The first line that looks like a packet's and was not read.
    package var firstUnread: TextProblem? { output.firstUnread }
    /// Whether packets carry a timestamp; `nil` before the first packet.
    ///
    /// Without, a packet's time is 0.
    package var hasTime: Bool? { output.hasTime }
    /// Names so far, those of earlier texts included.
    package var names: TextNames { output.names }
    /// The name that an address of the discard prefix 100::/64 stands for, where the text has names in the place of
    /// addresses.
    package var hostNames: [IPAddress: String] { output.names.names }
    /// Names of interfaces by `PacketRecord.interfaceSlot`, where the text tells them.
    package var interfaceNames: [UInt8: String] { output.interfaces.names }
    /// Connections as lines of conntrack(8) in the text have them, by their original direction.
    package var tracked: [FiveTuple: TrackedConnection] { output.tracked }
    /// The program whose text was read last; `nil` before any was recognised.
    package var program: String? { formats.program }

    /// Takes one raw line, without its line feed.
    package mutating func feed(_ bytes: UnsafeBufferPointer<UInt8>) {
        preparation.add(bytes)
        drain()
    }

    /// Counts a line that was too long to be fed.
    package mutating func skipLongLine() {
        preparation.skipLongLine()
        output.line += 1
        output.skipLongLine()
    }

    /// Hands out what waits only for a line that may not come soon: the input is silent.
    package mutating func pause() {
        preparation.pause()
        drain()
        formats.pause(into: &output)
    }

    /// Completes the last packet: no line follows.
    package mutating func finish() {
        preparation.finish()
        drain()
        formats.finish(into: &output)
    }

    private mutating func drain() {
        while let line = preparation.next() {
            output.line = line.number
            formats.feed(line.text, into: &output)
        }
    }
}
