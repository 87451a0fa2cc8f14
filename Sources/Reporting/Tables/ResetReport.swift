// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import FoundationEssentials
package import Packets

/// Resets as a table for people and as CSV for machines; their JSON is that of `JSONLines`.
package enum ResetReport {
    /// A line a reset.
    package static func text(_ findings: [Finding], style: TableStyle = TableStyle()) -> String {
        guard !findings.isEmpty else { return "No such reset was seen.\n" }
        var table = Table(
            [
                .init(style.isNarrow ? "TIME" : style.title("TIME"), rank: 2), .init("FILE", least: 6, rank: 7),
                .init("FRAME", isRight: true, rank: 8),
                .init("FROM", least: 15), .init("NAME", least: 6, rank: 3), .init("TO", least: 15, rank: 1),
                .init("SENT BY", least: 12), .init("CAUSE"),
                .init("STAGE", rank: 6), .init("SURE", isRight: true, rank: 4), .init("COUNT", isRight: true, rank: 5),
                .init("ORIGIN", rank: 9), .init("ID", rank: 10),
            ], drawing: style.drawing, privacy: style.privacy)
        let hasDate = !style.isNarrow || Set(findings.compactMap { $0.time.map(style.clock.day) }).count > 1
        for finding in findings {
            guard let reset = finding.reset else { continue }
            table.add([
                finding.time.map { style.clock.text($0, hasDate: hasDate) } ?? "", finding.file ?? "",
                finding.frame.map { "\($0)" } ?? "",
                end(finding, finding.fiveTuple.source, finding.fiveTuple.sourcePort), name(finding) ?? "",
                end(finding, finding.fiveTuple.destination, finding.fiveTuple.destinationPort),
                sender(finding, reset),
                reset.cause == .unknown ? "-" : reset.cause.rawValue, reset.stage == .none ? "-" : reset.stage.rawValue,
                finding.confidence.map { "\(min(99, DecimalText.whole($0 * 100))) %" } ?? "-", "\(finding.count)",
                reset.origin ?? "", finding.id,
            ])
        }
        return table.text(width: style.width)
    }

    package static func csv(_ findings: [Finding]) -> String {
        let columns = FindingSchema.columns
        var csv = CSVWriter(columns.map(\.column.name))
        for finding in findings where finding.kind == .reset {
            let subject = FindingSchema.Subject(told: finding)
            for (column, isFlag) in columns { column.value(subject).write(to: &csv, isFlag: isFlag) }
            csv.endRow()
        }
        return csv.text
    }

    /// Returns a short description of the sender.
    package static func sender(_ finding: Finding, _ reset: Finding.Reset) -> String {
        switch reset.sender {
        case .middlebox: (finding.device?.name ?? "device") + (reset.hop.map { " at hop \($0)" } ?? "")
        case .thisMachine: "this machine"
        case .host, .hostApplication, .hostKernel, .hostFirewall:
            reset.sender.rawValue.replacing("_", with: " ") + (reset.hostHop.map { $0 > 0 ? ", hop \($0)" : "" } ?? "")
        case .undetermined: "not known"
        }
    }

    /// Returns the operator's name of the host whose address the reset carries.
    static func name(_ finding: Finding) -> String? { finding.places.addresses[finding.fiveTuple.source]?.name }

    /// `10.4.0.2:22`, `[2001:db8::1]:22`.
    package static func end(_ finding: Finding, _ address: IPAddress, _ port: UInt16?) -> String {
        let text = finding.text(address)
        guard let port, port != 0 || finding.kind == .reset else { return text }
        return text.contains(":") ? "[\(text)]:\(port)" : "\(text):\(port)"
    }
}

extension JSONLines {
    /// Reads the list that an agent sent.
    ///
    /// `nil` where it is none; findings that this version does not know are left out.
    package static func decodeList(_ json: [UInt8]) -> [Finding]? {
        (try? JSONDecoder().decode(WireFindings.self, from: Data(json)))?.items.compactMap(\.finding)
    }

    private struct WireFindings: Decodable {
        var items: [WireFinding]
    }
}
