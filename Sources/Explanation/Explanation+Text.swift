// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets
package import Reporting

extension Explanation {
    /// Events that are shown at most: the first ones and the newest.
    private static let shownEvents = (first: 3, newest: 9)
    private static let shownHosts = 6
    private static let indent = "  "

    /// For a person at a terminal: the first line answers the question.
    package func text(style: TableStyle = TableStyle()) -> String {
        var writer = Writer(style: style)
        writer.line(answer, colour: lead.map { $0.isProblem ? 31 : 32 } ?? 33)
        if !details.isEmpty { writer.line(details.joined(separator: " ")) }
        if let path {
            writer.text += "\n"
            writer.text += path.text(
                width: style.width ?? 100, indent: 2, drawing: style.drawing, isColoured: style.isColoured)
        }
        if !action.isEmpty { writer.section("Next step", [action]) }
        writer.section("When" + (style.clock == .utc ? "" : " (local time)"), events(style))
        writer.section(evidence.labels.pro, evidence.pro.map(text))
        if !evidence.pro.isEmpty || !evidence.contra.isEmpty {
            writer.section(
                evidence.labels.contra, evidence.contra.isEmpty ? ["nothing"] : evidence.contra.map(text))
        }
        writer.section("Notes", evidence.notes.map(note))
        writer.section("Who may have refused it", hypotheses.map(Self.text), hanging: 27)
        writer.section("How to confirm", settling)
        if let message { writer.section("Message to \(message.to)", [message.text]) }
        writer.section("Known", known(style))
        if let lead { writer.section("Finding", ["\(lead.id), revision \(lead.revision)"]) }
        return style.privacy.apply(to: writer.text)
    }

    private func events(_ style: TableStyle) -> [String] {
        let lines = timeline.map { event in
            (event.time.map { style.clock.text($0, hasFraction: true) + "  " } ?? "") + event.text
        }
        let (first, newest) = Self.shownEvents
        guard lines.count > first + newest + 1 else { return lines }
        return lines.prefix(first) + ["and \(lines.count - first - newest) more, then"] + lines.suffix(newest)
    }

    private func known(_ style: TableStyle) -> [String] {
        let hosts = knowledge.hosts.prefix(Self.shownHosts).map { host in
            let place = host.isLocal ? "this machine" : host.hop.map { "hop \($0)" } ?? "hop not known"
            let packets = HostReport.proving(host)
            let shared = host.isShared ? ", several distances" : ""
            let ttl =
                host.ttl == nil
                ? "" : ", TTL \(HostReport.distance(host)) in \(packets == 1 ? "1 packet" : "\(packets) packets")"
            let seen =
                host.lastSeen == 0
                ? "" : ", seen \(style.zonedTime(host.firstSeen)) to \(style.zonedTime(host.lastSeen))"
            return "\(HostReport.called(host)): \(place)\(ttl)\(shared)\(seen)"
        }
        let origins = knowledge.origins.prefix(Self.shownHosts).map { origin in
            let address = origin.address.map { " (\($0))" } ?? ""
            let timer =
                origin.idleTimer.map { ", ends connections after about \(DecimalText.whole($0)) s of silence" } ?? ""
            let owner = origin.device?.owner.map { ", owner \($0)" } ?? ""
            return
                "\(origin.id): \(OriginReport.device(origin))\(address)\(owner), \(OriginReport.work(origin))\(timer)"
        }
        let paths = knowledge.paths.prefix(Self.shownHosts).map(line)
        return hosts + origins + paths
    }

    private func line(_ path: PathSummary) -> String {
        let symmetry =
            path.symmetry == .unknown ? "" : "forward and return path \(PathReport.label(path.symmetry)), "
        let place =
            path.isPlaced ? ", forward \(PathReport.text(path.there)), return \(PathReport.text(path.back))" : ""
        return "\(path.network)/\(path.length) to \(PathReport.server(path)): \(symmetry)"
            + "\(path.worked) of \(path.connections) connections established\(place)"
    }

    private func text(_ piece: Evidence) -> String {
        "\(piece.label) (\(DecimalText.format(abs(piece.weight), digits: 1))): \(sentence(piece))"
    }

    func sentence(_ piece: Evidence) -> String {
        lead.map { EvidenceText.sentence(piece, of: $0) } ?? piece.text
    }

    private func note(_ piece: Evidence) -> String {
        guard let lead, lead.told == nil else { return piece.text }
        return lead.places.naming(piece.text)
    }

    private static func text(_ hypothesis: Hypothesis) -> String {
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(1, width - text.count))
        }
        let test = hypothesis.test.map { "; to decide: \($0)" } ?? ""
        return padded(hypothesis.kind.label, 23) + padded(hypothesis.state.label + ":", 12) + hypothesis.reason + test
    }

    /// Lines and sections in the width that there is.
    private struct Writer {
        let style: TableStyle
        var text = ""

        init(style: TableStyle) { self.style = style }

        mutating func line(_ line: String, colour: Int? = nil) {
            let wrapped = TextLayout.wrapped(line, width: style.width, drawing: style.drawing)
            guard style.isColoured, let colour else { return text += wrapped }
            text += "\u{1b}[1;\(colour)m\(wrapped.dropLast())\u{1b}[0m\n"
        }

        private func printable(_ text: String) -> String { style.drawing.printable(text) }

        mutating func section(_ title: String, _ lines: [String], hanging: Int = 4) {
            guard !lines.isEmpty else { return }
            text += "\n" + (style.isColoured ? "\u{1b}[1m\(printable(title))\u{1b}[0m\n" : printable(title) + "\n")
            for line in lines {
                text += TextLayout.wrapped(indent + line, width: style.width, hanging: hanging, drawing: style.drawing)
            }
        }
    }
}

extension PathSummary {
    /// True where an interface or a MAC address tells where its packets come past.
    fileprivate var isPlaced: Bool {
        [there, back].contains { way in way.map { $0.interface != nil || $0.from != nil || $0.to != nil } ?? false }
    }
}
