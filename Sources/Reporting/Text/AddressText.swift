// SPDX-License-Identifier: Apache-2.0
package import Packets

/// Finds IP and MAC addresses in text that this project writes: JSON lines, tables, sentences.
package enum AddressText {
    /// The result of the search.
    package enum Found: Sendable, Equatable {
        case address(IPAddress)
        /// `02:00:00:00:00:01`.
        case mac(String)
    }

    /// `text` with every address replaced by what `replace` gives; `nil` leaves it as it is.
    package static func replacing(in text: String, _ replace: (Found) -> String?) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var end = 0
        forEach(in: bytes) { range, found in
            guard let replacement = replace(found) else { return }
            result += bytes[end..<range.lowerBound]
            result += replacement.utf8
            end = range.upperBound
        }
        guard end > 0 else { return text }
        result += bytes[end...]
        return String(decoding: result, as: UTF8.self)
    }

    /// True where an address of the prefix is mentioned.
    package static func mentions(_ prefix: IPPrefix, in text: some Sequence<UInt8>) -> Bool {
        var isMentioned = false
        forEach(in: Array(text)) { _, found in
            if case .address(let address) = found, prefix.contains(address) { isMentioned = true }
        }
        return isMentioned
    }

    /// Calls `body` with each address, in order.
    private static func forEach(in bytes: [UInt8], _ body: (Range<Int>, Found) -> Void) {
        var start = 0
        while start < bytes.count {
            guard isPart(bytes[start]) else {
                start += 1
                continue
            }
            var end = start
            while end < bytes.count, isPart(bytes[end]) { end += 1 }
            // Letters and digits beside it make it part of a word.
            let endsWord = start > 0 && isLetter(bytes[start - 1])
            let isWord = endsWord || end < bytes.count && isLetter(bytes[end])
            // A word may end in such letters: "via:10.0.0.1".
            let first = endsWord ? bytes[start..<end].firstIndex(of: colon) ?? start : start
            if let (range, found) = address(in: bytes, first..<end, isWord: isWord) { body(range, found) }
            start = end
        }
    }

    /// The address in a run of digits, letters a to f, dots and colons.
    ///
    /// What may stand around it is a colon before, an end of a sentence behind, or a port behind (`a:p`, `a.p`).
    private static func address(in bytes: [UInt8], _ run: Range<Int>, isWord: Bool) -> (Range<Int>, Found)? {
        var range = run
        if range.count > 1, bytes[range.lowerBound] == colon, bytes[range.lowerBound + 1] != colon {
            range = range.lowerBound + 1..<range.upperBound
        } else if isWord {
            return nil
        }
        guard range.count >= shortest else { return nil }
        if let found = parse(bytes[range]) { return (range, found) }
        while let last = bytes[range].last, last == dot || last == colon { range.removeLast() }
        if let found = parse(bytes[range]) { return (range, found) }
        guard let port = bytes[range].lastIndex(where: { $0 == dot || $0 == colon }) else { return nil }
        range = range.lowerBound..<port
        return parse(bytes[range]).map { (range, $0) }
    }

    private static func parse(_ bytes: ArraySlice<UInt8>) -> Found? {
        guard (shortest...longest).contains(bytes.count), bytes.contains(dot) || bytes.contains(colon) else {
            return nil
        }
        let text = String(decoding: bytes, as: UTF8.self)
        if let address = IPAddress(text) { return .address(address) }
        let groups = text.split(separator: ":", omittingEmptySubsequences: false)
        return groups.count == 6 && groups.allSatisfy { $0.utf8.count == 2 } && !text.contains(".") ? .mac(text) : nil
    }

    /// `::`, and a mapped IPv4 address in full.
    private static let shortest = 2
    private static let longest = 45
    private static let dot = UInt8(ascii: ".")
    private static let colon = UInt8(ascii: ":")

    private static func isPart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"), dot, colon:
            true
        default: false
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
    }
}
