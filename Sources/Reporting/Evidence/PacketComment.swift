// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
package import Packets

/// A finding as the comment of the packet that it is about.
package enum PacketComment {
    /// The verdict in words on the first line, which is what a column shows; the sentences, evidence and next step
    /// below.
    ///
    /// - `isLate`: the comment goes on a later packet, because the finding's own was handed on before the verdict.
    package static func text(_ finding: Finding, isLate: Bool = false) -> String {
        var lines = [(isLate ? "Late verdict on \(packet(finding)): " : "") + headline(finding)]
        let story = finding.story
        lines.append(([story.answer] + story.details).joined(separator: " "))
        let weighing = finding.evidence.filter { $0.weight != 0 }.sorted { abs($0.weight) > abs($1.weight) }
        for piece in weighing.prefix(shownEvidence) {
            lines.append("Evidence \(piece.label): \(EvidenceText.sentence(piece, of: finding))")
        }
        if weighing.count > shownEvidence { lines.append("Evidence: \(weighing.count - shownEvidence) more") }
        let advice = finding.advice
        if !advice.isEmpty { lines.append("Next step: \(advice)") }
        if isLate {
            lines.append("\(packet(finding, isFirst: true)) had been handed on when this verdict was reached.")
        }
        lines.append("rstwho finding \(finding.id), revision \(finding.revision)")
        // Names come from packets and files: nothing of them may pass for a line of this text.
        return lines.map(UntrustedText.printable).joined(separator: "\n")
    }

    /// Pieces of evidence in a comment; `rstwho explain` has them all.
    private static let shownEvidence = 3

    /// The verdict on one line: `Reset by a device at hop 2, not by 10.4.0.2: rejected, almost certain`.
    package static func headline(_ finding: Finding) -> String {
        let certainty = finding.confidence.map { Certainty.words($0) }
        let repeats = finding.count > 1 ? "\(finding.count) times" : nil
        guard let reset = finding.reset else {
            let cause = words(finding.icmpError?.reason.rawValue ?? finding.causeName)
            return joined(words(finding.kind.rawValue) ?? "", [cause, certainty, repeats])
        }
        let cause = reset.cause == .unknown ? "cause unknown" : words(reset.cause.rawValue)
        let hidden = reset.sender == .undetermined ? nil : certainty
        return joined(sender(finding, reset), [cause, hidden, repeats])
    }

    private static func sender(_ finding: Finding, _ reset: Finding.Reset) -> String {
        let host = finding.text(finding.fiveTuple.source)
        let place = reset.hostHop.map { $0 > 0 ? " (hop \($0))" : "" } ?? ""
        return switch reset.sender {
        case .middlebox:
            "Reset by \(finding.device?.name ?? "a device") "
                + "\(reset.hop.map { "at hop \($0)" } ?? "on the path"), not by \(host)\(place)"
        case .thisMachine: "Reset by this machine, not by \(host)\(place)"
        case .hostApplication: "Reset by an application on \(host)\(place)"
        case .hostKernel: "Reset by the kernel of \(host)\(place)"
        case .hostFirewall: "Reset by the packet filter of \(host)\(place)"
        case .host: "Reset by \(host)\(place) itself"
        case .undetermined: "Reset by an undetermined sender in the name of \(host)"
        }
    }

    private static func joined(_ subject: String, _ parts: [String?]) -> String {
        let known = parts.compactMap { $0 }
        return known.isEmpty ? subject : "\(subject): \(known.joined(separator: ", "))"
    }

    private static func words(_ name: String?) -> String? { name?.replacing("_", with: " ") }

    private static func packet(_ finding: Finding, isFirst: Bool = false) -> String {
        finding.frame.map { "\(isFirst ? "Frame" : "frame") \($0)" } ?? (isFirst ? "The packet" : "an earlier packet")
    }

    // MARK: Names

    /// The names of the addresses that a finding speaks of: the operator's, and of a device whose own address is known
    /// the one that `origins` lists it by.
    package static func names(_ finding: Finding) -> [IPAddress: String] {
        var names = finding.places.addresses.mapValues(\.name)
        if let reset = finding.reset, reset.sender == .middlebox, let address = reset.originAddress,
            names[address] == nil
        {
            let origin = reset.origin.map { "-\($0)" } ?? ""
            names[address] = "resets\(origin)" + (reset.hop.map { "-hop-\($0)" } ?? "")
        }
        return names.mapValues(UntrustedText.printable)
    }

    /// The names that the operator has given to single addresses.
    package static func names(_ devices: DeviceNames) -> [IPAddress: String] {
        devices.entries.reduce(into: [:]) { names, entry in
            guard let address = entry.address, names[address] == nil else { return }
            names[address] = UntrustedText.printable(entry.device.name)
        }
    }
}
