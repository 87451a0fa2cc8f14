// SPDX-License-Identifier: Apache-2.0
internal import Fixtures
internal import Packets

extension FuzzCase {
    /// Inputs to begin from, made here: small, and each with something that the others have not.
    package var seeds: [[UInt8]] {
        switch self {
        case .frame: Self.frames.map { Array(Self.description(of: $0)) + $0.bytes }
        case .pcap: Self.pcaps.map { [3] + $0 }
        case .pcapng: Self.pcapngs.map { [3] + $0 }
        case .compressed:
            Compression.allCases.flatMap { compress in
                (Self.pcaps.prefix(2) + Self.pcapngs.prefix(1)).map { [4] + compress($0) }
            }
        case .text: (Self.texts + Self.formats).map { Array($0.utf8) }
        case .question: Self.questions.map { Array($0.utf8) }
        case .yaml: Self.documents.map { Array($0.utf8) }
        }
    }

    private static let frames: [FrameBuilder] = {
        let segment = FrameBuilder.bareIP.ipv4(ttl: 63).tcp(flags: [.rst])
        let plain: [FrameBuilder] = [
            Ethernet().ipv4(ttl: 63).tcp(flags: [.rst, .ack]).payload("closed by policy"),
            Ethernet().ipv4(options: [7, 4, 4, 0]).tcp(
                flags: [.syn], options: [2, 4, 5, 180, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0]),
            Ethernet().vlan(100).vlan(7, tpid: 0x88a8).ipv4().udp(),
            Ethernet().mpls(100).mpls(200).ipv4().tcp(flags: [.ack]),
            Ethernet().pppoe().ipv6().tcp(flags: [.fin, .ack]),
            Ethernet().ipv6().ipv6Extension(0).ipv6Extension(60, words: 2).tcp(flags: [.rst]),
            Ethernet().ipv6().ipv6Fragment(offset: 0, more: true).udp(),
            Ethernet().ipv4().echo(reply: true),
            Ethernet().ipv6().echo(reply: false),
            Ethernet().ipv4().icmpError(type: 11, quoting: segment),
            Ethernet().ipv6().icmpError(type: 3, quoting: FrameBuilder.bareIP.ipv6().udp()),
            Ethernet(ethertype: 0x0806).payload([UInt8](repeating: 1, count: 28)),
            FrameBuilder.behindOtherLink.ipv4().tcp(flags: [.rst]),
            segment,
        ]
        let tunnels: [FrameBuilder] = [
            Ethernet().ipv4().ipv4().tcp(flags: [.rst]),
            Ethernet().ipv4().ipv6().tcp(flags: [.rst]),
            Ethernet().ipv4().gre(key: 7, sequence: 9).ipv4().tcp(flags: [.rst]),
            Ethernet().ipv4().vxlan(42).ethernet().ipv4().tcp(flags: [.rst]),
            Ethernet().ipv4().geneve(42).ethernet().ipv4().tcp(flags: [.rst]),
        ]
        return plain + tunnels
    }()

    private static func description(of frame: FrameBuilder) -> [UInt8] {
        let isEthernet = frame.bytes.count > 14 && frame.bytes[0] == 2
        return [isEthernet ? 0 : 1, 8, 0, 0, 0, 0x81, 0, 0]
    }

    private static let pcaps: [[UInt8]] = {
        var all: [[UInt8]] = []
        for (magic, link) in [
            (0xa1b2_c3d4, 1), (0xa1b2_3c4d, 101), (0xa1b2_cd34, 113), (0xa1b2_c3d4, 276), (0xa1b2_c3d4, 127),
            (0xa1b2_c3d4, 9), (0xa1b2_c3d4, 0), (0xa1b2_c3d4, 105),
        ] as [(UInt32, UInt32)] {
            var builder = PcapBuilder(magic: magic, link: link, isBigEndian: all.count.isMultiple(of: 2))
            for frame in frames.prefix(3) { builder.packet(frame.bytes) }
            all.append(builder.bytes)
        }
        return all
    }()

    private static let pcapngs: [[UInt8]] = [false, true].map { isBigEndian in
        var builder = PcapngBuilder(isBigEndian: isBigEndian)
        builder.section()
        builder.interface(options: [(2, Array("eth0".utf8)), (9, [9])])
        builder.interface(link: 101, options: [(9, [0x8a]), (14, [0, 0, 0, 0, 0, 0, 0, 1])])
        builder.enhanced(frames[0].bytes, options: [(2, builder.flags(2))])
        builder.simple(frames[1].bytes)
        builder.obsolete(frames[2].bytes, options: [(2, builder.flags(1))])
        builder.block(5) { $0.append(UInt64(1)) }
        builder.section(isBigEndian: !isBigEndian)
        builder.interface()
        builder.enhanced(frames[3].bytes)
        return builder.bytes
    }

    private static let texts = [
        """
        19:04:07.114 IP (tos 0x0, ttl 63, id 0, offset 0, flags [DF], proto TCP (6), length 40) 10.4.0.2.22 > \
        10.1.0.1.50992: Flags [R.], cksum 0x1234 (correct), seq 0, ack 1641646915, win 0, length 0
        """,
        """
        2026-01-02 03:04:05.000006 IP6 (flowlabel 0x12345, hlim 61, next-header TCP (6) payload length: 20) \
        2001:db8::1.443 > 2001:db8::2.40000: Flags [R], cksum 0xabcd (correct), seq 77, win 0, length 0
        """,
        """
        10:11:12.000001 IP (tos 0x10, ttl  64, id 7, offset 0, flags [none], length: 84) 10.4.0.2 > 10.1.0.1: \
        icmp 64: echo reply seq 1
        10:11:13.5 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 60: (tos 0x0, ttl 255, id 1, \
        offset 0, flags [DF], proto: TCP (6), length: 40)
            host.example.ssh > other.example.50992: S [tcp sum ok] 1:1(0) ack 2 win 5840 <mss 1460,nop,wscale 2>
        """,
    ]

    private static let questions = [
        "10.1.0.2:50992 > 10.4.0.2:22", "10.4.0.2.ssh < 10.1.0.2.50992: Flags [R.]",
        "[2001:db8::1%eth0]:443 -> [::ffff:10.4.0.2]:22",
        "tcp6 0 0 2001:db8::1:50992 2001:db8::2:22 ESTABLISHED",
        "10.1.0.2(50992) -> outside:10.4.0.2/22, 10.0.0.1 port 9",
        "src=10.1.0.2 dst=203.0.113.9 sport=50992 dport=22 src=10.4.0.2 dst=10.1.0.2 sport=2222 dport=50992",
        #"{"id":"01JABCDEFGHJKMNPQRSTVWXYZ0","src":"10.4.0.2","src_port":22,"Dst Port: 7"}"#,
        "ip saddr 10.1.0.2 ip daddr 10.4.0.2 tcp sport 50992 tcp dport 22", "01JABCDEFGHJKMNPQRSTVWXYZ0",
    ]
}
