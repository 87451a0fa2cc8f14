// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Reporting
import Testing

@Suite struct FindingCountersTests {
    private func resets(_ counters: FindingCounters) -> UInt64 { counters.resets.values.reduce(0, +) }

    @Test func aResetIsCountedOnceHoweverOftenItIsRevised() throws {
        var counters = FindingCounters()
        var finding = try sampleFinding(sender: .undetermined, cause: .unknown)
        finding.scope = .inside
        counters.count(finding, replacing: nil)
        #expect(counters.verdictDelay.count == 0)
        finding.revision = 1
        finding.reset?.sender = .middlebox
        finding.reset?.cause = .rejected
        finding.delay = 3_000_000_000
        counters.count(finding, replacing: .undetermined)
        finding.revision = 2
        finding.reset?.sender = .hostFirewall
        counters.count(finding, replacing: .middlebox)
        #expect(resets(counters) == 1)
        #expect(counters.resets[.init(sender: .undetermined, scope: .inside)] == 1)
        #expect(counters.causes == [.unknown: 1])
        #expect(counters.distance.count == 1)
        #expect(
            counters.revisions == [
                .init(from: .undetermined, to: .middlebox): 1, .init(from: .middlebox, to: .hostFirewall): 1,
            ])
        #expect(counters.verdictDelay.count == 1)
        #expect(counters.verdictDelay.sum == 3)
    }

    @Test func twoResetsAreCountedTwice() throws {
        var counters = FindingCounters()
        counters.count(try sampleFinding(), replacing: nil)
        counters.count(try sampleFinding(id: "other"), replacing: nil)
        #expect(resets(counters) == 2)
        #expect(counters.revisions.isEmpty)
    }

    @Test func aRevisionThatOnlyAddsEvidenceChangesNoCount() throws {
        var counters = FindingCounters()
        var finding = try sampleFinding()
        counters.count(finding, replacing: nil)
        finding.revision = 1
        counters.count(finding, replacing: .middlebox)
        #expect(counters.revisions.isEmpty)
        #expect(counters.verdictDelay.count == 1)
    }

    @Test func whatIsNoResetIsNotCounted() throws {
        var counters = FindingCounters()
        var finding = try sampleFinding()
        finding.details = .notice(Finding.Notice(cause: .ttlRewritten))
        counters.count(finding, replacing: nil)
        #expect(resets(counters) == 0)
    }
}
