// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// A path finding of one point.
struct PathSubject {
    var path: Finding.Path
    var finding: Finding
}

extension FindingSchema {
    /// The fields of path findings.
    static let pathFields: [FindingField] = [
        FindingField(
            "cause", .choice(Finding.PathCause.allCases.map(\.rawValue)),
            "why connections fail, see [Paths and interfaces](#paths-and-interfaces)", .essential,
            value: { .of($0.finding.causeName) },
            read: { $1.details = .path(Finding.Path(cause: try $0.choice() ?? .loss)) }
        ).of(.path).filtering,
        FindingField(
            "confidence", .number(WireBounds.probability), "the probability that `cause` is right",
            value: { $0.confidence }, read: { $1.confidence = try $0.decimal() }
        ).of(.path),
        FindingField(
            "path", .object(repeatFields.descriptions()), "of a single capture point, see below",
            value: { subject in
                guard let path = subject.path,
                    path.repeated != nil || path.redirect != nil || !path.ports.isEmpty
                else { return .absent }
                return .nested { json in
                    json.object { repeatFields.write(PathSubject(path: path, finding: subject.finding), to: &$0) }
                }
            },
            read: { reader, finding in
                guard var path = finding.path, let object = try reader.object() else { return }
                try repeatFields.read(object, into: &path)
                finding.details = .path(path)
            }
        ).of(.path),
        FindingField(
            "between", .object(gapFields.descriptions()), "of `compare`, see [Between two points](#between-two-points)",
            value: { subject in
                guard let gap = subject.path?.crossing else { return .absent }
                return .nested { json in json.object { gapFields.write(gap, to: &$0) } }
            }
        ).of(.path),
    ]

    private static let counts = 0...WireBounds.count.upperBound

    static let repeatFields: [Field<PathSubject, Finding.Path>] = [
        Field(
            "repeated", .choice(Finding.Path.Repeated.allCases.map(\.rawValue)), "the retransmitted segment",
            value: { .of($0.path.repeated?.rawValue) },
            read: { $1.repeated = try $0.value(String.self).flatMap { Finding.Path.Repeated(rawValue: $0) } }),
        Field(
            "copies", .integer(counts), "the number of retransmissions",
            value: { .of($0.path.repeated == nil ? nil : $0.path.copies) },
            read: { $1.copies = try $0.integer() ?? 0 }),
        Field(
            "seconds", .list(.seconds), "their times after the first transmission, which is the first of at most seven",
            value: { subject in
                subject.path.seconds.isEmpty
                    ? .absent
                    : .nested { json in
                        json.array { json in
                            for second in subject.path.seconds { json.raw(DecimalText.format(second, digits: 3)) }
                        }
                    }
            },
            read: { reader, path in
                path.seconds = try reader.value() ?? []
                guard path.seconds.allSatisfy(WireBounds.seconds.contains) else { throw NoSuchFinding() }
            }),
        Field(
            "ports", .list(.integer(port)), "the affected services of the server, eight at most",
            value: { subject in
                subject.path.ports.isEmpty
                    ? .absent
                    : .nested { json in
                        json.array { json in for port in subject.path.ports.sorted() { json.raw("\(port)") } }
                    }
            }, read: { $1.ports = try $0.value() ?? [] }),
        Field(
            "redirect_from", .address, "the router that receives the client's packets",
            value: { subject in
                subject.path.redirect.map { .address($0.from, subject.finding.text($0.from)) } ?? .absent
            },
            read: { reader, path in
                guard let from = try reader.addressIfAny(),
                    let gateway = try reader.other("gateway", String.self).flatMap({ IPAddress($0) })
                else { return }
                path.redirect = Finding.Path.Redirect(from: from, gateway: gateway)
            }),
        Field(
            "gateway", .address, "the router that it redirects to",
            value: { subject in
                subject.path.redirect.map { .address($0.gateway, subject.finding.text($0.gateway)) } ?? .absent
            }),
        mark("ack_seen", \.isAcknowledgedHere, "the client's acknowledgement passed the capture point"),
        mark("other_way_back", \.hasOtherWayBack, "the replies use another path than the requests"),
        mark(
            "answer_passes", \.answerPasses,
            "the server's SYN-ACK passed the capture point, and the client did not receive it"),
        Field(
            "answers", .text,
            "the sign of life of a host that does not answer here: `4 answers to ping`, `tcp/443`",
            value: { .of($0.path.answers?.text) },
            read: { $1.answers = try $0.value(String.self).map { .decoded($0) } }),
        Field(
            "bytes", .integer(counts), "of data: the segment's length", value: { .of($0.path.bytes) },
            read: { $1.bytes = try $0.integer() }),
        mark("from_server", \.isFromServer, "of data: the server sent it"),
        mark("only_large", \.isOnlyLarge, "of data: smaller segments got through"),
        Field(
            "recovered_seconds", .seconds, "of `loss`: the delay that it caused",
            value: { .of($0.path.recoveredSeconds, digits: 3) },
            read: { $1.recoveredSeconds = try $0.decimal() }),
        Field(
            "silence_seconds", .seconds,
            "the silence of the connection before the data was first sent, if it explains the loss",
            value: { .of($0.path.silence, digits: 3) }, read: { $1.silence = try $0.decimal() }),
        mark("first_data", \.isFirstData, "the data is the first that the client sent"),
        mark("others_work", \.othersWork, "other connections of the same hosts to the same port work"),
        Field(
            "signature", .text, "the signature option of the segments of an unanswered handshake: `TCP MD5`, `TCP-AO`",
            value: { .of($0.path.signature?.name) },
            read: { $1.signature = try $0.value(String.self).flatMap { TCPSignature(name: $0) } }),
        Field(
            "servers", .integer(counts), "servers that share the cause, if several do",
            value: { .of($0.path.servers > 1 ? $0.path.servers : nil) },
            read: { $1.servers = try $0.integer() ?? 1 }),
    ]

