// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis

/// A page of findings, from the newest to the oldest.
struct FindingPage: Sendable {
    enum Item: Sendable {
        case told(Finding)
        case stored(StoredFinding)

        var id: String {
            switch self {
            case .told(let finding): finding.id
            case .stored(let finding): finding.id
            }
        }
    }

    var items: [Item]
    var hasMore: Bool

    init(_ page: (findings: [Finding], hasMore: Bool)) {
        items = page.findings.map { .told($0) }
        hasMore = page.hasMore
    }

    /// The page with what the history has behind it.
    static func + (page: FindingPage, stored: (findings: [StoredFinding], hasMore: Bool)) -> FindingPage {
        var page = page
        page.items += stored.findings.map { .stored($0) }
        page.hasMore = stored.hasMore
        return page
    }

    /// The cursor of the next page.
    var next: String? { hasMore ? items.last?.id : nil }
}
