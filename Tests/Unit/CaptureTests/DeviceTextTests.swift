// SPDX-License-Identifier: Apache-2.0
import CPacket
import Packets
import Testing

@testable import Capture

@Suite("Text of devices and of programs that trace packets")
struct DeviceTextTests {
    static let samples: [TextReaderTests.Sample] = [
        .init(
            testDescription: "PAN-OS packet-diag",
            text: """
                == 2026-11-30 10:01:44.123 +0100 ==
                Packet received at fastpath stage, tag 1234, type ATOMIC
                Packet decoded dump:
                L2:     00:50:56:aa:bb:cd->00:1b:17:00:01:11, type 0x0800
                IP:     198.51.100.20->192.0.2.10, protocol 6
                        version 4, ihl 5, tos 0x00, len 40,
                        id 7, frag_off 0x4000, ttl 63, checksum 12345(0x3039)
                TCP:    sport 22, dport 50992, seq 5001, ack 1001,
                        reserved 0, offset 5, window 0, checksum 4321,
                        flags 0x14 ( RST ACK), urgent data 0, l4 data len 0
                Flow fastpath, session 1234 s2c
                """, program: "PAN-OS packet-diag", packets: ["RA 63 22>50992 5001/1001"]),
        .init(
            testDescription: "VPP trace: a packet at several nodes is one",
            text: """
                Packet 1

                00:10:37:205030: ip4-input
                  TCP: 198.51.100.20 -> 192.0.2.10
                    tos 0x00, ttl 63, length 40, checksum 0x1234 dscp CS0 ecn NON_ECN
                    fragment id 0x0000, flags DONT_FRAGMENT
                  TCP: 22 -> 50992
                    seq. 0x00001389 ack 0x000003e9
                    flags 0x14 RST ACK, tcp header: 20 bytes
                    window 0, checksum 0x1234
                00:10:37:205040: ip4-lookup
                  TCP: 198.51.100.20 -> 192.0.2.10
                    tos 0x00, ttl 62, length 40, checksum 0x1234 dscp CS0 ecn NON_ECN
                """, program: "VPP trace", packets: ["RA 63 22>50992 5001/1001"]),
        .init(
            testDescription: "IOS debug ip packet detail",
            text: """
                *Nov 30 10:01:46.123: IP: s=198.51.100.20 (Gi0/1), d=192.0.2.10 (Gi0/0), g=10.8.0.1, len 40, forward
                *Nov 30 10:01:46.123:     TCP src=22, dst=50992, seq=5001, ack=1001, win=0 ACK RST
                """, program: "IOS debug ip packet", packets: ["RA 0 22>50992 5001/1001"]),
        .init(
            testDescription: "scapy's tree",
            text: """
                ###[ IP ]###
                     len       = 40
                     flags     = DF
                     ttl       = 63
                     src       = 198.51.100.20
                     dst       = 192.0.2.10
                ###[ TCP ]###
                        sport     = 22
                        dport     = 50992
                        seq       = 5001
                        ack       = 1001
                        flags     = RA
                        window    = 0
                """, program: "scapy", packets: ["RA 63 22>50992 5001/1001"]),
        .init(
            testDescription: "scapy's summary", text: "IP / TCP 198.51.100.20:22 > 192.0.2.10:50992 RA / Padding",
            program: "scapy", packets: ["RA 0 22>50992 0/0"]),
        .init(
            testDescription: "Hubble, both directions",
            text: """
                Nov 30 10:01:44.123: default/a:50992 (ID:1) -> default/b:8080 (ID:2) to-endpoint FORWARDED (TCP Flags: SYN)
                Nov 30 10:01:46.125: default/a:50992 (ID:1) <- default/b:8080 (ID:2) to-endpoint FORWARDED (TCP Flags: ACK, RST)
                """, program: "Hubble", packets: ["S 0 50992>8080 0/0", "RA 0 8080>50992 0/0"]),
        .init(
            testDescription: "cilium monitor",
            text: "-> stack flow 0x6b6b , identity 5678->1 state reply ifindex 0 orig-ip 0.0.0.0: "
                + "198.51.100.20:8080 -> 192.0.2.10:50992 tcp ACK, RST",
            program: "cilium monitor", packets: ["RA 0 8080>50992 0/0"]),
        .init(
            testDescription: "MikroTik's log",
            text: "nov/30 10:01:46 firewall,info forward: in:ether2 out:ether1, connection-state:established src-mac "
                + "00:50:56:aa:bb:cd, proto TCP (ACK,RST), 198.51.100.20:22->192.0.2.10:50992, len 40",
            program: "MikroTik's log", packets: ["RA 0 22>50992 0/0"]),
        .init(
            testDescription: "FortiGate's debug flow",
            text: #"id=20085 trace_id=3 func=print_pkt_detail line=5639 msg="vd-root:0 received a packet(proto=6, "#
                + #"198.51.100.20:22->192.0.2.10:50992) from port2. flag [R.], seq 5001, ack 1001, win 0""#,
            program: "FortiGate's debug flow", packets: ["RA 0 22>50992 5001/1001"]),
        .init(
            testDescription: "SRX flow trace",
            text:
                "Nov 30 10:01:46 10:01:46.123460:CID-0:RT:  ge-0/0/1.0:198.51.100.20/22->192.0.2.10/50992, tcp, flag 14 rst ack",
            program: "SRX flow trace", packets: ["RA 0 22>50992 0/0"]),
        .init(
            testDescription: "ngrep", text: "T 198.51.100.20:80 -> 192.0.2.10:50992 [AR] #7", program: "ngrep",
            packets: ["RA 0 80>50992 0/0"]),
        .init(
            testDescription: "retis",
            text: """
                1796032906123456789 (2) [irq/1] 0 [tp] net:netif_receive_skb #5a1b (skb 18446635688) n 1
                  if 2 (eth0) 198.51.100.20.22 > 192.0.2.10.50992 tos 0x0 ttl 63 id 0 off 0 [DF] len 40 proto TCP (6) flags \
                [R.] seq 5001 ack 1001 win 0
                """, program: "retis", packets: ["RA 63 22>50992 5001/1001"]),
        .init(
            testDescription: "nftables trace",
            text:
                #"trace id a95e ip filter input packet: iif "eth0" ether saddr 00:0d:b9:4a:49:3d ip saddr 198.51.100.20 "#
                + "ip daddr 192.0.2.10 ip ttl 63 ip id 5 ip length 40 tcp sport 22 tcp dport 50992 tcp flags == 0x14 tcp window 0",
            program: "nftables trace", packets: ["RA 63 22>50992 0/0"]),
        .init(
            testDescription: "snoop -V: several lines are one packet",
            text: """
                  1   0.00000 198.51.100.20 -> 192.0.2.10   ETHER Type=0800 (IP), size=60 bytes
                  1   0.00000 198.51.100.20 -> 192.0.2.10   IP  D=192.0.2.10 S=198.51.100.20 LEN=40, ID=0, TOS=0x0, TTL=63
                  1   0.00000 198.51.100.20 -> 192.0.2.10   TCP D=50992 S=22 Rst Ack=1001 Seq=5001 Len=0 Win=0
                """, program: "snoop", packets: ["RA 63 22>50992 5001/1001"]),
        .init(
            testDescription: "snoop -v",
            text: """
                ETHER:  ----- Ether Header -----
                ETHER:  Packet 1 arrived at 10:01:44.00200
                IP:   ----- IP Header -----
                IP:   Total length = 40 bytes
                IP:   Time to live = 63 seconds/hops
                IP:   Protocol = 6 (TCP)
                IP:   Source address = 198.51.100.20, server
                IP:   Destination address = 192.0.2.10, client
                TCP:  Source port = 22
                TCP:  Destination port = 50992
                TCP:  Sequence number = 5001
                TCP:  Acknowledgement number = 1001
                TCP:  Flags = 0x14
                TCP:        .... .1.. = Reset
                TCP:  Window = 0
                """, program: "snoop", packets: ["RA 63 22>50992 5001/1001"]),
        .init(
            testDescription: "the Windows firewall's log",
            text: "2026-11-30 10:01:47 DROP TCP 198.51.100.20 192.0.2.10 22 50992 40 RA 5001 1001 0 - - - RECEIVE",
            program: "Windows firewall log", packets: ["RA 0 22>50992 5001/1001"]),
        .init(
            testDescription: "pktmon: the time stands in a line before the packet's",
            text: """
                10:01:46.002000000 PktGroupId 2, PktNumber 1, Appearance 1, Direction Tx , Type Ethernet , Component 11, Edge 1
                \t00-15-5D-01-02-03 > 00-50-56-AA-BB-CC, ethertype IPv4 (0x0800), length 54: 198.51.100.20.22 > \
                192.0.2.10.50992: Flags [R.], seq 5001, ack 1001, win 0, length 0
                """, program: "tcpdump", packets: ["RA 0 22>50992 5001/1001"]),
        .init(
            testDescription: "pflog with -e and -v",
            text: """
                10:01:46.000000 rule 5/0(match): pass out on em0: (tos 0x0, ttl 63, id 0, offset 0, flags [DF], proto TCP (6), \
                length 40)
                    198.51.100.20.22 > 192.0.2.10.50992: Flags [R.], cksum 0x1234 (correct), seq 0, ack 1001, win 0, length 0
                """, program: "tcpdump", packets: ["RA 63 22>50992 0/1001"]),
        .init(
            testDescription: "OpenBSD's dates",
            text: "Nov 30 10:01:46.123456 198.51.100.20.22 > 192.0.2.10.50992: R 0:0(0) ack 1001 win 0 (DF)",
            program: "tcpdump", packets: ["RA 0 22>50992 0/1001"]),
        .init(
            testDescription: "a table in Markdown",
            text: """
                | No. | Time | Source | Destination | Protocol | Length | Info |
                |---|---|---|---|---|---|---|
                | 1 | 0.0 | 198.51.100.20 | 192.0.2.10 | TCP | 60 | 22 → 50992 [RST, ACK] Seq=1 Ack=1 Win=0 Len=0 |
                """, program: "packet list", packets: ["RA 0 22>50992 1/1"]),
        .init(
            testDescription: "a list without lengths",
            text:
                "2026-11-30 10:01:44.000000 198.51.100.20 -> 192.0.2.10 TCP 22 > 50992 [RST, ACK] Seq=1 Ack=1 Win=0 Len=0",
            program: "packet list", packets: ["RA 0 22>50992 1/1"]),
    ]

