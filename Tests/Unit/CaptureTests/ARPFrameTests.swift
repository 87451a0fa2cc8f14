// SPDX-License-Identifier: Apache-2.0
import CPacket
import Capture
import Fixtures
import Packets
import Testing

@Suite("Senders of ARP packets in captures")
struct ARPFrameTests {
    private static let sender = MACAddress(0x02_00_00_00_00_07)
    private static let address = IPAddress(v4: 0x0a04_0002)

    /// The 28 bytes of an ARP packet.
    private static func arp(
        operation: UInt8 = 2, station: UInt64 = sender.value, address: UInt32 = 0x0a04_0002
    ) -> [UInt8] {
        let from: [UInt8] = stride(from: 40, through: 0, by: -8).map {
            UInt8(truncatingIfNeeded: station >> UInt64($0))
        }
        let of: [UInt8] = stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: address >> UInt32($0)) }
        return [0, 1, 8, 0, 6, 4, 0, operation] + from + of + [UInt8](repeating: 0, count: 10)
    }

    private static func read(_ frames: [[UInt8]], link: UInt32 = 1) throws -> (
        neighbours: [Neighbour], hashes: [UInt16]
    ) {
        var capture = PcapBuilder(link: link)
        for frame in frames { capture.packet(frame) }
        var file = try TemporaryFile.open(capture.bytes)
        var read: (neighbours: [Neighbour], hashes: [UInt16]) = ([], [])
        try file.read { batch in
            read.neighbours += batch.neighbours
            read.hashes += batch.packets.map(\.record.link_hash)
        }
        return read
    }

    @Test("The sender's station is the one that its packets' records have", arguments: [nil, 100] as [UInt16?])
    func station(vlan: UInt16?) throws {
        let arp = Ethernet(source: Self.sender, ethertype: vlan == nil ? 0x0806 : nil)
        let packet = Ethernet(source: Self.sender)
        let frames =
            vlan.map {
                [
                    arp.vlan($0, ethertype: 0x0806).payload(Self.arp()).bytes,
                    packet.vlan($0).ipv4().tcp(flags: .ack).bytes,
                ]
            } ?? [arp.payload(Self.arp()).bytes, packet.ipv4().tcp(flags: .ack).bytes]
        let read = try Self.read(frames)
        #expect(read.neighbours == [Neighbour(address: Self.address, link: try #require(read.hashes.first))])
    }

    @Test("Behind Linux' cooked header as well, and at the end of a capture")
    func cooked() throws {
        let header = { (type: UInt16) in LinkLayerTests.cooked(type: 0, protocolNumber: type) }
        let packet = FrameBuilder.bareIP.ipv4().tcp(flags: .ack).bytes
        let read = try Self.read([header(0x0800) + packet, header(0x0806) + Self.arp()], link: 113)
        #expect(read.neighbours == [Neighbour(address: Self.address, link: try #require(read.hashes.first))])
    }

    @Test("Probes, foreign stations, group addresses and cut frames name nobody")
    func negatives() throws {
        let frame = { (arp: [UInt8]) in Ethernet(source: Self.sender, ethertype: 0x0806).payload(arp).bytes }
        let frames = [
            frame(Self.arp(address: 0)), frame(Self.arp(station: 0x02_00_00_00_00_09)),
            Ethernet(source: MACAddress(0x01_00_00_00_00_07), ethertype: 0x0806)
                .payload(Self.arp(station: 0x01_00_00_00_00_07)).bytes,
            frame(Self.arp(operation: 8)), frame(Array(Self.arp().prefix(27))), frame([]),
            Ethernet(source: Self.sender, ethertype: 0x88cc).payload(Self.arp()).bytes,
        ]
        #expect(try Self.read(frames).neighbours.isEmpty)
    }

    @Test("A storm of senders is bounded")
    func storm() throws {
        let frames = (1...500).map { number in
            Ethernet(source: Self.sender, ethertype: 0x0806).payload(Self.arp(address: 0x0a00_0000 + UInt32(number)))
                .bytes
        }
        #expect(try Self.read(frames).neighbours.count == 64)
    }
}
