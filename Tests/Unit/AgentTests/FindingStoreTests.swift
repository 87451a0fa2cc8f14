// SPDX-License-Identifier: Apache-2.0
import Agent
import Diagnosis
import Packets
import Testing

@Suite struct FindingStoreTests {
    private func store(_ count: Int, capacity: Int) -> FindingStore {
        var store = FindingStore(capacity: capacity)
        for number in 0..<count { store.add(finding(number)) }
        return store
    }

    private func ids(_ page: (findings: [Finding], hasMore: Bool)) -> [String] { page.findings.map(\.id) }

    @Test func theNewestComeFirstAndTheOldestGiveWay() {
        let store = store(7, capacity: 4)
        #expect(store.count == 4)
        #expect(store.forgotten == 3)
        let page = store.newest(limit: 10) { _ in true }
        #expect(ids(page) == [6, 5, 4, 3].map(findingID))
        #expect(!page.hasMore)
        #expect(store[findingID(2)] == nil)
        #expect(store[findingID(3)] != nil)
    }

    @Test func pagesFollowEachOtherWithoutGapOrOverlap() {
        let store = store(25, capacity: 10)
        var seen: [String] = []
        var before: String?
        while true {
            let page = store.newest(limit: 3, olderThan: before) { _ in true }
            seen += ids(page)
            guard page.hasMore else { break }
            before = page.findings.last?.id
        }
        #expect(seen == (15..<25).reversed().map(findingID))
    }

    @Test func onlyTheNewerAreGivenWhereOneIsKnown() {
        let store = store(6, capacity: 4)
        #expect(ids(store.newest(limit: 10, newerThan: findingID(3)) { _ in true }) == [5, 4].map(findingID))
        #expect(ids(store.newest(limit: 10, newerThan: findingID(5)) { _ in true }).isEmpty)
        // Forgotten: everything that is left is newer.
        #expect(store.newest(limit: 10, newerThan: findingID(0)) { _ in true }.findings.count == 4)
        // Forgotten: nothing that is left is older.
        #expect(ids(store.newest(limit: 10, olderThan: findingID(0)) { _ in true }).isEmpty)
    }

    @Test func aRevisionTakesTheOldOnesPlace() {
        var store = FindingStore(capacity: 3)
        store.add(finding(0, sender: .undetermined))
        store.add(finding(1))
        let previous = store.add(finding(0, sender: .middlebox, revision: 1))
        #expect(previous?.reset?.sender == .undetermined)
        #expect(store.count == 2)
        #expect(ids(store.newest(limit: 9) { _ in true }) == [1, 0].map(findingID))
        #expect(store[findingID(0)]?.reset?.sender == .middlebox)
    }

    @Test func theRevisionOfAForgottenFindingIsANewEntry() {
        var store = store(4, capacity: 2)
        #expect(store.add(finding(0, revision: 1)) == nil)
        #expect(ids(store.newest(limit: 9) { _ in true }) == [0, 3].map(findingID))
    }

    @Test func filtersCountOnlyWhatTheyLetThrough() {
        let store = store(10, capacity: 10)
        let even = store.newest(limit: 5) { $0.fiveTuple.destinationPort % 2 == 0 }
        #expect(ids(even) == [8, 6, 4, 2, 0].map(findingID))
        #expect(!even.hasMore)
        #expect(store.newest(limit: 4) { $0.fiveTuple.destinationPort % 2 == 0 }.hasMore)
    }
}
