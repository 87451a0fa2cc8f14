// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Evidence: whose IP-ID it is")
struct NumberingTests {
    /// Packets of `source` whose IP-IDs count up, each answered so that it proves to be alive.
    private static func count(
        _ story: inout Story, _ source: IPAddress, from first: UInt16, _ number: UInt16, ttl: UInt8
    ) {
        for step in 0..<number {
            story.add(Ethernet().ipv4(.client, source, identification: 0).echo(reply: false, sequence: step))
            story.add(
                Ethernet().ipv4(source, .client, ttl: ttl, identification: first &+ step)
                    .echo(reply: true, sequence: step))
        }
    }

    private static let router = IPAddress(v4: 0x0a01_00fe)

    @Test("trigger_ip_id_copied: the IP-ID of the packet that drew it", arguments: [(0x4321, true), (0x4322, false)])
    func triggerIdentification(identification: UInt32, isCopied: Bool) throws {
        var story = Story()
        story.converse(client: Marks(identification: 0x4321))
        story.send(.server, .rst, seq: 9002, Marks(identification: identification))
        #expect(try story.finding().weight(.triggerIdentification) == (isCopied ? 3 : nil))
    }

    @Test(
        "Duplicates abstain where the host itself copies: a server that evades inspection resets before its SYN-ACK",
        arguments: [true, false])
    func hostCopies(isHosts: Bool) throws {
        var story = Story()
        story.serverTTL = 64
        let copied = Marks(identification: 0xe5de, window: 64_239)
        story.send(.client, .syn, seq: 1000, copied)
        story.send(.server, [.rst, .ack], ack: 1001, copied)
        story.send(.server, [.syn, .ack], seq: 9000, ack: 1001, isHosts ? copied : Marks(window: 65_160))
        story.send(.client, .ack, seq: 1001, ack: 9001)
        let finding = try story.finding()
        #expect(finding.weight(.triggerIdentification) == (isHosts ? nil : 3))
        #expect(finding.weight(.triggerWindow) == (isHosts ? nil : 3))
        #expect(finding.reset?.sender == (isHosts ? .host : .undetermined))
    }

    @Test("trigger_ip_id_copied abstains where the IP-ID is 0, and in IPv6, where it is a label")
    func triggerIdentificationAbstains() throws {
        var story = Story()
        story.converse()
        story.send(.server, .rst, seq: 9002)
        #expect(try story.finding().weight(.triggerIdentification) == nil)
        story = Story()
        story.isIPv6 = true
        story.converse(client: Marks(identification: 77), server: Marks(identification: 88))
        story.send(.server, .rst, seq: 9002, Marks(identification: 77))
        #expect(try story.finding().weight(.triggerIdentification) == nil)
    }

    @Test(
        "ip_id_continues: the next of this connection's own numbers",
        arguments: [(102, true), (117, true), (118, false), (90, false)])
    func ownCounter(identification: UInt32, continues: Bool) throws {
        var story = Story()
        story.converse(server: Marks(identification: 100))
        story.send(.server, .rst, seq: 9002, Marks(identification: identification))
        #expect(try story.finding().weight(.ownCounter) == (continues ? -3 : nil))
    }

    @Test("ip_id_of_other: the next number of the router's counter, not of one that numbers from elsewhere")
    func otherCounter() throws {
        for (ttl, isKnown) in [(64, true), (62, false)] as [(UInt8, Bool)] {
            var story = Story()
            story.ping(4)
            Self.count(&story, Self.router, from: 500, 6, ttl: ttl)
            story.client(.syn)
            story.server([.rst, .ack], ack: 1001, ttl: 64, identification: 506)
            let finding = try story.finding()
            #expect(finding.weight(.otherCounter) == (isKnown ? 4 : nil))
            #expect(finding.reset?.sender == .middlebox)
            #expect(finding.reset?.originAddress == (isKnown ? Self.router : nil))
        }
    }

