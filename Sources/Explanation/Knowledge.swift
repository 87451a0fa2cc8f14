// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import FoundationEssentials
package import Packets
package import Reporting

/// The facts related to a question: the material of an `Explanation`.
package struct Knowledge: Sendable {
    /// The maximum number of items of each kind.
    package static let bound = 200

    /// The newest first.
    package var findings: [Finding] = []
    package var hosts: [HostSummary] = []
    package var origins: [Origin] = []
    package var paths: [PathSummary] = []

    package init() {}

    /// True where a finding has to do with the question.
    package static func isWanted(_ finding: Finding, for question: Question) -> Bool {
        switch question {
        case .finding(let id): finding.id == id
        case .address(let address):
            finding.fiveTuple.source == address || finding.fiveTuple.destination == address
                || finding.icmpError?.from == address
        case .flows(let flows): flows.contains { $0.ofSameHosts.matches(finding.fiveTuple) }
        }
    }

    /// The question that a finding's id stands for: its connection.
    ///
    /// Others are themselves.
    package static func widened(_ question: Question, by finding: Finding?) -> Question {
        guard case .finding = question, let tuple = finding?.fiveTuple else { return question }
        return .flows([
            Question.FlowPattern(
                Question.FlowPattern.End(tuple.source, tuple.sourcePort),
                Question.FlowPattern.End(tuple.destination, tuple.destinationPort))
        ])
    }

    /// Takes what has to do with a question that is widened already, and with the findings that were taken before.
    package mutating func take(
        hosts: some Sequence<HostSummary>, origins: some Sequence<Origin>, paths: some Sequence<PathSummary>,
        for question: Question
    ) {
        let addresses = Set(question.addresses)
        let named = Set(findings.compactMap { $0.reset?.origin })
        self.hosts = Array(hosts.lazy.filter { addresses.contains($0.address) }.prefix(Self.bound))
        self.origins = Array(
            origins.lazy.filter { origin in
                named.contains(origin.id) || origin.address.map(addresses.contains) ?? false
                    || !origin.hosts.isDisjoint(with: addresses)
            }.prefix(Self.bound))
        self.paths = Array(
            paths.lazy.filter { path in
                let isClient = addresses.contains { path.includesClient($0) }
                if case .address = question { return isClient || addresses.contains(path.server) }
                return addresses.contains(path.server) && (isClient || addresses.count == 1)
            }.prefix(Self.bound))
    }

    /// As members of an object.
    package func write(to json: inout JSONWriter) {
        json.member("findings") { json in
            json.array { json in for finding in findings { JSONLines.write(finding, to: &json) } }
        }
        json.member("hosts") { json in
            json.array { json in for host in hosts { HostReport.write(host, to: &json) } }
        }
        json.member("origins") { json in
            json.array { json in for origin in origins { OriginReport.write(origin, to: &json) } }
        }
        json.member("paths") { json in
            json.array { json in for path in paths { PathReport.write(path, to: &json) } }
        }
    }

    private struct Wire: Decodable {
        var findings: [WireFinding]
        var hosts: [WireHost]
        var origins: [WireOrigin]
        var paths: [WirePathSummary]
    }

    /// Reads the explanation that an agent sent.
    ///
    /// `nil` where it is none; what this version does not know is left out.
    package init?(decoding json: [UInt8]) {
        guard let wire = try? JSONDecoder().decode(Wire.self, from: Data(json)) else { return nil }
        findings = wire.findings.compactMap(\.finding)
        hosts = wire.hosts.compactMap(\.host)
        origins = wire.origins.compactMap(\.origin)
        paths = wire.paths.compactMap(\.path)
    }
}

extension PathSummary {
    /// True for an address of the clients' network.
    package func includesClient(_ address: IPAddress) -> Bool {
        InsidePrefixes.Prefix("\(network)/\(length)")?.contains(address) ?? false
    }
}
