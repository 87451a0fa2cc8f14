// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// Findings as JSON Lines: one object a line, the field names and closed sets of the JSON contract, fields always in
/// the same order.
package enum JSONLines {
    /// Bytes that most lines fit into.
    private static let usualLength = 2048

    /// `finding` as one line, its line feed included.
    package static func line(_ finding: Finding) -> String {
        var writer = JSONWriter(capacity: usualLength)
        write(finding, to: &writer)
        writer.endLine()
        return writer.text
    }

    /// `finding` as an object, for a line or as an element of a list.
    package static func write(_ finding: Finding, to writer: inout JSONWriter) {
        writer.object { json in
            writeIdentity(of: finding, to: &json)
            writeFiveTuple(of: finding, to: &json)
            switch finding.details {
            case .reset(let reset): write(reset, of: finding, to: &json)
            case .path(let path): write(path, of: finding, to: &json)
            case .pathChange(let change): write(change, of: finding, to: &json)
            case .icmpError(let error): write(error, of: finding, to: &json)
            case .notice(let notice): json.member("cause", notice.cause.rawValue)
            }
            writeNames(of: finding, to: &json)
            json.member("count", finding.count)
            writeVantage(of: finding, to: &json)
            json.member("evidence") { json in
                json.array { json in
                    for evidence in finding.evidence { write(evidence, of: finding, to: &json) }
                }
            }
            let story = finding.story
            let advice = story.advice.sentences
            json.member("problem", finding.isProblem)
            json.member("headline", story.answer)
            json.member("summary", story.summary)
            json.member("advice", advice.isEmpty ? nil : advice)
        }
    }

    private static func writeIdentity(of finding: Finding, to json: inout JSONWriter) {
        json.member("schema", FindingSchema.version)
        json.member("kind", finding.kind.rawValue)
        json.member("id", finding.id)
        json.member("revision", finding.revision)
        json.member("time", finding.time.map(Timestamp.text))
        json.member("frame", finding.frame)
        json.member("file", finding.file)
    }

    private static func writeFiveTuple(of finding: Finding, to json: inout JSONWriter) {
        writeEnds(finding.fiveTuple, of: finding, to: &json)
        json.member("service_port", finding.servicePort)
        if let translated = finding.translated {
            json.member("translated") { json in
                json.object { json in writeEnds(translated, of: finding, to: &json) }
            }
        }
    }

    private static func writeEnds(_ tuple: FiveTuple, of finding: Finding, to json: inout JSONWriter) {
        json.member("src", finding.text(tuple.source))
        json.member("src_port", tuple.sourcePort)
        json.member("dst", finding.text(tuple.destination))
        json.member("dst_port", tuple.destinationPort)
        json.member("protocol", tuple.transport == .tcp ? nil : tuple.transport.label)
    }

    private static func write(_ reset: Finding.Reset, of finding: Finding, to json: inout JSONWriter) {
        json.member("flags", reset.flags.description)
        json.member("ttl", reset.ttl == 0 ? nil : reset.ttl)
        json.member("seq", reset.seq)
        json.member("ack", reset.ack)
        json.member("sender", reset.sender.rawValue)
        json.member("hop", reset.hop)
        json.member("host_hop", reset.hostHop)
        writeConfidence(of: finding, to: &json)
        json.member("cause", reset.cause.rawValue)
        json.member("stage", reset.stage.rawValue)
        json.member("signature", reset.signature?.rawValue)
        json.member("origin", reset.origin)
        writeDevice(of: finding, to: &json)
        json.member("idle_seconds", reset.idleSeconds, digits: 3)
        json.member("vlan", reset.vlan)
        json.member("next_hop_mac", reset.nextHopMAC)
        json.member("packet_key", reset.packetKey)
    }

    private static func write(_ path: Finding.Path, of finding: Finding, to json: inout JSONWriter) {
        json.member("cause", path.cause.rawValue)
        writeConfidence(of: finding, to: &json)
        writeRepeats(path, of: finding, to: &json)
        if let crossing = path.crossing { json.member("between") { write(crossing, to: &$0) } }
    }

    private static func write(_ crossing: Finding.LegGap, to writer: inout JSONWriter) {
        writer.object { json in
            json.member("from", crossing.from)
            json.member("to", crossing.to)
            json.member("first", crossing.firstKind.label)
            json.member("from_client", crossing.isFromClient)
            json.member("lost") { ComparisonReport.write(crossing.lost, to: &$0) }
            json.member("passed") { ComparisonReport.write(crossing.passed, to: &$0) }
            json.member("services", crossing.services)
            json.member("never_came", crossing.neverCame > 0 ? crossing.neverCame : nil)
            json.member("inside", crossing.isInside ? true : nil)
            for (name, points) in [("there", crossing.there), ("back", crossing.back)] where !points.isEmpty {
                json.member(name) { json in json.array { json in for point in points { json.string(point) } } }
            }
            json.member("bypassed", crossing.bypassed)
            json.member("smallest_lost", crossing.smallestLost)
            json.member("largest_passed", crossing.largestPassed)
        }
    }

    private static func write(_ change: Finding.PathChange, of finding: Finding, to json: inout JSONWriter) {
        json.member("hop", change.hop)
        json.member("host_hop", change.hostHop)
        json.member("hosts", change.hosts)
        writeConfidence(of: finding, to: &json)
    }

    private static func write(_ error: Finding.ICMPError, of finding: Finding, to json: inout JSONWriter) {
        writeDevice(of: finding, to: &json)
        json.member("icmp") { json in
            json.object { json in
                json.member("type", error.type)
                json.member("code", error.code)
                json.member("version", error.isIPv6 ? 6 : 4)
                json.member("reason", error.reason.rawValue)
                json.member("from", finding.text(error.from))
                json.member("hop", error.hop)
                json.member("to", error.to.map { finding.text($0) })
                json.member("gateway", error.gateway.map { finding.text($0) })
                json.member("mtu", error.mtu)
                json.member("octet", error.octet)
                json.member("protocol_number", error.quoted.transport == .other ? error.protocolNumber : nil)
                json.member("quoted") { json in
                    json.object { json in writeEnds(error.quoted, of: finding, to: &json) }
                }
            }
        }
    }

    private static func writeConfidence(of finding: Finding, to json: inout JSONWriter) {
        // Nothing is certain.
        json.member("confidence", finding.confidence.map { min($0, 0.999) }, digits: 3)
    }

    private static func writeVantage(of finding: Finding, to json: inout JSONWriter) {
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

    private static func writeDevice(of finding: Finding, to json: inout JSONWriter) {
        json.member("device", finding.device?.name)
        json.member("owner", finding.device?.owner)
        json.member("expected", finding.device?.isExpected == true ? true : nil)
    }

    private static func writeNames(of finding: Finding, to json: inout JSONWriter) {
        let places = finding.places
        guard !places.isEmpty else { return }
        json.member("names") { json in
            json.array { json in
                for (address, device) in places.addresses.sorted(by: { $0.key < $1.key }) {
                    write(device, address: finding.text(address), hop: nil, to: &json)
                }
                for (hop, device) in places.hops.sorted(by: { $0.key < $1.key }) {
                    write(device, address: nil, hop: hop, to: &json)
                }
            }
        }
    }

    private static func write(_ device: KnownDevice, address: String?, hop: Int?, to writer: inout JSONWriter) {
        writer.object { json in
            json.member("address", address)
            json.member("hop", hop)
            json.member("name", device.name)
            json.member("owner", device.owner)
        }
    }

    private static func write(_ evidence: Evidence, of finding: Finding, to json: inout JSONWriter) {
        json.object { json in
            json.member("name", evidence.label)
            json.member("weight", evidence.weight, digits: 2)
            json.member("observed", evidence.observed?.text)
            json.member("expected", evidence.expected?.text)
            json.member("text", finding.told == nil ? finding.places.naming(evidence.text) : evidence.text)
        }
    }
}
