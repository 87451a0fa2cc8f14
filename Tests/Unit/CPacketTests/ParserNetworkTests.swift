// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

private let six = "tcp 2001:db8:4::2:22 > 2001:db8:1::1:50992 ttl 64 reset"

private func chain(_ count: Int) -> FrameBuilder {
    (0..<count).reduce(Ethernet().ipv6()) { frame, _ in frame.ipv6Extension(60) }.tcp(flags: .rst)
}

@Suite("Parser: IP")
struct ParserNetworkTests {
    @Test(
        "IPv4",
        arguments: [
            ParserCase(
                "options", Ethernet().ipv4(options: [148, 4, 0, 0]).tcp(flags: .rst),
                reset("payload 0 at 14 38 end 58")),
            ParserCase(
                "40 bytes of options", Ethernet().ipv4(options: Array(repeating: 1, count: 40)).tcp(flags: .rst),
                reset("payload 0 at 14 74 end 94")),
            ParserCase(
                "first fragment", Ethernet().ipv4(moreFragments: true).tcp(flags: .rst).payload("12345678"),
                reset("payload 8 fragment at 14 34 end 62")),
            ParserCase(
                "later fragment", Ethernet().ipv4(fragmentOffset: 1).tcp(flags: .rst), "refused: later fragment"),
            ParserCase(
                "total length of the header alone", Ethernet().ipv4(totalLength: 20).tcp(flags: .rst),
                "refused: bad length"),
            ParserCase(
                "total length below the header", Ethernet().ipv4(totalLength: 19).tcp(flags: .rst),
                "refused: bad length"),
            ParserCase(
                "total length one short of TCP", Ethernet().ipv4(totalLength: 39).tcp(flags: .rst),
                "refused: bad length"),
            ParserCase(
                "total length 0: offload at the sender",
                Ethernet().ipv4(totalLength: 0).tcp(flags: .rst).payload("reason"),
                reset("payload 6 at 14 34 end 60")),
            ParserCase(
                "total length beyond the capture", Ethernet().ipv4(totalLength: 1500).tcp(flags: .rst),
                reset("payload 1460 at 14 34 end 54")),
            ParserCase("version 5", Ethernet().ipv4(version: 5).tcp(flags: .rst), "refused: bad version"),
            ParserCase(
                "authentication header", Ethernet().ipv4().authentication().tcp(flags: .rst),
                reset("payload 0 at 14 58 end 78")),
            ParserCase(
                "an IPv6 extension is none in IPv4", Ethernet().ipv4(protocolNumber: 60).ipv6Extension(60),
                "refused: other protocol"),
            ParserCase("ESP", Ethernet().ipv4(protocolNumber: 50).payload("secret"), "refused: other protocol"),
            ParserCase(
                "ICMPv6 in IPv4", Ethernet().ipv4(protocolNumber: 58).icmp(type: 128), "refused: other protocol"),
        ])
    func ipv4(_ parserCase: ParserCase) {
        parserCase.check()
    }

