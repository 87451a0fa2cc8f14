// SPDX-License-Identifier: Apache-2.0
import CPacket
import Capture
import Fixtures
import Packets
import Testing

@Suite("Link layers of captures")
struct LinkLayerTests {
    /// A link type, what stands before the IP packet, and what becomes of it.
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var link: UInt32
        var header: [UInt8]
        var isIPv6 = false
        var interface: UInt8 = 0
    }

    static func cooked(type: UInt8, protocolNumber: UInt16, hardware: UInt16 = 1) -> [UInt8] {
        [
            0, type, UInt8(hardware >> 8), UInt8(hardware & 255), 0, 6, 2, 0, 0, 0, 0, 1, 0, 0,
            UInt8(protocolNumber >> 8), UInt8(protocolNumber & 255),
        ]
    }

    static func cooked2(type: UInt8, protocolNumber: UInt16, index: UInt32, hardware: UInt16 = 1) -> [UInt8] {
        [UInt8(protocolNumber >> 8), UInt8(protocolNumber & 255), 0, 0]
            + [UInt8(index >> 24), UInt8(index >> 16 & 255), UInt8(index >> 8 & 255), UInt8(index & 255)]
            + [UInt8(hardware >> 8), UInt8(hardware & 255), type, 6, 2, 0, 0, 0, 0, 1, 0, 0]
    }

    static let snap: [UInt8] = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0]

    static func wireless(_ control: UInt8, flags: UInt8 = 1, extra: [UInt8] = [], fragment: UInt8 = 0) -> [UInt8] {
        [control, flags, 0, 0] + [UInt8](repeating: 2, count: 18) + [fragment, 0] + extra
    }

    static func radiotap(flags: UInt8) -> [UInt8] {
        // Two presence words, time (aligned to 8) and flags present.
        [0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0] + [UInt8](repeating: 9, count: 4) + [UInt8](repeating: 7, count: 8) + [
            flags
        ]
    }

    static let readable: [Case] = [
        Case(testDescription: "raw IP", link: 101, header: []),
        Case(testDescription: "raw IP of BSD", link: 12, header: []),
        Case(testDescription: "raw IP of OpenBSD", link: 14, header: []),
        Case(testDescription: "IPv4", link: 228, header: []),
        Case(testDescription: "IPv6", link: 229, header: [], isIPv6: true),
        Case(testDescription: "NULL, little-endian", link: 0, header: [2, 0, 0, 0]),
        Case(testDescription: "NULL, big-endian", link: 0, header: [0, 0, 0, 2]),
        Case(testDescription: "NULL, IPv6 of Darwin", link: 0, header: [30, 0, 0, 0], isIPv6: true),
        Case(testDescription: "NULL, IPv6 of FreeBSD", link: 0, header: [28, 0, 0, 0], isIPv6: true),
        Case(testDescription: "NULL, IPv6 of OpenBSD", link: 0, header: [0, 0, 0, 24], isIPv6: true),
        Case(testDescription: "NULL, IPv6 of Linux", link: 0, header: [10, 0, 0, 0], isIPv6: true),
        Case(testDescription: "LOOP", link: 108, header: [0, 0, 0, 2]),
        Case(testDescription: "SLL in", link: 113, header: cooked(type: 0, protocolNumber: 0x0800)),
        Case(testDescription: "SLL out", link: 113, header: cooked(type: 4, protocolNumber: 0x0800), interface: 0x80),
        Case(
            testDescription: "SLL on loopback is this machine's", link: 113,
            header: cooked(type: 0, protocolNumber: 0x0800, hardware: 772), interface: 0x80),
        Case(
            testDescription: "SLL2 on loopback is this machine's", link: 276,
            header: cooked2(type: 0, protocolNumber: 0x0800, index: 1, hardware: 772), interface: 0x81),
        Case(testDescription: "SLL IPv6", link: 113, header: cooked(type: 0, protocolNumber: 0x86dd), isIPv6: true),
        Case(testDescription: "SLL without protocol", link: 113, header: cooked(type: 0, protocolNumber: 0)),
        Case(testDescription: "SLL with SNAP", link: 113, header: cooked(type: 0, protocolNumber: 4) + snap),
        Case(
            testDescription: "SLL2 in", link: 276, header: cooked2(type: 0, protocolNumber: 0x0800, index: 35),
            interface: 3),
        Case(
            testDescription: "SLL2 out", link: 276, header: cooked2(type: 4, protocolNumber: 0x0800, index: 2),
            interface: 0x82),
        Case(testDescription: "PPP", link: 9, header: [0xff, 3, 0, 0x21]),
        Case(testDescription: "PPP without address", link: 9, header: [0, 0x21]),
        Case(testDescription: "PPP, short protocol", link: 9, header: [0x21]),
        Case(testDescription: "PPP IPv6", link: 9, header: [0xff, 3, 0, 0x57], isIPv6: true),
        Case(testDescription: "PPP with direction, in", link: 204, header: [0, 0xff, 3, 0, 0x21]),
        Case(testDescription: "PPP with direction, out", link: 204, header: [1, 0xff, 3, 0, 0x21], interface: 0x80),
        Case(testDescription: "PPP in HDLC", link: 50, header: [0xff, 3, 0, 0x21]),
        Case(testDescription: "Cisco in HDLC", link: 50, header: [0x0f, 0, 8, 0]),
        Case(testDescription: "Cisco HDLC", link: 104, header: [0x0f, 0, 8, 0]),
        Case(testDescription: "802.11 data", link: 105, header: wireless(0x08) + snap),
        Case(testDescription: "802.11 QoS", link: 105, header: wireless(0x88, extra: [0, 0]) + snap),
        Case(
            testDescription: "802.11 QoS with HT control", link: 105,
            header: wireless(0x88, flags: 0x81, extra: [0, 0, 1, 2, 3, 4]) + snap),
        Case(
            testDescription: "802.11 with four addresses", link: 105,
            header: wireless(0x08, flags: 3, extra: [1, 2, 3, 4, 5, 6]) + snap),
        Case(testDescription: "radiotap", link: 127, header: radiotap(flags: 0) + wireless(0x08) + snap),
        Case(
            testDescription: "radiotap, padded", link: 127,
            header: radiotap(flags: 0x20) + wireless(0x88, extra: [0, 0, 0xff, 0xff]) + snap),
        Case(
            testDescription: "Prism", link: 119,
            header: [0, 0, 0, 0x44, 16, 0, 0, 0] + [UInt8](repeating: 0, count: 8) + wireless(0x08) + snap),
        Case(
            testDescription: "AVS", link: 163,
            header: [0x80, 0x21, 0x10, 1, 0, 0, 0, 12, 0, 0, 0, 0] + wireless(0x08) + snap),
        Case(
            testDescription: "PPI with 802.11", link: 192, header: [0, 0, 8, 0, 105, 0, 0, 0] + wireless(0x08) + snap),
        Case(
            testDescription: "PPI with Ethernet", link: 192,
            header: [0, 0, 8, 0, 1, 0, 0, 0] + [UInt8](repeating: 2, count: 12) + [8, 0]),
    ]

    static let ethernet: [UInt8] = [UInt8](repeating: 2, count: 12) + [8, 0]

    /// Headers that capture tools put before a packet, and link layers with LLC.
    static let wrapped: [Case] = [
        Case(testDescription: "NFLOG, the payload alone", link: 239, header: [2, 0, 0, 1, 44, 0, 9, 0]),
        Case(
            testDescription: "NFLOG with an ingress interface", link: 239,
            header: [2, 0, 0, 1, 8, 0, 4, 0, 0, 0, 0, 3, 44, 0, 9, 0], interface: 3),
        Case(
            testDescription: "NFLOG, leaving, with a prefix that is padded", link: 239,
            header: [2, 0, 0, 1, 6, 0, 10, 0, 65, 0, 0, 0, 8, 0, 5, 0, 0, 0, 0, 4, 44, 0, 9, 0], interface: 0x84),
        Case(testDescription: "NFLOG of a big-endian machine", link: 239, header: [2, 0, 0, 1, 0, 44, 0, 9]),
        Case(
            testDescription: "PFLOG out", link: 117,
            header: [61, 2, 1, 0] + [UInt8](repeating: 0, count: 56) + [2, 0, 0, 0], interface: 0x80),
        Case(
            testDescription: "PFLOG in, IPv6 of FreeBSD", link: 117,
            header: [61, 28, 1, 0] + [UInt8](repeating: 0, count: 56) + [1, 0, 0, 0], isIPv6: true),
        Case(
            testDescription: "PKTAP with Ethernet, out", link: 258,
            header: [44, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0] + [UInt8](repeating: 0, count: 24) + [2, 0, 0, 0, 2, 0, 0, 0]
                + ethernet, interface: 0x80),
        Case(testDescription: "ENC", link: 109, header: [2, 0, 0, 0] + [UInt8](repeating: 0, count: 8)),
        Case(
            testDescription: "IPNET", link: 226, header: [1, 26] + [UInt8](repeating: 0, count: 22), isIPv6: true),
        Case(testDescription: "FDDI with SNAP", link: 10, header: [0x50] + [UInt8](repeating: 2, count: 12) + snap),
        Case(
            testDescription: "Token Ring with source routing", link: 6,
            header: [0x10, 0x40] + [UInt8](repeating: 2, count: 6) + [0x82, 2, 2, 2, 2, 2] + [4, 0, 1, 2] + snap),
        Case(testDescription: "802.3 with SNAP", link: 1, header: [UInt8](repeating: 2, count: 12) + [0, 48] + snap),
        Case(testDescription: "ATM", link: 100, header: snap),
        Case(testDescription: "Frame Relay", link: 107, header: [0x18, 0x41, 3, 0xcc]),
        Case(testDescription: "Frame Relay with SNAP", link: 107, header: [0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0]),
        Case(
            testDescription: "Frame Relay with direction", link: 206, header: [1, 0x18, 0x41, 3, 0xcc], interface: 0x80),
        Case(testDescription: "Cisco HDLC with direction", link: 205, header: [0, 0x0f, 0, 8, 0]),
        Case(
            testDescription: "Juniper Ethernet with extensions, out", link: 178,
            header: [0x4d, 0x47, 0x43, 0x80, 0, 2, 9, 9] + ethernet, interface: 0x80),
        Case(testDescription: "Juniper without a link header", link: 178, header: [0x4d, 0x47, 0x43, 0x03]),
        Case(testDescription: "netANALYZER", link: 240, header: [1, 2, 3, 4] + ethernet),
        Case(testDescription: "802.3br", link: 274, header: [UInt8](repeating: 0x55, count: 8) + ethernet),
    ]

    @Test("Opened", arguments: readable + wrapped)
    func opens(example: Case) throws {
        let packet = example.isIPv6 ? SampleFrame.bareReset6(seq: 42) : SampleFrame.bareReset(seq: 42)
        let frame = example.header + packet
        var builder = PcapBuilder(link: example.link)
        builder.packet(frame)
        // Cut at each byte: counted as refused, never read beyond.
        for length in 0..<frame.count {
            builder.packet(Array(frame.prefix(length)))
        }
        let reading = try CaptureReading(builder.bytes)
        #expect(reading.error == nil)
        #expect(reading.seqs == [42])
        #expect(reading.packets.first?.interface == example.interface)
        #expect(reading.counters.frames == UInt64(frame.count) + 1)
        #expect(reading.counters.linkRefused.reduce(0, +) <= 2)
    }

    @Test("Not opened, and counted for its reason")
    func refuses() throws {
        let packet = SampleFrame.bareReset()
        let links: [(UInt32, [UInt8], LinkRefusal)] = [
            (147, [], .unknownLinkType),
            (0x3fff, [], .unknownLinkType),
            (192, [0, 0, 8, 0, 192, 0, 0, 0], .unknownLinkType),
            (105, Self.wireless(0x80), .wirelessNoData),
            (105, Self.wireless(0xd4), .wirelessNoData),
            (105, Self.wireless(0x48) + Self.snap, .wirelessNoData),
            (105, Self.wireless(0x08, flags: 0x41) + Self.snap, .wirelessEncrypted),
            (105, Self.wireless(0x88, extra: [0x80, 0]) + Self.snap, .wirelessAggregated),
            (127, Self.radiotap(flags: 0x40) + Self.wireless(0x08) + Self.snap, .wirelessBadChecksum),
        ]
        for (link, header, reason) in links {
            var builder = PcapBuilder(link: link)
            builder.packet(header + packet)
            let reading = try CaptureReading(builder.bytes)
            #expect(reading.error == nil)
            #expect(reading.packets.isEmpty)
            #expect(reading.counters[reason] == 1)
        }
        let parsers: [(UInt32, [UInt8], packet_refusal)] = [
            (0, [7, 0, 0, 0], PACKET_REFUSED_NOT_IP),
            (10, [0x40] + [UInt8](repeating: 2, count: 12) + Self.snap, PACKET_REFUSED_NOT_IP),
            (239, [7, 0, 0, 1, 44, 0, 9, 0], PACKET_REFUSED_NOT_IP),
            (239, [2, 0, 0, 1, 3, 0, 9, 0], PACKET_REFUSED_TRUNCATED_LINK),
            (258, [255, 255, 255, 255, 1, 0, 0, 0], PACKET_REFUSED_TRUNCATED_LINK),
            (178, [1, 2, 3, 4, 5, 6], PACKET_REFUSED_NOT_IP),
            (1, [UInt8](repeating: 2, count: 12) + [0, 48, 0x42, 0x42, 3, 0, 0, 0], PACKET_REFUSED_NOT_IP),
            (9, [0xff, 3, 0xc0, 0x21], PACKET_REFUSED_NOT_IP),
            (105, Self.wireless(0x08) + [0x42, 0x42, 3, 0, 0, 0, 0, 0], PACKET_REFUSED_NOT_IP),
            (105, Self.wireless(0x08, fragment: 1) + Self.snap, PACKET_REFUSED_LATER_FRAGMENT),
            (113, Self.cooked(type: 0, protocolNumber: 0x0806), PACKET_REFUSED_NOT_IP),
            (127, [0, 0, 255, 255, 0, 0, 0, 0], PACKET_REFUSED_TRUNCATED_LINK),
            (127, [0, 0, 12, 0, 0, 0, 0, 0x80, 0, 0, 0, 0x80], PACKET_REFUSED_TRUNCATED_LINK),
            (119, [0, 0, 0, 0x44, 255, 255, 255, 255], PACKET_REFUSED_TRUNCATED_LINK),
            (192, [0, 0, 255, 255, 1, 0, 0, 0], PACKET_REFUSED_TRUNCATED_LINK),
        ]
        for (link, header, reason) in parsers {
            var builder = PcapBuilder(link: link)
            builder.packet(header + packet)
            let reading = try CaptureReading(builder.bytes)
            #expect(reading.packets.isEmpty)
            #expect(reading.counters[reason] == 1, "link type \(link)")
        }
    }

    @Test("The sender's address in a cooked header makes a difference, as it does in an Ethernet header")
    func sender() throws {
        for (link, place, header) in [
            (113, 11, Self.cooked(type: 0, protocolNumber: 0x0800)),
            (276, 17, Self.cooked2(type: 0, protocolNumber: 0x0800, index: 1)),
        ] as [(UInt32, Int, [UInt8])] {
            var other = header
            other[place] ^= 1
            var builder = PcapBuilder(link: link)
            for header in [header, other, header] { builder.packet(header + SampleFrame.bareReset()) }
            let hashes = try CaptureReading(builder.bytes).packets.map(\.linkHash)
            try #require(hashes.count == 3)
            #expect(hashes[0] != hashes[1])
            #expect(hashes[0] == hashes[2])
        }
    }

    @Test("The upper half of pcap's link type tells of checksums only")
    func upperHalf() throws {
        var builder = PcapBuilder(link: 0x5400_0001)
        builder.packet(SampleFrame.reset(seq: 3))
        #expect(try CaptureReading(builder.bytes).seqs == [3])
    }
}
