// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Explanation
internal import HTTPTypes
internal import Hummingbird
internal import Reporting

/// Answers `/api/v1/explain?what=…`.
struct ExplainAnswer {
    private let question: Question

    /// - Throws: a problem where `what` is missing or asks nothing.
    init(_ query: inout QueryReader) throws(HTTPProblem) {
        guard let text = query.text("what") else {
            throw .badParameter("what", "Give an address, a connection such as a:p > b:q, or a finding's id.")
        }
        do {
            question = try Question(parsing: text)
        } catch {
            throw .badParameter("what", error.text)
        }
    }

    /// The explanation as a JSON document.
    ///
    /// - Throws: 404 where it is of a finding that is not known.
    func body(_ state: AgentState, _ cache: EngineCache) async throws(HTTPProblem) -> [UInt8] {
        var knowledge = Knowledge()
        if case .finding(let id) = question {
            guard let finding = try await Self.finding(id, state) else {
                throw HTTPProblem(
                    status: .notFound, detail: "No such finding is kept. Ask for its addresses and ports.",
                    parameter: "what")
            }
            knowledge.findings = [finding]
        }
        let widened = Knowledge.widened(question, by: knowledge.findings.first)
        knowledge.findings = state.withFindings { store in
            store.newest(limit: Knowledge.bound) { Knowledge.isWanted($0, for: widened) }.findings
        }
        if knowledge.findings.count < Knowledge.bound, let reader = state.history?.reader {
            let known = Set(knowledge.findings.map(\.id))
            let room = Knowledge.bound - known.count
            knowledge.findings += try await Self.stored {
                try reader.knowledge(of: widened).findings.filter { !known.contains($0.id) }.prefix(room)
            }
        }
        knowledge.take(
            hosts: try await cache.hosts(state), origins: try await cache.origins(state),
            paths: try await cache.paths(state), for: widened)
        return Array(Explanation(question, knowledge).line.utf8)
    }

    /// From memory, or from the history.
    private static func finding(_ id: String, _ state: AgentState) async throws(HTTPProblem) -> Finding? {
        if let finding = state.withFindings({ $0[id] }) { return finding }
        guard let reader = state.history?.reader else { return nil }
        return try await stored { [try reader.finding(id: id)?.finding].compactMap { $0 }[...] }.first
    }

    /// Asks the history beside Swift's shared threads.
    ///
    /// A history that cannot be read is no reason to say nothing of what is in memory.
    private static func stored(
        _ read: @escaping @Sendable () throws -> ArraySlice<Finding>
    ) async throws(HTTPProblem) -> ArraySlice<Finding> {
        (try? await BlockingThread.run(named: "rstwho-history", read)) ?? []
    }
}
