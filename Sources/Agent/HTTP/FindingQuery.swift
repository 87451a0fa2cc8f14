// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
package import Packets
internal import Reporting

/// A selection of findings, for the API, the history and captures.
package struct FindingQuery: Sendable, Equatable {
    /// Findings of a page at most, and where nothing is said.
    package static let limits = 1...1000
    package static let standardLimit = 100

    package var limit = FindingQuery.standardLimit
    /// Only findings of packets later than this, ns since 1970.
    package var sinceTime: UInt64?
    /// Only findings of packets not later than this, ns since 1970.
    package var untilTime: UInt64?
    /// Only findings told after the one with this id.
    package var sinceID: String?
    /// Only findings told before the one with this id: the next page.
    package var beforeID: String?

    /// The wanted values of `FindingSchema.filters`, by their names.
    package var values: [String: FilterValue] = [:]
    /// Source or destination.
    package var address: IPAddress?
    /// Source or destination lies in it.
    package var prefix: IPPrefix?
    /// Source or destination port.
    package var port: UInt16?

    package init() {}

    /// - `kind`: the kind that the path asks for; where it is `nil`, `kind` is a parameter.
    /// - `isStream`: a stream has neither `limit` nor `before`.
    init(_ query: inout QueryReader, kind: Finding.Kind? = nil, isStream: Bool = false) throws(HTTPProblem) {
        if !isStream {
            limit = try query.integer("limit", in: Self.limits, default: Self.standardLimit)
            beforeID = try Self.id("before", query.text("before"))
        }
        if let since = query.text("since") {
            if Self.isID(since) {
                sinceID = since
            } else if let time = Timestamp.parse(since) {
                sinceTime = time
            } else {
                throw .badParameter("since", "Give a finding's id, or a time such as 2026-01-31T23:59:59Z.")
            }
        }
        untilTime = try query.time("until")
        for field in FindingSchema.filters where kind == nil || field.name != "kind" {
            values[field.name] = try FilterValue(field, &query)
        }
        if let kind { self.kind = kind }
        address = try query.address("address")
        prefix = try query.prefix("prefix")
        port = try query.port("port")
    }

    package func matches(_ finding: Finding) -> Bool {
        let ends = finding.fiveTuple
        if let sinceTime, (finding.time ?? 0) <= sinceTime { return false }
        if let untilTime, (finding.time ?? 0) > untilTime { return false }
        if let address, ends.source != address, ends.destination != address { return false }
        if let prefix, !prefix.contains(ends.source), !prefix.contains(ends.destination) { return false }
        if let port, ends.sourcePort != port, ends.destinationPort != port { return false }
        return values.allSatisfy { name, value in value.matches(FindingSchema.filterValue(name, of: finding)) }
    }

    /// The query as the API takes it, without the question mark; `kind` is left to the path.
    package var parameters: String {
        let times = [("since", sinceTime), ("until", untilTime)].map { ($0, $1.map(Timestamp.format)) }
        let filters = FindingSchema.filters.filter { $0.name != "kind" }.map { ($0.name, values[$0.name]?.text) }
        let named: [(String, String?)] =
            [("limit", "\(limit)"), ("since", sinceID), ("before", beforeID)] + times + filters + [
                ("address", address?.description), ("prefix", prefix?.description), ("port", port?.description),
            ]
        return named.compactMap { name, value in value.map { "\(name)=\(URLText.escaped($0))" } }
            .joined(separator: "&")
    }

    private static func id(_ name: String, _ text: String?) throws(HTTPProblem) -> String? {
        guard let text else { return nil }
        guard isID(text) else { throw .badParameter(name, "Give a finding's id: 26 letters and digits.") }
        return text
    }

    package static func isID(_ text: String) -> Bool {
        text.utf8.count == 26
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) }
    }
}
