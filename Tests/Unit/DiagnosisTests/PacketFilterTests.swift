// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

/// A reset that no TCP wrote is a packet filter's: the host's own or a device's, as the distance says.
@Suite("Packet filters")
struct PacketFilterTests {
    private static let dscp: UInt8 = 46 << 2

    /// A marked SYN to a host whose echo replies came marked from hop 4, and its reset.
    private func marked(ttl: UInt8, tos: UInt8) -> [Finding] {
        var story = Story()
        for number in 1...4 as ClosedRange<UInt16> {
            story.add(Ethernet().ipv4(.client, .server, tos: Self.dscp).echo(reply: false, sequence: number))
            story.add(Ethernet().ipv4(.server, .client, ttl: 61, tos: Self.dscp).echo(reply: true, sequence: number))
        }
        story.add(Ethernet().ipv4(.client, .server, tos: Self.dscp).tcp(50992, 22, seq: 1000, flags: .syn))
        story.add(
            Ethernet().ipv4(.server, .client, ttl: ttl, tos: tos, identification: 0)
                .tcp(22, 50992, ack: 1001, flags: [.rst, .ack]))
        return story.findings()
    }

    @Test("IPv4: the lost DSCP names the host's filter, the kept one its kernel, another hop the device")
    func dscp() {
        #expect(marked(ttl: 61, tos: 0).map(\.reset?.sender) == [.hostFirewall])
        #expect(marked(ttl: 61, tos: 0).map(\.reset?.cause) == [.rejected])
        #expect(marked(ttl: 61, tos: Self.dscp).map(\.reset?.sender) == [.hostKernel])
        #expect(marked(ttl: 63, tos: 0).map(\.reset?.sender) == [.middlebox])
    }

    /// A closed port beside an open one whose application sets the TTL of its data; pings where there are any.
    private func label(_ label: UInt32, hopLimit: UInt8, dataHopLimit: UInt8, pings: Int) -> [Finding] {
        var story = Story()
        for number in 0..<UInt16(pings) {
            story.add(Ethernet().ipv6(.client6, .server6).echo(reply: false, sequence: number))
            story.add(
                Ethernet().ipv6(.server6, .client6, hopLimit: 61, flowLabel: 7).echo(reply: true, sequence: number))
        }
        story.add(Ethernet().ipv6(.client6, .server6, flowLabel: 3).tcp(50000, 80, seq: 1, flags: .syn))
        for seq in [1000, 1001] as [UInt32] {
            story.add(
                Ethernet().ipv6(.server6, .client6, hopLimit: dataHopLimit, flowLabel: 5)
                    .tcp(80, 50000, seq: seq, ack: 2, flags: seq == 1000 ? [.syn, .ack] : .ack, window: 500))
        }
        story.add(Ethernet().ipv6(.client6, .server6, flowLabel: 4).tcp(50992, 22, seq: 1, flags: .syn))
        story.add(
            Ethernet().ipv6(.server6, .client6, hopLimit: hopLimit, flowLabel: label)
                .tcp(22, 50992, ack: 2, flags: [.rst, .ack]))
        return story.findings()
    }

    @Test("IPv6: without a distance the missing label does not say whose filter it was")
    func noDistance() {
        #expect(label(0, hopLimit: 61, dataHopLimit: 197, pings: 0).map(\.reset?.sender) == [.undetermined])
        #expect(label(0, hopLimit: 61, dataHopLimit: 197, pings: 4).map(\.reset?.sender) == [.hostFirewall])
        #expect(label(9, hopLimit: 61, dataHopLimit: 197, pings: 4).map(\.reset?.sender) == [.hostKernel])
    }

    @Test("Where the application sets the TTL of its data, the kernel's echo replies tell the distance")
    func echoInstead() {
        #expect(label(0, hopLimit: 63, dataHopLimit: 197, pings: 4).map(\.reset?.sender) == [.middlebox])
        #expect(label(9, hopLimit: 63, dataHopLimit: 197, pings: 0).map(\.reset?.sender) == [.undetermined])
    }

    @Test("A socket that is reset before any data was aborted")
    func handshakeAbort() {
        var story = Story()
        story.ping(4)
        story.open()
        story.server([.rst, .ack], seq: 9001, ack: 1001, window: 509)
        #expect(story.findings().map(\.reset?.cause) == [.aborted])
        story = Story()
        story.ping(4)
        story.open()
        story.server([.rst, .ack], seq: 9001, ack: 1001)
        #expect(story.findings().map(\.reset?.cause) == [.unknown])
    }
}
