// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// Findings as JSON Lines: one object a line, the field names and closed sets of the JSON contract, fields always in
/// the same order.
package enum JSONLines {
    /// `finding` as one line, its line feed included.
    package static func line(_ finding: Finding) -> String {
        var writer = JSONWriter()
        write(finding, to: &writer)
        writer.endLine()
        return writer.text
    }

    /// `finding` as an object, for a line or as an element of a list.
    package static func write(_ finding: Finding, to writer: inout JSONWriter) {
        writer.object { json in
            writeIdentity(of: finding, to: &json)
            writePacket(of: finding, to: &json)
            writeVerdict(of: finding, to: &json)
            writeCircumstances(of: finding, to: &json)
            json.member("evidence") { json in
                json.array { json in
                    for evidence in finding.evidence { write(evidence, to: &json) }
                }
            }
            let advice = finding.advice
            json.member("summary", finding.summary)
            json.member("advice", advice.isEmpty ? nil : advice)
        }
    }

    private static func writeIdentity(of finding: Finding, to json: inout JSONWriter) {
        json.member("kind", finding.kind.rawValue)
        json.member("id", finding.id)
        json.member("revision", finding.revision)
        json.member("time", finding.time.map(Timestamp.format))
        json.member("frame", finding.frame)
        json.member("file", finding.file)
    }

    private static func writePacket(of finding: Finding, to json: inout JSONWriter) {
        json.member("src", finding.text(finding.fiveTuple.source))
        json.member("src_port", finding.fiveTuple.sourcePort)
        json.member("dst", finding.text(finding.fiveTuple.destination))
        json.member("dst_port", finding.fiveTuple.destinationPort)
        json.member("service_port", finding.servicePort)
        json.member("flags", finding.flags.description)
        json.member("ttl", finding.ttl)
        json.member("seq", finding.seq)
        json.member("ack", finding.ack)
    }

    private static func writeVerdict(of finding: Finding, to json: inout JSONWriter) {
        json.member("sender", finding.sender.rawValue)
        json.member("hop", finding.hop)
        json.member("host_hop", finding.hostHop)
        // Nothing is certain.
        json.member("confidence", finding.confidence.map { min($0, 0.999) }, digits: 3)
        json.member("cause", finding.cause.rawValue)
        json.member("stage", finding.stage.rawValue)
        json.member("signature", finding.signature?.rawValue)
    }

    private static func writeCircumstances(of finding: Finding, to json: inout JSONWriter) {
        json.member("origin", finding.origin)
        json.member("idle_seconds", finding.idleSeconds, digits: 3)
        json.member("vlan", finding.vlan)
        json.member("next_hop_mac", finding.nextHopMAC)
        json.member("packet_key", finding.packetKey)
        json.member("count", finding.count)
        guard let vantage = finding.vantage else { return }
        json.member("vantage") { json in
            json.object { json in
                json.member("host", vantage.host)
                json.member("interface", vantage.interface)
                json.member("hook", vantage.hook)
                json.member("direction", vantage.direction)
            }
        }
    }

    private static func write(_ evidence: Evidence, to json: inout JSONWriter) {
        json.object { json in
            json.member("name", evidence.name)
            json.member("weight", evidence.weight, digits: 2)
            json.member("observed", evidence.observed)
            json.member("expected", evidence.expected)
            json.member("text", evidence.text)
        }
    }
}
