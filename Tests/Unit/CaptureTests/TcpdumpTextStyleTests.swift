// SPDX-License-Identifier: Apache-2.0
import CPacket
import Packets
import Testing

@testable import Capture

@Suite("tcpdump text: what old programs, options and pasting do to it")
struct TcpdumpTextStyleTests {
    @Test("tcpdump 3.7: the IP header stands behind the packet")
    func headerBehind() throws {
        let (packets, parser) = parseText(
            """
            12:00:01.000001 10.1.0.1.1025 > 10.4.0.2.22: S [tcp sum ok] 5:5(0) win 512 <mss 1460> (DF) [tos 0x10]  \
            (ttl 64, id 77, len 44)
            12:00:01.000301 10.4.0.2.22 > 10.1.0.1.1025: R [tcp sum ok] 0:0(0) ack 6 win 0 (DF) (ttl 63, id 0, len 40)
            12:00:02.000301 10.1.0.1.1025 > 10.4.0.2.22: FWE [tcp sum ok] 6:9(3) ack 1 win 9 (ttl 64, id 78, len 43)
            12:00:03 10.4.0.2 > 10.1.0.1: icmp: echo reply [ttl 1] (id 9, len 84)
            12:00:04.000000 10.4.0.2 > 10.1.0.1: icmp: host 10.9.0.9 unreachable for 10.1.0.1.33 > 10.9.0.9.44: \
            udp 4 (ttl 3, id 5, len 32) (ttl 255, id 1, len 56)
            12:00:05.000000 fw.example.ssh > client.example.1025: R [tcp sum ok] 0:0(0) ack 6 win 0 (ttl 63, id 0, len 40)
            12:00:06.000000 10.4.0.2 > 10.1.0.1: tcp (frag 77:20@1480) (ttl 64, len 40)
            """)
        try #require(packets.count == 6, "\(parser.counts)")
        #expect(packets[0].record.ttl == 64)
        #expect(packets[0].record.tos == 0x10)
        #expect(packets[0].record.identification == 77)
        #expect(packets[0].record.dontFragment)
        #expect(packets[1].record.ttl == 63)
        #expect(packets[1].record.tcpFlags == [.rst, .ack])
        #expect(packets[1].record.ack == 6)
        #expect(!packets[2].record.dontFragment)
        #expect(packets[2].record.tcpFlags == [.fin, .ack, .cwr, .ece])
        #expect(packets[2].record.payload_length == 3)
        #expect(packets[3].record.ttl == 1)
        #expect(packets[4].record.ttl == 255)
        #expect(packets[4].record.icmpType == 3)
        #expect(packets[4].record.icmpCode == 1)
        #expect(packets[4].record.ack == 33 << 16 | 44)
        #expect(packets[4].record.packetClass == .icmp)
        #expect(packets[5].record.src_port == 22)
        #expect(parser.hostNames[packets[5].record.source] == "fw.example")
        #expect(parser.hostNames[packets[5].record.destination] == "client.example")
        #expect(parser.counts.laterFragments == 1)
        #expect(packets[1].time == 86_400_000_000_000 + 43_201_000_301_000)
    }

    @Test("tcpdump 3.8: no protocol, ICMP with its length, the quote in the line")
    func withoutProtocol() throws {
        let (packets, _) = parseText(
            """
            IP (tos 0x0, ttl  63, id 1, offset 0, flags [DF], length: 40) 10.4.0.2.22 > 10.1.0.1.1025: R [tcp sum ok] 0:0(0) ack 6 win 0
            IP (tos 0xc0, ttl  62, id 2, offset 0, flags [none], length: 56) 10.3.0.1 > 10.1.0.1: icmp 36: time exceeded \
            in-transit for IP (tos 0x0, ttl   1, id 3, offset 0, flags [DF], length: 40) 10.1.0.1.7 > 10.4.0.2.22: S \
            1:1(0) win 2
            IP (tos 0x0, ttl  64, id 4, offset 0, flags [DF], length: 56, optlength: 4 ( RA )) 10.1.0.1.7 > 10.4.0.2.8: udp 24
            """)
        try #require(packets.count == 3)
        #expect(packets[0].record.packetClass == .reset)
        #expect(packets[1].record.icmpType == 11)
        #expect(packets[1].record.ack == 7 << 16 | 22)
        #expect(packets[1].record.payload_length == 28)
        #expect(packets[2].record.transport == .udp)
        #expect(packets[2].record.dst_port == 8)
    }