    @Test(
        "IPv6",
        arguments: [
            ParserCase("plain", Ethernet().ipv6().tcp(flags: .rst), "\(six) payload 0 at 14 54 end 74"),
            ParserCase("1 extension", chain(1), "\(six) payload 0 at 14 62 end 82"),
            ParserCase("2 extensions", chain(2), "\(six) payload 0 at 14 70 end 90"),
            ParserCase("6 extensions", chain(6), "\(six) payload 0 at 14 102 end 122"),
            ParserCase("7 extensions", chain(7), "refused: too many extensions"),
            ParserCase("8 extensions", chain(8), "refused: too many extensions"),
            ParserCase(
                "every kind",
                Ethernet().ipv6().ipv6Extension(0).ipv6Extension(43, words: 2).ipv6Extension(60).authentication()
                    .ipv6Extension(135).tcp(flags: .rst),
                "\(six) payload 0 at 14 126 end 146"),
            ParserCase(
                "HIP and Shim6", Ethernet().ipv6().ipv6Extension(139).ipv6Extension(140).tcp(flags: .rst),
                "\(six) payload 0 at 14 70 end 90"),
            ParserCase(
                "first fragment", Ethernet().ipv6().ipv6Fragment(offset: 0, more: true).tcp(flags: .rst),
                "\(six) payload 0 fragment at 14 62 end 82"),
            ParserCase(
                "atomic fragment", Ethernet().ipv6().ipv6Fragment(offset: 0, more: false).tcp(flags: .rst),
                "\(six) payload 0 at 14 62 end 82"),
            ParserCase(
                "later fragment", Ethernet().ipv6().ipv6Fragment(offset: 3, more: true).tcp(flags: .rst),
                "refused: later fragment"),
            ParserCase(
                "jumbogram", Ethernet().ipv6(payloadLength: 0).ipv6Extension(0).tcp(flags: .rst),
                "\(six) payload 0 at 14 62 end 82"),
            ParserCase(
                "payload length short of TCP", Ethernet().ipv6(payloadLength: 19).tcp(flags: .rst),
                "refused: bad length"),
            ParserCase(
                "an extension longer than the payload", Ethernet().ipv6(payloadLength: 8).ipv6Extension(60, words: 1),
                "refused: bad length"),
            ParserCase(
                "an extension beyond the capture",
                Ethernet().ipv6(payloadLength: 900).ipv6Extension(60, words: 20, nextHeader: 6).captured(100),
                "refused: truncated IP"),
            ParserCase(
                "an L4 header beyond the bound", Ethernet().ipv6().ipv6Extension(60, words: 60).tcp(flags: .rst),
                "refused: too deep"),
            ParserCase(
                "an L4 header just within", Ethernet().ipv6().ipv6Extension(60, words: 56).tcp(flags: .rst),
                "\(six) payload 0 at 14 510 end 232"),
            ParserCase("nothing follows", Ethernet().ipv6(nextHeader: 59), "refused: other protocol"),
            ParserCase(
                "ICMP in IPv6", Ethernet().ipv6(nextHeader: 1).icmp(type: 8), "refused: other protocol"),
        ])
    func ipv6(_ parserCase: ParserCase) {
        parserCase.check()
    }

    @Test("ihl 0 to 15: below 5 is refused, above goes on behind the options", arguments: 0..<UInt8(16))
    func headerLength(_ ihl: UInt8) throws {
        // Every pair of bytes behind the addresses is another port.
        let frame = Ethernet().ipv4(ihl: ihl, protocolNumber: 17).payload(Array(0..<60))
        guard ihl >= 5 else {
            #expect(frame.parsed().refusal == PACKET_REFUSED_BAD_IHL)
            return
        }
        let record = try #require(frame.parsed().record)
        let first = 4 * ihl - 20
        #expect(record.src_port == UInt16(first) << 8 | UInt16(first + 1))
        #expect(record.payload_length == 80 - 4 * UInt16(ihl) - 8)
    }

    @Test("every field of both versions comes through")
    func fields() throws {
        let four = try #require(
            Ethernet().ipv4(ttl: 63, tos: 0x48, identification: 0xbeef).tcp(flags: .ack).parsed().record)
        #expect(four.ttl == 63)
        #expect(four.tos == 0x48)
        #expect(four.identification == 0xbeef)
        #expect(four.dontFragment)
        #expect(!four.isIPv6)
        let clear = try #require(Ethernet().ipv4(dontFragment: false).tcp(flags: .ack).parsed().record)
        #expect(!clear.dontFragment)
        let six = try #require(
            Ethernet().ipv6(hopLimit: 61, trafficClass: 0x48, flowLabel: 0xabcde).tcp(flags: .ack).parsed().record)
        #expect(six.ttl == 61)
        #expect(six.tos == 0x48)
        #expect(six.identification == 0xabcde)
        #expect(six.isIPv6)
        #expect(six.source == .server6)
        #expect(six.destination == .client6)
    }
}
