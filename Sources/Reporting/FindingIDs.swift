// SPDX-License-Identifier: Apache-2.0

internal import Packets

/// Finds the ids of findings in text that this project writes.
enum FindingIDs {
    static let length = 26
    /// Crockford's Base32, as a ULID has it.
    static let alphabet: [UInt8] = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    /// `text` with every id replaced.
    static func replacing(in text: String, _ replace: (String) -> String) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var start = 0
        while start < bytes.count {
            var end = start
            while end < bytes.count, bytes[end].isWordByte { end += 1 }
            let word = bytes[start..<end]
            if word.count == length, word.allSatisfy(alphabet.contains) {
                result += replace(String(decoding: word, as: UTF8.self)).utf8
            } else {
                result += word
            }
            if end < bytes.count { result.append(bytes[end]) }
            start = end + 1
        }
        return String(decoding: result, as: UTF8.self)
    }
}