    @Test("-i any names interface and direction, -e the tag and the addresses")
    func links() throws {
        let (packets, parser) = parseText(
            """
            12:00:01.000001 eth0  In  IP (tos 0x0, ttl 63, id 1, offset 0, flags [DF], proto TCP (6), length 40)
                10.4.0.2.22 > 10.1.0.1.1025: Flags [R.], cksum 0x1 (correct), seq 0, ack 6, win 0, length 0
            12:00:01.000002 eth1  Out IP (tos 0x0, ttl 62, id 1, offset 0, flags [DF], proto TCP (6), length 40)
                10.4.0.2.22 > 10.1.0.1.1025: Flags [R.], cksum 0x1 (correct), seq 0, ack 6, win 0, length 0
            12:00:01.000003 02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown), ethertype 802.1Q \
            (0x8100), length 58: vlan 100, p 0, ethertype IPv4 (0x0800), (tos 0x0, ttl 61, id 2, offset 0, flags [DF], \
            proto TCP (6), length 40)
                10.4.0.2.22 > 10.1.0.1.1025: Flags [RE], cksum 0x1 (correct), seq 7, win 0, length 0
            12:00:01.000004 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Ethernet (len 6), \
            IPv4 (len 4), Request who-has 10.0.0.1 tell 10.0.0.2, length 28
            """)
        try #require(packets.count == 3)
        #expect(packets[0].record.direction == .ingress)
        #expect(packets[1].record.direction == .egress)
        #expect(parser.interfaceNames[packets[0].record.interfaceSlot] == "eth0")
        #expect(parser.interfaceNames[packets[1].record.interfaceSlot] == "eth1")
        #expect(packets[2].record.domain == 100)
        #expect(packets[2].record.tcpFlags == [.rst, .ece])
        #expect(packets[0].record.domain == 0)
        #expect(parser.counts.packets == 4)
        #expect(parser.counts.notIP == 1)
    }

    static let pair = [
        "IP (tos 0x0, ttl 62, id 9, offset 0, flags [none], proto ICMP (1), length 88)",
        "    10.3.0.1 > 10.1.0.1: ICMP host 10.4.0.2 unreachable - admin prohibited filter, length 68",
        "\tIP (tos 0x0, ttl 62, id 8, offset 0, flags [DF], proto TCP (6), length 60)",
        "    10.1.0.1.1025 > 10.4.0.2.22: Flags [S], seq 1, win 64240, length 0",
        "IP6 (class 0x28, flowlabel 0x12345, hlim 61, next-header TCP (6) payload length: 20) 2001:db8::1.22 > "
            + "2001:db8::2.1025: Flags [R.], cksum 0x1 (correct), seq 0, ack 6, win 0, length 0",
    ]

    @Test(
        "pasted: mail quotation, indentation, indentation lost, Windows line ends, noise around",
        arguments: ["", "> ", ">> ", "    ", "\t", "flat", "crlf", "noise"])
    func pasted(_ manner: String) throws {
        var lines = Self.pair
        switch manner {
        case "flat": lines = lines.map { String($0.drop { $0 == " " || $0 == "\t" }) }
        case "crlf": lines = lines.map { $0 + "\r" }
        case "noise":
            lines.insert("root@fw:~# tcpdump -tv -i eth0 host 10.1.0.1", at: 0)
            lines.insert("tcpdump: listening on eth0, link-type EN10MB (Ethernet), snapshot length 262144 bytes", at: 1)
            lines.insert("\t0x0000:  4500 0028 0000 4000 3f06  E..(..@.?.", at: 6)
            lines += ["^C", "2 packets captured", "0 packets dropped by kernel"]
        default: lines = lines.map { manner + $0 }
        }
        let (packets, parser) = parseText(lines.joined(separator: "\n"))
        try #require(packets.count == 2, "\(parser.counts) \(String(describing: parser.firstProblem))")
        #expect(packets.map(\.frame) == [1, 2])
        let error = packets[0].record
        #expect(error.icmpType == 3)
        #expect(error.icmpCode == 13)
        #expect(error.ack == 1025 << 16 | 22)
        #expect(error.ttl == 62)
        let reset = packets[1].record
        #expect(reset.isIPv6)
        #expect(reset.source.description == "2001:db8::1")
        #expect(reset.tos == 0x28)
        #expect(reset.identification == 0x12345)
        #expect(reset.packetClass == .reset)
        #expect(parser.counts.notUnderstood == 0)
    }

