// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

extension FindingSchema {
    /// The fields of resets; some are of other kinds as well.
    static let resetFields: [FindingField] = packetFields + verdictFields

    private static let packetFields: [FindingField] = [
        FindingField(
            "flags", .text, "the reset's flags, letters of FSRPAUEC", .essential,
            value: { .of($0.reset?.flags.description) },
            read: { reader, finding in
                guard let flags = try reader.value(String.self).flatMap(TCPFlags.init(letters:)) else {
                    throw NoSuchFinding()
                }
                finding.reset?.flags = flags
            }
        ).of(.reset).column(11),
        FindingField(
            "ttl", .integer(1...255), "its TTL; absent if a text does not tell it",
            value: { .of($0.reset.flatMap { $0.ttl == 0 ? nil : $0.ttl }) },
            read: { $1.reset?.ttl = try $0.value() ?? 0 }
        ).of(.reset).column(12),
        FindingField(
            "seq", .integer(0...0xffff_ffff), "its sequence number", .essential, value: { .of($0.reset?.seq) },
            read: { $1.reset?.seq = try $0.value() ?? 0 }
        ).of(.reset),
        FindingField(
            "ack", .integer(0...0xffff_ffff), "its acknowledgement number", .essential,
            value: { .of($0.reset?.ack) }, read: { $1.reset?.ack = try $0.value() ?? 0 }
        ).of(.reset),
        FindingField(
            "sender", .choice(Finding.Sender.allCases.map(\.rawValue)), "the sender, see below", .essential,
            value: { .of($0.reset?.sender.rawValue) },
            read: { $1.reset?.sender = try $0.choice() ?? .undetermined }
        ).of(.reset).column(13).filtering,
        FindingField(
            "hop", .integer(WireBounds.hop),
            """
            the sender's hop by the reset's TTL: 1 is the neighbour, 0 this machine. Absent if an application has set \
            the TTL: more than 30 hops from 64, 128 and 255
            """, value: { .of($0.reset?.hop) }, read: { $1.reset?.hop = try $0.integer() }
        ).of(.reset).column(14),
        FindingField(
            "host_hop", .integer(WireBounds.hop),
            "the hop of the host that owns the source address, by that host's own packets",
            value: { .of($0.reset?.hostHop) }, read: { $1.reset?.hostHop = try $0.integer() }
        ).of(.reset).column(15),
        FindingField(
            "confidence", .number(WireBounds.probability),
            "the probability that `sender` is right, at most 0.999; absent for `undetermined`",
            value: { $0.confidence }, read: { $1.confidence = try $0.decimal() }
        ).of(.reset).column(16),
    ]

    private static let verdictFields: [FindingField] = [
        FindingField(
            "cause", .choice(Finding.Cause.allCases.map(\.rawValue)), "the reason, see below", .essential,
            value: { .of($0.finding.causeName) }, read: { $1.reset?.cause = try $0.choice() ?? .unknown }
        ).of(.reset).column(17).filtering,
        FindingField(
            "stage", .choice(Finding.Stage.allCases.map(\.rawValue)), "the state of the connection, see below",
            .essential, value: { .of($0.reset?.stage.rawValue) },
            read: { $1.reset?.stage = try $0.choice() ?? .none }
        ).of(.reset).column(18).filtering,
        FindingField(
            "signature", .choice(TamperingSignature.allCases.map(\.rawValue)),
            "the sequence of the connection's flags, if it is one of the published tampering signatures",
            value: { .of($0.reset?.signature?.rawValue) },
            read: { $1.reset?.signature = try $0.value(String.self).flatMap { TamperingSignature(rawValue: $0) } }
        ).of(.reset),
        FindingField(
            "origin", .text, "the middlebox that sent it, as in `rstwho origins`: `o-7`",
            value: { .of($0.reset?.origin) }, read: { $1.reset?.origin = try $0.value() }
        ).of(.reset).column(19).filtering,
        FindingField(
            "device", .text,
            """
            the sender's name from the file of devices ([configuration.md](configuration.md#names-of-devices)); the list \
            of origins calls it `name`
            """, value: { .of($0.finding.device?.name) },
            read: { reader, finding in
                finding.device = KnownDevice(
                    try reader.value(), owner: try reader.other("owner"), isExpected: try reader.other("expected"))
            }
        ).of(.reset, .icmpError).column(29),
        FindingField(
            "owner", .text, "the sender's operator, from the same file", value: { .of($0.finding.device?.owner) }
        ).of(.reset, .icmpError).column(30),
        FindingField(
            "expected", .flag, "`true` if the device's resets are intended, says that file",
            value: { .mark($0.finding.device?.isExpected == true) }
        ).of(.reset, .icmpError).column(31),
        FindingField(
            "idle_seconds", .seconds, "the silence of the connection before the reset, if it was measured",
            value: { .of($0.reset?.idleSeconds, digits: 3) }, read: { $1.reset?.idleSeconds = try $0.decimal() }
        ).of(.reset).column(20),
        FindingField(
            "vlan", .integer(0...65535), "of the frame that carried the reset", value: { .of($0.reset?.vlan) },
            read: { $1.reset?.vlan = try $0.value() }
        ).of(.reset).column(21),
        FindingField(
            "next_hop_mac", .text, "the source MAC address of that frame", value: { .of($0.reset?.nextHopMAC) },
            read: { $1.reset?.nextHopMAC = try $0.value() }
        ).of(.reset),
        FindingField(
            "packet_key", .text,
            """
            a hash of seq, ack, flags, payload length and timestamps: the same at every capture point, NAT or not
            """, .essential, value: { .of($0.reset?.packetKey) },
            read: { $1.reset?.packetKey = try $0.value() ?? "" }
        ).of(.reset),
    ]
}

extension FindingSchema.Subject {
    /// Nothing is certain.
    var confidence: FieldValue { .of(finding.confidence.map { min($0, 0.999) }, digits: 3) }
}

extension TCPFlags {
    /// The reverse of `description`.
    fileprivate init?(letters: String) {
        self = []
        for letter in letters {
            switch letter {
            case "F": insert(.fin)
            case "S": insert(.syn)
            case "R": insert(.rst)
            case "P": insert(.psh)
            case "A": insert(.ack)
            case "U": insert(.urg)
            case "E": insert(.ece)
            case "C": insert(.cwr)
            default: return nil
            }
        }
    }
}
