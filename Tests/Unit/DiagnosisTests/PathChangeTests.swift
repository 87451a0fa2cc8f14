// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Path changes, told once")
struct PathChangeTests {
    /// Ping replies of several pings that run at once, round by round.
    private func pings(_ story: inout Story, _ identifiers: [UInt16], rounds: Range<UInt16>, ttl: UInt8) {
        for sequence in rounds {
            for identifier in identifiers {
                story.add(
                    Ethernet().ipv4(.client, story.server)
                        .echo(reply: false, identifier: identifier, sequence: sequence))
                story.add(
                    Ethernet().ipv4(story.server, .client, ttl: ttl)
                        .echo(reply: true, identifier: identifier, sequence: sequence))
            }
            story.wait(0.2)
        }
    }

    private func changes(_ story: Story) -> [Finding] { story.findings(batch: 3).filter { $0.kind == .pathChange } }

    @Test("Several live flows of a host move together: told once, with both hops", arguments: [true, false])
    func flows(isLive: Bool) throws {
        var story = Story(isLive: isLive)
        pings(&story, [1, 2, 3], rounds: 0..<6, ttl: 61)
        pings(&story, [1, 2, 3], rounds: 6..<40, ttl: 59)
        let all = changes(story)
        let finding = try #require(all.first)
        #expect(all.count == 1)
        guard case .pathChange(let change) = finding.details else { return }
        #expect((change.hostHop, change.hop, change.hosts) == (4, 6, 1))
        #expect(finding.count == 3)
        #expect(finding.fiveTuple.source == .server)
        #expect(finding.frame == 38)
        #expect(finding.evidence.map(\.name.rawValue) == ["path_moved"])
        #expect(finding.id == story.findings().first { $0.kind == .pathChange }?.id)
    }

    @Test("TCP connections that move together")
    func connections() throws {
        var story = Story()
        for (port, ttl) in [(1, 61), (2, 61), (1, 60), (2, 60)] as [(UInt16, UInt8)] {
            story.clientPort = 40_000 + port
            story.serverTTL = ttl
            if ttl == 61 { story.open() }
            for number in 0..<4 as Range<UInt32> {
                let sent = number + (ttl == 61 ? 0 : 4)
                story.client([.psh, .ack], seq: 1001 + sent, ack: 9001 + sent, payload: "A")
                story.server([.psh, .ack], seq: 9001 + sent, ack: 1002 + sent, payload: "B")
            }
        }
        story.wait(3)
        #expect(changes(story).map(\.count) == [2])
    }

    @Test("One flow alone is no change of the path")
    func alone() {
        var story = Story()
        pings(&story, [1], rounds: 0..<6, ttl: 61)
        pings(&story, [1], rounds: 6..<40, ttl: 59)
        #expect(changes(story).isEmpty)
    }

    @Test("Flows of several hosts that move by as many hops are one change; by others they are not")
    func hosts() throws {
        func story(_ ttls: [UInt8]) -> Story {
            var story = Story()
            for round in 0..<2 as Range<UInt16> {
                for (number, ttl) in ttls.enumerated() {
                    story.server = IPAddress(v4: 0x0a09_0001 + UInt32(number))
                    let start = round * 6
                    pings(&story, [9], rounds: start..<start + 6, ttl: round == 0 ? 60 - UInt8(number) : ttl)
                }
            }
            story.wait(3)
            return story
        }
        let all = changes(story([58, 57, 56]))
        guard case .pathChange(let change) = try #require(all.first).details else { return }
        #expect(all.count == 1)
        #expect(change.hosts >= 2)
        #expect(changes(story([58, 55])).isEmpty)
    }

    @Test("Where the old way still carries packets nothing has moved")
    func equalCost() {
        var story = Story()
        pings(&story, [1, 2, 3], rounds: 0..<6, ttl: 61)
        for round in 6..<20 as Range<UInt16> {
            pings(&story, [1, 2], rounds: round..<round + 1, ttl: 59)
            pings(&story, [3], rounds: round..<round + 1, ttl: 61)
        }
        #expect(changes(story).isEmpty)
    }

    @Test("A proxy's handshake before the host's data is no change")
    func proxy() {
        var story = Story()
        for port in 1...4 as ClosedRange<UInt16> {
            story.clientPort = 40_000 + port
            story.client(.syn)
            story.server([.syn, .ack], seq: 9000, ack: 1001, ttl: 63)
            story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "A")
            story.server(.ack, seq: 9001, ack: 1002, ttl: 63)
        }
        for port in 1...4 as ClosedRange<UInt16> {
            story.clientPort = 40_000 + port
            story.server([.psh, .ack], seq: 9001, ack: 1002, ttl: 61, payload: "B")
        }
        story.wait(3)
        #expect(changes(story).isEmpty)
    }

    @Test("After a change, who comes from as many hops nearer is not accused, though its host was not heard since")
    func frozen() {
        func story(resetTTL: UInt8, isHeard: Bool = false) -> Story {
            var story = Story()
            let server = story.server
            story.ping(8)
            story.server = IPAddress(v4: 0x0a09_0001)
            pings(&story, [1, 2], rounds: 0..<6, ttl: 60)
            pings(&story, [1, 2], rounds: 6..<20, ttl: 62)
            story.server = server
            if isHeard { story.ping(1) }
            story.refuse(ttl: resetTTL)
            return story
        }
        func senders(_ ttl: UInt8) -> [Finding.Sender] { story(resetTTL: ttl).findings().compactMap(\.reset?.sender) }
        #expect(senders(63) == [.undetermined])
        #expect(senders(62) == [.middlebox])
        // It was, and is where it was.
        #expect(story(resetTTL: 63, isHeard: true).findings().compactMap(\.reset?.sender) == [.middlebox])
    }

    // MARK: Notices

    private func rewritten(networks: UInt32, packets: UInt16, ttl: UInt8 = 64) -> [Finding] {
        var story = Story()
        for sequence in 0..<packets {
            for network in 0..<networks {
                let host = IPAddress(v4: 0x0b00_0001 + network << 16)
                story.add(Ethernet().ipv4(.client, host).echo(reply: false, sequence: sequence))
                story.add(Ethernet().ipv4(host, .client, ttl: ttl).echo(reply: true, sequence: sequence))
            }
        }
        return story.findings().filter { $0.kind == .notice }
    }

    @Test("A next hop that rewrites TTLs is told once; one that routes, or shows little, is not")
    func notices() throws {
        let findings = rewritten(networks: 4, packets: 20)
        #expect(findings.map(\.causeName) == ["ttl_rewritten"])
        #expect(findings.first?.evidence.map(\.name.rawValue) == ["ttl_rewritten"])
        #expect(rewritten(networks: 4, packets: 3).isEmpty)
        #expect(rewritten(networks: 2, packets: 20).isEmpty)
        #expect(rewritten(networks: 4, packets: 20, ttl: 61).isEmpty)
    }
}
