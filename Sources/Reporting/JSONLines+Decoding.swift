// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import FoundationEssentials
internal import Packets

extension JSONLines {
    /// Reads a finding that an agent sent. Fields that this version does not know are ignored; the sentences are
    /// the agent's.
    ///
    /// - Returns: `nil` where `json` is not a finding, has a number that none has, or has a value of a closed set that this version does not know.
    package static func decode(_ json: String) -> Finding? {
        guard let wire = try? JSONDecoder().decode(WireFinding.self, from: Data(json.utf8)) else { return nil }
        return wire.finding
    }
}

/// A finding as it stands in JSON: the names of the contract.
private struct WireFinding: Decodable {
    struct WireEvidence: Decodable {
        var name: String
        var weight: Double
        var observed: String?
        var expected: String?
        var text: String
    }

    struct WireVantage: Decodable {
        var host: String?
        var interface: String?
        var hook: String?
        var direction: String?
    }

    var kind: String
    var id: String
    var revision: Int
    var time: String?
    var frame: UInt64?
    var file: String?
    var src: String
    var src_port: UInt16
    var dst: String
    var dst_port: UInt16
    var flags: String
    var ttl: UInt8
    var seq: UInt32
    var ack: UInt32
    var sender: String
    var hop: Int
    var host_hop: Int?
    var confidence: Double?
    var cause: String
    var stage: String
    var signature: String?
    var origin: String?
    var idle_seconds: Double?
    var vlan: UInt16?
    var next_hop_mac: String?
    var packet_key: String
    var count: Int
    var vantage: WireVantage?
    var evidence: [WireEvidence]
    var service_port: UInt16?
    var summary: String?
    var advice: String?

    var finding: Finding? {
        guard let kind = Finding.Kind(rawValue: kind), let sender = Finding.Sender(rawValue: sender),
            let cause = Finding.Cause(rawValue: cause), let stage = Finding.Stage(rawValue: stage),
            let source = IPAddress(src), let destination = IPAddress(dst), let flags = Self.flags(flags), isBounded
        else { return nil }
        let tuple = FiveTuple(
            source: source, sourcePort: src_port, destination: destination, destinationPort: dst_port)
        var finding = Finding(
            id: id, fiveTuple: tuple, flags: flags, ttl: ttl, seq: seq, ack: ack, sender: sender, hop: hop,
            cause: cause, stage: stage, packetKey: packet_key, evidence: evidence.map(Self.evidence))
        finding.kind = kind
        finding.revision = revision
        finding.time = time.flatMap { Timestamp.parse($0) }
        finding.frame = frame
        finding.file = file
        finding.hostHop = host_hop
        finding.confidence = confidence
        finding.signature = signature.flatMap { TamperingSignature(rawValue: $0) }
        finding.origin = origin
        finding.idleSeconds = idle_seconds
        finding.vlan = vlan
        finding.nextHopMAC = next_hop_mac
        finding.count = count
        finding.serverIsSource = service_port.map { $0 == src_port }
        finding.told = summary.map { Finding.Told(summary: $0, advice: advice ?? "") }
        finding.vantage = vantage.map {
            Finding.Vantage(host: $0.host, interface: $0.interface, hook: $0.hook, direction: $0.direction)
        }
        return finding
    }

    private var isBounded: Bool {
        WireBounds.hop.contains(hop) && host_hop.map(WireBounds.hop.contains) ?? true
            && WireBounds.count.contains(count) && WireBounds.revision.contains(revision)
            && confidence.map(WireBounds.probability.contains) ?? true
            && idle_seconds.map(WireBounds.seconds.contains) ?? true
            && service_port.map { $0 == src_port || $0 == dst_port } ?? true
    }

    private static func evidence(_ wire: WireEvidence) -> Evidence {
        Evidence(
            name: wire.name, weight: wire.weight, observed: wire.observed, expected: wire.expected, text: wire.text)
    }

    /// The reverse of `TCPFlags.description`.
    private static func flags(_ letters: String) -> TCPFlags? {
        var flags: TCPFlags = []
        for letter in letters {
            switch letter {
            case "F": flags.insert(.fin)
            case "S": flags.insert(.syn)
            case "R": flags.insert(.rst)
            case "P": flags.insert(.psh)
            case "A": flags.insert(.ack)
            case "U": flags.insert(.urg)
            case "E": flags.insert(.ece)
            case "C": flags.insert(.cwr)
            default: return nil
            }
        }
        return flags
    }
}
