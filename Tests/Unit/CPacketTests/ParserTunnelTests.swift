// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

private let outer = Ethernet().ipv4(IPAddress(v4: 0xc000_0201), IPAddress(v4: 0xc000_0202))
private let outer6 = Ethernet().ipv6()

private func rst(_ frame: FrameBuilder) -> FrameBuilder { frame.ipv4(ttl: 61).tcp(flags: .rst) }

private func inner(_ tunnel: String, _ network: Int, payload: Int = 0) -> String {
    reset("payload \(payload) in \(tunnel) at \(network) \(network + 20) end \(network + 40)", ttl: 61)
}

private let sixInner = "tcp 2001:db8:4::2:22 > 2001:db8:1::1:50992 ttl 64 reset payload 0"

private func outerUDP(_ source: Int, _ destination: Int, payload: Int) -> String {
    "udp 192.0.2.1:\(source) > 192.0.2.2:\(destination) ttl 64 bulk payload \(payload)"
}

@Suite("Parser: tunnels")
struct ParserTunnelTests {
    @Test(
        "tunnels that are IP protocols",
        arguments: [
            ParserCase("IPIP", rst(outer), inner("ipip", 34)),
            ParserCase("6in4", outer.ipv6().tcp(flags: .rst), "\(sixInner) in ipip at 34 74 end 94"),
            ParserCase("4in6", rst(outer6), inner("ipip", 54)),
            ParserCase("6in6", outer6.ipv6().tcp(flags: .rst), "\(sixInner) in ipip at 54 94 end 114"),
            ParserCase("GRE", rst(outer.gre()), inner("gre", 38)),
            ParserCase("GRE with all options", rst(outer.gre(checksum: true, key: 7, sequence: 1)), inner("gre", 50)),
            ParserCase("Ethernet in GRE", rst(outer.gre(key: 7).ethernet().vlan(5)), inner("gre", 60)),
            ParserCase("MPLS in GRE", rst(outer.gre().mpls(16)), inner("gre", 42)),
            ParserCase("ERSPAN I", rst(outer.erspan(version: 0).ethernet()), inner("erspan", 52)),
            ParserCase("ERSPAN II", rst(outer.erspan(version: 1).ethernet()), inner("erspan", 64)),
            ParserCase("ERSPAN III", rst(outer.erspan(version: 2).ethernet()), inner("erspan", 68)),
            ParserCase(
                "ERSPAN III with its subheader", rst(outer.erspan(version: 2, subheader: true).ethernet()),
                inner("erspan", 76)),
            ParserCase(
                "PPTP", outer.gre(version: 1, protocolType: 0x880b).payload([0, 4, 0, 1]), "refused: other protocol"),
            ParserCase("GRE keepalive", outer.gre(protocolType: 0), "refused: not IP"),
            ParserCase("cut GRE", outer.gre(key: 7).ipv4().captured(40), "refused: truncated transport"),
            ParserCase("a second level", rst(outer.gre().ipv4()), "refused: other protocol"),
            ParserCase("a bad inner packet", outer.ipv4(ihl: 4).tcp(flags: .rst), "refused: bad IHL"),
            ParserCase(
                "an inner packet longer than the outer",
                Ethernet().ipv4(totalLength: 50, protocolNumber: 4).ipv4().tcp(flags: .rst),
                "refused: truncated transport"),
        ])
    func ipTunnels(_ parserCase: ParserCase) {
        parserCase.check()
    }

