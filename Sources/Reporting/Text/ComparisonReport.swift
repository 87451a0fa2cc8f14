// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// A comparison of captures for people: the verdict, the paths as one draws them, then figures for each leg and the
/// clocks.
package struct ComparisonReport: Sendable {
    private static let shownFindings = 20
    private static let shownRoutes = 6

    private let comparison: Comparison
    private let isColoured: Bool
    private let drawing: LineDrawing

    package init(_ comparison: Comparison, isColoured: Bool = false, drawing: LineDrawing = .unicode) {
        self.comparison = comparison
        self.isColoured = isColoured
        self.drawing = drawing
    }

    package var text: String {
        var parts = [verdict, paths, legs]
        let notes = comparison.points.indices.compactMap { note(on: $0) }
        if !notes.isEmpty { parts.append(notes.joined()) }
        return parts.joined(separator: "\n")
    }

    private func name(_ point: Int) -> String { drawing.printable(comparison.points[point].name) }

    // MARK: The verdict

    private var verdict: String {
        let problems = comparison.findings.filter(\.isProblem)
        let others = comparison.findings.filter { !$0.isProblem }
        var text = ""
        let undecided = others.count { $0.reset != nil }
        if undecided > 0 {
            text +=
                "\(Self.count(undecided, "reset")) \(undecided == 1 ? "appears" : "appear") between "
                + "\(list(comparison.points.map(\.name))); who sent \(undecided == 1 ? "it" : "them") is not decided.\n"
        } else if problems.isEmpty {
            text += "Nothing is swallowed and nothing forged between \(list(comparison.points.map(\.name))).\n"
        }
        for finding in (problems + others).prefix(Self.shownFindings) { text += self.text(finding) }
        let more = problems.count + others.count - Self.shownFindings + comparison.furtherResets
        if more > 0, problems.count + others.count > Self.shownFindings || comparison.furtherResets > 0 {
            text += "\(more) more; --format json tells all that have a finding.\n"
        }
        return text
    }

    private func text(_ finding: Finding) -> String {
        // What a reset's finding says of "this machine" and of hops counts from its point.
        let place = finding.reset == nil ? "" : "At \(finding.file ?? "?"): "
        let summary = drawing.printable(place + finding.summary)
        var text = (isColoured && finding.isProblem ? "\u{1b}[1;31m\(summary)\u{1b}[0m" : summary) + "\n"
        var first: [String] = []
        if let reset = finding.reset {
            let tuple = finding.fiveTuple
            first.append(
                "\(Self.end(tuple.source, tuple.sourcePort)) > \(Self.end(tuple.destination, tuple.destinationPort))")
            first.append(reset.cause.rawValue)
        }
        first.append("first at \(finding.file ?? "?")")
        if let time = finding.time { first.append(Timestamp.text(time)) }
        if let frame = finding.frame { first.append("frame \(frame)") }
        text += drawing.printable("    " + first.joined(separator: ", ")) + "\n"
        if let seen = finding.evidence.first(.notSeenNearer) {
            text += drawing.printable("    \(finding.places.naming(seen.text))") + "\n"
        }
        if !finding.advice.isEmpty { text += drawing.printable("    > \(finding.advice)") + "\n" }
        return text
    }

    private static func end(_ address: IPAddress, _ port: UInt16) -> String {
        address.isIPv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }

    private func list(_ names: [String]) -> String {
        guard let last = names.last, names.count > 1 else { return drawing.printable(names.first ?? "") }
        return drawing.printable(names.dropLast().joined(separator: ", ") + " and " + last)
    }

    // MARK: Paths

    /// The paths as they are drawn, one row for each order of points.
    package var drawnPath: DrawnPath {
        DrawnPath(rows: comparison.routes.prefix(Self.shownRoutes).map(row))
    }

    private var paths: String {
        var text = drawnPath.text(drawing: drawing, isColoured: isColoured)
        let more = comparison.routes.count - Self.shownRoutes
        if more > 0 { text += "and \(more) other ways\n" }
        return text
    }

    private func row(_ route: Comparison.Route) -> DrawnPath.Row {
        var stops: [DrawnPath.Stop] = []
        for (index, point) in route.points.enumerated() {
            var stop = DrawnPath.Stop(comparison.points[point].name)
            if index + 1 < route.points.count {
                stop.link = link(route, from: point, to: route.points[index + 1], hops: route.hops[index])
            }
            // What was made or lost at a point itself marks it.
            let names = (comparison.points[point].name, route.source, route.destination)
            if let remark = remark(at: names.0, from: names.1, to: names.2) {
                stop.remark = remark
                stop.isMarked = true
            }
            stops.append(stop)
        }
        let pairs = route.pairs == 1 ? "" : " and \(route.pairs - 1) more"
        let ends = [route.source, route.destination].map { comparison.places.drawn($0, $0.description) }
        return DrawnPath.Row(label: ends.joined(separator: " > ") + pairs, direction: .forward, stops: stops)
    }

    private func link(_ route: Comparison.Route, from: Int, to: Int, hops: Int) -> DrawnPath.Link {
        let names = (comparison.points[from].name, comparison.points[to].name)
        for finding in comparison.findings {
            guard let path = finding.path, path.cause == .droppedBetween, let crossing = path.crossing,
                crossing.from == names.0, crossing.to == names.1,
                crossing.source == route.source, crossing.destination == route.destination
            else { continue }
            return .broken("\(LegGapSentences.list(crossing.lost)) vanish")
        }
        guard hops > 0 else { return .plain }
        return .noted(hops == 1 ? "1 router" : "\(hops) routers")
    }

    private func remark(at name: String, from source: IPAddress, to destination: IPAddress) -> String? {
        for finding in comparison.findings where finding.isProblem && finding.file == name {
            if finding.reset != nil, finding.fiveTuple.source == source, finding.fiveTuple.destination == destination {
                return "the RST appears here"
            }
            if let crossing = finding.path?.crossing, crossing.isInside, crossing.source == source,
                crossing.destination == destination
            {
                return "drops it"
            }
        }
        return nil
    }

    // MARK: Legs

    private var legs: String {
        comparison.legs.map { leg in
            var parts = ["\(leg.passed.total) passed"]
            if leg.resegmented > 0 { parts.append("\(leg.resegmented) of them cut otherwise") }
            if leg.vanished.total > 0 { parts.append("\(leg.vanished.total) vanished (\(Self.kinds(leg.vanished)))") }
            if leg.appeared.total > 0 { parts.append("\(leg.appeared.total) appeared (\(Self.kinds(leg.appeared)))") }
            if leg.unfollowed > 0 { parts.append("\(leg.unfollowed) not followed through address translation") }
            if leg.outside > 0 { parts.append("\(leg.outside) while the other did not capture") }
            var text = "\(name(leg.from)) > \(name(leg.to)): \(parts.joined(separator: ", "))\n"
            for rewrite in leg.rewritten { text += "    \(drawing.printable(Self.text(rewrite)))\n" }
            if let delay = leg.delay { text += "    \(Self.text(delay))\n" }
            return text
        }.joined()
    }

    private static func kinds(_ tally: Comparison.Tally) -> String {
        tally.kinds.map { "\($0.kind.label) \($0.count)" }.joined(separator: ", ")
    }

    private static func text(_ rewrite: Comparison.Rewrite) -> String {
        let others = rewrite.others == 0 ? "" : ", \(rewrite.others) otherwise"
        let packets = count(rewrite.count, "packet") + others
        let directions = count(rewrite.count, "direction") + others
        switch rewrite.field {
        case .ttl: return "TTL \(rewrite.to) (\(packets))"
        case .dscp: return "DSCP \(rewrite.from) becomes \(rewrite.to) (\(packets))"
        case .segmentSize: return "MSS \(rewrite.from) becomes \(rewrite.to) (\(packets))"
        case .windowScale: return "window scale \(rewrite.from) becomes \(rewrite.to) (\(packets))"
        case .selectiveAcknowledgement: return option("SACK", rewrite, packets)
        case .timestamps: return option("TCP timestamps", rewrite, packets)
        case .signature: return option("TCP MD5 or TCP-AO", rewrite, packets)
        case .multipath: return option("MPTCP", rewrite, packets)
        case .congestion: return option("ECN", rewrite, packets)
        case .sequence:
            let amount = rewrite.others == 0 ? "by \(rewrite.to)" : "each by its own amount"
            let all = count(rewrite.count + rewrite.others, "direction")
            return "sequence numbers are changed, \(amount) (\(all) of connections)"
        case .source: return "source \(rewrite.from) becomes \(rewrite.to) (\(directions) of connections)"
        case .destination: return "destination \(rewrite.from) becomes \(rewrite.to) (\(directions) of connections)"
        case .identification: return "IP-ID is changed (\(packets))"
        }
    }

    private static func option(_ name: String, _ rewrite: Comparison.Rewrite, _ packets: String) -> String {
        "option \(name): \(rewrite.from) becomes \(rewrite.to) (\(packets))"
    }

    private static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    private static func text(_ delay: Comparison.Delay) -> String {
        let times = "median \(milliseconds(delay.median)), 99 % within \(milliseconds(delay.high))"
        return delay.isAbsolute
            ? "delay \(times)"
            : "delay beyond the fastest: \(times) (one direction only: the clocks' offset and the delay cannot be told apart)"
    }

    private static func milliseconds(_ time: Int64) -> String {
        DecimalText.format(Double(time) / 1e6, digits: 3) + " ms"
    }

    // MARK: Points

    private func note(on point: Int) -> String? {
        let entry = comparison.points[point]
        var notes: [String] = []
        if let clock = entry.clock, let reference = entry.reference {
            let ahead = clock.offset >= 0 ? "ahead of" : "behind"
            let offset = Double(clock.offset.magnitude)
            let size =
                offset >= 1e9
                ? DecimalText.format(offset / 1e9, digits: 6) + " s"
                : DecimalText.format(offset / 1e6, digits: 3) + " ms"
            var text = "clock \(size) \(ahead) \(name(reference))'s"
            if clock.drift != 0 {
                let rate = DecimalText.format(abs(clock.drift) * 1e6, digits: 1)
                text += " and \(clock.drift > 0 ? "gaining" : "losing") \(rate) ppm"
            }
            text += " (\(Self.count(clock.samples, "packet"))"
            notes.append(text + (clock.isSeparable ? ")" : ", one direction: with the delay)"))
        }
        if entry.missed > 0 { notes.append("\(Self.count(entry.missed, "packet")) seen before and behind it only") }
        if entry.local > 0 {
            notes.append("\(Counted.packets(entry.local)) of loopback or link-local addresses left out")
        }
        if entry.shared == 0 { notes.append("nothing that it saw was seen elsewhere") }
        return notes.isEmpty ? nil : "\(name(point)): \(notes.joined(separator: "; "))\n"
    }
}
