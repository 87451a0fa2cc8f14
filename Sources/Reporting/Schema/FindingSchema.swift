// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// The contract of a finding: one ordered list of its fields.
///
/// JSON (written and read), CSV, the API's parameters, the filters of the history, JSON Schema, OpenAPI and the tables
/// docs/findings.md are made from it. A new field needs a property of `Finding` or its details, an entry here, and
/// docs/ anew (`RSTWHO_RECORD=1` and `FindingSchemaTests`).
package enum FindingSchema {
    /// The number of the contract's version, the first member of each finding.
    ///
    /// It rises when a member is renamed or removed, or changes its meaning; a new member leaves it as it is. Findings
    /// of 0.1.0 have no such member: that is version 1.
    package static let version = 2

    /// A finding, with its sentences where they are wanted.
    struct Subject {
        let finding: Finding
        var story: Story?

        /// With its sentences, which are made once.
        init(told finding: Finding) {
            self.finding = finding
            story = finding.story
        }

        /// Without sentences, for filters.
        init(_ finding: Finding) { self.finding = finding }

        var reset: Finding.Reset? { finding.reset }
        var path: Finding.Path? { finding.path }
    }

    typealias FindingField = Field<Subject, Finding>

    /// All fields, in the order of JSON; a name occurs once for each kind of finding.
    static let fields: [FindingField] = identity + ends + resetFields + pathFields + otherFields + conclusion

    private static let fieldsByKind: [Finding.Kind: [FindingField]] = Dictionary(
        uniqueKeysWithValues: Finding.Kind.allCases.map { kind in
            (kind, fields.filter { $0.description.kinds.isEmpty || $0.description.kinds.contains(kind) })
        })

    /// The fields of findings of a kind.
    static func fields(of kind: Finding.Kind) -> [FindingField] { fieldsByKind[kind] ?? [] }

    // MARK: CSV

    /// The columns of a list of resets, in their order.
    static let columns: [(column: FindingField.Column, isFlag: Bool)] =
        fields(of: .reset).flatMap { field in
            let isFlag = if case .flag = field.description.type { true } else { false }
            return field.columns.map { ($0, isFlag) }
        }.sorted { $0.0.position < $1.0.position }

    // MARK: Filters

    /// The fields that choose findings, each name once, with the values of all kinds.
    package static let filters: [FieldDescription] = {
        var filters: [FieldDescription] = []
        for field in fields.compactMap(\.filter?.description) {
            guard let index = filters.firstIndex(where: { $0.name == field.name }) else {
                filters.append(field)
                continue
            }
            filters[index].kinds = []
            if case .choice(let known) = filters[index].type, case .choice(let more) = field.type {
                filters[index].type = .choice(known + more.filter { !known.contains($0) })
            }
        }
        return filters
    }()

    private static let filtersByKind = fieldsByKind.mapValues { $0.compactMap(\.filter) }

    /// The value that a filter compares; absent where findings of its kind have no such field.
    package static func filterValue(_ name: String, of finding: Finding) -> FieldValue {
        let filter = filtersByKind[finding.kind]?.first { $0.description.name == name }
        return filter?.value(Subject(finding)) ?? .absent
    }

    // MARK: Fields of every kind

    private static let identity: [FindingField] = [
        FindingField(
            "schema", .integer(version...version), "the version of this contract, see [Schema](#schema)", .always,
            value: { _ in .of(version) }),
        FindingField(
            "kind", .choice(Finding.Kind.allCases.map(\.rawValue)), "the kind of finding", .essential,
            value: { .text($0.finding.kind.rawValue) }
        ).filtering,
        FindingField(
            "id", .id,
            "derived from the packet: the same live, from a file and again tomorrow. A revision has the same id",
            .essential, value: { .text($0.finding.id) },
            read: { $1.id = try $0.value() ?? $1.id }
        ).column(1),
        FindingField(
            "revision", .integer(WireBounds.revision),
            "0 at first; a higher number replaces the earlier finding, also in the output of `read`", .essential,
            value: { .of($0.finding.revision) }, read: { $1.revision = try $0.integer() ?? 0 }
        ).column(2),
        FindingField(
            "time", .time, "the packet's time; absent if the source tells none",
            value: { .of($0.finding.time.map(Timestamp.text)) },
            read: { $1.time = try $0.value(String.self).flatMap { Timestamp.read($0) } }
        ).column(3),
        FindingField(
            "frame", .integer(1...(1 << 53)), "the packet's number in the file, from 1",
            value: { .of($0.finding.frame) }, read: { $1.frame = try $0.value() }
        ).column(5),
        FindingField(
            "file", .text, "the file, if several are read; of `compare` the name of the point",
            value: { .of($0.finding.file) }, read: { $1.file = try $0.value() }
        ).column(4),
    ]

    private static let ends: [FindingField] = [
        FindingField(
            "src", .address,
            "the source of a reset; the client of a path finding or ICMP error; the host of a path change", .essential,
            value: { $0.address(\.source) }, read: { $1.fiveTuple.source = try $0.address() }
        ).column(6).filtering,
        FindingField(
            "src_port", .integer(port), "its port", .essential, value: { .of($0.finding.fiveTuple.sourcePort) },
            read: { $1.fiveTuple.sourcePort = try $0.value() ?? 0 }
        ).column(7).filtering,
        FindingField(
            "dst", .address, "the other end", .essential, value: { $0.address(\.destination) },
            read: { $1.fiveTuple.destination = try $0.address() }
        ).column(8).filtering,
        FindingField(
            "dst_port", .integer(port), "its port", .essential,
            value: { .of($0.finding.fiveTuple.destinationPort) },
            read: { $1.fiveTuple.destinationPort = try $0.value() ?? 0 }
        ).column(9).filtering,
        FindingField(
            "protocol", .choice(protocols), "absent for TCP",
            value: { .of(EndsSubject.label($0.finding.fiveTuple.transport)) },
            read: { $1.fiveTuple.transport = try EndsSubject.transport($0.value()) }),
        FindingField(
            "service_port", .integer(port),
            "the server's port; the lower of the two if neither side was seen to open the connection", .always,
            value: { .of($0.finding.servicePort) },
            read: { reader, finding in
                guard let port: UInt16 = try reader.value() else { return }
                let ends = finding.fiveTuple
                guard port == ends.sourcePort || port == ends.destinationPort else { throw NoSuchFinding() }
                finding.reset?.serverIsSource = port == ends.sourcePort
            }
        ).column(10),
        FindingField(
            "translated", .object(endsFields.descriptions()),
            "the connection's addresses on the other side of this machine's address translation",
            value: { subject in
                guard let ends = subject.finding.translated else { return .absent }
                return .nested { json in
                    json.object { endsFields.write(EndsSubject(ends: ends, finding: subject.finding), to: &$0) }
                }
            },
            read: { $1.translated = try $0.ends() }),
    ]

    private static let conclusion: [FindingField] = [
        FindingField(
            "names", .list(.object(nameFields.descriptions())),
            "the other named places of the finding ([configuration.md](configuration.md#names-of-devices))",
            value: { subject in
                guard !subject.finding.places.isEmpty else { return .absent }
                return .nested { json in
                    json.array { json in
                        for place in NamedPlace.all(of: subject.finding) {
                            json.object { nameFields.write(place, to: &$0) }
                        }
                    }
                }
            },
            read: { reader, finding in
                for object in try reader.objects() {
                    var place = NamedPlace(name: "")
                    try nameFields.read(object, into: &place)
                    place.add(to: &finding)
                }
            }
        ).column(28, "name", value: { .of($0.finding.places.addresses[$0.finding.fiveTuple.source]?.name) }),
        FindingField(
            "count", .integer(WireBounds.count),
            "resets, connections or ICMP errors that this finding stands for; of a path change those that moved",
            .essential, value: { .of($0.finding.count) }, read: { $1.count = try $0.integer() ?? 1 }
        ).column(22),
        vantage,
        FindingField(
            "evidence", .list(.object(evidenceFields.descriptions())), "see [Evidence](#evidence)", .essential,
            value: { subject in
                .nested { json in
                    json.array { json in
                        for piece in subject.finding.evidence {
                            let piece = EvidenceSubject(piece: piece, finding: subject.finding)
                            json.object { evidenceFields.write(piece, to: &$0) }
                        }
                    }
                }
            },
            read: { reader, finding in
                finding.evidence = try reader.objects().map { object in
                    var draft = EvidenceDraft()
                    try evidenceFields.read(object, into: &draft)
                    return draft.evidence
                }
            }),
        FindingField(
            "problem", .flag,
            """
            `true` where somebody has to look at this: a reset that its host did not send, unless the operator expects \
            it, or a connection that fails on its path. Exit status, evidence files, lists and the page use it
            """, .always, value: { .flag($0.finding.isProblem) }),
        FindingField(
            "headline", .text, "the first sentence of `summary`", .always, value: { .of($0.story?.answer) }),
        FindingField(
            "summary", .text, "the answer as text", .always, value: { .of($0.story?.summary) },
            read: { reader, finding in
                guard let summary: String = try reader.value() else { return }
                finding.told = Finding.Told(
                    summary: summary, advice: try reader.other("advice") ?? "", headline: try reader.other("headline"))
            }
        ).column(26),
        FindingField(
            "advice", .text, "the next step as text, if there is one",
            value: { subject in
                let advice = subject.story?.advice.sentences ?? ""
                return advice.isEmpty ? .absent : .text(advice)
            }
        ).column(27),
    ]

    private static let vantage = FindingField(
        "vantage", .object(vantageFields.descriptions()), "the capture point",
        value: { subject in
            guard let vantage = subject.finding.vantage else { return .absent }
            return .nested { json in json.object { vantageFields.write(vantage, to: &$0) } }
        },
        read: { reader, finding in
            guard let object = try reader.object() else { return }
            var vantage = Finding.Vantage()
            try vantageFields.read(object, into: &vantage)
            finding.vantage = vantage
        }
    ).column(23, "host", value: { .of($0.finding.vantage?.host) })
        .column(24, "interface", value: { .of($0.finding.vantage?.interface) })
        .column(25, "direction", value: { .of($0.finding.vantage?.direction) })
        .filtering("interface", .text, "the interface of the capture point") { .of($0.finding.vantage?.interface) }

    static let port = 0...65535
    static let protocols = [TransportProtocol.tcp, .udp, .icmp, .icmpv6, .other].map(\.label)
}

extension FindingSchema.Subject {
    fileprivate func address(_ end: KeyPath<FiveTuple, IPAddress>) -> FieldValue {
        let address = finding.fiveTuple[keyPath: end]
        return .address(address, finding.text(address))
    }
}
