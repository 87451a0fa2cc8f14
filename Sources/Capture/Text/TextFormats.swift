// SPDX-License-Identifier: Apache-2.0

/// The readers of all formats, and which of them the text is for.
///
/// A line goes to the reader in use. Where that does not know it, the first reader in the list that recognises the line
/// takes over; so a text may hold what several programs printed. Before any reader recognises a line, lines are passed
/// over.
struct TextFormats {
    /// In the order in which they are asked.
    ///
    /// A reader that recognises lines of another one's format comes after it.
    private var readers: [any TextReader] = [
        TcpdumpReader(), FortiGateReader(), CiscoASAReader(), CheckPointReader(), NetfilterLogReader(),
        ConntrackReader(),
        FilterlogReader(), ConnectionLineReader(), SnoopTextReader(), PacketBlockReader(),
        DissectionReader(), DissectionTreeReader(), ProbeTextReader(), PacketListReader(), FirewallColumnReader(),
    ]
    private var selected: Int?
    private var dumps = TextDumps()

    /// The program whose text was read last; `nil` before any was recognised.
    var program: String? { selected.map { readers[$0].program } ?? (dumps.packets > 0 ? "hex dump" : nil) }

    /// Hands a clean line to the reader that it is for.
    mutating func feed(_ line: TextCursor, into output: inout TextOutput) {
        if dumps.goOn(line, into: &output) { return }
        if HexDump.mayBegin(line), selected.map({ readers[$0].leavesDumps }) ?? true, dumps.begin(line) {
            if let selected { readers[selected].finish(into: &output) }
            if dumps.isWanted(output) { return }
        }
        if let selected, readers[selected].read(line, into: &output) == .taken { return }
        for index in readers.indices where index != selected && readers[index].recognises(line) {
            if let selected { readers[selected].finish(into: &output) }
            selected = index
            if readers[index].read(line, into: &output) == .unknown { readers[index].passOver(line, into: &output) }
            return
        }
        if let selected {
            readers[selected].passOver(line, into: &output)
        } else {
            dumps.note(line, &output)
            output.passOver(line)
        }
    }

    /// The input is silent.
    mutating func pause(into output: inout TextOutput) {
        dumps.finish(into: &output)
        if let selected { readers[selected].pause(into: &output) }
        output.flush()
    }

    /// No line follows.
    mutating func finish(into output: inout TextOutput) {
        dumps.finish(into: &output)
        if let selected { readers[selected].finish(into: &output) }
        output.flush()
    }
}
