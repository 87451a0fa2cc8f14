// SPDX-License-Identifier: Apache-2.0

/// Texts on a stream, each behind its number and its length: `7 12\n` and twelve bytes.
struct HelperFrames {
    struct Frame: Equatable {
        var number: UInt64
        var text: String
    }

    /// The error for input that is not a valid stream.
    struct Damage: Error {}

    /// Bytes that a text may have.
    static let limit = 5 << 20
    /// Two numbers of 20 digits and what stands between.
    private static let headerLimit = 42

    private var bytes: [UInt8] = []

    static func encoded(_ frame: Frame) -> [UInt8] {
        Array("\(frame.number) \(frame.text.utf8.count)\n\(frame.text)".utf8)
    }

    mutating func append(_ chunk: some Sequence<UInt8>) {
        bytes += chunk
    }

    /// The next frame; `nil` where it is not whole yet.
    mutating func next() throws(Damage) -> Frame? {
        guard let end = bytes.prefix(Self.headerLimit).firstIndex(of: UInt8(ascii: "\n")) else {
            guard bytes.count < Self.headerLimit else { throw Damage() }
            return nil
        }
        let parts = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ")
        guard parts.count == 2, let number = UInt64(parts[0]), let length = Int(parts[1]),
            (0...Self.limit).contains(length)
        else { throw Damage() }
        guard bytes.count - end - 1 >= length else { return nil }
        let text = String(decoding: bytes[(end + 1)..<(end + 1 + length)], as: UTF8.self)
        bytes.removeFirst(end + 1 + length)
        return Frame(number: number, text: text)
    }
}
