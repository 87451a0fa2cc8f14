// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import FoundationEssentials
internal import Packets

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
        var csv = CSVWriter([
            "id", "revision", "time", "file", "frame", "src", "src_port", "dst", "dst_port", "service_port", "flags",
            "ttl",
            "sender", "hop", "host_hop", "confidence", "cause", "stage", "origin", "idle_seconds", "vlan", "count",
            "host", "interface", "direction", "summary", "advice", "name", "device", "owner", "expected",
        ])
        for finding in findings {
            guard let reset = finding.reset else { continue }
            csv.field(finding.id)
            csv.field(finding.revision)
            csv.field(finding.time.map(Timestamp.text))
            csv.field(finding.file)
            csv.field(finding.frame)
            csv.field(finding.text(finding.fiveTuple.source))
            csv.field(finding.fiveTuple.sourcePort)
            csv.field(finding.text(finding.fiveTuple.destination))
            csv.field(finding.fiveTuple.destinationPort)
            csv.field(finding.servicePort)
            csv.field(reset.flags.description)
            csv.field(reset.ttl == 0 ? nil : reset.ttl)
            csv.field(reset.sender.rawValue)
            csv.field(reset.hop)
            csv.field(reset.hostHop)
            csv.field(finding.confidence, digits: 3)
            csv.field(reset.cause.rawValue)
            csv.field(reset.stage.rawValue)
            csv.field(reset.origin)
            csv.field(reset.idleSeconds, digits: 3)
            csv.field(reset.vlan)
            csv.field(finding.count)
            csv.field(finding.vantage?.host)
            csv.field(finding.vantage?.interface)
            csv.field(finding.vantage?.direction)
            csv.field(finding.summary)
            csv.field(finding.advice)
            csv.field(name(finding))
            csv.field(finding.device?.name)
            csv.field(finding.device?.owner)
            csv.field(finding.device?.isExpected ?? false)
            csv.endRow()
        }
        return csv.text
    }

    /// Returns a short description of the sender.
    static func sender(_ finding: Finding, _ reset: Finding.Reset) -> String {
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
    static func end(_ finding: Finding, _ address: IPAddress, _ port: UInt16?) -> String {
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
