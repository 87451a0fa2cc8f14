// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// Findings for a person at a terminal: each finding as it comes, then a summary.
package struct TextReport: Sendable {
    /// Colours, only for a terminal.
    package var isColoured: Bool
    private let drawing: LineDrawing
    private var senders: [Finding.Sender: Int] = [:]
    private var devices: [Device: Tally] = [:]
    /// Findings that are not about a reset.
    private var others: [Finding.Kind: Int] = [:]
    /// The reported resets that a revision may replace, and their ids in the order of reporting.
    private var counted: [String: Earlier] = [:]
    private var ids: [String] = []
    private var oldest = 0
    /// Resets that are known again when they are revised; as many as the engine lets wait for their host.
    private static let revisable = 65_536

    private struct Earlier {
        var sender: Finding.Sender
        var count: Int
    }

    /// Resets of one kind: who sent them, from which hop, for which service.
    private struct Device: Hashable {
        var sender: Finding.Sender
        var hop: Int?
        var cause: Finding.Cause
        /// The operator's name of it.
        var name: String?
    }

    private struct Tally {
        var resets = 0
        var hosts: Set<String> = []
        var services: Set<UInt16> = []
        /// Bounds of the sets above: more than this is told as a number only.
        static let bound = 1000
    }

    package init(isColoured: Bool = false, drawing: LineDrawing = .unicode) {
        self.isColoured = isColoured
        self.drawing = drawing
    }

    /// One finding: a line that answers the question, one with what it rests on, one with what to do.
    package mutating func text(_ finding: Finding) -> String {
        count(finding)
        let frame = finding.frame.map { "frame \($0)  " } ?? ""
        let file = finding.file.map { "\($0)  " } ?? ""
        let revised = finding.revision > 0 ? "revised: " : ""
        let head = drawing.printable("\(clock(finding))\(file)\(frame)\(tuple(finding))")
        var lines = [
            "\(head)  \(paint(drawing.printable(revised + label(finding)), finding))",
            "    \(drawing.printable(finding.summary))",
        ]
        // What weighs most comes first; notes, which weigh nothing, are in the summary where they matter.
        let weighing = finding.evidence.filter { $0.weight != 0 }.sorted { abs($0.weight) > abs($1.weight) }
        for piece in weighing.prefix(Self.shownEvidence) {
            lines.append(drawing.printable("    \(piece.label): \(EvidenceText.sentence(piece, of: finding))"))
        }
        if weighing.count > Self.shownEvidence {
            lines.append("    and \(weighing.count - Self.shownEvidence) more")
        }
        let advice = finding.advice
        if !advice.isEmpty { lines.append(drawing.printable("    > \(advice)")) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The totals: resets per sender, then devices that sent resets in others' names.
    ///
    /// - `packets`: packets that were there.
    /// - `unread`: those of them of which nothing is known, by reason; what is missing is said instead of "no resets".
    /// - `note`: what else to say of the whole, a sentence.
    /// - `opening`: the facts of a capture without any connection, a sentence; `nil` where there is more.
    package func summary(
        packets: UInt64, unread: [Unread] = [], note: String? = nil, opening: String? = nil
    ) -> String {
        let missing = unread.reduce(0) { $0 &+ $1.count }
        let reasons = unread.map { "\($0.count) \($0.reason)" }.joined(separator: "; ")
        let total = senders.values.reduce(0, +)
        if missing > 0, total == 0 {
            return
                "Whether resets were sent is not known: \(missing) \(missing == 1 ? "packet was" : "packets were") not "
                + "read, \(packets &- min(packets, missing)) were\(beside). Not read: \(reasons).\n"
        }
        let behind =
            (missing > 0 ? drawing.printable("Not read, so nothing is known of them: \(reasons).") + "\n" : "")
            + (total > 0 ? note.map { drawing.printable($0) + "\n" } ?? "" : "")
        let facts = total == 0 ? opening.map { drawing.printable($0) + "\n" } ?? "" : ""
        return resets(packets: packets, total: total) + facts + behind
    }

    /// Packets of which nothing is known.
    package struct Unread: Sendable {
        package var count: UInt64
        /// Why, as it follows a number: `printed without their flags`.
        package var reason: String

        package init(_ count: UInt64, _ reason: String) {
            self.count = count
            self.reason = reason
        }
    }

    private func resets(packets: UInt64, total: Int) -> String {
        guard total > 0 else { return "No resets in \(Counted.packets(packets))\(beside).\n" }
        var text = "\(Counted.resets(total)) in \(Counted.packets(packets))"
        let parts = Finding.Sender.allCases.compactMap { sender in
            senders[sender].map { "\(sender.rawValue) \($0)" }
        }
        text += ": " + parts.joined(separator: ", ") + beside + ".\n"
        let foreign = devices.sorted {
            ($1.value.resets, $0.key.hop ?? .max) < ($0.value.resets, $1.key.hop ?? .max)
        }
        for (device, tally) in foreign {
            let place = (device.hop.map { " at hop \($0)" } ?? "") + (device.name.map { " (\($0))" } ?? "")
            let who = device.sender == .thisMachine ? "This machine" : "A device\(place)"
            let services = tally.services.sorted().prefix(8).map { "tcp/\($0)" }.joined(separator: ", ")
            let more = tally.services.count > 8 ? " and \(tally.services.count - 8) more" : ""
            let hosts = tally.hosts.count == 1 ? tally.hosts.first ?? "" : "\(tally.hosts.count) hosts"
            text += drawing.printable(
                "\(who) sent \(tally.resets) of them for \(hosts), \(services)\(more) (\(device.cause.rawValue)).")
            text += "\n"
        }
        return text
    }

    /// The summary of other findings than resets, which follows that of the resets.
    private var beside: String {
        let parts = Finding.Kind.allCases.compactMap { kind -> String? in
            guard kind != .reset, let count = others[kind] else { return nil }
            return "\(count) \(kind.rawValue.replacing("_", with: " ")) \(count == 1 ? "finding" : "findings")"
        }
        return parts.isEmpty ? "" : "; " + parts.joined(separator: ", ")
    }

    /// Pieces of evidence shown with a finding; JSON has them all.
    private static let shownEvidence = 3

    private mutating func count(_ finding: Finding) {
        guard let reset = finding.reset else {
            if finding.revision == 0 { others[finding.kind, default: 0] += 1 }
            return
        }
        if finding.revision > 0, let earlier = counted[finding.id] {
            let left = senders[earlier.sender, default: 0] - earlier.count
            senders[earlier.sender] = left > 0 ? left : nil
        }
        senders[reset.sender, default: 0] += finding.count
        // Only devices are named at the end, and what names one is not revised.
        guard reset.sender.isForeign else { return remember(finding, reset) }
        counted[finding.id] = nil
        let device = Device(sender: reset.sender, hop: reset.hop, cause: reset.cause, name: finding.device?.description)
        guard devices[device] != nil || devices.count < Tally.bound else { return }
        var tally = devices[device] ?? Tally()
        tally.resets += finding.count
        if tally.hosts.count < Tally.bound { tally.hosts.insert(finding.called(finding.fiveTuple.source)) }
        if tally.services.count < Tally.bound {
            tally.services.insert(finding.servicePort)
        }
        devices[device] = tally
    }

    /// Keeps what a revision may replace: of too many the oldest gives way.
    private mutating func remember(_ finding: Finding, _ reset: Finding.Reset) {
        let told = Earlier(sender: reset.sender, count: finding.count)
        guard counted.updateValue(told, forKey: finding.id) == nil else { return }
        if ids.count < Self.revisable {
            ids.append(finding.id)
        } else {
            counted[ids[oldest]] = nil
            ids[oldest] = finding.id
            oldest = (oldest + 1) % Self.revisable
        }
    }

    private func label(_ finding: Finding) -> String {
        let repeats = finding.count > 1 ? (drawing == .ascii ? " x " : " × ") + "\(finding.count)" : ""
        guard let reset = finding.reset else {
            // A percentage covers a sender, never a cause.
            let confidence = finding.confidence.map { " (\(Certainty.words($0)))" } ?? ""
            let reason = finding.icmpError.map { ", \($0.reason.rawValue)" } ?? ""
            return (finding.causeName ?? finding.kind.rawValue) + reason + confidence + repeats
        }
        let confidence = finding.confidence.map { " (\(percent($0)))" } ?? ""
        let name = finding.device.map { " \($0.name)" } ?? ""
        let hop = reset.sender == .middlebox ? name + (reset.hop.map { " at hop \($0)" } ?? "") : ""
        let cause = reset.cause == .unknown ? "" : ", \(reset.cause.rawValue)"
        return "\(reset.sender.rawValue)\(hop)\(confidence)\(cause)\(repeats)"
    }

    /// Never 100 %: nothing is certain.
    private func percent(_ probability: Double) -> String {
        "\(min(99, DecimalText.whole(probability * 100))) %"
    }

    private func clock(_ finding: Finding) -> String {
        guard let time = finding.time else { return "" }
        return Timestamp.text(time) + "  "
    }

    private func tuple(_ finding: Finding) -> String {
        let tuple = finding.fiveTuple
        return "\(end(finding, tuple.source, tuple.sourcePort)) > "
            + end(finding, tuple.destination, tuple.destinationPort)
    }

    private func end(_ finding: Finding, _ address: IPAddress, _ port: UInt16) -> String {
        let text = finding.text(address)
        // An ICMP error may quote a packet without ports.
        guard port != 0 || finding.kind == .reset else { return text }
        return text.contains(":") ? "[\(text)]:\(port)" : "\(text):\(port)"
    }

    private func paint(_ text: String, _ finding: Finding) -> String {
        guard isColoured else { return text }
        if finding.isProblem { return "\u{1b}[1;31m\(text)\u{1b}[0m" }
        guard let reset = finding.reset, reset.sender != .undetermined else { return "\u{1b}[33m\(text)\u{1b}[0m" }
        return "\u{1b}[32m\(text)\u{1b}[0m"
    }
}
