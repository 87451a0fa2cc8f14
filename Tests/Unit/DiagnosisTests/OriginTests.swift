// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Origins, their addresses and their timers")
struct OriginTests {
    // MARK: Origins

    /// Resets of `hosts` hosts at hop 4, each with the TTL and marks that `frame` gives it.
    private func origins(
        hosts: Int, of reset: (Int) -> (ttl: UInt8, identification: UInt16, df: Bool)
    ) -> [Origin] {
        var story = Story()
        for number in 0..<hosts {
            story.server = IPAddress(v4: 0x0a04_0001 + UInt32(number))
            story.serverPort = 22 + UInt16(number % 2)
            story.ping(4)
            story.client(.syn)
            let (ttl, identification, df) = reset(number)
            story.add(
                Ethernet().ipv4(story.server, .client, ttl: ttl, identification: identification, dontFragment: df)
                    .tcp(story.serverPort, story.clientPort, seq: 0, ack: 1001, flags: [.rst, .ack], window: 0))
            story.wait(0.1)
        }
        return story.origins()
    }

    @Test("Resets of many hosts that look alike are one device's, with the hosts and ports it speaks for")
    func oneDevice() throws {
        let all = origins(hosts: 5) { _ in (63, 0, true) }
        let origin = try #require(all.first)
        #expect(all.map(\.id) == ["o-1"])
        #expect((origin.hop, origin.initialTTL, origin.resets) == (2, 64, 5))
        #expect(origin.hosts.count == 5)
        #expect(origin.ports == [22, 23])
        #expect(origin.causes == [.rejected])
        #expect(origin.numbering == .none)
        #expect(try #require(origin.firstSeen) < (try #require(origin.lastSeen)))
    }

    @Test("Another hop, another initial TTL, numbering and DF make another device")
    func severalDevices() {
        #expect(origins(hosts: 2) { ($0 == 0 ? 63 : 62, 0, true) }.map(\.hop) == [2, 3])
        #expect(origins(hosts: 2) { ($0 == 0 ? 63 : 127, 0, true) }.map(\.initialTTL) == [64, 128])
        #expect(origins(hosts: 2) { (63, $0 == 0 ? 0 : 7, true) }.count == 2)
        #expect(origins(hosts: 2) { (63, 0, $0 == 0) }.count == 2)
        #expect(origins(hosts: 2) { _ in (63, 0, true) }.count == 1)
    }

    @Test("How a device numbers: one IP-ID for all, or another each time")
    func numbering() {
        #expect(origins(hosts: 3) { _ in (63, 13_330, true) }.map(\.numbering) == [.constant])
        #expect(origins(hosts: 3) { (63, 100 + UInt16($0) * 3, true) }.map(\.numbering) == [.counting])
    }

    @Test("A host's own resets are no origin's")
    func ownResets() {
        #expect(origins(hosts: 3) { _ in (61, 0, true) }.isEmpty)
    }

    // MARK: Idle timers

    private func origin(_ gaps: [Double]) -> Origin {
        var origin = Origin(
            id: "o-1", isThisMachine: false, hop: 2, initialTTL: 64, hasWindow: false, interface: nil, nextHopMAC: nil)
        origin.idleGaps = gaps
        return origin
    }

    @Test(
        "An idle timer is what at least three gaps agree on to 5 %: the middle of the largest such group",
        arguments: [
            ([], nil), ([350, 351], nil), ([350, 400, 460], nil), ([350, 351, 352], 351),
            ([900, 352, 350, 351, 20], 351),
            ([60, 61, 62, 350, 351, 352, 353], 352),
        ] as [([Double], Double?)])
    func idleTimer(gaps: [Double], timer: Double?) {
        #expect(origin(gaps).idleTimer == timer)
    }

    @Test("Gaps before a device's resets teach its timer; the sentence names it")
    func learnedTimer() throws {
        var story = Story()
        for port in 1...3 as ClosedRange<UInt16> {
            story.clientPort = 40_000 + port
            story.converse()
            story.wait(350 + Double(port) / 2)
            story.client([.psh, .ack], seq: 1002, ack: 9002, payload: "A")
            story.send(.server, .rst, seq: 9002, Marks(ttl: 63))
            story.wait(3)
        }
        let timer = try #require(story.origins().first?.idleTimer)
        #expect(abs(timer - 351) < 1)
        #expect(story.findings().last?.reset?.originIdleTimer == timer)
        #expect(story.findings().first?.reset?.originIdleTimer == nil)
    }

