// SPDX-License-Identifier: Apache-2.0

/// A table for a terminal: it fits the columns that there are, or is as wide as it needs where nobody says.
///
/// What does not fit is cut first, in the columns that can be cut; then columns are left out, the least important
/// first, and the last line says which.
package struct Table {
    package struct Column: Sendable {
        package var title: String
        /// Numbers stand at the right.
        package var isRight: Bool
        /// A cut cell has this many characters at least; `nil` where a part of it says nothing.
        package var least: Int?
        /// 0 is never left out; of the others the greatest goes first.
        package var rank: Int

        package init(_ title: String, isRight: Bool = false, least: Int? = nil, rank: Int = 0) {
            self.title = title
            self.isRight = isRight
            self.least = least
            self.rank = rank
        }
    }

    private static let gap = 2
    private let columns: [Column]
    private var rows: [[String]] = []
    private let drawing: LineDrawing
    private let privacy: AddressPrivacy

    /// - `drawing`: what the terminal can show; cells come out printable.
    /// - `privacy`: how addresses leave in them.
    package init(
        _ columns: [Column], drawing: LineDrawing = .unicode, privacy: AddressPrivacy = AddressPrivacy(.full)
    ) {
        self.columns = columns
        self.drawing = drawing
        self.privacy = privacy
    }

    /// Adds a row.
    ///
    /// A missing cell is empty.
    package mutating func add(_ cells: [String]) {
        rows.append(
            columns.indices.map { $0 < cells.count ? drawing.printable(privacy.apply(to: cells[$0])) : "" })
    }

    /// The table, a line feed at the end of each line.
    ///
    /// - `width`: columns of the terminal; `nil`: as wide as it needs.
    package func text(width: Int?) -> String {
        let natural = columns.indices.map { column in
            rows.reduce(columns[column].title.count) { max($0, $1[column].count) }
        }
        // A column without anything in it is no column.
        var shown = columns.indices.filter { column in
            columns[column].rank == 0 || rows.contains { !$0[column].isEmpty }
        }
        let all = shown
        let least = columns.indices.map { column in
            columns[column].least.map { min(natural[column], max($0, columns[column].title.count)) } ?? natural[column]
        }
        if let width {
            while total(shown, least) > width, let dropped = leastImportant(of: shown) { shown.remove(at: dropped) }
        }
        let widths = fit(shown, natural, least, width)
        var text = line(shown, columns.map(\.title), widths)
        for row in rows { text += line(shown, row, widths) }
        let missing = all.filter { !shown.contains($0) }.map { columns[$0].title }
        guard !missing.isEmpty, let width else { return text }
        return text + "(\(width) columns have no room for \(missing.joined(separator: ", ")): add | less -S)\n"
    }

    private func total(_ shown: [Int], _ widths: [Int]) -> Int {
        shown.reduce(-Self.gap) { $0 + widths[$1] + Self.gap }
    }

    /// The place in `shown` of the column that goes first.
    private func leastImportant(of shown: [Int]) -> Int? {
        guard let place = shown.indices.max(by: { columns[shown[$0]].rank < columns[shown[$1]].rank }),
            columns[shown[place]].rank > 0
        else { return nil }
        return place
    }

    /// From the least widths on, each column that is cut gets one more character in turn while there is room.
    private func fit(_ shown: [Int], _ natural: [Int], _ least: [Int], _ width: Int?) -> [Int] {
        guard let width, total(shown, natural) > width else { return natural }
        var widths = least
        var room = width - total(shown, least)
        while room > 0 {
            let growing = shown.filter { widths[$0] < natural[$0] }.prefix(room)
            guard !growing.isEmpty else { break }
            for column in growing { widths[column] += 1 }
            room -= growing.count
        }
        return widths
    }

    private func line(_ shown: [Int], _ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for column in shown {
            let cell = drawing.cut(cells[column], to: widths[column])
            let space = String(repeating: " ", count: max(0, widths[column] - cell.count))
            let isLast = column == shown.last
            line += columns[column].isRight ? space + cell : isLast ? cell : cell + space
            if !isLast { line += String(repeating: " ", count: Self.gap) }
        }
        while line.last == " " { line.removeLast() }
        return line + "\n"
    }
}

extension LineDrawing {
    /// `text` in at most `width` characters; what was cut shows at its end.
    package func cut(_ text: String, to width: Int) -> String {
        guard text.count > width else { return text }
        guard width > 0 else { return "" }
        return text.prefix(width - 1) + (self == .ascii ? "~" : "…")
    }
}
