// SPDX-License-Identifier: Apache-2.0

/// Makes clean lines of a text's raw ones.
///
/// A raw line is put in (`add`), then the clean lines are taken out one by one (`next`) until there is none. A clean line
/// is valid until the next call. Bounded: what is held back of a text is at most one line of `maximumLine` bytes.
struct TextPreparation {
    /// A clean line, and the number of the raw line that it began in, counted from 1.
    struct Line {
        var text: TextCursor
        var number: UInt64
    }

    private var number: UInt64 = 0
    private var pending: TextCursor?

    /// Takes a raw line, without its line feed. The bytes must stay where they are until `next` returns `nil`.
    mutating func add(_ bytes: UnsafeBufferPointer<UInt8>) {
        number += 1
        pending = Self.trimmed(bytes)
    }

    /// Counts a raw line that was too long to be taken.
    mutating func skipLongLine() {
        number += 1
    }

    /// The next clean line, if there is one.
    mutating func next() -> Line? {
        guard let line = pending else { return nil }
        pending = nil
        return Line(text: line, number: number)
    }

    /// The input is silent: what was only held back because the next line might belong to it can be taken out.
    mutating func pause() {}

    /// No raw line follows.
    mutating func finish() {}

    /// Without the carriage return and blanks at the end.
    private static func trimmed(_ bytes: UnsafeBufferPointer<UInt8>) -> TextCursor {
        var count = bytes.count
        while count > 0, bytes[count - 1] == 13 || bytes[count - 1] == 32 || bytes[count - 1] == 9 { count -= 1 }
        return TextCursor(UnsafeBufferPointer(rebasing: bytes[..<count]))
    }
}
