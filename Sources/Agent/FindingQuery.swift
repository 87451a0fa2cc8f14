// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets
internal import Reporting

/// Which findings a request asks for.
struct FindingQuery: Sendable {
    /// Findings of a page at most, and where nothing is said.
    static let limits = 1...1000
    static let standardLimit = 100

    var limit = FindingQuery.standardLimit
    /// Only findings of packets later than this, ns since 1970.
    var sinceTime: UInt64?
    /// Only findings told after the one with this id.
    var sinceID: String?
    /// Only findings told before the one with this id: the next page.
    var beforeID: String?

    private var kind: Finding.Kind?
    private var sender: Finding.Sender?
    private var cause: String?
    private var stage: Finding.Stage?
    private var source: IPAddress?
    private var destination: IPAddress?
    private var sourcePort: UInt16?
    private var destinationPort: UInt16?
    private var interface: String?

    /// - Parameters:
    ///   - kind: the kind that the path asks for; where it is `nil`, `kind` is a parameter.
    ///   - isStream: a stream has neither `limit` nor `before`.
    init(_ query: inout QueryReader, kind: Finding.Kind? = nil, isStream: Bool = false) throws(Problem) {
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
        self.kind = kind
        if kind == nil { self.kind = try query.member("kind", of: Finding.Kind.self) }
        sender = try query.member("sender", of: Finding.Sender.self)
        cause = try query.member("cause", of: Self.causes)
        stage = try query.member("stage", of: Finding.Stage.self)
        source = try query.address("src")
        destination = try query.address("dst")
        sourcePort = try query.port("src_port")
        destinationPort = try query.port("dst_port")
        interface = query.text("interface")
    }

    func matches(_ finding: Finding) -> Bool {
        if let sinceTime, (finding.time ?? 0) <= sinceTime { return false }
        return matches(kind, finding.kind) && matches(sender, finding.reset?.sender)
            && matches(cause, finding.causeName)
            && matches(stage, finding.reset?.stage) && matches(source, finding.fiveTuple.source)
            && matches(destination, finding.fiveTuple.destination)
            && matches(sourcePort, finding.fiveTuple.sourcePort)
            && matches(destinationPort, finding.fiveTuple.destinationPort)
            && (interface == nil || interface == finding.vantage?.interface)
    }

    /// The causes of every kind.
    private static let causes =
        Finding.Cause.allCases.map(\.rawValue) + Finding.PathCause.allCases.map(\.rawValue)
        + Finding.Notice.Cause.allCases.map(\.rawValue)

    private func matches<Value: Equatable>(_ wanted: Value?, _ value: Value?) -> Bool {
        wanted.map { $0 == value } ?? true
    }

    private static func id(_ name: String, _ text: String?) throws(Problem) -> String? {
        guard let text else { return nil }
        guard isID(text) else { throw .badParameter(name, "Give a finding's id: 26 letters and digits.") }
        return text
    }

    private static func isID(_ text: String) -> Bool {
        text.utf8.count == 26
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) }
    }
}
