// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Stations on the link")
struct NeighbourTests {
    private static let station = MACAddress(0x02_00_00_00_00_07)
    private static let link = LinkHash.of(domain: 0, folded: LinkHash.fold(station.value))

    /// A connection that a host at hop 1 refuses, whose distance is not known.
    ///
    /// - `forwarded`: echo replies of a host behind the same station.
    private static func story(ttl: UInt8 = 64, forwarded: Int = 0) -> Story {
        var story = Story()
        for sequence in 0..<UInt16(forwarded) {
            let behind = IPAddress(v4: 0x0a09_0009)
            story.add(Ethernet().ipv4(.client, behind).echo(reply: false, sequence: sequence))
            story.add(
                Ethernet(source: station).ipv4(behind, .client, ttl: 63).echo(reply: true, sequence: sequence))
        }
        story.client(.syn)
        story.add(
            Ethernet(source: station).ipv4(story.server, .client, ttl: ttl, identification: 0)
                .tcp(story.serverPort, story.clientPort, ack: 1001, flags: [.rst, .ack], window: 0))
        return story
    }

    private static func sender(_ story: Story, _ neighbours: [Neighbour]) throws -> Finding {
        var engine = Engine(options: story.engine)
        engine.begin(file: nil, isLive: false)
        story.trace.packets.withUnsafeBufferPointer { engine.observe($0, upTo: story.time) }
        // ARP may come after the reset: what is undetermined is judged again.
        var batch = Engine.Batch(UnsafeBufferPointer(start: nil, count: 0), upTo: story.time)
        batch.neighbours = neighbours
        engine.handle(.batch(batch))
        engine.finish()
        return try #require(engine.takeFindings().first { $0.kind == .reset })
    }

    @Test("A reset from the station that answers for the address is the host's")
    func onLink() throws {
        let neighbour = Neighbour(address: .server, link: Self.link)
        let finding = try Self.sender(Self.story(), [neighbour])
        #expect(finding.reset?.sender.isForeign == false)
        #expect(finding.reset?.sender != .undetermined)
        #expect(finding.reset?.hop == 1)
        #expect(finding.evidence.contains(.onLink))
        #expect(try Self.sender(Self.story(), []).reset?.sender == .undetermined)
    }

    @Test("Another station, two stations, a TTL that is not whole or a station that forwards prove nothing")
    func negatives() throws {
        let neighbour = Neighbour(address: .server, link: Self.link)
        let other = Neighbour(address: .server, link: Self.link ^ 1)
        #expect(try !Self.sender(Self.story(), [other]).evidence.contains(.onLink))
        #expect(try !Self.sender(Self.story(), [neighbour, other]).evidence.contains(.onLink))
        #expect(try !Self.sender(Self.story(ttl: 63), [neighbour]).evidence.contains(.onLink))
        #expect(try !Self.sender(Self.story(forwarded: 1), [neighbour]).evidence.contains(.onLink))
    }

    @Test(
        "An advertisement names a station if it passed no router",
        arguments: [(255, true), (254, false)] as [(UInt8, Bool)])
    func neighbourDiscovery(hopLimit: UInt8, isNamed: Bool) throws {
        var story = Story()
        story.add(
            Ethernet(source: Self.station).ipv6(.server6, .client6, hopLimit: hopLimit)
                .icmp(type: 136).payload([UInt8](repeating: 0, count: 16)))
        story.add(Ethernet().ipv6(.client6, .server6).tcp(5000, 80, seq: 1, flags: .syn, window: 9))
        story.add(
            Ethernet(source: Self.station).ipv6(.server6, .client6, hopLimit: 64)
                .tcp(80, 5000, ack: 2, flags: [.rst, .ack], window: 0))
        let finding = try #require(story.findings().first { $0.kind == .reset })
        #expect(finding.evidence.contains(.onLink) == isNamed)
    }

    @Test("What is forgotten names nobody")
    func forget() throws {
        var table = NeighbourTable()
        table.note(Neighbour(address: .server, link: 7))
        var record = PacketRecord()
        (record.src_high, record.src_low, record.link_hash) = (IPAddress.server.high, IPAddress.server.low, 7)
        #expect(table.isStation(of: record))
        table.forget(try #require(IPPrefix("10.0.0.0/8")))
        #expect(!table.isStation(of: record))
    }
}
