// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis

extension AgentState {
    /// Findings of memory and history as one, from the newest to the oldest.
    ///
    /// - Throws: `HistoryFault` where the history cannot answer.
    func findings(_ query: FindingQuery) async throws(HistoryFault) -> FindingPage {
        let (page, isWhole, oldest) = withFindings { store in
            let found = store.newest(
                limit: query.limit, olderThan: query.beforeID, newerThan: query.sinceID, where: query.matches)
            let isWithin = query.sinceID.map { store[$0] != nil } ?? false
            // A page that begins behind the memory begins where it says.
            let isBehind = query.beforeID.map { store[$0] == nil } ?? false
            return (FindingPage(found), found.hasMore || isWithin, isBehind ? nil : store.oldest?.id)
        }
        guard !isWhole, let history, let reader = history.reader else { return page }
        var behind = query
        if oldest != nil { behind.beforeID = nil }
        do {
            return page
                + (try await reader.findings(
                    behind, behind: oldest, known: { [self] in knownIDs }, limit: query.limit - page.items.count))
        } catch {
            history.noteReadFailure(error)
            throw error
        }
    }

    private var knownIDs: Set<String> {
        Set(withFindings { $0.newest(limit: .max) { _ in true }.findings }.map(\.id))
    }
}
