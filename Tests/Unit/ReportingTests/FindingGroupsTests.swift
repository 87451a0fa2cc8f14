// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Testing

@testable import Reporting

@Suite("Groups of findings")
struct FindingGroupsTests {
    private let second: UInt64 = 1_000_000_000

    @Test("Repeats are told with a count when the window ends")
    func repeats() throws {
        var groups = FindingGroups()
        let finding = try sampleFinding()
        #expect(groups.add(finding, now: 0).count == 1)
        for round in 1...5 { #expect(groups.add(finding, now: UInt64(round) * second).isEmpty) }
        #expect(groups.expire(now: 9 * second).isEmpty)
        #expect(groups.expire(now: 10 * second).map(\.count) == [5])
        #expect(groups.add(finding, now: 11 * second).map(\.count) == [1])
        #expect(groups.finish().isEmpty)
    }

    @Test("What differs is told apart, a revision by itself")
    func different() throws {
        var groups = FindingGroups()
        _ = groups.add(try sampleFinding(), now: 0)
        #expect(groups.add(try sampleFinding(cause: .unknown), now: 1).count == 1)
        #expect(groups.add(try sampleFinding(sender: .host, cause: .portClosed), now: 2).count == 1)
        var revision = try sampleFinding()
        revision.revision = 1
        #expect(groups.add(revision, now: 3).count == 1)
    }

    @Test("Repeats that waited are told before the next window's first")
    func late() throws {
        var groups = FindingGroups()
        let finding = try sampleFinding()
        _ = groups.add(finding, now: 0)
        _ = groups.add(finding, now: 1)
        #expect(groups.add(finding, now: 20 * second).map(\.count) == [1, 1])
    }
}
