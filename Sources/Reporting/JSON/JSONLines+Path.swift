// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

extension JSONLines {
    /// Writes the retransmissions and the facts around them; nothing if one point does not show them.
    static func writeRepeats(_ path: Finding.Path, of finding: Finding, to json: inout JSONWriter) {
        guard path.repeated != nil || path.redirect != nil || !path.ports.isEmpty else { return }
        json.member("path") { json in
            json.object { json in
                json.member("repeated", path.repeated?.rawValue)
                json.member("copies", path.repeated == nil ? nil : path.copies)
                if !path.seconds.isEmpty {
                    json.member("seconds") { json in
                        json.array { json in
                            for second in path.seconds { json.raw(DecimalText.format(second, digits: 3)) }
                        }
                    }
                }
                if !path.ports.isEmpty {
                    json.member("ports") { json in
                        json.array { json in
                            for port in path.ports.sorted() { json.raw("\(port)") }
                        }
                    }
                }
                json.member("redirect_from", path.redirect.map { finding.text($0.from) })
                json.member("gateway", path.redirect.map { finding.text($0.gateway) })
                json.member("ack_seen", path.isAcknowledgedHere ? true : nil)
                json.member("other_way_back", path.hasOtherWayBack ? true : nil)
                json.member("answer_passes", path.answerPasses ? true : nil)
                json.member("answers", path.answers?.text)
                json.member("bytes", path.bytes)
                json.member("from_server", path.isFromServer ? true : nil)
                json.member("only_large", path.isOnlyLarge ? true : nil)
                json.member("recovered_seconds", path.recoveredSeconds, digits: 3)
                json.member("silence_seconds", path.silence, digits: 3)
                json.member("first_data", path.isFirstData ? true : nil)
                json.member("others_work", path.othersWork ? true : nil)
                json.member("signature", path.signature?.name)
                json.member("servers", path.servers > 1 ? path.servers : nil)
            }
        }
    }
}

/// The JSON form of a path finding of one point.
struct WirePath: Decodable {
    var repeated: String?
    var copies: Int?
    var seconds: [Double]?
    var ports: [UInt16]?
    var redirect_from: String?
    var gateway: String?
    var ack_seen: Bool?
    var other_way_back: Bool?
    var answer_passes: Bool?
    var answers: String?
    var bytes: Int?
    var from_server: Bool?
    var only_large: Bool?
    var recovered_seconds: Double?
    var silence_seconds: Double?
    var first_data: Bool?
    var others_work: Bool?
    var signature: String?
    var servers: Int?

    func path(_ cause: Finding.PathCause) -> Finding.Path {
        var path = Finding.Path(cause: cause)
        path.repeated = repeated.flatMap { Finding.Path.Repeated(rawValue: $0) }
        path.copies = copies ?? 0
        path.seconds = seconds ?? []
        path.ports = ports ?? []
        if let from = redirect_from.flatMap({ IPAddress($0) }), let gateway = gateway.flatMap({ IPAddress($0) }) {
            path.redirect = Finding.Path.Redirect(from: from, gateway: gateway)
        }
        path.isAcknowledgedHere = ack_seen ?? false
        path.hasOtherWayBack = other_way_back ?? false
        path.answerPasses = answer_passes ?? false
        path.answers = answers.map { .decoded($0) }
        path.bytes = bytes
        path.isFromServer = from_server ?? false
        path.isOnlyLarge = only_large ?? false
        path.recoveredSeconds = recovered_seconds
        path.silence = silence_seconds
        path.isFirstData = first_data ?? false
        path.othersWork = others_work ?? false
        path.signature = signature.flatMap { TCPSignature(name: $0) }
        path.servers = servers ?? 1
        return path
    }

    var isBounded: Bool {
        [copies ?? 0, bytes ?? 0, servers ?? 1].allSatisfy((0...WireBounds.count.upperBound).contains)
            && ((seconds ?? []) + [recovered_seconds ?? 0, silence_seconds ?? 0]).allSatisfy(
                WireBounds.seconds.contains)
    }
}