    @Test("Each format gives its packets", arguments: samples)
    func read(sample: TextReaderTests.Sample) {
        let (packets, parser) = parseText(sample.text)
        #expect(packets.map { TextReaderTests.describe($0.record) } == sample.packets)
        #expect(parser.program == sample.program)
    }

    @Test("Each prefix of each format is read without harm", arguments: samples)
    func prefixes(sample: TextReaderTests.Sample) {
        let bytes = Array(sample.text.utf8)
        for length in stride(from: 0, to: bytes.count, by: 11) {
            let (packets, _) = parseText(String(decoding: bytes.prefix(length), as: UTF8.self))
            #expect(packets.count <= sample.packets.count)
        }
    }

    @Test("Lines of conntrack beside packets are its state, and no packets")
    func conntrack() throws {
        let (packets, parser) = parseText(
            """
            10:01:46.002000 IP 198.51.100.20.22 > 192.0.2.10.50992: Flags [R.], seq 1, ack 1, win 0, length 0
            # conntrack -E
             [UPDATE] tcp      6 10 CLOSE src=192.0.2.10 dst=198.51.100.20 sport=50992 dport=22 src=198.51.100.20 \
            dst=192.0.2.10 sport=22 dport=50992
            [DESTROY] tcp      6 src=192.0.2.10 dst=198.51.100.20 sport=50992 dport=22 src=198.51.100.20 dst=192.0.2.10 \
            sport=22 dport=50992
            """)
        #expect(packets.count == 1)
        let connection = try #require(parser.tracked.values.first)
        #expect(connection.state == "CLOSE")
        #expect(!connection.isTranslated)
    }

