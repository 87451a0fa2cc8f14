// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

private let quoted = FrameBuilder.bareIP.ipv4(.client, .server).tcp(50992, 22, seq: 9, flags: .syn)
private let quoted6 = FrameBuilder.bareIP.ipv6(.client6, .server6).tcp(50992, 22, seq: 9, flags: .syn)
private let error = "icmp 10.4.0.2:0 > 10.1.0.1:0 ttl 64 icmp"
private let error6 = "icmpv6 2001:db8:4::2:0 > 2001:db8:1::1:0 ttl 64 icmp"

@Suite("Parser: transport")
struct ParserTransportTests {
    @Test("the class is by the flags", arguments: 0...UInt8.max)
    func classes(_ flags: UInt8) throws {
        let flags = TCPFlags(rawValue: flags)
        let parsed = Ethernet().ipv4().tcp(seq: 7, ack: 8, flags: flags, window: 9).parsed()
        let record = try #require(parsed.record)
        #expect(record.tcpFlags == flags)
        #expect(
            record.packetClass
                == (flags.contains(.rst)
                    ? .reset : flags.contains(.syn) || flags.contains(.fin) ? .handshake : .bulk))
        #expect((parsed.snapshot == nil) == (record.packetClass == .bulk))
        #expect((record.seq, record.ack, record.window) == (7, 8, 9))
    }

    @Test("doff 0 to 15: below 5 is refused, beyond the packet too", arguments: 0..<UInt8(16))
    func dataOffset(_ words: UInt8) throws {
        let frame = Ethernet().ipv4().tcp(flags: .syn, options: Array(repeating: 1, count: 20), dataOffset: words)
        let parsed = frame.parsed()
        switch words {
        case 0..<5: #expect(parsed.refusal == PACKET_REFUSED_BAD_DATA_OFFSET)
        case 5...10:
            #expect(parsed.record?.payload_length == 40 - 4 * UInt16(words))
            #expect(parsed.snapshot?.length == 34 + 4 * UInt16(words))
        default: #expect(parsed.refusal == PACKET_REFUSED_BAD_LENGTH)
        }
    }

    @Test(
        "snapshots hold headers, and of payload only a reset's text",
        arguments: [
            ParserCase(
                "SYN with payload", Ethernet().ipv4().tcp(flags: .syn, options: [2, 4, 5, 180]).payload("private"),
                "tcp 10.4.0.2:22 > 10.1.0.1:50992 ttl 64 handshake payload 7 at 14 34 end 58"),
            ParserCase(
                "reset with text", Ethernet().ipv4().tcp(flags: [.rst, .ack]).payload("No flow found"),
                reset("payload 13 at 14 34 end 67")),
            ParserCase(
                "reset with much text", Ethernet().ipv4().tcp(flags: .rst).payload([UInt8](repeating: 65, count: 900)),
                reset("payload 900 at 14 34 end 118")),
            ParserCase(
                "Ethernet's padding is no text",
                Ethernet().ipv4(totalLength: 40).tcp(flags: .rst).payload([0, 0, 0, 0, 0, 0]),
                reset("payload 0 at 14 34 end 54")),
            ParserCase(
                "data", Ethernet().ipv4().tcp(flags: [.ack, .psh]).payload("private"),
                "tcp 10.4.0.2:22 > 10.1.0.1:50992 ttl 64 bulk payload 7"),
            ParserCase(
                "options cut by the capture",
                Ethernet().ipv4().tcp(flags: .syn, options: Array(repeating: 1, count: 20)).captured(68),
                "tcp 10.4.0.2:22 > 10.1.0.1:50992 ttl 64 handshake payload 0 at 14 34 end 68"),
            ParserCase(
                "echo request", Ethernet().ipv4().echo(reply: false).payload("private"),
                "icmp 10.4.0.2:119 > 10.1.0.1:119 ttl 64 handshake payload 7 at 14 34 end 42"),
            ParserCase(
                "ICMPv6 echo reply", Ethernet().ipv6().echo(reply: true).payload("private"),
                "icmpv6 2001:db8:4::2:119 > 2001:db8:1::1:119 ttl 64 handshake payload 7 at 14 54 end 62"),
            ParserCase(
                "UDP", Ethernet().ipv4().udp().payload("private"),
                "udp 10.4.0.2:53 > 10.1.0.1:40000 ttl 64 bulk payload 7"),
            ParserCase(
                "ICMP timestamp", Ethernet().ipv4().icmp(type: 13).payload("1234"),
                "icmp 10.4.0.2:0 > 10.1.0.1:0 ttl 64 bulk payload 4"),
            ParserCase(
                "neighbour solicitation", Ethernet().ipv6().icmp(type: 135).payload([UInt8](repeating: 0, count: 16)),
                "icmpv6 2001:db8:4::2:0 > 2001:db8:1::1:0 ttl 64 bulk payload 16"),
            ParserCase("UDP cut", Ethernet().ipv4(totalLength: 27).udp(), "refused: bad length"),
            ParserCase("ICMP cut", Ethernet().ipv4(totalLength: 27).icmp(type: 3), "refused: bad length"),
        ])
    func snapshots(_ parserCase: ParserCase) {
        parserCase.check()
    }

    @Test(
        "ICMP errors and what they quote",
        arguments: [
            ParserCase(
                "8 bytes of TCP", Ethernet().ipv4().icmpError(type: 3, code: 13, quoting: quoted, length: 28),
                "\(error) payload 28 at 14 34 quote 42 50992:22 end 70"),
            ParserCase(
                "all of TCP and its payload",
                Ethernet().ipv4().icmpError(type: 11, quoting: quoted.payload("private")),
                "\(error) payload 47 at 14 34 quote 42 50992:22 end 82"),
            ParserCase(
                "redirect", Ethernet().ipv4().icmpError(type: 5, rest: 0x0a01_00fe, quoting: quoted, length: 28),
                "\(error) payload 28 at 14 34 quote 42 50992:22 end 70"),
            ParserCase(
                "source quench", Ethernet().ipv4().icmpError(type: 4, quoting: quoted, length: 28),
                "\(error) payload 28 at 14 34 quote 42 50992:22 end 70"),
            ParserCase(
                "parameter problem", Ethernet().ipv4().icmpError(type: 12, quoting: quoted, length: 28),
                "\(error) payload 28 at 14 34 quote 42 50992:22 end 70"),
            ParserCase(
                "quoted UDP",
                Ethernet().ipv4().icmpError(type: 3, quoting: .bareIP.ipv4().udp(1, 2).payload("private")),
                "\(error) payload 35 at 14 34 quote 42 1:2 end 70"),
            ParserCase(
                "quoted echo", Ethernet().ipv4().icmpError(type: 11, quoting: .bareIP.ipv4().echo(reply: false)),
                "\(error) payload 28 at 14 34 quote 42 119:119 end 70"),
            ParserCase(
                "quoted options",
                Ethernet().ipv4().icmpError(
                    type: 11, quoting: .bareIP.ipv4(options: [1, 1, 1, 1]).tcp(5, 6, flags: .ack)),
                "\(error) payload 44 at 14 34 quote 42 5:6 end 86"),
            ParserCase(
                "quoted later fragment",
                Ethernet().ipv4().icmpError(type: 11, quoting: .bareIP.ipv4(fragmentOffset: 9).tcp(5, 6, flags: .ack)),
                "\(error) payload 40 at 14 34 quote 42 0:0 end 62"),
            ParserCase(
                "quoted ESP",
                Ethernet().ipv4().icmpError(type: 3, quoting: .bareIP.ipv4(protocolNumber: 50).payload("secret12")),
                "\(error) payload 28 at 14 34 quote 42 0:0 end 62"),
            ParserCase(
                "less than an IP header", Ethernet().ipv4().icmpError(type: 3, quoting: quoted, length: 19),
                "\(error) payload 19 at 14 34 end 42"),
            ParserCase(
                "less than the ports", Ethernet().ipv4().icmpError(type: 3, quoting: quoted, length: 23),
                "\(error) payload 23 at 14 34 quote 42 0:0 end 62"),
            ParserCase(
                "a quote in the padding is none",
                Ethernet().ipv4(totalLength: 28).icmpError(type: 3, quoting: quoted),
                "\(error) payload 0 at 14 34 end 42"),
            ParserCase(
                "quoted nonsense", Ethernet().ipv4().icmp(type: 3).payload([UInt8](repeating: 0x61, count: 40)),
                "\(error) payload 40 at 14 34 end 42"),
            ParserCase(
                "ICMPv6 packet too big", Ethernet().ipv6().icmpError(type: 2, rest: 1280, quoting: quoted6),
                "\(error6) payload 60 at 14 54 quote 62 50992:22 end 122"),
            ParserCase(
                "quoted IPv6 with extensions",
                Ethernet().ipv6().icmpError(
                    type: 3,
                    quoting: .bareIP.ipv6().ipv6Extension(0).ipv6Fragment(offset: 0, more: true).tcp(5, 6, flags: .ack)),
                "\(error6) payload 76 at 14 54 quote 62 5:6 end 138"),
            ParserCase(
                "ICMPv6 parameter problem with IPv4 in it", Ethernet().ipv6().icmpError(type: 4, quoting: quoted),
                "\(error6) payload 40 at 14 54 end 62"),
            ParserCase(
                "ICMPv6 redirect with a link-layer address first",
                Ethernet().ipv6().icmp(type: 137).payload(
                    [UInt8](repeating: 0xfe, count: 32) + [2, 1, 2, 0, 0, 0, 0, 1] + [4, 8, 0, 0, 0, 0, 0, 0]
                        + quoted6.bytes),
                "\(error6) payload 108 at 14 54 quote 110 50992:22 end 170"),
            ParserCase(
                "ICMPv6 redirect without a quote",
                Ethernet().ipv6().icmp(type: 137).payload([UInt8](repeating: 0xfe, count: 32)),
                "\(error6) payload 32 at 14 54 end 94"),
            ParserCase(
                "ICMPv6 redirect with an option beyond the packet",
                Ethernet().ipv6().icmp(type: 137).payload(
                    [UInt8](repeating: 0xfe, count: 32) + [2, 200, 0, 0, 0, 0, 0, 0] + quoted6.bytes),
                "\(error6) payload 100 at 14 54 end 94"),
            ParserCase(
                "ICMPv6 redirect with an option of length 0",
                Ethernet().ipv6().icmp(type: 137).payload(
                    [UInt8](repeating: 0xfe, count: 32) + [4, 0, 0, 0, 0, 0, 0, 0] + quoted6.bytes),
                "\(error6) payload 100 at 14 54 end 94"),
        ])
    func icmp(_ parserCase: ParserCase) {
        parserCase.check()
    }

    @Test("type, code and the four bytes behind the checksum of an error")
    func icmpFields() throws {
        let record = try #require(
            Ethernet().ipv4().icmpError(type: 3, code: 4, rest: 1400, quoting: quoted).parsed().record)
        #expect((record.icmpType, record.icmpCode, record.seq) == (3, 4, 1400))
        let echo = try #require(
            Ethernet().ipv4().echo(reply: true, identifier: 0x1111, sequence: 5).parsed().record)
        #expect((echo.icmpType, echo.seq, echo.src_port, echo.dst_port) == (0, 5, 0x1111, 0x1111))
    }

    @Test("payload lengths saturate")
    func saturation() {
        let packet = Ethernet().ipv6(payloadLength: 0).tcp(flags: .ack).bytes
        #expect(ParsedFrame(packet, wireLength: 74 + 65_534).record?.payload_length == 65_534)
        #expect(ParsedFrame(packet, wireLength: 74 + 65_535).record?.payload_length == 65_535)
        #expect(ParsedFrame(packet, wireLength: 200_000).record?.payload_length == 65_535)
        #expect(ParsedFrame(packet, wireLength: Int(UInt32.max)).record?.payload_length == 65_535)
        #expect(ParsedFrame(packet, wireLength: 0).refusal == PACKET_REFUSED_BAD_LENGTH)
    }
}
