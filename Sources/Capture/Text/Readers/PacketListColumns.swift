// SPDX-License-Identifier: Apache-2.0

/// The columns of a packet list: Wireshark's and tshark's default ones, those that a header line names, and the fields
/// of `tshark -T fields -E header=y`.
struct PacketListColumns: Equatable {
    enum Column: Equatable {
        case number, time, source, destination, protocolName, length, info
        /// TTL or hop limit, whatever the column is called.
        case ttl
        case sourcePort, destinationPort
        case field(DissectionField)
        case other
    }

    enum Separator: Equatable {
        case blanks
        case byte(UInt8)
    }

    var columns: [Column]
    var separator: Separator

    /// Without a header line.
    static let standard = PacketListColumns(
        columns: [.number, .time, .source, .destination, .protocolName, .length, .info], separator: .blanks)

    /// Whether the columns are fields of `-T fields`.
    var areFields: Bool {
        columns.contains { if case .field = $0 { true } else { false } }
    }

    /// Reads a header line.
    ///
    /// `nil` where the line is none: at least three columns must be known, one of them an address.
    init?(header line: TextCursor) {
        guard line.count < 4096 else { return nil }
        let line = Self.withoutFrame(line)
        for separator in [UInt8(ascii: "\t"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "|")]
        where line.find(separator) != nil {
            let found = line.fields(separator: separator, limit: 64).map { Self.column(Self.trimmed($0)) }
            if Self.isHeader(found) {
                columns = found
                self.separator = .byte(separator)
                return
            }
        }
        // Names of several words are told apart by two blanks; where these were lost, by one.
        let words = line.words(limit: 64)
        let found = words.map(Self.column)
        guard Self.isHeader(found) else { return nil }
        columns = found
        separator = .blanks
    }

    private init(columns: [Column], separator: Separator) {
        self.columns = columns
        self.separator = separator
    }

    private static func isHeader(_ columns: [Column]) -> Bool {
        let known = columns.filter { $0 != .other }
        let addresses: [Column] = [
            .source, .destination, .field(.ipSource), .field(.ipDestination), .field(.ipv6Source),
            .field(.ipv6Destination),
        ]
        return known.count >= 3 && known.contains(where: { addresses.contains($0) })
    }

    private static func column(_ title: TextCursor) -> Column {
        guard title.count < 64 else { return .other }
        var trimmed = title
        trimmed.skipBlanks()
        let name = trimmed.lowercased
        if let field = DissectionField.byName[name] { return .field(field) }
        switch name {
        case "no.", "no", "number", "#": return .number
        case "time": return .time
        case "source", "src", "_ws.col.def_src", "source address", "src addr": return .source
        case "destination", "dst", "_ws.col.def_dst", "destination address", "dest addr", "dst addr":
            return .destination
        case "protocol", "proto", "_ws.col.protocol": return .protocolName
        case "length", "len": return .length
        case "info", "_ws.col.info": return .info
        case "ttl", "time to live", "ip ttl", "hop limit", "hlim": return .ttl
        case "source port", "src port", "sport", "srcport": return .sourcePort
        case "destination port", "dest port", "dst port", "dport", "dstport": return .destinationPort
        default: return .other
        }
    }

    /// The line without the bars at both ends, which a table in Markdown has.
    static func withoutFrame(_ line: TextCursor) -> TextCursor {
        var text = line
        text.skipBlanks()
        guard text.count > 2, text.peek() == UInt8(ascii: "|") else { return text }
        text.advance()
        if text.peek(text.count - 1) == UInt8(ascii: "|") { text = text.limited(to: text.end - 1) }
        text.skipBlanks()
        return text
    }

    /// The cells of a line; fewer than columns where the line has fewer.
    func cells(of line: TextCursor) -> [TextCursor] {
        switch separator {
        case .byte(let byte):
            let cells = line.fields(separator: byte, limit: columns.count)
            return byte == UInt8(ascii: "|") ? cells.map(Self.trimmed) : cells
        case .blanks: return cellsBetweenBlanks(line)
        }
    }

    private static func trimmed(_ cell: TextCursor) -> TextCursor {
        var cell = cell
        cell.skipBlanks()
        while cell.count > 0, cell.peek(cell.count - 1) == 32 { cell = cell.limited(to: cell.end - 1) }
        return cell
    }

    /// Cells between blanks: dates have a blank inside, and an arrow may stand between the addresses.
    private func cellsBetweenBlanks(_ line: TextCursor) -> [TextCursor] {
        var cells: [TextCursor] = []
        var cursor = line
        cursor.skipBlanks()
        for (index, column) in columns.enumerated() {
            guard !cursor.isAtEnd else { break }
            if index + 1 == columns.count {
                cells.append(cursor)
                break
            }
            if column == .destination, Self.isArrow(cursor) {
                _ = cursor.word()
                cursor.skipBlanks()
            }
            if column == .time {
                let start = cursor
                if PrintedClock.stamp(&cursor) != nil {
                    cells.append(start.limited(to: cursor.position))
                    continue
                }
            }
            cells.append(cursor.word())
            cursor.skipBlanks()
        }
        return cells
    }

    /// A word without letters and digits: `→`, `->`, `>`, or what became of the arrow in another encoding.
    static func isArrow(_ text: TextCursor) -> Bool {
        var copy = text
        let word = copy.word()
        guard (1...8).contains(word.count) else { return false }
        for offset in 0..<word.count {
            switch word.peek(offset) {
            case 48...57, 65...90, 97...122: return false
            default: break
            }
        }
        return true
    }
}
