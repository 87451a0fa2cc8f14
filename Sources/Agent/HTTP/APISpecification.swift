// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Packets
internal import Reporting

/// The API as OpenAPI 3.1: findings and their parameters from `FindingSchema`, the rest from the tables here.
enum APISpecification {
    /// The document, with a line feed.
    static let document: [UInt8] = {
        var json = JSONWriter()
        json.object { json in
            json.member("openapi", "3.1.0")
            json.member("info") { json in
                json.object { json in
                    json.member("title", AgentVersion.name)
                    json.member("version", AgentVersion.number)
                    json.member("summary", "Who sent that TCP reset, and why connections hang.")
                }
            }
            json.member("paths") { json in
                json.object { json in for operation in operations { operation.write(to: &json) } }
            }
            json.member("components") { json in
                json.object { json in
                    json.member("schemas") { json in
                        json.object { json in
                            json.member("Finding") { FindingSchema.writeSchema(to: &$0) }
                            json.member("Problem") { FindingSchema.write(.object(APISchemas.problem), to: &$0) }
                        }
                    }
                    json.member("securitySchemes") { json in
                        json.object { json in
                            json.member("token") { json in
                                json.object { json in
                                    json.member("type", "http")
                                    json.member("scheme", "bearer")
                                }
                            }
                        }
                    }
                }
            }
        }
        json.endLine()
        return json.bytes
    }()

    private static let operations: [APIOperation] = [
        APIOperation(
            "/api/v1/findings", "Findings of all kinds, the newest first.", page + filters() + ends, .findings),
        APIOperation(
            "/api/v1/resets", "Resets, the newest first.", page + filters(leavingOut: "kind") + ends, .findings),
        APIOperation(
            "/api/v1/stream", "Findings as server-sent events; each event's data is a finding.",
            [since, until] + filters() + ends, .other("text/event-stream")),
        APIOperation(
            "/api/v1/hosts", "Known hosts, the one seen last first.",
            [
                limit, Parameter("before", .pattern("\(time)(,(\(v4)|\(v6)),[0-9]{1,4})?"), "The next page."),
                Parameter("since", .pattern(time), "Hosts seen after this time."),
                Parameter("address", .address, "Only this host."), prefix,
            ], .list(APISchemas.host)),
        APIOperation(
            "/api/v1/origins", "Middleboxes that send resets in other hosts' names.", [limit],
            .list(APISchemas.origin)),
        APIOperation(
            "/api/v1/paths", "The paths between networks of clients and servers.",
            [limit, Parameter("server", .address, "Only paths to this server.")], .list(APISchemas.path)),
        APIOperation(
            "/api/v1/explain", "Everything known about an address, a connection or a finding.",
            [
                Parameter(
                    "what", .pattern("(\(id)|\(v4)(:[1-9][0-9]{0,3} > \(v4):[1-9][0-9]{0,3})?)"),
                    "A finding's id, an address, or a connection in this form or as any other tool prints it.",
                    isRequired: true)
            ], .object(APISchemas.explanation)),
        APIOperation("/api/v1/ledger", "The account of all packets.", [], .object(APISchemas.ledger)),
        APIOperation(
            "/api/v1/evidence/{id}.pcapng", "The packets behind a finding, as a capture.",
            [Parameter("id", .type(.id), "The finding.", place: "path", isRequired: true)],
            .other("application/x-pcapng")),
        APIOperation(
            "/api/v1/forget", "Deletes everything that is kept about a prefix.",
            [Parameter("prefix", .prefix, "The prefix.", isRequired: true)], .object(APISchemas.forgotten),
            method: "post"),
        APIOperation("/api/v1/openapi.json", "This document.", [], .object([])),
        APIOperation(
            "/healthz", "200 while the agent works, 503 once the capture has ended.", [], .object(APISchemas.health)),
        APIOperation(
            "/readyz", "200 while every wanted interface that exists is captured.", [], .object(APISchemas.health)),
        APIOperation("/metrics", "Metrics for Prometheus.", [], .other("text/plain")),
    ]

    typealias Parameter = APIOperation.Parameter

    /// RFC 3339, from 1970 on.
    private static let time =
        "(19[7-9][0-9]|20[0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
        + "([.][0-9]{1,9})?Z"
    private static let id = "[0-9A-Z]{26}"
    private static let v4 = "(22[0-3]|2[01][0-9]|1[0-9]{2}|[1-9][0-9]?)([.]\(APIOperation.byte)){3}"
    private static let v6 = "[0-9a-f]{1,4}(:[0-9a-f]{1,4}){0,4}::([0-9a-f]{1,4})?|[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}"

    private static let limit = Parameter(
        "limit", .type(.integer(FindingQuery.limits)), "Items at most; \(FindingQuery.standardLimit) by default.")
    private static let since = Parameter(
        "since", .pattern("(\(id)|\(time))"),
        "Findings reported after the one with this id, or of packets later than this time.")
    private static let until = Parameter("until", .pattern(time), "Findings of packets not later than this time.")
    private static let prefix = Parameter("prefix", .prefix, "Only with an address in this prefix.")
    private static let page = [
        limit, Parameter("before", .type(.id), "The next page: findings reported before the one with this id."), since,
        until,
    ]
    private static let ends = [
        Parameter("address", .address, "Only findings with this source or destination."), prefix,
        Parameter("port", .type(.integer(0...65535)), "Only findings with this source or destination port."),
    ]

    /// The parameters that the list of fields has.
    private static func filters(leavingOut name: String? = nil) -> [Parameter] {
        FindingSchema.filters.filter { $0.name != name }.map { field in
            let type: Parameter.Form =
                switch field.type {
                case .address: .address
                default: .type(field.type)
                }
            return Parameter(field.name, type, "Only findings with this value: \(field.meaning).")
        }
    }
}
