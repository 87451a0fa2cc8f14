// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Foundation
import Packets
import Testing

@testable import Reporting

/// The list of a finding's fields, and everything that has to agree with it.
@Suite struct FindingSchemaTests {
    private static let project = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: project.appending(path: path), encoding: .utf8)
    }

    /// With `RSTWHO_RECORD` set it writes what the list says, and fails.
    private static func expect(_ text: String, in path: String) throws {
        if (try? Self.text(path)) == text { return }
        guard ProcessInfo.processInfo.environment["RSTWHO_RECORD"] != nil else {
            Issue.record("\(path) does not say what the list of fields says. Write it anew with RSTWHO_RECORD=1.")
            return
        }
        try text.write(to: project.appending(path: path), atomically: true, encoding: .utf8)
        Issue.record("recorded \(path): read it, then run without RSTWHO_RECORD")
    }

    /// The members of an object, in their order.
    private static func members(_ json: String) throws -> [String] {
        let object = try #require(JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        return object.keys.sorted { first, second in
            let places = [first, second].map { json.firstRange(of: "\"\($0)\":")?.lowerBound ?? json.endIndex }
            return places[0] < places[1]
        }
    }

    @Test func theDocumentationHasTheListsTables() throws {
        var page = try Self.text("docs/findings.md")
        for table in FindingSchema.tables {
            let begin = try #require(page.firstRange(of: "<!-- fields: \(table.name) -->\n"), "\(table.name)")
            let end = try #require(page[begin.upperBound...].firstRange(of: "<!-- end -->"))
            page.replaceSubrange(begin.upperBound..<end.lowerBound, with: "\n" + table.markdown + "\n")
        }
        try Self.expect(page, in: "docs/findings.md")
    }

    @Test func theJSONSchemaIsTheLists() throws {
        let schema = try JSONSerialization.jsonObject(with: Data(FindingSchema.jsonSchema.utf8))
        let pretty = try JSONSerialization.data(
            withJSONObject: schema, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        try Self.expect(String(decoding: pretty, as: UTF8.self) + "\n", in: "docs/finding.schema.json")
    }

    @Test func everyMemberIsOfTheList() throws {
        for kind in Finding.Kind.allCases {
            let names = FindingSchema.fields(of: kind).map(\.description.name)
            #expect(Set(names).count == names.count, "\(kind): a name occurs once")
        }
        var finding = try sampleFinding()
        finding.time = 1_700_000_000_000_000_007
        finding.vantage = Finding.Vantage(host: "fw1", interface: "eth0", hook: "tc", direction: "in")
        let required = FindingSchema.fields(of: .reset).map(\.description).filter(\.isRequired).map(\.name)
        let members = try Self.members(JSONLines.line(finding))
        #expect(Set(required).isSubset(of: members))
        #expect(Set(members).isSubset(of: FindingSchema.fields(of: .reset).map(\.description.name)))
        #expect(members.first == "schema")
    }

    @Test func columnsHaveNoGaps() {
        #expect(FindingSchema.columns.map(\.column.position) == Array(1...FindingSchema.columns.count))
        #expect(Set(FindingSchema.columns.map(\.column.name)).count == FindingSchema.columns.count)
        #expect(FindingSchema.columns.prefix(3).map(\.column.name) == ["id", "revision", "time"])
    }

    @Test func filtersAreUnique() throws {
        #expect(
            FindingSchema.filters.map(\.name).sorted() == [
                "cause", "dst", "dst_port", "interface", "kind", "origin", "sender", "src", "src_port", "stage",
            ])
        let cause = try #require(FindingSchema.filters.first { $0.name == "cause" })
        guard case .choice(let causes) = cause.type else {
            Issue.record("cause is a closed set")
            return
        }
        #expect(causes.contains("rejected") && causes.contains("no_answer") && causes.contains("ttl_rewritten"))
        #expect(Set(causes).count == causes.count)
    }

    /// The page is no Swift: the compiler does not see what it reads.
    @Test func thePageReadsOnlyMembersOfTheList() throws {
        let script = try Self.text("page/page.js")
        func known(_ fields: [FieldDescription]) -> Set<String> { Set(fields.map(\.name)) }
        let own = known(FindingSchema.fields.map(\.description))
        let objects: [(Regex<(Substring, Substring)>, Set<String>)] = [
            (/\bfinding\.([a-z_]+)/, own), (/\bearlier\.([a-z_]+)/, own),
            (/\bfinding\.icmp\.([a-z_]+)/, known(FindingSchema.icmpFields.map(\.description))),
            (/\bfinding\.vantage\.([a-z_]+)/, known(FindingSchema.vantageFields.map(\.description))),
            (/\bpiece\.([a-z_]+)/, known(FindingSchema.evidenceFields.map(\.description))),
        ]
        for (pattern, names) in objects {
            let read = Set(script.matches(of: pattern).map { String($0.output.1) })
            #expect(!read.isEmpty)
            #expect(read.subtracting(names).isEmpty, "page.js reads \(read.subtracting(names))")
        }
    }

    /// A new cause of a path needs its meaning in findings.md and its evidence in paths.md.
    @Test(arguments: Finding.PathCause.allCases) func everyPathCauseIsDocumented(cause: Finding.PathCause) throws {
        #expect(try Self.text("docs/findings.md").contains("| `\(cause.rawValue)` |"))
        let pages = try ["docs/paths.md", "docs/compare.md", "docs/evidence.md"].map(Self.text).joined()
        #expect(pages.contains("`\(cause.rawValue)`"), "what it rests on")
    }

    @Test func everyValueOfAClosedSetIsDocumented() throws {
        let page = try Self.text("docs/findings.md")
        let values =
            Finding.Sender.allCases.map(\.rawValue) + Finding.Cause.allCases.map(\.rawValue)
            + Finding.Stage.allCases.map(\.rawValue)
        for value in values { #expect(page.contains("| `\(value)` |"), "\(value)") }
    }

    @Test(arguments: ["\"seq\":0,", "\"src_port\":22,", "\"flags\":\"RA\",", "\"packet_key\":\"9f3c\","])
    func aFindingWithoutAnEssentialFieldIsNone(member: String) throws {
        let line = JSONLines.line(try sampleFinding())
        #expect(line.contains(member))
        #expect(JSONLines.decode(line) != nil)
        #expect(JSONLines.decode(line.replacing(member, with: "")) == nil)
        let name = member.prefix { $0 != ":" }
        #expect(JSONLines.decode(line.replacing(member, with: "\(name):null,")) == nil)
        #expect(JSONLines.decode(line.replacing(member, with: "\(name):[],")) == nil)
    }
}
