// SPDX-License-Identifier: Apache-2.0

/// Reads dissections as trees: `tshark -T json`, `-T ek` and `-T pdml`, and Wireshark's exports in these formats, with
/// a field per line or a packet per line.
///
/// Nothing is kept of a tree but the fields of the packet that is read.
struct DissectionTreeReader: TextReader {
    private(set) var program = "tshark -T json"

    private var clock = PrintedClock()
    private var current: DissectedPacket?
    /// A field whose value stands in a list: `"ip.ttl": [`.
    private var pending: DissectionField?

    func recognises(_ line: TextCursor) -> Bool {
        var cursor = line
        cursor.skipBlanks()
        if cursor.starts(with: "<pdml") || cursor.starts(with: "<packet>") { return true }
        if cursor.starts(with: "\"_source\": {") || cursor.starts(with: "\"layers\": {") { return true }
        guard cursor.peek() == UInt8(ascii: "{") || cursor.peek() == UInt8(ascii: "[") else { return false }
        return cursor.contains("\"layers\"")
    }

    mutating func read(_ line: TextCursor, into output: inout TextOutput) -> TextLineUse {
        var cursor = line
        cursor.skipBlanks()
        switch cursor.peek() {
        case UInt8(ascii: "<"):
            guard
                cursor.starts(with: "<p") || cursor.starts(with: "<f") || cursor.starts(with: "</")
                    || cursor.starts(with: "<?xml") || cursor.starts(with: "<!--")
            else { return .unknown }
            program = "tshark -T pdml"
            readElement(cursor, &output)
            return .taken
        case UInt8(ascii: "\""), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"),
            UInt8(ascii: ","):
            readMembers(cursor, &output)
            return .taken
        default: return cursor.isAtEnd ? .taken : .unknown
        }
    }

    mutating func finish(into output: inout TextOutput) {
        pending = nil
        guard var packet = current else { return }
        current = nil
        if packet.hasContent { packet.deliver(&clock, to: &output) }
    }

    // MARK: JSON

    /// The members of objects in one line: `"ip.ttl": "64",`, or a whole packet.
    private mutating func readMembers(_ line: TextCursor, _ output: inout TextOutput) {
        var cursor = line
        while let quote = cursor.find(UInt8(ascii: "\"")) {
            cursor.move(to: quote)
            guard let name = Self.string(&cursor) else { return }
            cursor.skipBlanks()
            guard cursor.skip(byte: UInt8(ascii: ":")) else {
                // A value in a list.
                if let field = pending { current?.set(field, name, &output) }
                pending = nil
                continue
            }
            cursor.skipBlanks()
            switch cursor.peek() {
            case UInt8(ascii: "{"): beginObject(name, &output)
            case UInt8(ascii: "["): pending = DissectionField.byName[name.text]
            case UInt8(ascii: "\""):
                guard let value = Self.string(&cursor) else { return }
                set(name, value, &output)
            default:
                var value = cursor
                while !cursor.isAtEnd, ![44, 125, 93, 32].contains(cursor.peek()) { cursor.advance() }
                value = value.limited(to: cursor.position)
                set(name, value, &output)
            }
        }
    }

    private mutating func beginObject(_ name: TextCursor, _ output: inout TextOutput) {
        pending = nil
        if name.isEqual(to: "layers") {
            finish(into: &output)
            current = DissectedPacket()
        } else if name.count <= 8 {
            let layer = DissectionField.Layer(name: name.text)
            if layer != .other { current?.begin(layer) }
        }
    }

    private mutating func set(_ name: TextCursor, _ value: TextCursor, _ output: inout TextOutput) {
        pending = nil
        guard name.count <= 64, let field = DissectionField.byName[name.text] else { return }
        if name.contains("_"), !name.contains(".") { program = "tshark -T ek" }
        current?.set(field, value, &output)
    }

    /// Steps over a string in double quotes and returns its inside; `nil` where it is not closed in this line.
    private static func string(_ cursor: inout TextCursor) -> TextCursor? {
        guard cursor.skip(byte: UInt8(ascii: "\"")) else { return nil }
        let start = cursor
        while !cursor.isAtEnd {
            switch cursor.peek() {
            case UInt8(ascii: "\\"): cursor.advance(2)
            case UInt8(ascii: "\""):
                let inside = start.limited(to: cursor.position)
                cursor.advance()
                return inside
            default: cursor.advance()
            }
        }
        return nil
    }

    // MARK: PDML

    /// `<field name="ip.ttl" … show="64" …/>`, `<proto name="ip" …>`, `<packet>`; several in one line where it was
    /// folded.
    private mutating func readElement(_ line: TextCursor, _ output: inout TextOutput) {
        var cursor = line
        while let open = cursor.find(UInt8(ascii: "<")) {
            cursor.move(to: open + 1)
            if cursor.starts(with: "packet") {
                finish(into: &output)
                current = DissectedPacket()
            } else if cursor.starts(with: "proto ") {
                if let name = Self.attribute("name=\"", of: cursor), name.count <= 8 {
                    let layer = DissectionField.Layer(name: name.text)
                    if layer != .other { current?.begin(layer) }
                }
            } else if cursor.starts(with: "field ") {
                if let name = Self.attribute("name=\"", of: cursor), name.count <= 64,
                    let field = DissectionField.byName[name.text], let value = Self.attribute(" show=\"", of: cursor)
                {
                    current?.set(field, value, &output)
                }
            }
        }
    }

    /// The value of an attribute of the element that begins here.
    private static func attribute(_ name: StaticString, of element: TextCursor) -> TextCursor? {
        let end = element.find(UInt8(ascii: ">")) ?? element.end
        var cursor = element.limited(to: end)
        guard let found = cursor.find(name) else { return nil }
        cursor.move(to: found + name.utf8CodeUnitCount)
        guard let quote = cursor.find(UInt8(ascii: "\"")) else { return nil }
        return cursor.limited(to: quote)
    }
}
