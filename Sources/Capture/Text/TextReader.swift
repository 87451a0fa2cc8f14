// SPDX-License-Identifier: Apache-2.0

/// A reader of the text in which one program prints packets.
///
/// `PacketTextParser` prepares the lines (`TextPreparation`), chooses the reader by what the lines look like
/// (`TextFormats`) and hands each line to it. A reader is a value: it keeps its format's state and nothing else. What
/// texts of all formats share (the packets that are complete, counts, names, the line's number) is `TextOutput`.
///
/// Contract:
///
/// - A line is one clean line: no line end, no blanks at its end, no prefix that stands before every line, HTML
///   entities and no-break spaces replaced, wrapped lines joined. Its own indentation is kept. It is valid during the
///   call only.
/// - Only the program's own words decide, at the place where the program prints them, and never something further on in
///   the line, which may be what a packet carried: whoever sends packets must not be able to put records into the text.
/// - Everything is bounded: neither a long line nor many lines make a reader grow beyond a fixed size.
/// - Each packet of the text is begun once (`TextOutput.beginPacket`) and ends in one record (`TextOutput.emit`) or one
///   refusal (`TextOutput.refuse`).
/// - A packet whose TTL is not printed has a record with TTL 0. A packet without time has time 0.
protocol TextReader {
    /// The program's name as people know it, for messages: `tcpdump`.
    var program: String { get }

    /// Whether a hex dump below a packet is the packet's own.
    ///
    /// Without an implementation it is.
    var leavesDumps: Bool { get }

    /// Whether a line alone shows that the text is of this format.
    ///
    /// Asked only of lines that the reader in use takes nothing from, but of all lines of a foreign text: it is to be
    /// cheap, and sure.
    func recognises(_ line: TextCursor) -> Bool

    /// Reads one line.
    ///
    /// - Returns: what the line is. Of `.unknown` nothing was taken; another reader may know it.
    mutating func read(_ line: TextCursor, into output: inout TextOutput) -> TextLineUse

    /// Takes note of a line that `read` did not know and that no other reader recognises either.
    ///
    /// Without an implementation it is counted (`TextOutput.passOver`).
    mutating func passOver(_ line: TextCursor, into output: inout TextOutput)

    /// Hands out what is complete and was only held because another line might have added to it: the input is silent.
    mutating func pause(into output: inout TextOutput)

    /// Completes the last packet: no line follows, or those of another format do.
    mutating func finish(into output: inout TextOutput)
}

extension TextReader {
    var leavesDumps: Bool { true }
    mutating func passOver(_ line: TextCursor, into output: inout TextOutput) { output.passOver(line) }
    mutating func pause(into output: inout TextOutput) {}
}

/// The use that a reader makes of a line.
enum TextLineUse {
    /// The line is of this format: a packet, a part of one, or something that the program prints beside packets.
    case taken
    /// The line is not known to be of this format.
    case unknown
}