    @Test(
        "Known timers: a gap of their length, or up to 2 % and 2 s longer, by what the device does then",
        arguments: [
            (350, 2, 3), (356, 2, 3), (342, 0, 0), (362, 0, 0), (240, 3, 2), (300, 2, 1), (1200, 1, 2),
            (3600, 2, 4), (432_000, 1, 2), (600, 0, 1), (100, 0, 0),
        ])
    func knownTimers(seconds: Double, resetting: Int, dropping: Int) {
        #expect(KnownTimers.resetting(after: seconds).count == resetting)
        #expect(KnownTimers.dropping(after: seconds).count == dropping)
    }

    @Test("A timer for half-closed connections explains no silence of an open one, and the other way round")
    func halfClosedTimers() {
        #expect(KnownTimers.resetting(after: 60, in: .halfClosed).count == 2)
        #expect(KnownTimers.resetting(after: 60).isEmpty)
        #expect(KnownTimers.resetting(after: 900, in: .halfClosed).isEmpty)
    }

    @Test("A protocol's timer is that of its ports only")
    func protocolTimers() {
        #expect(KnownTimers.ofProtocol(at: 179, after: 181).count == 1)
        #expect(KnownTimers.ofProtocol(at: 22, after: 181).isEmpty)
        #expect(KnownTimers.ofProtocol(at: 80, after: 75.2).count == 1)
        #expect(KnownTimers.ofProtocol(at: 80, after: 90).isEmpty)
    }

    @Test("Each known timer has a device, a source and a date, lies in its range, and matches its own length")
    func table() {
        #expect(!KnownTimers.all.isEmpty)
        for timer in KnownTimers.all {
            #expect(!timer.device.isEmpty && !timer.source.isEmpty && !timer.read.isEmpty)
            #expect(timer.range?.contains(timer.seconds) ?? true)
            let known =
                KnownTimers.resetting(after: timer.seconds, in: timer.state)
                + KnownTimers.dropping(after: timer.seconds, in: timer.state)
            #expect(known.contains { $0.device == timer.device })
        }
    }

    // MARK: Addresses

    /// An ICMP packet as its header says it.
    private func icmp(_ type: UInt8, from address: UInt32, ttl: UInt8, isIPv6: Bool = false) -> PacketRecord {
        var record = PacketRecord()
        record.class = PacketClass.icmp.rawValue
        record.ttl = ttl
        record.src_low = 0xffff_0000_0000 | UInt64(address)
        record.window = UInt16(type) << 8
        record.layers =
            (isIPv6 ? UInt8(PACKET_LAYERS_IPV6) : 0)
            | (isIPv6 ? TransportProtocol.icmpv6 : .icmp).rawValue << UInt8(PACKET_LAYERS_PROTOCOL_SHIFT)
        return record
    }

    @Test("A device's ICMP errors give away its address at its hop, for its own IP version only")
    func hopAddresses() {
        var addresses = HopAddresses()
        addresses.learn(icmp(11, from: 1, ttl: 63), quotedDestination: .server)
        #expect(addresses.address(atHop: 2, isIPv6: false) == icmp(11, from: 1, ttl: 63).source)
        #expect(addresses.address(atHop: 2, isIPv6: true) == nil)
        #expect(addresses.address(atHop: 3, isIPv6: false) == nil)
        addresses.learn(icmp(3, from: 2, ttl: 255, isIPv6: true), quotedDestination: .server)
        #expect(addresses.address(atHop: 1, isIPv6: true) != nil)
    }

    @Test("Two devices at one hop have no address in common; unreachables may be a host's")
    func ambiguousHops() {
        var addresses = HopAddresses()
        for address in [1, 1, 2, 1] as [UInt32] {
            addresses.learn(icmp(11, from: address, ttl: 63), quotedDestination: .server)
        }
        #expect(addresses.address(atHop: 2, isIPv6: false) == nil)
        addresses.learn(icmp(3, from: 3, ttl: 62), quotedDestination: .server)
        #expect(addresses.address(atHop: 3, isIPv6: false) == nil)
        #expect(addresses.address(atHop: 0, isIPv6: false) == nil)
        #expect(addresses.address(atHop: 400, isIPv6: false) == nil)
    }

    // MARK: Hops of applications

    @Test("A TTL that an application has set tells no hop", arguments: [(197, nil), (61, 4)] as [(UInt8, Int?)])
    func applicationTTL(ttl: UInt8, hop: Int?) throws {
        var story = Story()
        story.converse(server: Marks(ttl: 197))
        story.send(.server, [.rst, .ack], seq: 9002, ack: 1002, Marks(ttl: ttl, window: 500))
        let finding = try story.finding()
        // The flow's own packets came with the same TTL: that supports the host, whatever the hop.
        #expect(finding.weight(.applicationTTL) == (ttl == 197 ? nil : 0))
        #expect(finding.reset?.hop == hop)
    }
}
