// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// An ICMP error within a finding.
struct ICMPSubject {
    var error: Finding.ICMPError
    var finding: Finding
}

extension FindingSchema {
    /// The fields of path changes, ICMP errors and notices.
    static let otherFields: [FindingField] = [
        FindingField(
            "hop", .integer(WireBounds.hop), "the host's present hop", .essential,
            value: { .of($0.change?.hop) },
            read: { reader, finding in
                let hop = try reader.integer() ?? 0
                finding.changePathChange { $0.hop = hop }
            }
        ).of(.pathChange),
        FindingField(
            "host_hop", .integer(WireBounds.hop), "the host's former hop", .essential,
            value: { .of($0.change?.hostHop) },
            read: { reader, finding in
                let hop = try reader.integer() ?? 0
                finding.changePathChange { $0.hostHop = hop }
            }
        ).of(.pathChange),
        FindingField(
            "hosts", .integer(WireBounds.count), "hosts that moved together", .always,
            value: { .of($0.change?.hosts) },
            read: { reader, finding in
                let hosts = try reader.integer() ?? 1
                finding.changePathChange { $0.hosts = hosts }
            }
        ).of(.pathChange),
        FindingField(
            "confidence", .number(WireBounds.probability), "the probability that the path has changed",
            value: { $0.confidence }, read: { $1.confidence = try $0.decimal() }
        ).of(.pathChange),
        FindingField(
            "icmp", .object(icmpFields.descriptions()), "the error, see [ICMP errors](#icmp-errors)", .essential,
            value: { subject in
                guard let error = subject.finding.icmpError else { return .absent }
                return .nested { json in
                    json.object { icmpFields.write(ICMPSubject(error: error, finding: subject.finding), to: &$0) }
                }
            },
            read: { reader, finding in
                guard var error = finding.icmpError, let object = try reader.object() else { throw NoSuchFinding() }
                try icmpFields.read(object, into: &error)
                // The client comes first in the finding, where it is known; else the service's port is the lower one.
                let ends = finding.fiveTuple
                if try reader.other("service_port", UInt16.self) == ends.destinationPort {
                    let quoted = error.quoted
                    error.clientIsSource = quoted.sourcePort == ends.sourcePort && quoted.source == ends.source
                }
                finding.details = .icmpError(error)
            }
        ).of(.icmpError),
        FindingField(
            "cause", .choice(Finding.Notice.Cause.allCases.map(\.rawValue)), "the subject of the notice", .essential,
            value: { .of($0.finding.causeName) },
            read: { $1.details = .notice(Finding.Notice(cause: try $0.choice() ?? .ttlRewritten)) }
        ).of(.notice).filtering,
        FindingField(
            "event", .object(eventFields.descriptions()), "of `reset_event`: see [Events](#events)",
            value: { subject in
                guard case .notice(let notice) = subject.finding.details, let event = notice.event else {
                    return .absent
                }
                return .nested { json in json.object { eventFields.write(event, to: &$0) } }
            },
            read: { reader, finding in
                guard case .notice(var notice) = finding.details, let object = try reader.object() else { return }
                var event = Finding.ResetEvent(end: 0, hosts: 1)
                try eventFields.read(object, into: &event)
                notice.event = event
                finding.details = .notice(notice)
            }
        ).of(.notice),
    ]

    static let icmpFields: [Field<ICMPSubject, Finding.ICMPError>] = [
        Field(
            "type", .integer(0...255), "as on the wire", .essential, value: { .of($0.error.type) },
            read: { $1.type = try $0.value() ?? 0 }),
        Field(
            "code", .integer(0...255), "as on the wire", .essential, value: { .of($0.error.code) },
            read: { $1.code = try $0.value() ?? 0 }),
        Field(
            "version", .integer(4...6), "of IP: 4 or 6", .essential, value: { .of($0.error.isIPv6 ? 6 : 4) },
            read: { $1.isIPv6 = try $0.value(Int.self) == 6 }),
        Field(
            "reason", .choice(Finding.ICMPReason.allCases.map(\.rawValue)), "common to both versions", .always,
            value: { .text($0.error.reason.rawValue) }),
        Field(
            "from", .address, "the sender of the error", .essential,
            value: { .address($0.error.from, $0.finding.text($0.error.from)) },
            read: { $1.from = try $0.address() }),
        Field(
            "hop", .integer(WireBounds.hop), "its hop", value: { .of($0.error.hop) },
            read: { $1.hop = try $0.integer() }),
        Field(
            "to", .address, "the recipient of the error", value: { $0.address($0.error.to) },
            read: { $1.to = try $0.addressIfAny() }),
        Field(
            "gateway", .address, "of a redirect: the router to use instead",
            value: { $0.address($0.error.gateway) }, read: { $1.gateway = try $0.addressIfAny() }),
        Field(
            "mtu", .integer(WireBounds.mtu), "of \"fragmentation needed\": the MTU in bytes",
            value: { .of($0.error.mtu) }, read: { $1.mtu = try $0.integer() }),
        Field(
            "octet", .integer(WireBounds.mtu), "of a parameter problem: the offending octet",
            value: { .of($0.error.octet) }, read: { $1.octet = try $0.integer() }),
        Field(
            "protocol_number", .integer(0...255), "the IP protocol of a quoted packet without ports",
            value: { .of($0.error.quoted.transport == .other ? $0.error.protocolNumber : nil) },
            read: { $1.protocolNumber = try $0.value() }),
        Field(
            "quoted", .object(endsFields.descriptions()), "the five-tuple in the quoted packet's direction",
            .essential,
            value: { subject in
                let ends = EndsSubject(ends: subject.error.quoted, finding: subject.finding)
                return .nested { json in json.object { endsFields.write(ends, to: &$0) } }
            },
            read: { reader, error in
                guard let ends = try reader.ends() else { throw NoSuchFinding() }
                error.quoted = ends
            }),
    ]
}

extension ICMPSubject {
    fileprivate func address(_ address: IPAddress?) -> FieldValue {
        address.map { .address($0, finding.text($0)) } ?? .absent
    }
}

extension FindingSchema.Subject {
    fileprivate var change: Finding.PathChange? {
        if case .pathChange(let change) = finding.details { change } else { nil }
    }
}

extension Finding {
    fileprivate mutating func changePathChange(_ body: (inout PathChange) -> Void) {
        guard case .pathChange(var change) = details else { return }
        body(&change)
        details = .pathChange(change)
    }
}
