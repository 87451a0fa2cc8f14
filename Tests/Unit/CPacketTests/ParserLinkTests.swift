// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

private func rst(behind frame: FrameBuilder) -> FrameBuilder { frame.ipv4().tcp(flags: .rst) }

private func tags(_ count: Int) -> FrameBuilder {
    (0..<count).reduce(Ethernet()) { frame, index in frame.vlan(UInt16(100 + index)) }
}

private func labels(_ count: Int) -> FrameBuilder {
    (0..<count).reduce(Ethernet()) { frame, index in frame.mpls(UInt32(16 + index)) }
}

@Suite("Parser: link layer")
struct ParserLinkTests {
    @Test(
        "headers before IP",
        arguments: [
            ParserCase("Ethernet", rst(behind: Ethernet()), reset("payload 0 at 14 34 end 54")),
            ParserCase("no link header", rst(behind: .bareIP), reset("payload 0 at 0 20 end 40")),
            ParserCase("Linux cooked", rst(behind: .behindOtherLink), reset("payload 0 at 0 20 end 40")),
            ParserCase("1 tag", rst(behind: tags(1)), reset("payload 0 at 18 38 end 58")),
            ParserCase("2 tags", rst(behind: tags(2)), reset("payload 0 at 22 42 end 62")),
            ParserCase("3 tags", rst(behind: tags(3)), reset("payload 0 at 26 46 end 66")),
            ParserCase("4 tags", rst(behind: tags(4)), reset("payload 0 at 30 50 end 70")),
            ParserCase("5 tags", rst(behind: tags(5)), "refused: too many tags"),
            ParserCase("3 tags and one beside", rst(behind: tags(3).tagBeside(7)), reset("payload 0 at 26 46 end 66")),
            ParserCase("4 tags and one beside", rst(behind: tags(4).tagBeside(7)), "refused: too many tags"),
            ParserCase(
                "802.1ad and 802.1Q", rst(behind: Ethernet().vlan(7, tpid: 0x88a8).vlan(8)),
                reset("payload 0 at 22 42 end 62")),
            ParserCase(
                "0x9100", rst(behind: Ethernet().vlan(7, tpid: 0x9100)), reset("payload 0 at 18 38 end 58")),
            ParserCase(
                "Cisco metadata", rst(behind: Ethernet(ethertype: 0x8909).payload([1, 1, 0, 1, 0, 9, 8, 0])),
                reset("payload 0 at 22 42 end 62")),
            ParserCase("1 label", rst(behind: labels(1)), reset("payload 0 at 18 38 end 58")),
            ParserCase("6 labels", rst(behind: labels(6)), reset("payload 0 at 38 58 end 78")),
            ParserCase("7 labels", rst(behind: labels(7)), "refused: too many labels"),
            ParserCase(
                "Ethernet pseudowire",
                rst(behind: Ethernet().mpls(16).payload([0, 0, 0, 1]).ethernet().vlan(5)),
                reset("payload 0 at 40 60 end 80")),
            ParserCase(
                "an unknown pseudowire", Ethernet().mpls(16).payload([0x50, 0, 0, 0, 0]), "refused: not IP"),
            ParserCase("PPPoE", rst(behind: Ethernet().pppoe()), reset("payload 0 at 22 42 end 62")),
            ParserCase(
                "MPLS in PPPoE in a VLAN", rst(behind: Ethernet().vlan(9).pppoe().mpls(3)),
                reset("payload 0 at 30 50 end 70")),
            ParserCase(
                "PPPoE with LCP", rst(behind: Ethernet().pppoe(protocolField: 0xc021)), "refused: not IP"),
            ParserCase("ARP", Ethernet(ethertype: 0x0806).payload([0, 1, 8, 0]), "refused: not IP"),
            ParserCase("802.3 length", Ethernet(ethertype: 38).payload([0x42, 0x42, 3]), "refused: not IP"),
            ParserCase("IPv6 said, IPv4 sent", rst(behind: Ethernet(ethertype: 0x86dd)), "refused: bad version"),
            ParserCase("neither version", .bareIP.payload([0x50, 0, 0, 0]), "refused: bad version"),
            ParserCase("an empty frame", .bareIP, "refused: truncated IP"),
            ParserCase("an empty Ethernet frame", Ethernet().captured(0), "refused: truncated link"),
        ])
    func link(_ parserCase: ParserCase) {
        parserCase.check()
    }

    private func record(_ frame: FrameBuilder) throws -> PacketRecord {
        try #require(frame.parsed().record)
    }

    @Test("the domain is the VLAN ID where there is one tag, wherever it stands")
    func domain() throws {
        #expect(try record(rst(behind: Ethernet())).domain == 0)
        #expect(try record(rst(behind: Ethernet().vlan(100))).domain == 100)
        #expect(try record(rst(behind: Ethernet().tagBeside(100))).domain == 100)
        #expect(try record(rst(behind: Ethernet().vlan(0, priority: 5))).domain == 0)
        #expect(try record(rst(behind: Ethernet().tagBeside(0).vlan(100))).domain == 100)
        #expect(try record(rst(behind: Ethernet().vlan(0).vlan(100))).domain == 100)
        #expect(try record(rst(behind: Ethernet().mpls(9))).domain == 0)
        #expect(try record(rst(behind: Ethernet())).identification == 0x1234)
        #expect(try record(rst(behind: Ethernet().vlan(100))).identification == 0x1234)
    }

    @Test("the domain of several tags depends on each, and is the same with the first beside")
    func domainOfSeveral() throws {
        let both = try record(rst(behind: Ethernet().vlan(100).vlan(200))).domain
        #expect(try record(rst(behind: Ethernet().tagBeside(100).vlan(200))).domain == both)
        #expect(try record(rst(behind: Ethernet().vlan(200).vlan(100))).domain != both)
        #expect(try record(rst(behind: Ethernet().vlan(100).vlan(201))).domain != both)
        let six = try record(Ethernet().vlan(100).vlan(200).ipv6().tcp(flags: .rst))
        #expect(six.domain == both)
    }

    @Test("the link hash tells next hops and domains apart, and nothing else")
    func linkHash() throws {
        let other = MACAddress(0x02_00_00_00_00_09)
        let plain = try record(rst(behind: Ethernet())).link_hash
        #expect(try record(rst(behind: Ethernet(source: other))).link_hash != plain)
        #expect(try record(rst(behind: Ethernet(destination: other))).link_hash == plain)
        #expect(try record(rst(behind: Ethernet().vlan(100))).link_hash != plain)
        #expect(try record(Ethernet().ipv6().udp()).link_hash == plain)
        #expect(try record(Ethernet().ipv4(options: [1]).tcp(flags: .ack)).link_hash == plain)
    }
}
