// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

extension TopState {
    /// Devices that are shown at most.
    private static let shownOrigins = 5
    private static let red = "1;31"
    private static let yellow = "33"
    private static let green = "32"

    /// The screen as it is at `now` (ns since 1970): exactly `height` lines of at most `style.width` characters,
    /// colours apart.
    package func frame(height: Int, now: UInt64, style: TableStyle) -> [String] {
        let screen = Screen(style: style)
        var lines = [
            screen.line("rstwho top  \(title)", right: style.clock.text(now), colour: "1"),
            packets(screen), counts(screen, now), minutes(screen, now), "",
        ]
        lines += devices(screen)
        let help =
            "q quit   space \(isPaused ? "go on" : "pause")   p \(showsProblemsOnly ? "all findings" : "problems only")"
        let room = height - lines.count - 1
        lines += findings(screen, room: room)
        lines = Array(lines.prefix(max(0, height - 1)))
        lines += [String](repeating: "", count: max(0, height - 1 - lines.count))
        return lines + [screen.line(isPaused ? "PAUSED   \(help)" : help, colour: isPaused ? Self.yellow : "2")]
    }

    // MARK: Rows

    private func packets(_ screen: Screen) -> String {
        guard let (now, before, seconds) = ledger else { return screen.line("Packets  waiting for the first figures") }
        func rate(_ count: (LedgerTotals) -> UInt64) -> String {
            Self.short(Double(count(now) &- count(before)) / seconds) + "/s"
        }
        var parts = [
            "Packets  \(rate(\.seen)) seen", "\(rate(\.recorded)) recorded", "\(rate(\.refused)) refused",
            "\(now.lost) lost", "\(now.inRing) in ring",
        ]
        let shed = now.shed.keys.sorted().compactMap { name in
            now.shedding(of: name, since: before).map { "\(name) 1 of \($0)" }
        }
        if !shed.isEmpty { parts.append("sheds \(shed.joined(separator: ", "))") }
        parts.append(now.isBalanced ? "ledger balanced" : "ledger on its way")
        return screen.line(
            parts.joined(separator: "   "), colour: now.lost > 0 ? Self.red : shed.isEmpty ? nil : Self.yellow)
    }

    private func counts(_ screen: Screen, _ now: UInt64) -> String {
        func text(_ minutes: Int) -> String {
            let kinds: [(Kind, String)] = [(.foreign, "of others"), (.host, "of hosts"), (.unknown, "not known")]
            return kinds.map { "\(count($0, minutes: minutes, now: now)) \($1)" }.joined(separator: ", ")
        }
        let ways = count(.way, minutes: 60, now: now)
        let isBad = count(.foreign, minutes: 1, now: now) > 0
        return screen.line(
            "Resets   minute: \(text(1))   hour: \(text(60))   other kinds: \(ways)", colour: isBad ? Self.red : nil)
    }

    private func minutes(_ screen: Screen, _ now: UInt64) -> String {
        let all = foreignByMinute(now: now)
        let most = all.max() ?? 0
        let (label, limit) = ("Of others ", " at most \(most) a minute")
        // Of a narrow screen the oldest minutes have no room.
        let counts = all.suffix(max(10, screen.width - label.count - limit.count))
        let bars = screen.style.drawing == .ascii ? Array("_.:-=+*#") : Array("▁▂▃▄▅▆▇█")
        let drawn = String(
            counts.map { count in
                count == 0
                    ? (screen.style.drawing == .ascii ? " " : "·")
                    : bars[min(bars.count - 1, count * (bars.count - 1) / most)]
            })
        return screen.line(label + drawn + limit)
    }

