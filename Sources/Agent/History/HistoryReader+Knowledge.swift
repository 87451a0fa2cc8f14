// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
package import Explanation
internal import Packets
internal import Reporting

extension HistoryReader {
    /// Returns the stored knowledge that concerns a question.
    ///
    /// Blocks.
    package func knowledge(of question: Question) throws(HistoryFault) -> Knowledge {
        var knowledge = Knowledge()
        if case .finding(let id) = question {
            guard let finding = try finding(id: id)?.finding else { return knowledge }
            knowledge.findings = [finding]
        }
        let widened = Knowledge.widened(question, by: knowledge.findings.first)
        var found: [Finding] = []
        for var query in FindingQuery.all(for: widened) {
            query.limit = Knowledge.bound
            found += try findings(query).findings.compactMap(\.finding)
        }
        var known: Set<String> = []
        found = found.filter { known.insert($0.id).inserted && Knowledge.isWanted($0, for: widened) }
        found.sort { ($0.time ?? 0, $0.id) > ($1.time ?? 0, $1.id) }
        knowledge.findings = Array(found.prefix(Knowledge.bound))
        knowledge.take(hosts: try hosts(), origins: try origins(), paths: try paths(), for: widened)
        return knowledge
    }
}

extension FindingQuery {
    /// Returns the queries that together find all findings about an already widened question.
    fileprivate static func all(for question: Question) -> [FindingQuery] {
        switch question {
        case .finding: []
        case .address(let address): [FindingQuery { $0.address = address }]
        case .flows(let flows):
            flows.flatMap { flow -> [FindingQuery] in
                let source = flow.source.address
                guard let destination = flow.destination?.address else { return [FindingQuery { $0.address = source }] }
                return [
                    FindingQuery { ($0.source, $0.destination) = (source, destination) },
                    FindingQuery { ($0.source, $0.destination) = (destination, source) },
                ]
            }
        }
    }

    private init(_ change: (inout FindingQuery) -> Void) {
        self.init()
        change(&self)
    }
}