    @Test("what an application wrote is no packet, however much it looks like one")
    func forged() {
        let forged =
            "IP (tos 0x0, ttl 63, id 0, offset 0, flags [DF], proto TCP (6), length 40) 10.4.0.2.22 > "
            + "10.1.0.1.1025: Flags [R.], seq 0, ack 6, win 0, length 0"
        let (packets, parser) = parseText(
            """
            12:00:01.000001 IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length 400)
                10.1.0.1.1025 > 10.4.0.2.80: Flags [P.], cksum 0x1 (correct), seq 1:361, ack 1, win 9, length 360: HTTP, length: 360
            \tGET / HTTP/1.1
            \t12:00:01.000002 \(forged)
            \t\(forged)
            \(forged)
            """)
        #expect(packets.count == 1)
        #expect(packets.first?.record.dst_port == 80)
        #expect(packets.first?.record.packetClass == .bulk)
        #expect(parser.counts.packets == 1)
        // The negative: the same line with its own time where packets begin is one.
        #expect(parseText("12:00:01.000001 \(forged)\n12:00:01.000002 \(forged)").packets.count == 2)
    }

    @Test("lines without -v have no TTL, which is counted")
    func withoutTTL() {
        let (packets, parser) = parseText(
            """
            IP 10.4.0.2.22 > 10.1.0.1.1025: Flags [R.], seq 0, ack 6, win 0, length 0
            IP (tos 0x0, ttl 63, id 0, offset 0, flags [DF], proto TCP (6), length 40)
                10.4.0.2.22 > 10.1.0.1.1025: Flags [R.], seq 0, ack 6, win 0, length 0
            IP (tos 0x0, ttl 63, id 0, offset 0, flags [DF], proto TCP (6), length 40)
                10.4.0.2.22 > 10.1.0.1.99999: Flags [R.], seq 0, ack 6, win 0, length 0
            """)
        #expect(packets.map(\.frame) == [1, 2])
        #expect(packets.map(\.record.ttl) == [0, 63])
        #expect(parser.counts.withoutTTL == 1)
        #expect(parser.counts.notUnderstood == 1)
        #expect(parser.firstProblem?.line == 5)
    }

    @Test("tunnels: the inner packet is the record")
    func tunnels() throws {
        let inner =
            "IP (tos 0x0, ttl 63, id 0, offset 0, flags [DF], proto TCP (6), length 40)\n"
            + "    10.4.0.2.22 > 10.1.0.1.1025: Flags [R.], seq 0, ack 6, win 0, length 0"
        let (packets, parser) = parseText(
            """
            1700000000.000001 IP (tos 0x0, ttl 9, id 0, offset 0, flags [DF], proto GRE (47), length 64)
                192.0.2.1 > 192.0.2.2: GREv0, Flags [none], proto IPv4 (0x0800), length 44
            \t\(inner)
            1700000000.000002 IP (tos 0x0, ttl 9, id 0, offset 0, flags [DF], proto IPIP (4), length 60)
                192.0.2.1 > 192.0.2.2: \(inner)
            1700000000.000003 IP (tos 0x0, ttl 9, id 0, offset 0, flags [none], proto UDP (17), length 76)
                192.0.2.1.5 > 192.0.2.2.4789: VXLAN, flags [I] (0x08), vni 7
            \(inner)
            1700000000.000004 IP (tos 0x0, ttl 9, id 0, offset 0, flags [none], proto UDP (17), length 76)
                192.0.2.1.5 > 192.0.2.2.4789: VXLAN, flags [I] (0x08), vni 7
            1700000000.000005 IP (tos 0x0, ttl 9, id 0, offset 0, flags [none], proto ESP (50), length 76)
                192.0.2.1 > 192.0.2.2: ESP(spi=0x1,seq=0x2), length 56
            """)
        try #require(packets.count == 4, "\(parser.counts)")
        #expect(packets.map(\.record.tunnel) == [.gre, .ipip, .vxlan, .none])
        #expect(packets.prefix(3).allSatisfy { $0.record.packetClass == .reset && $0.record.ttl == 63 })
        #expect(packets[3].record.transport == .udp, "nothing is inside: the outer packet stands")
        #expect(packets[3].record.ttl == 9)
        #expect(packets[0].time == 1_700_000_000_000_001_000)
        #expect(parser.counts.otherProtocols == 1)
    }

    @Test("one host name more than are remembered is told as such, a broken address is not")
    func tooManyNames() {
        func lines(_ left: String, _ right: String) -> String {
            """
            IP (tos 0x0, ttl 63, id 0, offset 0, flags [DF], proto TCP (6), length 40)
                \(left).22 > \(right).9: Flags [R], cksum 0xcbe4 (correct), seq 1, win 0, length 0

            """
        }
        let full = (0..<TextNames.capacity / 2).map { lines("a\($0)", "b\($0)") }.joined()
        #expect(parseText(full).parser.firstProblem == nil)
        #expect(parseText(full + lines("a0", "more")).parser.firstProblem?.reason.contains("names is full") == true)
        #expect(parseText(full + lines("a0", "1.2")).parser.firstProblem?.reason.contains("not understood") == true)
    }
}