    private func devices(_ screen: Screen) -> [String] {
        guard !origins.isEmpty else {
            return [screen.line("No device sends resets for others.", colour: Self.green), ""]
        }
        var table = Table(
            [
                .init("DEVICE"), .init("WHERE", least: 15), .init("RESETS", isRight: true),
                .init("HOSTS", isRight: true),
                .init("PORTS", least: 5, rank: 2), .init("CAUSES", least: 6, rank: 3), .init("LAST", rank: 1),
            ], drawing: screen.style.drawing)
        for origin in origins.sorted(by: { $0.lastSeen ?? 0 > $1.lastSeen ?? 0 }).prefix(Self.shownOrigins) {
            table.add([
                origin.id, OriginReport.device(origin) + (origin.address.map { " (\($0))" } ?? ""), "\(origin.resets)",
                "\(origin.hosts.count)", origin.ports.sorted().map(String.init).joined(separator: ","),
                origin.causes.map(\.rawValue).sorted().joined(separator: ","),
                origin.lastSeen.map { screen.style.clock.text($0, hasDate: false) } ?? "",
            ])
        }
        let more = origins.count - Self.shownOrigins
        return screen.table(table) { _ in Self.red } + [more > 0 ? screen.line("and \(more) more: rstwho origins") : ""]
    }

    private func findings(_ screen: Screen, room: Int) -> [String] {
        let wanted = showsProblemsOnly ? newest.filter(\.isProblem) : newest
        guard room > 1 else { return [] }
        guard !wanted.isEmpty else { return [screen.line("No finding yet.")] }
        let shown = Array(wanted.prefix(room - 1))
        var table = Table(
            [
                .init("TIME"), .init("FROM", least: 12), .init("NAME", least: 6, rank: 5),
                .init("TO", least: 12, rank: 1), .init("WHAT", least: 15),
                .init("CAUSE", least: 8, rank: 2), .init("STAGE", rank: 4), .init("COUNT", isRight: true, rank: 3),
            ], drawing: screen.style.drawing)
        for finding in shown {
            let tuple = finding.fiveTuple
            table.add([
                finding.time.map { screen.style.clock.text($0, hasDate: false) } ?? "-",
                ResetReport.end(finding, tuple.source, tuple.sourcePort), ResetReport.name(finding) ?? "",
                ResetReport.end(finding, tuple.destination, tuple.destinationPort),
                finding.reset.map { ResetReport.sender(finding, $0) }
                    ?? finding.kind.rawValue.replacing("_", with: " "),
                (finding.causeName ?? finding.icmpError?.reason.rawValue).map { $0 == "unknown" ? "-" : $0 } ?? "-",
                finding.reset.map { $0.stage == .none ? "-" : $0.stage.rawValue } ?? "", "\(finding.count)",
            ])
        }
        return screen.table(table) { row in
            guard shown.indices.contains(row) else { return nil }
            if shown[row].isProblem { return Self.red }
            return shown[row].reset?.sender == .undetermined ? Self.yellow : nil
        }
    }

    /// `1234`, `12.3 k`, `4.5 M`.
    static func short(_ value: Double) -> String {
        guard value.isFinite, value >= 0 else { return "0" }
        switch value {
        case ..<1000: return "\(DecimalText.whole(value))"
        case ..<1_000_000: return DecimalText.format(value / 1000, digits: 1) + " k"
        default: return DecimalText.format(value / 1_000_000, digits: 1) + " M"
        }
    }

    /// Lines that fit, painted where colours are wanted.
    private struct Screen {
        let style: TableStyle
        var width: Int { style.width ?? 80 }

        init(style: TableStyle) { self.style = style }

        func line(_ text: String, right: String = "", colour: String? = nil) -> String {
            let cut = style.drawing.cut(style.drawing.printable(text), to: width)
            let space = width - cut.count - right.count
            let whole = right.isEmpty || space < 2 ? cut : cut + String(repeating: " ", count: space) + right
            return paint(whole, colour)
        }

        /// - `colour`: of a row, the header apart.
        func table(_ table: Table, colour: (Int) -> String?) -> [String] {
            // What has no room is on other screens.
            let lines = table.text(width: width).split(separator: "\n").filter { !$0.hasPrefix("(") }
            return lines.enumerated().map { number, text in
                paint(style.drawing.cut(String(text), to: width), number == 0 ? "1" : colour(number - 1))
            }
        }

        private func paint(_ text: String, _ colour: String?) -> String {
            guard style.isColoured, let colour, !text.isEmpty else { return text }
            return "\u{1b}[\(colour)m\(text)\u{1b}[0m"
        }
    }
}