    @Test("ip_id_of_other abstains where the reset has the host's own TTL: hosts behind one NAT share a counter")
    func otherCounterOfNAT() throws {
        var story = Story()
        Self.count(&story, IPAddress(v4: 0x0a04_0009), from: 500, 6, ttl: 61)
        story.ping(4)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 61, identification: 506)
        let finding = try story.finding()
        #expect(finding.weight(.otherCounter) == nil)
        #expect(finding.reset?.sender == .host)
    }

    @Test("ip_id_of_other abstains where one machine with several addresses would explain it")
    func otherCounterOfOneMachine() throws {
        var story = Story()
        Self.count(&story, IPAddress(v4: 0x0a04_0009), from: 500, 6, ttl: 125)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 125, identification: 506)
        #expect(try story.finding().reset?.sender == .undetermined)
        story = Story()
        Self.count(&story, IPAddress(v4: 0x0a04_0009), from: 500, 6, ttl: 125)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 61, identification: 506)
        #expect(try story.finding().reset?.sender == .middlebox)
    }

    @Test("A NAT that numbers the packets of many hosts may pass a refusal on: no policy, unless the host is farther")
    func refusalPassedOn() throws {
        for hostTTL in [nil, 64, 61] as [UInt8?] {
            var story = Story()
            for number in 0..<8 {
                Self.count(
                    &story, IPAddress(v4: 0x0a05_0001 + UInt32(number) << 8), from: 500 + UInt16(number), 1, ttl: 255)
            }
            if let hostTTL { story.ping(4, ttl: hostTTL) }
            story.client(.syn)
            story.server([.rst, .ack], ack: 1001, ttl: 255, identification: 508)
            let finding = try #require(story.findings().last { $0.kind == .reset })
            guard finding.reset?.sender == .middlebox else { continue }
            #expect(finding.reset?.cause == (hostTTL == 61 ? .rejected : .unknown))
        }
    }

    @Test(
        "ip_id_constant: resets of several connections with one IP-ID",
        arguments: [(true, 1, 0), (true, 2, 2), (false, 2, 0)])
    func constant(isConstant: Bool, connections: UInt16, weight: Double) throws {
        var story = Story()
        story.ping(4)
        for connection in 0..<connections {
            story.clientPort = 50000 + connection
            story.client(.syn)
            story.server(
                [.rst, .ack], ack: 1001, ttl: 63, identification: isConstant ? 13330 : 13330 + 100 * connection)
        }
        let last = try #require(story.findings().last)
        #expect(last.weight(.constantIdentification) ?? 0 == weight)
    }

    @Test("A habit counts connections, not repetitions of one, and 0 is no habit")
    func habit() throws {
        var story = Story()
        story.client(.syn)
        for port in [22, 22, 23] as [UInt16] {
            story.serverPort = port
            story.server([.rst], seq: 1, window: 0, identification: 9)
        }
        story.serverPort = 24
        story.server([.rst], seq: 1, window: 0, identification: 0)
        var habit = ResetPattern()
        var seen: [UInt8] = []
        for packet in story.trace.packets where packet.record.tcpFlags.contains(.rst) {
            habit.note(packet.record)
            seen.append(habit.equalIdentifications)
        }
        #expect(seen == [1, 1, 2, 0])
    }

    @Test("Counters: a step of up to 16 continues, a counter runs after two steps, a newcomer wears the weakest down")
    func counters() throws {
        var counters = IdentificationCounters()
        func record(_ identification: UInt16, ttl: UInt8 = 61, source: UInt32 = 1) throws -> PacketRecord {
            let trace = PacketTrace()
            trace.add(
                Ethernet().ipv4(IPAddress(v4: source), .client, ttl: ttl, identification: identification)
                    .tcp(flags: .ack), time: 1)
            return try #require(trace.packets.first).record
        }
        counters.learn(try record(100))
        #expect(counters.continued(by: try record(101)) == nil)
        counters.learn(try record(116))
        #expect(counters.continued(by: try record(117))?.candidates == 1)
        #expect(counters.continued(by: try record(132)) != nil)
        #expect(counters.continued(by: try record(133)) == nil)
        #expect(counters.continued(by: try record(117, ttl: 60)) == nil)
        #expect(counters.continued(by: try record(117, ttl: 125)) != nil)
        #expect(counters.continued(by: try record(0)) == nil)
        let own = try #require(counters.continued(by: try record(117))?.counter)
        #expect(own.address == IPAddress(v4: 1))
        #expect(!own.isShared)
        for step in 0..<6 as Range<UInt16> {
            counters.learn(try record(117 + step, source: UInt32(step % 2 + 1)))
        }
        let shared = try #require(counters.continued(by: try record(123))?.counter)
        #expect(shared.isShared)
        #expect(shared.address == nil)
        // A flood of random numbers takes places, but a counter that goes on keeps its own.
        for number in 0..<2000 as Range<UInt16> {
            counters.learn(try record(20_000 &+ number &* 37, source: 99))
            if number % 10 == 0 { counters.learn(try record(123 + number / 10)) }
        }
        #expect(counters.continued(by: try record(323)) != nil)
    }
}
