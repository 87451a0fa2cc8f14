// SPDX-License-Identifier: Apache-2.0

extension DrawnPath {
    /// The drawing, a line feed at the end of each line.
    ///
    /// - `width`: columns of a line, each character taken as one. A line is longer only where a single stop is.
    /// - `indent`: columns left free in front of each line.
    /// - `isColoured`: marked stops and broken links in red.
    package func text(
        width: Int = 80, indent: Int = 0, drawing: LineDrawing = .unicode, isColoured: Bool = false
    ) -> String {
        let labels = rows.map { $0.label.map { drawing.printable($0) + ": " } ?? "" }
        let column = indent + (labels.map(\.count).max() ?? 0)
        var text = ""
        for (row, label) in zip(rows, labels) {
            var line = Self.spaces(indent) + label + Self.spaces(column - indent - label.count)
            // Colours take no columns, so these are counted apart from the text.
            var used = column
            var isFirst = true
            for piece in Self.pieces(of: row, drawing) {
                if !isFirst, used + 1 + piece.text.count > width {
                    text += line + "\n"
                    line = Self.spaces(column + Self.hanging)
                    used = column + Self.hanging
                } else if !isFirst {
                    line += " "
                    used += 1
                }
                line += isColoured ? piece.coloured : piece.text
                used += piece.text.count
                isFirst = false
            }
            text += line + "\n"
        }
        return text
    }

    /// Columns that a continued line is set in.
    private static let hanging = 4
    /// From this many stops on of which nothing is known, they are drawn as one.
    private static let longestUnknown = 3

    /// The parts that stay on one line: a stop with the plain link before it, or a link with its note.
    private struct Piece {
        /// The link before the stop, with its space; never red.
        var lead = ""
        var body: String
        var isRed = false

        var text: String { lead + body }
        var coloured: String { isRed ? "\(lead)\u{1b}[1;31m\(body)\u{1b}[0m" : text }
    }

    private static func pieces(of row: Row, _ drawing: LineDrawing) -> [Piece] {
        var pieces: [Piece] = []
        var link: Link?
        var rest = row.stops[...]
        while let stop = rest.first {
            let unknown = rest.prefix { isUnknown($0) }
            let isRun = unknown.count >= longestUnknown
            let drawn = isRun ? Array(unknown) : [stop]
            rest = rest.dropFirst(drawn.count)
            var piece = Piece(
                body: isRun ? text(unknown: drawn) : text(stop, isLast: rest.isEmpty, drawing), isRed: stop.isMarked)
            switch link {
            case .none: break
            case .plain: piece.lead = row.direction.text(drawing) + " "
            case .noted(let note): pieces.append(Piece(body: row.direction.text(around: note, drawing)))
            case .broken(let note):
                let cross = drawing == .ascii ? "x " : "✗ "
                pieces.append(Piece(body: row.direction.text(around: cross + note, drawing), isRed: true))
            }
            pieces.append(piece)
            link = drawn.last?.link
        }
        return pieces
    }

    /// True for a stop that could be drawn together with its neighbours.
    private static func isUnknown(_ stop: Stop) -> Bool {
        stop.name == nil && stop.remark == nil && !stop.isMarked && stop.link == .plain
    }

    private static func text(unknown stops: [Stop]) -> String {
        guard let first = stops.first?.hop, let last = stops.last?.hop, last - first == stops.count - 1 else {
            return "? (\(stops.count) of them)"
        }
        return "? (hops \(first) to \(last))"
    }

    private static func text(_ stop: Stop, isLast: Bool, _ drawing: LineDrawing) -> String {
        let name = stop.name.map(drawing.printable)
        let remark = stop.remark.map(drawing.printable)
        // This machine needs no number.
        let hop = stop.hop.flatMap { $0 > 0 ? "hop \($0)" : nil }
        if stop.isMarked {
            // This machine is known by its name.
            let place = stop.hop == 0 ? name : hop
            let rest = [remark, stop.hop == 0 ? nil : name].compactMap { $0 }.joined(separator: ", ")
            return "[\([place, rest].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": "))]"
        }
        let shown = remark == nil && !isLast ? [] : [hop, remark].compactMap { $0 }
        return (name ?? "?") + (shown.isEmpty ? "" : " (\(shown.joined(separator: ", ")))")
    }

    private static func spaces(_ count: Int) -> String {
        String(repeating: " ", count: max(0, count))
    }
}

extension DrawnPath.Direction {
    fileprivate func text(_ drawing: LineDrawing) -> String {
        switch (self, drawing) {
        case (.none, .unicode): "──"
        case (.none, .ascii): "--"
        case (.forward, .unicode): "─►"
        case (.forward, .ascii): "->"
        case (.backward, .unicode): "◄─"
        case (.backward, .ascii): "<-"
        }
    }

    fileprivate func text(around note: String, _ drawing: LineDrawing) -> String {
        let line = drawing == .ascii ? "--" : "──"
        let start = self == .backward ? text(drawing) : line
        let end = self == .forward ? text(drawing) : line
        return start + drawing.printable(note) + end
    }
}
