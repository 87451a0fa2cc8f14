// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// A finding as a document of the Elastic Common Schema: one JSON object on a line.
///
/// The finding itself is in `rstwho`, with the fields of the JSON contract.
enum ECSDocument {
    /// The version of the schema whose fields these are.
    static let version = "8.17.0"

    static func line(_ finding: Finding, _ source: ExportSource) -> String {
        var writer = JSONWriter(capacity: 4096)
        writer.object { json in
            json.member("@timestamp", finding.time.map(Timestamp.format))
            json.member("message", finding.summary)
            json.member("ecs") { $0.object { $0.member("version", version) } }
            json.member("event") { $0.object { writeEvent(finding, to: &$0) } }
            json.member("source") { $0.object { writeEnd(finding, isSource: true, to: &$0) } }
            json.member("destination") { $0.object { writeEnd(finding, isSource: false, to: &$0) } }
            json.member("network") { json in
                json.object { json in
                    let transport = finding.fiveTuple.transport
                    json.member("transport", transport == .other ? nil : transport.label)
                    json.member("type", finding.fiveTuple.source.isIPv4 ? "ipv4" : "ipv6")
                }
            }
            json.member("observer") { $0.object { writeObserver(finding, source, to: &$0) } }
            json.member("rstwho") { JSONLines.write(finding, to: &$0) }
        }
        return writer.text
    }

    private static func writeEvent(_ finding: Finding, to json: inout JSONWriter) {
        json.member("kind", finding.isProblem ? "alert" : "event")
        json.member("category") { $0.array { $0.string("network") } }
        json.member("type") { json in
            json.array { json in
                guard let reset = finding.reset else { return json.string("info") }
                json.string("connection")
                json.string(reset.cause == .rejected ? "denied" : "end")
            }
        }
        json.member("module", "rstwho")
        json.member("dataset", "rstwho.finding")
        json.member("action", [finding.kind.rawValue, finding.causeName].compactMap { $0 }.joined(separator: "."))
        json.member("id", finding.id)
        json.member("reason", PacketComment.headline(finding))
    }

    private static func writeEnd(_ finding: Finding, isSource: Bool, to json: inout JSONWriter) {
        let tuple = finding.fiveTuple
        let address = isSource ? tuple.source : tuple.destination
        let port = isSource ? tuple.sourcePort : tuple.destinationPort
        json.member("address", finding.text(address))
        json.member("ip", address.description)
        json.member("port", port)
    }

    private static func writeObserver(_ finding: Finding, _ source: ExportSource, to json: inout JSONWriter) {
        json.member("hostname", source.host)
        json.member("product", "rstwho")
        json.member("type", "sensor")
        json.member("version", source.version)
        guard let interface = finding.vantage?.interface else { return }
        let way = finding.vantage?.direction == "out" ? "egress" : "ingress"
        json.member(way) { $0.object { $0.member("interface") { $0.object { $0.member("name", interface) } } } }
    }
}
