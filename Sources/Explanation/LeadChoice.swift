// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets
internal import Reporting

/// The choice of the finding that answers a question, and of those that belong to its story.
struct LeadChoice {
    let lead: Finding?
    /// The newest first.
    let related: [Finding]
    /// False where only other connections of the same hosts are known.
    let isAboutIt: Bool
    /// The remark about the choice.
    let remark: String?
    /// The number of other resets, and their senders.
    let counts: String?

    init(_ question: Question, _ knowledge: Knowledge) {
        let findings = knowledge.findings
        switch question {
        case .finding(let id):
            lead = findings.first { $0.id == id }
            // What else happened to its connection.
            let tuple = lead?.fiveTuple
            related = findings.filter { $0.id == id || $0.fiveTuple == tuple || $0.fiveTuple == tuple?.reversed }
            (isAboutIt, remark) = (lead != nil, nil)
        case .address(let address):
            // Resets in its name come before those that it got.
            let own = findings.filter { $0.fiveTuple.source == address || $0.icmpError?.from == address }
            lead = Self.best(own) ?? Self.best(findings)
            related = findings
            (isAboutIt, remark) = (lead != nil, Self.device(address, knowledge))
        case .flows(let flows):
            let exact = findings.filter { finding in flows.contains { $0.matches(finding.fiveTuple) } }
            let service = flows.compactMap(\.ofSameService)
            let similar = findings.filter { finding in service.contains { $0.matches(finding.fiveTuple) } }
            let (found, text): ([Finding], String?) =
                if !exact.isEmpty {
                    (exact, nil)
                } else if !similar.isEmpty {
                    (similar, "Of other connections to this service between the two hosts:")
                } else if !findings.isEmpty {
                    (findings, "Of other connections between the two hosts:")
                } else {
                    ([], nil)
                }
            lead = Self.best(found)
            related = found
            (isAboutIt, remark) = (!exact.isEmpty, text)
        }
        counts = Self.counts(related)
    }

    /// Trouble that ended so long before the newest, ns, is another story: a history has a week of them.
    private static let present: UInt64 = 3_600_000_000_000

    /// Returns the most important finding; of equals the newest.
    private static func best(_ findings: [Finding]) -> Finding? {
        let newest = findings.filter(\.isProblem).compactMap(\.time).max() ?? 0
        return findings.max {
            (rank($0, newest), $0.time ?? 0, $0.frame ?? 0) < (rank($1, newest), $1.time ?? 0, $1.frame ?? 0)
        }
    }

    /// - `newest`: when the newest trouble was, ns since 1970; 0 where that is not known.
    private static func rank(_ finding: Finding, _ newest: UInt64) -> Int {
        let isPast = (finding.time ?? newest).addingReportingOverflow(present).partialValue < newest
        if finding.isProblem && isPast || finding.isExpected { return 7 }
        switch finding.details {
        case .reset(let reset):
            if reset.sender.isForeign { return 9 }
            return reset.stage == .afterClose || reset.stage == .none ? 3 : reset.sender == .undetermined ? 5 : 6
        case .path(let path): return path.cause.isProblem ? 8 : 2
        case .icmpError: return 4
        case .pathChange: return 1
        case .notice: return 0
        }
    }

    private static func counts(_ findings: [Finding]) -> String? {
        let resets = findings.compactMap { finding in finding.reset.map { ($0, finding.count) } }
        let total = resets.reduce(0) { $0 + $1.1 }
        guard total > 1 else { return nil }
        let groups: [(String, (Finding.Sender) -> Bool)] = [
            ("by devices on the path", { $0 == .middlebox }), ("by this machine", { $0 == .thisMachine }),
            ("by the host itself", { !$0.isForeign && $0 != .undetermined }),
            ("of undetermined senders", { $0 == .undetermined }),
        ]
        let parts = groups.compactMap { name, isOne -> String? in
            let count = resets.reduce(0) { $0 + (isOne($1.0.sender) ? $1.1 : 0) }
            return count > 0 ? "\(count) \(name)" : nil
        }
        return "\(total) resets in all: \(parts.joined(separator: ", "))."
    }

    /// Returns the role of the address as a device.
    private static func device(_ address: IPAddress, _ knowledge: Knowledge) -> String? {
        guard let origin = knowledge.origins.first(where: { $0.address == address }) else { return nil }
        return
            "\(address) is itself a device that sends resets for others: \(origin.id)\(origin.hop.map { ", at hop \($0)" } ?? ""), "
            + "\(OriginReport.work(origin))."
    }
}

extension Finding {
    /// True for a reset of a device whose resets the operator expects.
    fileprivate var isExpected: Bool { device?.isExpected == true && reset?.sender.isForeign == true }
}
