// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Testing

@testable import Reporting

/// Tests of how many clients failing connections concern.
struct FailingServicesTests {
    private static let second: UInt64 = 1_000_000_000

    private static func finding(
        network: UInt8, count: Int, second: UInt64 = 0, port: UInt16 = 443, revision: Int = 0,
        cause: Finding.PathCause = .noAnswer
    ) -> Finding {
        var finding = Finding(
            id: "id\(network)",
            fiveTuple: FiveTuple(
                source: IPAddress(v4: 0x0a01_0001 + UInt32(network) << 8), sourcePort: 40_000,
                destination: IPAddress(v4: 0x0a04_0002), destinationPort: port),
            details: .path(Finding.Path(cause: cause)))
        finding.count = count
        finding.revision = revision
        finding.scope = .inside
        finding.time = 1_700_000_000 * Self.second + second * Self.second
        return finding
    }

    private static func extents(_ counters: FindingCounters) -> [String: UInt64] {
        var extents: [String: UInt64] = [:]
        for (key, count) in counters.failingServices { extents[key.extent.rawValue, default: 0] += count }
        return extents
    }

    @Test("Each extent is counted once when it is reached")
    func reached() {
        var counters = FindingCounters()
        counters.count(Self.finding(network: 1, count: 1), replacing: nil)
        #expect(Self.extents(counters).isEmpty)
        counters.count(Self.finding(network: 2, count: 4), replacing: nil)
        #expect(Self.extents(counters) == ["several": 1])
        counters.count(Self.finding(network: 3, count: 1), replacing: nil)
        #expect(Self.extents(counters) == ["several": 1, "wide": 1])
        // A revision adds what has come since.
        counters.count(
            Self.finding(network: 2, count: 60, revision: 1), replacing: nil, previousCount: 4)
        #expect(Self.extents(counters) == ["several": 1, "wide": 1, "major": 1])
        counters.count(Self.finding(network: 9, count: 100), replacing: nil)
        #expect(Self.extents(counters) == ["several": 1, "wide": 1, "major": 1])
    }

    @Test("One client network, several services and different quarters of an hour are not added up")
    func apart() {
        var counters = FindingCounters()
        counters.count(Self.finding(network: 1, count: 19), replacing: nil)
        counters.count(Self.finding(network: 2, count: 1, port: 80), replacing: nil)
        counters.count(Self.finding(network: 2, count: 1, second: 1000), replacing: nil)
        // Lost packets that got through are no failure.
        counters.count(Self.finding(network: 3, count: 100, cause: .loss), replacing: nil)
        #expect(Self.extents(counters).isEmpty)
    }

    @Test("However many services fail, the numbers are bounded")
    func bounded() {
        var counters = FindingCounters()
        for port in 1...5000 as ClosedRange<UInt16> {
            counters.count(Self.finding(network: 1, count: 20, second: UInt64(port) / 100, port: port), replacing: nil)
        }
        #expect(Self.extents(counters) == ["wide": 5000])
    }
}
