// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets
package import Reporting

/// A trace as sentences and a drawing for people.
///
/// The first line is the answer, the second the next step.
package struct FleetTraceReport: Sendable {
    private let trace: FleetTrace
    private let style: TableStyle

    package init(_ trace: FleetTrace, style: TableStyle = TableStyle()) {
        self.trace = trace
        self.style = style
    }

    package var text: String {
        var text = wrapped(answer)
        text += wrapped(nextStep)
        if trace.alike > 0 {
            text += wrapped(
                "\(trace.alike) earlier \(trace.alike == 1 ? "attempt" : "attempts") of these hosts ended the same way."
            )
        }
        text += "\n" + drawing
        let doubts = trace.views.compactMap { view in view.doubt.map { "\(view.stop.agent.name) \($0.text)." } }
        if !doubts.isEmpty { text += section("Agents that cannot say", doubts) }
        text += section("Evidence", trace.evidence.map(line))
        text += section("Clocks", clocks)
        return text
    }

    // MARK: The answer

    /// The conclusion in one sentence or two.
    package var answer: String {
        let connection =
            "\(trace.connection.source):\(trace.connection.sourcePort) > "
            + "\(trace.connection.destination):\(trace.connection.destinationPort)"
        let name = trace.reset.map { "\($0.source)" } ?? ""
        switch trace.verdict {
        case .madeBy(let agent):
            return "\(agent) reset \(connection) in the name of \(name) (\(certainty))." + headline
        case .madeByHost(let agent):
            return "\(name) itself reset \(connection), as \(agent) on that host says (\(certainty))." + headline
        case .madeBetween(let saw, let sawNot):
            return "\(connection) was reset between \(saw) and \(sawNot), in the name of \(name) (\(certainty)): "
                + "\(saw) saw the RST, \(sawNot) did not."
        case .madeBeyond(let agent):
            let hop = trace.best.map(\.hop) ?? -1
            let distance = hop > 0 ? "\(FleetJudge.hops(hop)) from \(agent)" : "beyond \(agent)"
            let said = trace.best?.sender == "middlebox" ? "a device \(distance)" : "a sender \(distance)"
            return "\(connection) was reset by \(said), in the name of \(name). No agent is nearer to it." + headline
        case .droppedBy(let agent):
            return "\(agent) dropped packets of \(connection) (\(certainty))." + headline
        case .lostBetween(let packet, let last, let next):
            return "The \(packet.text) of \(connection) was lost between \(last) and \(next) (\(certainty)): "
                + "\(last) saw it, \(next) did not."
        case .lostBeyond(let packet, let last):
            return
                "The \(packet.text) of \(connection) passed \(last) and got no answer. No agent that can say is beyond."
        case .delivered:
            return "\(connection): the handshake got through, and no agent saw a reset."
        case .undetermined:
            return "\(connection): the agents saw too little to say what happened."
        }
    }

    /// The probability in words, as everywhere.
    private var certainty: String {
        switch trace.confidence {
        case 0.99...: "almost certain"
        case 0.95...: "very likely"
        case 0.8...: "likely"
        default: "undecided"
        }
    }

    /// The first sentence of the agent that knows best.
    private var headline: String {
        guard let told = trace.best?.finding?.told else { return "" }
        return " \(trace.best?.reporter.agent ?? ""): \(told.headline ?? told.summary)"
    }

    /// The next step.
    package var nextStep: String {
        let best = trace.best
        let explain = best.map { "On \($0.reporter.agent): `rstwho explain \($0.id)`" }
        switch trace.verdict {
        case .madeBy, .madeByHost, .droppedBy:
            let advice = best?.finding?.told?.advice ?? ""
            return "Next: " + [explain.map { $0 + "." } ?? "", advice].filter { !$0.isEmpty }.joined(separator: " ")
        case .madeBetween(let saw, let sawNot):
            return "Next: look at the devices between \(saw) and \(sawNot); none of them runs an agent, or it did not "
                + "report. " + (explain.map { $0 + " has the packets (`--pcap FILE`)." } ?? "")
        case .madeBeyond(let agent):
            return "Next: run an agent on the device beyond \(agent), or ask its operator. "
                + (explain.map { $0 + "." } ?? "")
        case .lostBetween(let packet, let last, let next):
            let command = "rstwho explain \"\(trace.connection.source) > \(trace.connection.destination)\""
            return "Next: on \(last) compare routes and rules for the \(packet.text) (`\(command)`); between it and "
                + "\(next) look for devices without an agent."
        case .lostBeyond(_, let last):
            return "Next: look beyond \(last), and check with `rstwho fleet agents` that the agents there run."
        case .delivered:
            return "Next: if it failed later, ask about a wider time with --since, or on the hosts with rstwho explain."
        case .undetermined:
            return
                "Next: `rstwho fleet agents` lists agents that are silent or behind; ask again when they have shipped."
        }
    }

    // MARK: The drawing

    private var drawing: String {
        let arrow = style.drawing == .unicode ? "→" : "->"
        let dots = style.drawing == .unicode ? "┆" : ":"
        let rail = style.drawing == .unicode ? "│" : "|"
        let names = trace.views.map(\.stop.agent.name)
        let width = min(32, names.map(\.count).max() ?? 0)
        var text = wrapped("Path from \(trace.connection.source) \(arrow) \(trace.connection.destination):")
        if trace.path.isAsymmetric {
            text += wrapped("  (the two directions take different paths; agents that see one direction are marked)")
        }
        for (index, view) in trace.views.enumerated() {
            if index > 0 {
                let count = view.stop.unseenBefore
                text +=
                    count > 0
                    ? "  \(dots)  no eyes here: \(count) \(count == 1 ? "device" : "devices") without an agent\n"
                    : "  \(rail)\n"
            }
            let name = names[index].padded(to: width)
            text += style.drawing.printable("  \(name)  \(marks(of: view))") + "\n"
        }
        return text
    }

    private func marks(of view: FleetTrace.View) -> String {
        var marks: [String] = []
        for packet in FleetSighting.Packet.allCases {
            guard let times = view.seen[packet], let first = times.min() else { continue }
            let offset = Double(first > trace.time ? first - trace.time : 0) / 1e6
            let count = times.count > 1 ? " ×\(times.count)" : ""
            marks.append("\(packet.text)\(count) +\(Self.milliseconds(offset)) ms")
        }
        if marks.isEmpty { marks = [view.doubt == nil ? "saw nothing of it" : "cannot say"] }
        if view.stop.isClient { marks.append("(the client)") }
        if view.stop.isServer { marks.append("(the server)") }
        if trace.path.isAsymmetric, !view.stop.isClient, !view.stop.isServer,
            view.stop.seesForward != view.stop.seesReturn
        {
            marks.append(view.stop.seesForward ? "(forward direction only)" : "(return direction only)")
        }
        if let tuple = view.tuple,
            tuple.source != trace.connection.source || tuple.destination != trace.connection.destination
        {
            marks.append("as \(tuple.source):\(tuple.sourcePort) > \(tuple.destination):\(tuple.destinationPort)")
        }
        switch trace.verdict {
        case .madeBy(let agent), .madeByHost(let agent):
            if agent == view.stop.agent.name { marks.append(sign("made the RST")) }
        case .droppedBy(let agent):
            if agent == view.stop.agent.name { marks.append(sign("dropped it")) }
        default: break
        }
        return marks.joined(separator: "  ")
    }

    private func sign(_ text: String) -> String { style.drawing == .unicode ? "◄ \(text)" : "<- \(text)" }

    private static func milliseconds(_ value: Double) -> String {
        let tenths = Int((min(max(value, 0), 1e12) * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    // MARK: Sections

    private func section(_ title: String, _ lines: [String]) -> String {
        guard !lines.isEmpty else { return "" }
        return "\n\(title):\n" + lines.map { wrapped("  \($0)", hanging: 4) }.joined()
    }

    private func line(_ evidence: FleetEvidence) -> String {
        guard evidence.weight != 0 else { return evidence.text }
        return "\(evidence.text) (\(evidence.weight > 0 ? "+" : "")\(DecimalText.format(evidence.weight, digits: 1)))"
    }

    private var clocks: [String] {
        guard let reference = trace.clocks.reference else {
            return ["No packet was seen by two agents: times are the agents' own."]
        }
        let agents = Set(trace.views.map(\.stop.agent))
        return trace.clocks.offsets.filter { agents.contains($0.key) && $0.key != reference }
            .sorted { $0.key < $1.key }.compactMap { agent, offset in
                let microseconds = offset.nanoseconds / 1000
                let amount = microseconds.magnitude
                guard amount >= 1000 else { return nil }
                return
                    "\(agent.name) is \(amount / 1000) ms \(microseconds > 0 ? "ahead of" : "behind") \(reference.name), "
                    + "by \(offset.samples) shared packet\(offset.samples == 1 ? "" : "s"); times here are corrected."
            }
    }

    private func wrapped(_ text: String, hanging: Int? = nil) -> String {
        TextLayout.wrapped(text, width: style.width, hanging: hanging, drawing: style.drawing)
    }
}

extension String {
    /// The text with spaces behind it up to that many characters.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: Swift.max(0, width - count)) }
}