    private static func mark(
        _ name: String, _ flag: any WritableKeyPath<Finding.Path, Bool> & Sendable, _ meaning: String
    ) -> Field<PathSubject, Finding.Path> {
        Field(
            name, .flag, meaning, value: { .mark($0.path[keyPath: flag]) },
            read: { $1[keyPath: flag] = try $0.value() ?? false })
    }

    /// Written only: comparisons are not read back.
    static let gapFields: [Field<Finding.LegGap, Never?>] = [
        Field("from", .text, "the last point that saw the packets", .always, value: { .text($0.from) }),
        Field("to", .text, "the first point that did not", .always, value: { .text($0.to) }),
        Field(
            "first", .choice(PacketKind.allCases.map(\.label)), "the kind of the first packet that did not arrive",
            .always, value: { .text($0.firstKind.label) }),
        Field(
            "from_client", .flag, "the packets come from the side that opened the connection", .always,
            value: { .flag($0.isFromClient) }),
        Field(
            "lost", .tally, "packets that did not arrive", .always,
            value: { gap in .nested { ComparisonReport.write(gap.lost, to: &$0) } }),
        Field(
            "passed", .tally, "packets of the same connections and direction that did; for `loss` the whole leg",
            .always, value: { gap in .nested { ComparisonReport.write(gap.passed, to: &$0) } }),
        Field(
            "services", .integer(counts), "destination ports of these connections", .always, value: { .of($0.services) }
        ),
        Field(
            "never_came", .integer(counts),
            "of a loss: packets that were not retransmitted, or whose retransmissions did not arrive either",
            value: { .of($0.neverCame > 0 ? $0.neverCame : nil) }),
        Field(
            "inside", .flag, "`from` saw these packets enter and not leave, unlike others",
            value: { .mark($0.isInside) }),
        Field(
            "there", .list(.text), "the points that these hosts' packets pass in this direction",
            value: { points($0.there) }),
        Field("back", .list(.text), "the points that they pass in the other", value: { points($0.back) }),
        Field(
            "bypassed", .text, "a point of `there` that the other direction does not pass", value: { .of($0.bypassed) }),
        Field(
            "smallest_lost", .integer(counts), "payload bytes, if only large segments vanish",
            value: { .of($0.smallestLost) }),
        Field(
            "largest_passed", .integer(counts), "payload bytes, in this case", value: { .of($0.largestPassed) }),
    ]

    private static func points(_ names: [String]) -> FieldValue {
        names.isEmpty ? .absent : .nested { json in json.array { json in for name in names { json.string(name) } } }
    }
}
