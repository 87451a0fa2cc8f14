// SPDX-License-Identifier: Apache-2.0
import CPacket
import Packets
import Testing

@testable import Capture

@Suite("Text of programs other than tcpdump")
struct TextReaderTests {
    /// A text, and what its packets are: flags, TTL, ports, sequence and acknowledgement numbers.
    struct Sample: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var text: String
        var program: String
        /// `RA 63 22>50992 0/1001`, `icmp0 61 7>7 1/0`.
        var packets: [String]
    }

    static func describe(_ record: PacketRecord) -> String {
        let names: [(TCPFlags, String)] = [
            (.fin, "F"), (.syn, "S"), (.rst, "R"), (.psh, "P"), (.ack, "A"), (.urg, "U"),
        ]
        let flags = names.filter { record.tcpFlags.contains($0.0) }.map(\.1).joined()
        let what =
            switch record.transport {
            case .tcp: flags
            case .udp: "udp"
            default: "icmp\(record.icmpType)"
            }
        return "\(what) \(record.ttl) \(record.src_port)>\(record.dst_port) \(record.seq)/\(record.ack)"
    }

    static let samples: [Sample] = [
        Sample(
            testDescription: "tshark's list",
            text: """
                    1   0.000000   192.0.2.10 → 198.51.100.20 TCP 74 41000 → 8443 [SYN] Seq=0 Win=64240 Len=0 MSS=1460
                    2   0.020000 198.51.100.20 → 192.0.2.10   TCP 74 8443 → 41000 [SYN, ACK] Seq=0 Ack=1 Win=65160 Len=0
                    3   0.020100   192.0.2.10 → 198.51.100.20 TCP 66 41000 → 8443 [ACK] Seq=1 Ack=1 Win=502 Len=0
                    4   0.021000   192.0.2.10 → 198.51.100.20 TLSv1.2 583 Client Hello
                    5   0.041000 198.51.100.20 → 192.0.2.10   TCP 54 8443 → 41000 [RST, ACK] Seq=1 Ack=518 Win=0 Len=0
                    6   0.050000   192.0.2.10 → 198.51.100.20 ICMP 98 Echo (ping) request  id=0x0102, seq=1/256, ttl=64
                    7   0.060000 198.51.100.20 → 192.0.2.10   ICMP 98 Echo (ping) reply    id=0x0102, seq=1/256, ttl=57
                """, program: "packet list",
            packets: [
                "S 0 41000>8443 0/0", "SA 0 8443>41000 0/1", "A 0 41000>8443 1/1", "PA 0 41000>8443 1/1",
                "RA 0 8443>41000 1/518", "icmp8 64 258>258 1/0", "icmp0 57 258>258 1/0",
            ]),
        Sample(
            testDescription: "Wireshark's text export with a TTL column and absolute times",
            text: """
                No.     Time                          Source          Destination     Protocol TTL Length Info
                     12 2026-11-30 10:01:44.250000    192.0.2.10      198.51.100.20   TCP      64  74     41000 > 8443 [SYN] \
                Seq=0 Win=64240 Len=0
                     13 2026-11-30 10:01:44.251000    198.51.100.20   192.0.2.10      TCP      63  54     8443 > 41000 \
                [RST, ACK] Seq=1 Ack=1 Win=0 Len=0
                """, program: "packet list", packets: ["S 64 41000>8443 0/0", "RA 63 8443>41000 1/1"]),
        Sample(
            testDescription: "Wireshark's CSV",
            text: """
                "No.","Time","Source","Destination","Protocol","Length","Info"
                "1","0.000000","192.0.2.10","198.51.100.20","TCP","74","41000  >  8443 [SYN] Seq=0 Win=64240 Len=0"
                "2","0.001000","198.51.100.20","192.0.2.10","TCP","54","8443  >  41000 [RST, ACK] Seq=1 Ack=1 Win=0 Len=0"
                """, program: "packet list", packets: ["S 0 41000>8443 0/0", "RA 0 8443>41000 1/1"]),
        Sample(
            testDescription: "tabs",
            text:
                "7\t1.5\t2001:db8::1\t2001:db8::2\tTCP\t74\t[TCP Retransmission] 41000 → 8443 [FIN, PSH, ACK] Seq=7 Ack=9 "
                + "Win=5 Len=3",
            program: "packet list", packets: ["FPA 0 41000>8443 7/9"]),
        Sample(
            testDescription: "tshark -T fields",
            text: """
                frame.time_epoch,ip.src,ip.dst,tcp.srcport,tcp.dstport,ip.ttl,tcp.flags,tcp.seq_raw,tcp.ack_raw
                1700000000.5,192.0.2.10,198.51.100.20,41000,8443,64,0x0002,77,0
                1700000000.6,198.51.100.20,192.0.2.10,8443,41000,63,0x0014,0,78
                """, program: "packet list", packets: ["S 64 41000>8443 77/0", "RA 63 8443>41000 0/78"]),
        Sample(
            testDescription: "tshark -T json",
            text: """
                [
                  {
                    "_source": {
                      "layers": {
                        "frame": {
                          "frame.time_epoch": "1700000000.500000000"
                        },
                        "ip": {
                          "ip.ttl": "63",
                          "ip.src": "198.51.100.20",
                          "ip.dst": "192.0.2.10"
                        },
                        "tcp": {
                          "tcp.srcport": "8443",
                          "tcp.dstport": "41000",
                          "tcp.seq": "1",
                          "tcp.seq_raw": "500",
                          "tcp.ack_raw": "78",
                          "tcp.flags": "0x0014",
                          "tcp.flags_tree": {
                            "tcp.flags.reset": "1"
                          }
                        }
                      }
                    }
                  }
                ]
                """, program: "tshark -T json", packets: ["RA 63 8443>41000 500/78"]),
        Sample(
            testDescription: "tshark -T ek",
            text:
                #"{"timestamp":"1700000000500","layers":{"frame":{"frame_frame_time_epoch":"1700000000.5"},"ip":{"ip_ip_ttl":"63","#
                + #""ip_ip_src":"198.51.100.20","ip_ip_dst":"192.0.2.10"},"tcp":{"tcp_tcp_srcport":"8443","#
                + #""tcp_tcp_dstport":"41000","tcp_tcp_seq_raw":"5","tcp_tcp_ack_raw":"6","tcp_tcp_flags":"0x0004"}}}"#,
            program: "tshark -T ek", packets: ["R 63 8443>41000 5/6"]),
        Sample(
            testDescription: "tshark -T pdml",
            text: """
                <pdml version="0">
                <packet>
                  <proto name="ip" showname="Internet Protocol Version 4">
                    <field name="ip.ttl" showname="Time to Live: 63" size="1" pos="22" show="63" value="3f"/>
                    <field name="ip.src" showname="Source" size="4" pos="26" show="198.51.100.20" value="c6336414"/>
                    <field name="ip.dst" showname="Destination" size="4" pos="30" show="192.0.2.10" value="c000020a"/>
                  </proto>
                  <proto name="tcp" showname="Transmission Control Protocol">
                    <field name="tcp.srcport" size="2" pos="34" show="8443" value="20fb"/>
                    <field name="tcp.dstport" size="2" pos="36" show="41000" value="a028"/>
                    <field name="tcp.flags" size="2" pos="46" show="0x0014" value="14"/>
                    <field name="tcp.seq_raw" size="4" pos="38" show="0" value="00000000"/>
                    <field name="tcp.ack_raw" size="4" pos="42" show="78" value="0000004e"/>
                  </proto>
                </packet>
                </pdml>
                """, program: "tshark -T pdml", packets: ["RA 63 8443>41000 0/78"]),
        Sample(
            testDescription: "tshark -V, with an ICMP error that quotes",
            text: """
                Frame 4: 70 bytes on wire (560 bits), 70 bytes captured (560 bits)
                    Encapsulation type: Raw IP (7)
                    Arrival Time: Nov 30, 2026 10:01:44.250000000 UTC
                    Epoch Time: 1796032904.250000000 seconds
                Ethernet II, Src: 02:00:00:00:00:01, Dst: 02:00:00:00:00:02
                Internet Protocol Version 4, Src: 203.0.113.1, Dst: 192.0.2.10
                    Time to Live: 254
                    Protocol: ICMP (1)
                    Source Address: 203.0.113.1
                    Destination Address: 192.0.2.10
                Internet Control Message Protocol
                    Type: 3 (Destination unreachable)
                    Code: 13 (Communication administratively filtered)
                    Internet Protocol Version 4, Src: 192.0.2.10, Dst: 198.51.100.20
                        Time to Live: 62
                        Protocol: TCP (6)
                    Transmission Control Protocol, Src Port: 41000, Dst Port: 8443
                        Source Port: 41000
                        Destination Port: 8443
                Frame 5: 54 bytes on wire (432 bits), 54 bytes captured (432 bits)
                Internet Protocol Version 4, Src: 198.51.100.20, Dst: 192.0.2.10
                    .1.. .... = Don't fragment: Set
                    Time to Live: 63
                Transmission Control Protocol, Src Port: 8443, Dst Port: 41000, Seq: 1, Ack: 1, Len: 0
                    Sequence Number (raw): 500
                    Acknowledgment number (raw): 78
                    Flags: 0x014 (RST, ACK)
                Dynamic Host Configuration Protocol (Request)
                    Client IP address: 0.0.0.0
                    Time to Live: 1
                """, program: "tshark -V",
            packets: ["icmp3 254 0>0 0/\(41000 << 16 | 8443)", "RA 63 8443>41000 500/78"]),
        Sample(
            testDescription: "netfilter's log",
            text: """
                [  812.000100] DROP IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01:08:00 SRC=198.51.100.20 \
                DST=192.0.2.10 LEN=40 TOS=0x00 PREC=0x00 TTL=63 ID=5 DF PROTO=TCP SPT=8443 DPT=41000 SEQ=1 ACK=78 WINDOW=0 \
                RES=0x00 ACK RST URGP=0
                Nov 30 10:01:44 fw kernel: [UFW BLOCK] IN=eth0 OUT= SRC=2001:db8::2 DST=2001:db8::1 LEN=72 TC=0 HOPLIMIT=57 \
                FLOWLBL=99 PROTO=UDP SPT=53 DPT=41000 LEN=32
                """, program: "netfilter LOG", packets: ["RA 63 8443>41000 1/78", "udp 57 53>41000 0/0"]),
        Sample(
            testDescription: "filterlog",
            text: """
                Nov 30 10:01:44 gw filterlog[1]: 9,,,1000000103,igb1,match,block,out,4,0x0,,63,5,0,DF,6,tcp,40,198.51.100.20,\
                192.0.2.10,8443,41000,0,R,500,0,0,,
                <134>1 2026-11-30T10:01:45+00:00 gw filterlog 1 - - 9,,,77,igb1,match,pass,in,6,0x00,0x00099,57,UDP,17,32,\
                2001:db8::2,2001:db8::1,53,41000,24
                """, program: "filterlog", packets: ["R 63 8443>41000 500/0", "udp 57 53>41000 0/0"]),
        Sample(
            testDescription: "FortiGate's sniffer",
            text: """
                interfaces=[any]
                filters=[port 8443]
                3.100000 wan1 in 192.0.2.10.41000 -> 198.51.100.20.8443: syn 77
                3.101000 lan out 198.51.100.20.8443 -> 192.0.2.10.41000: syn 500 ack 78
                3.102000 wan1 in 192.0.2.10.41000 -> 198.51.100.20.8443: ack 501
                3.103000 lan out 198.51.100.20.8443 -> 192.0.2.10.41000: rst 501
                """, program: "FortiGate sniffer",
            packets: ["S 0 41000>8443 77/0", "SA 0 8443>41000 500/78", "A 0 41000>8443 78/501", "R 0 8443>41000 501/0"]),
        Sample(
            testDescription: "ASA, plain and with detail",
            text: """
                2 packets captured
                   1: 10:01:44.250000       802.1Q vlan#17 P0 192.0.2.10.41000 > 198.51.100.20.8443: S 77:77(0) win 64240
                   2: 10:01:44.251000 0200.0000.0002 0200.0000.0001 0x0800 Length: 54
                      198.51.100.20.8443 > 192.0.2.10.41000: R [tcp sum ok] 0:0(0) ack 78 win 0 (DF) (ttl 63, id 5)
                2 packets shown
                """, program: "ASA show capture", packets: ["S 0 41000>8443 77/0", "RA 63 8443>41000 0/78"]),
        Sample(
            testDescription: "fw monitor",
            text: """
                [vs_0][fw_1] eth1:i[44]: 192.0.2.10 -> 198.51.100.20 (TCP) len=60 id=9
                TCP: 41000 -> 8443 .S.... seq=0000004d ack=00000000
                [vs_0][fw_1] eth2:O[40]: 198.51.100.20 -> 192.0.2.10 (TCP) len=40 id=0
                TCP: 8443 -> 41000 ..R.A. seq=00000000 ack=0000004e
                """, program: "fw monitor", packets: ["S 0 41000>8443 77/0", "RA 0 8443>41000 0/78"]),
        Sample(
            testDescription: "nmap --packet-trace",
            text: """
                SENT (0.0350s) TCP 192.0.2.10:41000 > 198.51.100.20:8443 S ttl=53 id=9 iplen=44  seq=77 win=1024 <mss 1460>
                RCVD (0.0360s) TCP 198.51.100.20:8443 > 192.0.2.10:41000 RA ttl=63 id=0 iplen=40  seq=0 win=0
                RCVD (0.0400s) ICMP [198.51.100.20 > 192.0.2.10 Echo reply (type=0/code=0) id=3 seq=4] IP [ttl=57 id=8 iplen=28 ]
                """, program: "nmap",
            packets: ["S 53 41000>8443 77/0", "RA 63 8443>41000 0/0", "icmp0 57 3>3 4/0"]),
        Sample(
            testDescription: "hping3, with the probe that it answers",
            text: "len=46 ip=198.51.100.20 ttl=63 DF id=0 sport=8443 flags=RA seq=0 win=0 rtt=1.2 ms",
            program: "hping3",
            packets: ["S 0 0>8443 0/0", "RA 63 8443>0 0/1"]),
        Sample(
            testDescription: "ping on Linux and Windows, with the requests",
            text: """
                64 bytes from server.example (198.51.100.20): icmp_seq=3 ttl=57 time=2.01 ms
                Reply from 198.51.100.20: bytes=32 time=2ms TTL=57
                """, program: "ping",
            packets: ["icmp8 0 0>0 3/0", "icmp0 57 0>0 3/0", "icmp8 0 0>0 0/0", "icmp0 57 0>0 0/0"]),
    ]

    @Test("Read", arguments: samples)
    func reads(sample: Sample) {
        let (packets, parser) = parseText(sample.text)
        #expect(packets.map { Self.describe($0.record) } == sample.packets)
        #expect(parser.program == sample.program)
        #expect(parser.counts.notUnderstood == 0)
    }

    @Test("A text cut at any byte, or with any line doubled, is read without a trap", arguments: samples)
    func cut(sample: Sample) {
        let bytes = Array(sample.text.utf8)
        for length in stride(from: 0, to: bytes.count, by: 7) {
            let (packets, _) = parseText(String(decoding: bytes.prefix(length), as: UTF8.self))
            #expect(packets.count <= sample.packets.count)
        }
        let lines = sample.text.split(separator: "\n")
        _ = parseText(lines.flatMap { [$0, $0] }.joined(separator: "\n"))
    }

    @Test(
        "Prose, source code, e-mail and other programs' logs give no packet",
        arguments: [
            "The SYN goes out and the RST comes back: 10.0.0.1 talks to 10.0.0.2 (TTL 63), see RFC 793.",
            "From: someone@example.org\nDate: Mon, 30 Nov 2026 10:01:44 +0100\nSubject: Re: resets from 10.0.0.1 -> 10.0.0.2",
            "if (tcp->rst && ip->ttl == 63) { return DROP; } // 10.0.0.1 -> 10.0.0.2: syn 5",
            #"10.0.0.1 - - [30/Nov/2026:10:01:44 +0000] "GET /ttl=64 HTTP/1.1" 200 54 "-" "curl/8.5""#,
            "Nov 30 10:01:44 host sshd[5]: Connection reset by 10.0.0.2 port 50992 [preauth]",
            "2026-11-30 10:01:44.000 INFO 10.0.0.1 10.0.0.2 TCP connection closed",
            "nginx: upstream 10.0.0.2:443 prematurely closed connection while reading IN=header OUT=body",
            "SRC=main.c DST=main.o TTL=5",
            "no.,name,source\n1,cat,farm\n2,dog,street",
            #"{"layers": 5, "name": "cake"}"#,
            "<packet of crisps>",
            "Frame 12: the hero enters",
            "64 bytes from the heap were not freed, ttl=0",
            "22/tcp open ssh",
            "1: 10:01:44 breakfast",
            "eth1:i am an interface",
            "5,,,1,a,b,c,in,4",
        ])
    func others(text: String) {
        let (packets, _) = parseText(text + "\n" + text)
        #expect(packets.isEmpty)
    }

    @Test("Of two connections between the same hosts, a line without ports is of neither")
    func ambiguous() {
        let (packets, parser) = parseText(
            """
            1 0.0 192.0.2.10 198.51.100.20 TCP 66 41000 → 443 [ACK] Seq=1 Ack=1 Win=5 Len=0
            2 0.1 192.0.2.10 198.51.100.20 TCP 66 41001 → 443 [ACK] Seq=1 Ack=1 Win=5 Len=0
            3 0.2 192.0.2.10 198.51.100.20 TLSv1.3 583 Client Hello
            """)
        #expect(packets.count == 2)
        #expect(parser.counts.withoutFlags == 1)
    }

    @Test("Netfilter's replies imply their requests only where no requests are logged")
    func impliedRequests() {
        let reply =
            "IN=eth0 OUT= SRC=198.51.100.20 DST=192.0.2.10 LEN=84 TTL=57 ID=1 PROTO=ICMP TYPE=0 CODE=0 ID=7 SEQ=1"
        let request =
            "IN=eth1 OUT= SRC=192.0.2.99 DST=192.0.2.10 LEN=84 TTL=64 ID=1 PROTO=ICMP TYPE=8 CODE=0 ID=9 SEQ=1"
        #expect(parseText(reply).packets.map(\.record.icmpType) == [8, 0])
        #expect(parseText(request + "\n" + reply).packets.map(\.record.icmpType) == [8, 0])
        #expect(parseText(request + "\n" + reply).packets.map(\.record.src_port) == [9, 7])
    }
}
