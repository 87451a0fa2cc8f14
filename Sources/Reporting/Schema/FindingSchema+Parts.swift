// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// A five-tuple within a finding.
struct EndsSubject {
    var ends: FiveTuple
    var finding: Finding

    /// The protocol as JSON has it; `nil` for TCP.
    static func label(_ transport: TransportProtocol) -> String? { transport == .tcp ? nil : transport.label }

    static func transport(_ label: String?) throws -> TransportProtocol {
        guard let label else { return .tcp }
        guard let transport = TransportProtocol(label: label) else { throw NoSuchFinding() }
        return transport
    }
}

/// A place that the operator has named.
struct NamedPlace {
    var address: String?
    var hop: Int?
    var name: String
    var owner: String?

    /// Addresses before hops, each in their order.
    static func all(of finding: Finding) -> [NamedPlace] {
        let places = finding.places
        return places.addresses.sorted { $0.key < $1.key }.map { address, device in
            NamedPlace(address: finding.text(address), name: device.name, owner: device.owner)
        }
            + places.hops.sorted { $0.key < $1.key }.map { hop, device in
                NamedPlace(hop: hop, name: device.name, owner: device.owner)
            }
    }

    func add(to finding: inout Finding) {
        let device = KnownDevice(name, owner: owner, isExpected: nil)
        if let address = address.flatMap({ IPAddress($0) }) { finding.places.addresses[address] = device }
        if let hop { finding.places.hops[hop] = device }
    }
}

/// A piece of evidence of a finding.
struct EvidenceSubject {
    var piece: Evidence
    var finding: Finding
}

/// A piece of evidence as it stands in JSON.
struct EvidenceDraft {
    var name = ""
    var weight = 0.0
    var observed: String?
    var expected: String?
    var text = ""

    var evidence: Evidence {
        Evidence(name: name, weight: weight, observed: observed, expected: expected, text: text)
    }
}

extension FindingSchema {
    static let endsFields: [Field<EndsSubject, FiveTuple>] = [
        Field(
            "src", .address, "the source", .essential,
            value: { .address($0.ends.source, $0.finding.text($0.ends.source)) },
            read: { $1.source = try $0.address() }),
        Field(
            "src_port", .integer(port), "its port; 0 if it was not quoted", .essential,
            value: { .of($0.ends.sourcePort) }, read: { $1.sourcePort = try $0.value() ?? 0 }),
        Field(
            "dst", .address, "the destination", .essential,
            value: { .address($0.ends.destination, $0.finding.text($0.ends.destination)) },
            read: { $1.destination = try $0.address() }),
        Field(
            "dst_port", .integer(port), "its port; 0 if it was not quoted", .essential,
            value: { .of($0.ends.destinationPort) }, read: { $1.destinationPort = try $0.value() ?? 0 }),
        Field(
            "protocol", .choice(protocols), "absent for TCP; `other` for a protocol without ports",
            value: { .of(EndsSubject.label($0.ends.transport)) },
            read: { $1.transport = try EndsSubject.transport($0.value()) }),
    ]

    static let nameFields: [Field<NamedPlace, NamedPlace>] = [
        Field(
            "address", .address, "the named address, or", value: { .of($0.address) },
            read: { $1.address = try $0.value() }),
        Field(
            "hop", .integer(WireBounds.hop), "the named hop", value: { .of($0.hop) },
            read: { $1.hop = try $0.value() }),
        Field(
            "name", .text, "the operator's name", .essential, value: { .text($0.name) },
            read: { $1.name = try $0.value() ?? "" }),
        Field(
            "owner", .text, "the operator of the device", value: { .of($0.owner) }, read: { $1.owner = try $0.value() }),
    ]

    static let vantageFields: [Field<Finding.Vantage, Finding.Vantage>] = [
        Field("host", .text, "the machine", value: { .of($0.host) }, read: { $1.host = try $0.value() }),
        Field(
            "interface", .text, "the interface", value: { .of($0.interface) }, read: { $1.interface = try $0.value() }),
        Field(
            "hook", .text, "`tc`, `xdp` or `xdp-generic`", value: { .of($0.hook) }, read: { $1.hook = try $0.value() }),
        Field(
            "direction", .choice(["in", "out"]), "absent if the source does not tell", value: { .of($0.direction) },
            read: { $1.direction = try $0.value() }),
    ]

    static let evidenceFields: [Field<EvidenceSubject, EvidenceDraft>] = [
        Field(
            "name", .text, "one of the names in [evidence.md](evidence.md)", .essential,
            value: { .text($0.piece.label) }, read: { $1.name = try $0.value() ?? "" }),
        Field(
            "weight", .number(-1e12...1e12), "natural-log odds, see [Evidence](#evidence)", .essential,
            value: { .of($0.piece.weight, digits: 2) }, read: { $1.weight = try $0.value() ?? 0 }),
        Field(
            "observed", .text, "the observed value", value: { .of($0.piece.observed?.text) },
            read: { $1.observed = try $0.value() }),
        Field(
            "expected", .text, "the value that the host's own packets would have",
            value: { .of($0.piece.expected?.text) },
            read: { $1.expected = try $0.value() }),
        Field(
            "text", .text, "the observation as a sentence", .essential,
            value: { subject in
                let text = subject.piece.text
                return .text(subject.finding.told == nil ? subject.finding.places.naming(text) : text)
            }, read: { $1.text = try $0.value() ?? "" }),
    ]
}

extension FieldReader {
    /// The address; a finding whose address is none is not taken.
    func address() throws -> IPAddress {
        guard let address = try value(String.self).flatMap({ IPAddress($0) }) else { throw NoSuchFinding() }
        return address
    }

    /// The address; `nil` where it is absent or none.
    func addressIfAny() throws -> IPAddress? { try value(String.self).flatMap { IPAddress($0) } }

    /// The five-tuple of the object; `nil` where it is absent.
    func ends() throws -> FiveTuple? {
        guard let object = try object() else { return nil }
        var ends = FiveTuple(
            source: IPAddress(v4: 0), sourcePort: 0, destination: IPAddress(v4: 0), destinationPort: 0)
        try FindingSchema.endsFields.read(object, into: &ends)
        return ends
    }
}
