// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Makes clean lines of a text's raw ones: what mail, web pages, terminals and loggers do to a text is undone.
///
/// - UTF-16 becomes UTF-8; HTML entities, no-break spaces, colours and backticks go (`TextCleaner`).
/// - A prefix that stands before every line goes: a logger's, numbers, bullets (`TextPrefixes`).
/// - Lines that were wrapped are joined (`TextWrap`), and a line that holds several packets is split.
///
/// A raw line is put in (`add`), then the clean lines are taken out one by one (`next`) until there is none. A clean
/// line is valid until the next call. A line that needs nothing is handed out where it lies; what is copied and held
/// back is at most `TextWrap.limit` bytes.
struct TextPreparation {
    /// A clean line, and the number of the raw line that it began in, counted from 1.
    struct Line {
        var text: TextCursor
        var number: UInt64
    }

    private var number: UInt64 = 0
    private var cleaner = TextCleaner()
    private var prefixes = TextPrefixes()
    /// A line that lacks its end, copied, and its number; the memory stays where it is while a line of it is out.
    private var held = TextBuffer()
    private var heldNumber: UInt64 = 0
    private var isHolding = false
    /// The line that was put in and not yet taken out.
    private var fresh: TextCursor?
    /// The rest of a line that holds several packets.
    private var rest: Line?
    /// The line before was an IP header, whose addresses come in the next one.
    private var followsHeader = false
    private var isFirst = true

    /// Takes a raw line, without its line feed.
    ///
    /// The bytes must stay where they are until `next` returns `nil`.
    mutating func add(_ bytes: UnsafeBufferPointer<UInt8>) {
        number += 1
        var line = cleaner.clean(bytes, isFirst: isFirst)
        isFirst = false
        prefixes.strip(&line)
        fresh = line
    }

    /// Counts a raw line that was too long to be taken.
    mutating func skipLongLine() {
        number += 1
    }

    /// The next clean line, if there is one.
    mutating func next() -> Line? {
        if let rest {
            self.rest = nil
            return split(rest)
        }
        guard let line = fresh else { return nil }
        if isHolding {
            if !TextWrap.begins(line), !TextWrap.beginsOther(line), held.count + line.count < TextWrap.limit,
                TextWrap.continues(held.cursor, by: line)
            {
                fresh = nil
                if TextWrap.needsBlank(held.cursor, line) { held.append(UInt8(ascii: " ")) }
                held.append(line)
                if TextWrap.isOpen(held.cursor, followsHeader: followsHeader) { return nil }
            }
            return takeHeld()
        }
        fresh = nil
        if TextWrap.isOpen(line, followsHeader: followsHeader) {
            held.removeAll()
            held.append(line)
            heldNumber = number
            isHolding = true
            return nil
        }
        return split(Line(text: line, number: number))
    }

    /// The input is silent.
    ///
    /// A line that lacks its end goes on waiting for it: a program's output may be cut anywhere.
    mutating func pause() {}

    /// No raw line follows.
    mutating func finish() {
        if isHolding, fresh == nil {
            isHolding = false
            rest = Line(text: held.cursor, number: heldNumber)
        }
    }

    private mutating func takeHeld() -> Line? {
        isHolding = false
        return split(Line(text: held.cursor, number: heldNumber))
    }

    /// The line up to where another packet begins in it.
    private mutating func split(_ line: Line) -> Line {
        var line = line
        if let second = TextWrap.secondPacket(in: line.text) {
            var tail = line.text
            tail.move(to: second)
            rest = Line(text: tail, number: line.number)
            line.text = line.text.limited(to: second)
        }
        followsHeader = TextWrap.isHeaderAlone(line.text)
        return line
    }
}

/// Bytes that a line is put together in.
struct TextBuffer {
    private let storage = Storage()

    /// Memory that stays where it is.
    private final class Storage {
        let base = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 2 * 65_536)
        deinit { base.deallocate() }
    }

    private(set) var count = 0

    var cursor: TextCursor { TextCursor(UnsafeBufferPointer(rebasing: storage.base[..<count])) }

    mutating func removeAll() { count = 0 }

    mutating func append(_ byte: UInt8) {
        guard count < storage.base.count else { return }
        storage.base[count] = byte
        count += 1
    }

    mutating func append(_ text: TextCursor) {
        for offset in 0..<text.count { append(text.peek(offset)) }
    }

    /// Takes off the last byte.
    mutating func removeLast() { count = max(0, count - 1) }

    var last: UInt8? { count > 0 ? storage.base[count - 1] : nil }
}