    @Test("With -A what a packet carried is no other program's line, without it ping's replies count")
    func carried() {
        let packet = "10:01:46.0 IP 198.51.100.20.22 > 192.0.2.10.50992: Flags [P.], seq 1:9, ack 1, win 0, length 8"
        let reply = "64 bytes from 198.51.100.20: icmp_seq=1 ttl=61 time=2.01 ms"
        let stamped = packet.replacing("10:01:46.0", with: "10:01:46.000000")
        #expect(parseText(stamped + "\n\n" + reply).packets.count == 3)
        #expect(parseText(stamped + "\nE..4..@.@.......\n" + reply).packets.count == 1)
        #expect(parseText(stamped + "\nE..4..@.@.......\n\n" + reply).packets.count == 1)
    }

    @Test("Small absolute numbers are not taken for relative ones")
    func smallNumbers() {
        let (packets, _) = parseText(
            """
            10:01:44.000000 IP 192.0.2.10.50992 > 198.51.100.20.22: Flags [S], seq 1000, win 64240, length 0
            10:01:44.002000 IP 198.51.100.20.22 > 192.0.2.10.50992: Flags [S.], seq 5000, ack 1001, win 65160, length 0
            10:01:46.002000 IP 198.51.100.20.22 > 192.0.2.10.50992: Flags [R.], seq 5001, ack 1001, win 0, length 0
            """)
        #expect(packets.map(\.record.ack) == [0, 1001, 1001])
    }

    @Test(
        "A program whose output cannot be read is named, with the way to a capture",
        arguments: [
            ("INTERFACE TIME NUM DIR SRC-MAC DST-MAC SRC-ADDRESS DST-ADDRESS", "MikroTik", "/tool sniffer"),
            (" #   size   timestamp     source             destination      dscp    protocol", "Cisco", "export"),
            ("State  Recv-Q Send-Q Local Address:Port  Peer Address:Port Process", "sockets", "tcpdump"),
        ])
    func unreadable(line: String, program: String, capture: String) throws {
        let format = try #require(UnreadableFormat(line))
        #expect(format.program.contains(program))
        #expect(format.capture.contains(capture))
        #expect(UnreadableFormat("IP 192.0.2.10.1 > 198.51.100.20.22: Flags [R], seq 1, win 0, length 0") == nil)
        #expect(UnreadableFormat("Dear all, the connection is reset every 300 seconds.") == nil)
    }
}
