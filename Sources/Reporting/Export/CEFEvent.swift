// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// A finding in ArcSight's Common Event Format (version 0, revision 25).
enum CEFEvent {
    static func text(_ finding: Finding, _ source: ExportSource) -> String {
        let signature = [finding.kind.rawValue, finding.causeName].compactMap { $0 }.joined(separator: ".")
        let header = ["rstwho", "rstwho", source.version, signature, PacketComment.headline(finding)]
            .map(escapedHeader).joined(separator: "|")
        let fields = extensions(finding, source).compactMap { name, value in
            value.map { "\(name)=\(escapedValue($0))" }
        }
        return "CEF:0|\(header)|\(finding.isProblem ? 7 : 3)|" + fields.joined(separator: " ")
    }

    private static func extensions(_ finding: Finding, _ source: ExportSource) -> [(String, String?)] {
        let tuple = finding.fiveTuple
        var fields: [(String, String?)] = [
            ("rt", finding.time.map { String($0 / 1_000_000) }), ("externalId", finding.id),
            ("dvchost", source.host), ("proto", tuple.transport.label.uppercased()),
            ("spt", String(tuple.sourcePort)), ("dpt", String(tuple.destinationPort)),
            ("cnt", String(finding.count)), ("msg", finding.summary),
            ("deviceInboundInterface", finding.vantage?.interface),
        ]
        // src and dst are IPv4 addresses; those of IPv6 have fields of their own.
        if tuple.source.isIPv4 {
            fields += [("src", tuple.source.description), ("dst", tuple.destination.description)]
        } else {
            fields += [
                ("c6a2", tuple.source.description), ("c6a2Label", "Source IPv6 Address"),
                ("c6a3", tuple.destination.description), ("c6a3Label", "Destination IPv6 Address"),
            ]
        }
        if let cause = finding.causeName { fields += [("cs2", cause), ("cs2Label", "cause")] }
        guard let reset = finding.reset else { return fields }
        fields += [("cs1", reset.sender.rawValue), ("cs1Label", "sender")]
        if let hop = reset.hop { fields += [("cn1", String(hop)), ("cn1Label", "hop")] }
        if let device = finding.device { fields += [("cs3", device.name), ("cs3Label", "device")] }
        return fields
    }

    /// Backslashes and pipes of the header get a backslash.
    private static func escapedHeader(_ text: String) -> String { escaped(text, "\\|") }

    /// Backslashes and equals signs of a value get a backslash.
    private static func escapedValue(_ text: String) -> String { escaped(text, "\\=") }

    private static func escaped(_ text: String, _ special: String) -> String {
        UntrustedText.printable(text).reduce(into: "") { result, character in
            if special.contains(character) { result += "\\" }
            result.append(character)
        }
    }
}
