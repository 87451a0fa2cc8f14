// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Paths: the ways that connections take")
struct PathTableTests {
    private static let gateway = MACAddress(0x11)
    private static let other = MACAddress(0x22)

    /// A connection whose requests go to one next hop and whose replies come from another.
    private func story(to there: MACAddress, from back: MACAddress) -> Story {
        var story = Story()
        func client(_ flags: TCPFlags, seq: UInt32, ack: UInt32 = 0, payload: String = "") {
            story.add(
                Ethernet(source: .here, destination: there).ipv4(.client, .server)
                    .tcp(50_992, 22, seq: seq, ack: ack, flags: flags, window: 500).payload(payload))
        }
        func server(_ flags: TCPFlags, seq: UInt32, ack: UInt32, payload: String = "") {
            story.add(
                Ethernet(source: back, destination: .here).ipv4(.server, .client, ttl: 61)
                    .tcp(22, 50_992, seq: seq, ack: ack, flags: flags, window: 500).payload(payload))
        }
        client(.syn, seq: 1000)
        server([.syn, .ack], seq: 9000, ack: 1001)
        client(.ack, seq: 1001, ack: 9001)
        client([.psh, .ack], seq: 1001, ack: 9001, payload: "GET")
        server([.psh, .ack], seq: 9001, ack: 1004, payload: "200")
        return story
    }

    private func summaries(_ story: Story) -> [PathSummary] {
        story.engineAfterwards { $0.pathSnapshot.summaries() }
    }

    @Test("One way, and two ways: a state, and no finding")
    func symmetry() throws {
        let same = try #require(summaries(story(to: Self.gateway, from: Self.gateway)).first)
        #expect(same.symmetry == .same)
        #expect(same.connections == 1)
        #expect(same.worked == 1)
        #expect(same.network == IPAddress("10.1.0.0"))
        #expect(same.length == 24)
        #expect(same.roundTrip.map { $0 > 0.0009 && $0 < 0.0011 } == true)
        let story = story(to: Self.gateway, from: Self.other)
        let two = try #require(summaries(story).first)
        #expect(two.symmetry == .different)
        #expect(two.there?.to == PathLink.text(0x11))
        #expect(two.back?.from == PathLink.text(0x22))
        #expect(story.causes == [])
    }

    @Test("A router of a pair answers with its own address for the one that both share: nothing can be told")
    func sharedAddress() throws {
        let virtual = MACAddress(0x0000_5e00_0101)
        let path = try #require(summaries(story(to: virtual, from: Self.other)).first)
        #expect(path.symmetry == .unknown)
    }

    @Test("Connections of one direction, and what is sent again, are counted")
    func counts() throws {
        var story = Story()
        story.client(.syn)
        story.client(.ack, seq: 1001, ack: 9001)
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "abc")
        story.client(.ack, seq: 1004, ack: 9101)
        let alone = try #require(summaries(story).first)
        #expect(alone.symmetry == .oneWay)
        #expect(alone.back == nil)
        story = Story()
        story.repeatSYN(at: [1, 3])
        let path = try #require(summaries(story).first)
        #expect(path.retransmissions == 2)
        #expect(path.worked == 0)
        #expect(path.symmetry == .unknown)
        story = Story()
        story.repeatSYNACK(at: [1, 3])
        #expect(try #require(summaries(story).first).failingPorts == [22])
    }

    @Test("Networks of clients are bounded; what never carried anything gives way")
    func bounded() {
        var table = PathTable(seed: 1)
        for number in 0..<UInt32(PathTable.capacity * 4) {
            let key = PathNetworks(client: IPAddress(v4: number << 8), server: .server)
            _ = table.findOrInsert(key, now: UInt64(number) + 1)
        }
        #expect(table.count <= PathTable.capacity)
        #expect(table.evictions > 0)
    }

    @Test("Suspects are bounded, and the weakest suspicion gives way")
    func suspects() {
        var story = Story()
        for number in 0..<UInt32(PathSuspects.capacity + 200) {
            let source = IPAddress(v4: 0x0b00_0000 + number)
            story.step = 10_000
            story.add(Ethernet().ipv4(source, .server, ttl: 50).tcp(1024, 80, seq: 1, flags: .syn))
        }
        story.wait(1)
        for number in 0..<UInt32(PathSuspects.capacity + 200) {
            let source = IPAddress(v4: 0x0b00_0000 + number)
            story.add(Ethernet().ipv4(source, .server, ttl: 50).tcp(1024, 80, seq: 1, flags: .syn))
        }
        #expect(story.engineAfterwards { $0.stalls.suspects.evictions } == 200)
    }
}
