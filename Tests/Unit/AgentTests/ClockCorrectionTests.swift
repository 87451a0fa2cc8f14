// SPDX-License-Identifier: Apache-2.0
import Agent
import Capture
import Diagnosis
import Packets
import Testing

/// Tests of reported times while the time of day is set.
struct ClockCorrectionTests {
    private static let hour: Int64 = 3_600_000_000_000

    @Test("A finding has the time of day that held when it was reported; its revision keeps it")
    func findings() throws {
        let state = AgentState { Ledger() }
        let time = try #require(finding(1).time)
        state.record([finding(1)], Engine.Statistics())
        state.set(ClockCorrection(nanoseconds: Self.hour))
        state.record([finding(2)], Engine.Statistics())
        state.set(ClockCorrection(nanoseconds: -Self.hour))
        state.record([finding(3), finding(1, revision: 1), finding(2, revision: 1)], Engine.Statistics())
        let times = try (1...3).map { number in
            try #require(state.withFindings { $0[finding(number).id]?.time })
        }
        let packetTimes = try (1...3).map { try #require(finding($0).time) }
        #expect(times[0] == time)
        #expect(times[1] == packetTimes[1] + UInt64(Self.hour))
        #expect(times[2] == packetTimes[2] - UInt64(Self.hour))
    }

    @Test("Hosts and paths have it as well")
    func tables() {
        var host = HostSummary(address: .init(v4: 1), firstSeen: 10_000, lastSeen: 20_000)
        ClockCorrection(nanoseconds: -5000).apply(to: &host)
        #expect((host.firstSeen, host.lastSeen) == (5000, 15_000))
        var path = PathSummary(network: .init(v4: 1), length: 24, server: .init(v4: 2), firstSeen: 10, lastSeen: 20)
        ClockCorrection(nanoseconds: 5).apply(to: &path)
        #expect((path.firstSeen, path.lastSeen) == (15, 25))
        // Before 1970 there is none.
        #expect(ClockCorrection(nanoseconds: -50).time(20) == 0)
    }
}
