// SPDX-License-Identifier: Apache-2.0
internal import Reporting

/// One path of the API, as OpenAPI describes it.
struct APIOperation: Sendable {
    struct Parameter: Sendable {
        enum Form: Sendable {
            case type(FieldDescription.Kind)
            /// The whole value.
            case pattern(String)
            case address
            case prefix
        }

        var name: String
        var form: Form
        var meaning: String
        var place: String
        var isRequired: Bool

        init(_ name: String, _ form: Form, _ meaning: String, place: String = "query", isRequired: Bool = false) {
            self.name = name
            self.form = form
            self.meaning = meaning
            self.place = place
            self.isRequired = isRequired
        }
    }

    /// The answer of status 200.
    enum Answer: Sendable {
        case findings
        case list([FieldDescription])
        case object([FieldDescription])
        /// Another media type than JSON.
        case other(String)
    }

    var path: String
    var summary: String
    var parameters: [Parameter]
    var answer: Answer
    var method: String

    init(_ path: String, _ summary: String, _ parameters: [Parameter], _ answer: Answer, method: String = "get") {
        self.path = path
        self.summary = summary
        self.parameters = parameters
        self.answer = answer
        self.method = method
    }

    /// Writes the member of `paths`.
    func write(to json: inout JSONWriter) {
        json.member(path) { json in
            json.object { json in json.member(method) { json in json.object { writeOperation(to: &$0) } } }
        }
    }

    private func writeOperation(to json: inout JSONWriter) {
        json.member("summary", summary)
        if method == "post" {
            json.member("security") { json in
                json.array { json in
                    json.object { json in json.member("token") { json in json.array { _ in } } }
                }
            }
        }
        json.member("parameters") { json in
            json.array { json in for parameter in parameters { Self.write(parameter, to: &json) } }
        }
        json.member("responses") { json in
            json.object { json in
                json.member("200") { json in
                    Self.response("The answer.", type: mediaType, to: &json) { writeAnswer(to: &$0) }
                }
                if path.hasSuffix("z") {
                    json.member("503") { json in
                        Self.response("Not so.", type: mediaType, to: &json) { writeAnswer(to: &$0) }
                    }
                }
                json.member("default") { json in
                    Self.response("A problem (RFC 9457).", type: "application/problem+json", to: &json) { json in
                        json.object { json in json.member("$ref", "#/components/schemas/Problem") }
                    }
                }
            }
        }
    }

    private var mediaType: String { if case .other(let type) = answer { type } else { "application/json" } }

    private func writeAnswer(to json: inout JSONWriter) {
        switch answer {
        case .findings:
            Self.list(to: &json) { json in
                json.object { json in json.member("$ref", "#/components/schemas/Finding") }
            }
        case .list(let members): Self.list(to: &json) { FindingSchema.write(.object(members), to: &$0) }
        case .object(let members): FindingSchema.write(.object(members), to: &json)
        case .other: json.object { _ in }
        }
    }

    private static func list(to json: inout JSONWriter, _ item: (inout JSONWriter) -> Void) {
        json.object { json in
            json.member("type", "object")
            json.member("properties") { json in
                json.object { json in
                    json.member("items") { json in
                        json.object { json in
                            json.member("type", "array")
                            json.member("items", item)
                        }
                    }
                    json.member("next") {
                        FindingSchema.write(.text, meaning: "The value for before of the next page.", to: &$0)
                    }
                }
            }
            json.member("required") { json in json.array { $0.string("items") } }
        }
    }

    private static func response(
        _ text: String, type: String, to json: inout JSONWriter, _ schema: (inout JSONWriter) -> Void
    ) {
        json.object { json in
            json.member("description", text)
            json.member("content") { json in
                json.object { json in
                    json.member(type) { json in json.object { json in json.member("schema", schema) } }
                }
            }
        }
    }

    private static func write(_ parameter: Parameter, to json: inout JSONWriter) {
        json.object { json in
            json.member("name", parameter.name)
            json.member("in", parameter.place)
            json.member("description", parameter.meaning)
            json.member("required", parameter.isRequired)
            json.member("schema") { json in
                switch parameter.form {
                case .type(let type): FindingSchema.write(type, to: &json)
                case .pattern(let pattern): strings("pattern", ["^\(pattern)$"], to: &json)
                case .address: strings("format", ["ipv4", "ipv6"], to: &json)
                case .prefix: strings("pattern", ["^\(byte)([.]\(byte)){3}/([12]?[0-9]|3[0-2])$"], to: &json)
                }
            }
        }
    }

    /// A number from 0 to 255.
    static let byte = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

    /// A text that has one of the values for `keyword`.
    private static func strings(_ keyword: String, _ values: [String], to json: inout JSONWriter) {
        json.object { json in
            json.member("type", "string")
            guard values.count > 1 else {
                json.member(keyword, values[0])
                return
            }
            json.member("anyOf") { json in
                json.array { json in
                    for value in values { json.object { json in json.member(keyword, value) } }
                }
            }
        }
    }
}
