// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis

extension FindingSchema {
    // MARK: Tables

    /// A table of docs/findings.md: the marker of its place, and its rows.
    package struct Table: Sendable {
        package var name: String
        package var markdown: String
    }

    /// The tables of docs/findings.md, in their order.
    package static let tables: [Table] = [
        Table(name: "fields", markdown: markdown(fields.map(\.description), withKinds: true)),
        Table(name: "path", markdown: markdown(repeatFields.map(\.description))),
        Table(name: "evidence", markdown: markdown(evidenceFields.map(\.description))),
        Table(name: "between", markdown: markdown(gapFields.map(\.description))),
        Table(name: "icmp", markdown: markdown(icmpFields.map(\.description))),
        Table(name: "event", markdown: markdown(eventFields.map(\.description))),
    ]

    /// Objects that have a table of their own.
    private static let tabled: Set<String> = ["path", "evidence", "between", "icmp", "event"]

    /// Closed sets that docs/findings.md explains member by member.
    private static let explained: Set<String> = ["sender", "cause", "stage"]

    private static func markdown(_ fields: [FieldDescription], withKinds: Bool = false) -> String {
        var lines =
            withKinds
            ? ["| field | of | type | meaning |", "|---|---|---|---|"]
            : ["| field | type | meaning |", "|---|---|---|"]
        func add(_ field: FieldDescription, _ prefix: String, _ kinds: [Finding.Kind]) {
            let required = field.isRequired && prefix.isEmpty ? ", always" : ""
            let cells =
                ["`\(prefix)\(field.name)`"]
                + (withKinds ? [kinds.map { "`\($0.rawValue)`" }.joined(separator: ", ")] : [])
                + [(explained.contains(field.name) ? "name" : name(of: field.type)) + required, field.meaning]
            lines.append("| \(cells.joined(separator: " | ")) |")
            guard let members = members(of: field.type), !tabled.contains(field.name) else { return }
            for member in members { add(member, "\(prefix)\(field.name).", kinds) }
        }
        for field in fields { add(field, "", field.kinds) }
        return lines.joined(separator: "\n") + "\n"
    }

    static func members(of type: FieldDescription.Kind) -> [FieldDescription]? {
        switch type {
        case .object(let members): members
        case .list(let type): members(of: type)
        default: nil
        }
    }

    private static func name(of type: FieldDescription.Kind) -> String {
        switch type {
        case .text: "text"
        case .id: "26 letters and digits"
        case .time: "time"
        case .address: "address"
        case .integer(let bounds) where bounds.lowerBound == bounds.upperBound: "\(bounds.lowerBound)"
        case .integer(let bounds) where bounds.upperBound > 0xffff: "number from \(bounds.lowerBound)"
        case .integer(let bounds): "\(bounds.lowerBound) to \(bounds.upperBound)"
        case .seconds: "seconds"
        case .number(WireBounds.probability): "0 to 1"
        case .number: "number"
        case .flag: "`true` or `false`"
        case .choice(let members): members.map { "`\($0)`" }.joined(separator: ", ")
        case .object: "object"
        case .tally: "`total`, and a number for each kind"
        case .list(let type): "list of \(plural(type))"
        }
    }

    private static func plural(_ type: FieldDescription.Kind) -> String {
        switch type {
        case .text: "texts"
        case .seconds: "seconds"
        case .object: "objects"
        default: "numbers"
        }
    }

    // MARK: JSON Schema

    /// The JSON Schema (2020-12) of a finding, as a document.
    package static var jsonSchema: String {
        var json = JSONWriter()
        json.object { json in
            json.member("$schema", "https://json-schema.org/draft/2020-12/schema")
            json.member("title", "A finding of rstwho, schema \(version)")
            writeSchemaMembers(to: &json)
        }
        json.endLine()
        return json.text
    }

    /// Writes the JSON Schema of a finding as a value, for OpenAPI.
    package static func writeSchema(to json: inout JSONWriter) { json.object { writeSchemaMembers(to: &$0) } }

    /// One alternative for each kind.
    ///
    /// Members that it does not name are allowed: later versions add some.
    private static func writeSchemaMembers(to json: inout JSONWriter) {
        json.member("oneOf") { json in
            json.array { json in
                for kind in Finding.Kind.allCases {
                    var fields = fields(of: kind).map(\.description)
                    for index in fields.indices where fields[index].name == "kind" {
                        fields[index].type = .choice([kind.rawValue])
                    }
                    write(.object(fields), to: &json)
                }
            }
        }
    }

    /// Writes the JSON Schema of a type.
    package static func write(_ type: FieldDescription.Kind, meaning: String? = nil, to json: inout JSONWriter) {
        json.object { json in
            json.member("description", meaning)
            switch type {
            case .text, .address: json.member("type", "string")
            case .id:
                json.member("type", "string")
                json.member("pattern", "^[0-9A-Z]{26}$")
            case .time:
                json.member("type", "string")
                json.member("format", "date-time")
            case .integer(let bounds):
                json.member("type", "integer")
                json.member("minimum", bounds.lowerBound)
                json.member("maximum", bounds.upperBound)
            case .seconds:
                json.member("type", "number")
                json.member("minimum", WireBounds.seconds.lowerBound, digits: 0)
                json.member("maximum", WireBounds.seconds.upperBound, digits: 0)
            case .number(let bounds):
                json.member("type", "number")
                json.member("minimum", bounds.lowerBound, digits: 0)
                json.member("maximum", bounds.upperBound, digits: 0)
            case .flag: json.member("type", "boolean")
            case .choice(let members):
                json.member("type", "string")
                json.member("enum") { json in json.array { json in for member in members { json.string(member) } } }
            case .tally:
                json.member("type", "object")
                json.member("additionalProperties") { write(.integer(WireBounds.samples), to: &$0) }
            case .list(let element):
                json.member("type", "array")
                json.member("items") { write(element, to: &$0) }
            case .object(let members):
                json.member("type", "object")
                json.member("properties") { json in
                    json.object { json in
                        for member in members {
                            json.member(member.name) { write(member.type, meaning: member.meaning, to: &$0) }
                        }
                    }
                }
                json.member("required") { json in
                    json.array { json in for member in members where member.isRequired { json.string(member.name) } }
                }
            }
        }
    }
}
