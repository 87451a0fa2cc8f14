// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// A finding as a message of RFC 5424.
enum SyslogMessage {
    /// The name of the structured data.
    ///
    /// The project has no number of its own; 32473 is the one that RFC 5612 keeps free for documentation.
    static let dataName = "rstwho@32473"
    /// Bytes of a message at most: what receivers take by default (rsyslog's `maxMessageSize`).
    ///
    /// A longer one has the headline in the place of the JSON; structured data then has what matters.
    static let limit = 8192

    static func text(_ finding: Finding, _ source: ExportSource) -> String {
        let head = header(finding, source) + data(finding) + " "
        let json = JSONLines.line(finding).dropLast()
        return head + (head.utf8.count + json.utf8.count <= limit ? String(json) : PacketComment.headline(finding))
    }

    /// Priority, version, time, host, program, process and kind, each with a space behind it.
    static func header(_ finding: Finding, _ source: ExportSource) -> String {
        let severity = finding.isProblem ? 4 : 6
        let time = finding.time.map(time) ?? "-"
        let fields = [time, name(source.host, 255), "rstwho", "-", finding.kind.rawValue]
        return "<\(source.facility.number * 8 + severity)>1 " + fields.joined(separator: " ") + " "
    }

    /// RFC 5424 allows six digits behind the second.
    private static func time(_ nanoseconds: UInt64) -> String { Timestamp.format(nanoseconds).dropLast(4) + "Z" }

    /// Printable ASCII, or `-` for nothing.
    private static func name(_ text: String, _ limit: Int) -> String {
        let bytes = text.utf8.filter { (33...126).contains($0) }.prefix(limit)
        return bytes.isEmpty ? "-" : String(decoding: bytes, as: UTF8.self)
    }

    private static func data(_ finding: Finding) -> String {
        let tuple = finding.fiveTuple
        var pairs: [(String, String?)] = [
            ("id", finding.id), ("revision", String(finding.revision)),
            ("problem", finding.isProblem ? "true" : "false"), ("src", finding.text(tuple.source)),
            ("src_port", String(tuple.sourcePort)), ("dst", finding.text(tuple.destination)),
            ("dst_port", String(tuple.destinationPort)), ("cause", finding.causeName),
            ("count", String(finding.count)), ("interface", finding.vantage?.interface),
        ]
        if let reset = finding.reset {
            pairs += [
                ("sender", reset.sender.rawValue), ("hop", reset.hop.map { String($0) }),
                ("stage", reset.stage.rawValue), ("origin", reset.origin),
            ]
        }
        pairs += [
            ("device", finding.device?.name),
            ("confidence", finding.confidence.map { DecimalText.format($0, digits: 3) }),
        ]
        let parameters = pairs.compactMap { name, value in value.map { " \(name)=\"\(escaped($0))\"" } }
        return "[\(dataName)\(parameters.joined())]"
    }

    /// RFC 5424, 6.3.3: quotes, backslashes and closing brackets get a backslash.
    private static func escaped(_ text: String) -> String {
        UntrustedText.printable(text).reduce(into: "") { result, character in
            if "\"\\]".contains(character) { result += "\\" }
            result.append(character)
        }
    }
}
