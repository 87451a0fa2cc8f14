// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import FoundationEssentials
internal import Packets

extension JSONLines {
    /// Reads a finding that an agent sent.
    ///
    /// Fields that this version does not know are ignored; the sentences are the agent's.
    ///
    /// - Returns: `nil` where `json` is not a finding, has a number that none has, or has a value of a closed set that
    ///   this version does not know.
    package static func decode(_ json: String) -> Finding? {
        guard let wire = try? JSONDecoder().decode(WireFinding.self, from: Data(json.utf8)) else { return nil }
        return wire.finding
    }

    /// Returns a stored finding as this version writes it; `line` itself if it is written so, or not understood.
    ///
    /// Neither has a line feed. The sentences stay those of the version that reported the finding.
    package static func current(_ line: String) -> String {
        if line.hasPrefix(currentPrefix) { return line }
        return decode(line).map { String(Self.line($0).dropLast()) } ?? line
    }

    /// The beginning of each finding that this version writes.
    private static let currentPrefix = "{\"schema\":\(FindingSchema.version),"
}

/// A finding as it stands in JSON: the names of the contract.
struct WireFinding: Decodable {
    struct WireEvidence: Decodable {
        var name: String
        var weight: Double
        var observed: String?
        var expected: String?
        var text: String
    }

    struct WireName: Decodable {
        var address: String?
        var hop: Int?
        var name: String
        var owner: String?
    }

    struct WireVantage: Decodable {
        var host: String?
        var interface: String?
        var hook: String?
        var direction: String?
    }

    struct Ends: Decodable {
        var src: String
        var src_port: UInt16
        var dst: String
        var dst_port: UInt16
        var `protocol`: String?

        var fiveTuple: FiveTuple? { WireFinding.fiveTuple(src, src_port, dst, dst_port, `protocol`) }
    }

    struct WireICMP: Decodable {
        var type: UInt8
        var code: UInt8
        var version: Int
        var from: String
        var hop: Int?
        var to: String?
        var gateway: String?
        var mtu: Int?
        var octet: Int?
        var protocol_number: UInt8?
        var quoted: Ends
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
    var `protocol`: String?
    var translated: Ends?
    var flags: String?
    var ttl: UInt8?
    var seq: UInt32?
    var ack: UInt32?
    var sender: String?
    var hop: Int?
    var host_hop: Int?
    var hosts: Int?
    var confidence: Double?
    var cause: String?
    var stage: String?
    var signature: String?
    var origin: String?
    var device: String?
    var owner: String?
    var expected: Bool?
    var names: [WireName]?
    var idle_seconds: Double?
    var vlan: UInt16?
    var next_hop_mac: String?
    var packet_key: String?
    var icmp: WireICMP?
    var path: WirePath?
    var count: Int
    var vantage: WireVantage?
    var evidence: [WireEvidence]
    var service_port: UInt16?
    var headline: String?
    var summary: String?
    var advice: String?

    var finding: Finding? {
        guard let kind = Finding.Kind(rawValue: kind), isBounded, let details = details(kind),
            let tuple = Self.fiveTuple(src, src_port, dst, dst_port, `protocol`)
        else { return nil }
        var finding = Finding(id: id, fiveTuple: tuple, details: details, evidence: evidence.map(Self.evidence))
        finding.revision = revision
        finding.device = KnownDevice(device, owner: owner, isExpected: expected)
        for place in names ?? [] {
            let device = KnownDevice(place.name, owner: place.owner, isExpected: nil)
            if let address = place.address.flatMap({ IPAddress($0) }) { finding.places.addresses[address] = device }
            if let hop = place.hop { finding.places.hops[hop] = device }
        }
        finding.time = time.flatMap { Timestamp.read($0) }
        finding.frame = frame
        finding.file = file
        finding.translated = translated?.fiveTuple
        finding.confidence = confidence
        finding.count = count
        finding.told = summary.map { Finding.Told(summary: $0, advice: advice ?? "", headline: headline) }
        finding.vantage = vantage.map {
            Finding.Vantage(host: $0.host, interface: $0.interface, hook: $0.hook, direction: $0.direction)
        }
        return finding
    }

    private func details(_ kind: Finding.Kind) -> Finding.Details? {
        switch kind {
        case .reset: reset.map { .reset($0) }
        case .path:
            cause.flatMap(Finding.PathCause.init).map { .path(path?.path($0) ?? Finding.Path(cause: $0)) }
        case .pathChange:
            if let hop, let host_hop {
                .pathChange(Finding.PathChange(hop: hop, hostHop: host_hop, hosts: hosts ?? 1))
            } else {
                nil
            }
        case .icmpError: icmpError.map { .icmpError($0) }
        case .notice: cause.flatMap(Finding.Notice.Cause.init).map { .notice(Finding.Notice(cause: $0)) }
        }
    }

    private var reset: Finding.Reset? {
        guard let sender = sender.flatMap(Finding.Sender.init), let cause = cause.flatMap(Finding.Cause.init),
            let stage = stage.flatMap(Finding.Stage.init), let flags = flags.flatMap(Self.flags), let seq,
            let ack, let packet_key
        else { return nil }
        var reset = Finding.Reset(
            flags: flags, ttl: ttl ?? 0, seq: seq, ack: ack, sender: sender, hop: hop, cause: cause, stage: stage,
            packetKey: packet_key)
        reset.hostHop = host_hop
        reset.signature = signature.flatMap { TamperingSignature(rawValue: $0) }
        reset.origin = origin
        reset.idleSeconds = idle_seconds
        reset.vlan = vlan
        reset.nextHopMAC = next_hop_mac
        reset.serverIsSource = service_port.map { $0 == src_port }
        return reset
    }

    private var icmpError: Finding.ICMPError? {
        guard let icmp, let from = IPAddress(icmp.from), let quoted = icmp.quoted.fiveTuple else { return nil }
        var error = Finding.ICMPError(
            type: icmp.type, code: icmp.code, isIPv6: icmp.version == 6, from: from, hop: icmp.hop, quoted: quoted)
        error.to = icmp.to.flatMap { IPAddress($0) }
        error.gateway = icmp.gateway.flatMap { IPAddress($0) }
        error.mtu = icmp.mtu
        error.octet = icmp.octet
        error.protocolNumber = icmp.protocol_number
        // The client comes first in the finding, where it is known; else the service's port is the lower one.
        if service_port == dst_port {
            error.clientIsSource = icmp.quoted.src_port == src_port && icmp.quoted.src == src
        }
        return error
    }

    private static func fiveTuple(
        _ src: String, _ srcPort: UInt16, _ dst: String, _ dstPort: UInt16, _ transport: String?
    ) -> FiveTuple? {
        guard let source = IPAddress(src), let destination = IPAddress(dst),
            let transport = TransportProtocol(label: transport ?? TransportProtocol.tcp.label)
        else { return nil }
        return FiveTuple(
            source: source, sourcePort: srcPort, destination: destination, destinationPort: dstPort,
            transport: transport)
    }

    private var isBounded: Bool {
        [hop, host_hop, icmp?.hop].allSatisfy { $0.map(WireBounds.hop.contains) ?? true }
            && [count, hosts ?? 1].allSatisfy(WireBounds.count.contains)
            && WireBounds.revision.contains(revision)
            && icmp?.mtu.map(WireBounds.mtu.contains) ?? true
            && icmp?.octet.map(WireBounds.mtu.contains) ?? true
            && path?.isBounded ?? true
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
