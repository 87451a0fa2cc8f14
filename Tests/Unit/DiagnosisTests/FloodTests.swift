// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Floods of resets")
struct FloodTests {
    /// `count` resets within a second from sources in turn, each for a connection of its own that nobody saw.
    private func flood(_ count: Int, sources: Int) -> Story {
        var story = Story(isLive: true)
        let trace = story.trace
        for index in 0..<count {
            trace.add(
                Ethernet().ipv4(IPAddress(v4: 0x0b00_0000 + UInt32(index % sources)), .client, ttl: 50)
                    .tcp(443, UInt16(1024 + index % 60000), seq: UInt32(index), flags: .rst),
                time: story.time + UInt64(index) * 10_000)
        }
        story.wait(3)
        return story
    }

    @Test("Below the threshold each reset is told by itself")
    func below() {
        let findings = flood(2000, sources: 4).findings()
        #expect(findings.count == 2000)
        #expect(findings.allSatisfy { $0.count == 1 })
    }

    @Test("Above it equal resets are told with a count, and none is lost", arguments: [4, 20_000])
    func above(sources: Int) {
        let count = 40_000
        let findings = flood(count, sources: sources).findings()
        #expect(findings.reduce(0) { $0 + $1.count } == count)
        #expect(findings.count <= ResetFlood.threshold + 4096 + 1)
        #expect(findings.contains { $0.count > 1 })
        if sources == 4 { #expect(findings.count == ResetFlood.threshold + 4) }
    }

    @Test("A single reset in another's name is found in the flood")
    func needle() {
        var story = Story()
        story.ping(4)
        let trace = story.trace
        for index in 0..<30_000 {
            trace.add(
                Ethernet().ipv4(IPAddress(v4: 0x0b00_0001), .client, ttl: 50)
                    .tcp(443, UInt16(1024 + index % 60000), seq: UInt32(index), flags: .rst),
                time: story.time + UInt64(index) * 10_000)
        }
        story.wait(0.4)
        story.refuse(ttl: 63)
        story.wait(3)
        #expect(story.findings().filter { $0.reset?.sender == .middlebox }.map(\.count) == [1])
    }
}