    @Test(
        "tunnels in UDP; what cannot be parsed leaves the outer packet",
        arguments: [
            ParserCase("VXLAN", rst(outer.vxlan(42).ethernet()), inner("vxlan", 64)),
            ParserCase("VXLAN on 8472", rst(outer.vxlan(42, port: 8472).ethernet()), inner("vxlan", 64)),
            ParserCase(
                "VXLAN over IPv6 with a tag inside", rst(outer6.vxlan(42).ethernet().vlan(3)), inner("vxlan", 88)),
            ParserCase(
                "VXLAN without the flag", rst(outer.vxlan(42, flags: 0).ethernet()), outerUDP(49152, 4789, payload: 62)),
            ParserCase(
                "ARP in VXLAN", outer.vxlan(42).ethernet(ethertype: 0x0806).payload([0, 1]),
                outerUDP(49152, 4789, payload: 24)),
            ParserCase(
                "VXLAN in VXLAN: one level", rst(outer.vxlan(1).ethernet().ipv4().vxlan(2).ethernet()),
                "udp 10.4.0.2:49152 > 10.1.0.1:4789 ttl 64 bulk payload 62 in vxlan"),
            ParserCase(
                "GRE in VXLAN: one level", rst(outer.vxlan(1).ethernet().ipv4().gre()),
                outerUDP(49152, 4789, payload: 86)),
            ParserCase("GENEVE", rst(outer.geneve(42)), inner("geneve", 50)),
            ParserCase("GENEVE with options", rst(outer.geneve(42, optionWords: 8).ethernet()), inner("geneve", 96)),
            ParserCase("Teredo", outer.teredo().ipv6().tcp(flags: .rst), "\(sixInner) in teredo at 42 82 end 102"),
            ParserCase(
                "Teredo with indications", outer.teredo(authentication: true, origin: true).ipv6().tcp(flags: .rst),
                "\(sixInner) in teredo at 68 108 end 128"),
            ParserCase("GTP-U", rst(outer.gtpu(9)), inner("gtpu", 50)),
            ParserCase("GTP-U with a sequence number", rst(outer.gtpu(9, sequence: 4)), inner("gtpu", 54)),
            ParserCase(
                "GTP-U with an extension",
                outer.udp(2152, 2152).payload(
                    [0x34, 255, 0, 48, 0, 0, 0, 9] + [0, 0, 0, 0x85] + [1, 0x10, 9, 0]
                        + rst(.bareIP).bytes), inner("gtpu", 58)),
            ParserCase("GTP-U echo", rst(outer.gtpu(0, messageType: 1)), outerUDP(2152, 2152, payload: 48)),
            ParserCase("nothing behind the UDP header", outer.udp(49152, 4789), outerUDP(49152, 4789, payload: 0)),
            ParserCase(
                "an inner later fragment", outer.vxlan(1).ethernet().ipv4(fragmentOffset: 5).tcp(flags: .rst),
                outerUDP(49152, 4789, payload: 62)),
        ])
    func udpTunnels(_ parserCase: ParserCase) {
        parserCase.check()
    }

    @Test("the domain knows the tunnel and its identifier, the same in both directions")
    func domains() throws {
        func domain(_ frame: FrameBuilder) throws -> UInt16 { try #require(frame.parsed().record).domain }
        let one = try domain(rst(outer.vxlan(1).ethernet()))
        #expect(try domain(rst(outer.vxlan(2).ethernet())) != one)
        #expect(try domain(rst(outer.geneve(1).ethernet())) != one)
        #expect(try domain(rst(outer)) != 0)
        #expect(try domain(rst(outer.vxlan(1).ethernet().vlan(3))) != one)
        #expect(try domain(outer.vxlan(1).ethernet().ipv6(.client6, .server6).udp()) == one)
        #expect(try domain(rst(outer.gtpu(1))) == domain(rst(outer.gtpu(2))))
        let failed = outer.vxlan(1).ethernet(ethertype: 0x0806)
        #expect(try domain(failed) == 0)
        #expect(try domain(rst(Ethernet().vlan(9).ipv4())) != domain(rst(outer)))
    }

    @Test("an unparsable inner packet leaves no trace in the outer record")
    func restored() throws {
        let plain = try #require(outer.udp(49152, 4790).payload([UInt8](repeating: 8, count: 40)).parsed().record)
        var tunnelled = try #require(
            outer.vxlan(1).ethernet(source: MACAddress(7)).vlan(3).ipv4(ihl: 3).parsed().record)
        #expect(tunnelled.dst_port == 4789)
        tunnelled.dst_port = plain.dst_port
        tunnelled.payload_length = plain.payload_length
        let same = withUnsafeBytes(of: tunnelled) { left in
            withUnsafeBytes(of: plain) { right in left.elementsEqual(right) }
        }
        #expect(same)
    }
}
