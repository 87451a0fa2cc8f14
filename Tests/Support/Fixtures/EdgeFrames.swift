// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// A frame and a name for it.
package struct NamedFrame: Sendable {
    package var name: String
    package var frame: FrameBuilder

    package init(_ name: String, _ frame: FrameBuilder) {
        self.name = name
        self.frame = frame
    }
}

/// Frames at the edges of what the parser knows: every layer, every bound just met and just passed, every length that
/// can lie.
///
/// All begin with Ethernet, so that the kernel's programs can be run with them.
package enum EdgeFrames {
    package static var all: [NamedFrame] {
        links + network + transports + quotes + tunnels
    }

    private static func numbered(
        _ name: String, _ range: some Sequence<Int>, _ build: (Int) -> FrameBuilder
    ) -> [NamedFrame] {
        range.map { NamedFrame("\(name) \($0)", build($0)) }
    }

    private static func reset(_ frame: FrameBuilder) -> FrameBuilder {
        frame.ipv4(ttl: 63).tcp(seq: 5, ack: 6, flags: [.rst, .ack], window: 7).payload("gone")
    }

    private static var links: [NamedFrame] {
        numbered("tags", 0...5) { count in
            reset((0..<count).reduce(Ethernet()) { frame, index in frame.vlan(UInt16(10 + index)) })
        }
            + numbered("tags before IPv6", 0...5) { count in
                (0..<count).reduce(Ethernet()) { frame, index in frame.vlan(UInt16(index), tpid: 0x88a8) }
                    .ipv6().tcp(flags: .syn)
            }
            + numbered("labels", 1...7) { count in
                reset((0..<count).reduce(Ethernet()) { frame, index in frame.mpls(UInt32(16 + index)) })
            }
            + [
                NamedFrame("pseudowire", reset(Ethernet().mpls(16).payload([0, 0, 0, 1]).ethernet().vlan(5))),
                NamedFrame("metadata", reset(Ethernet(ethertype: 0x8909).payload([1, 1, 0, 1, 0, 9, 8, 0]))),
                NamedFrame("PPPoE", reset(Ethernet().vlan(5).pppoe())),
                NamedFrame("PPPoE with IPv6", Ethernet().pppoe().ipv6().tcp(flags: .rst)),
                NamedFrame("PPPoE with MPLS", reset(Ethernet().pppoe().mpls(3))),
                NamedFrame("PPPoE with LCP", Ethernet().pppoe(protocolField: 0xc021).payload("1234")),
                NamedFrame("ARP", Ethernet(ethertype: 0x0806).payload([UInt8](repeating: 1, count: 46))),
                NamedFrame("802.3", Ethernet(ethertype: 46).payload([UInt8](repeating: 0x42, count: 46))),
            ]
    }

    private static var network: [NamedFrame] {
        let words = [UInt8](repeating: 1, count: 40)
        return numbered("ihl", 0...15) { ihl in
            Ethernet().ipv4(options: words, ihl: UInt8(ihl)).tcp(flags: .rst).payload(words)
        }
            + numbered("options", 0...10) { Ethernet().ipv4(options: Array(words.prefix(4 * $0))).tcp(flags: .fin) }
            + numbered("version", 0...15) { Ethernet().ipv4(version: UInt8($0)).tcp(flags: .rst) }
            + numbered("IPv6 version", 0...15) { Ethernet().ipv6(version: UInt8($0)).tcp(flags: .rst) }
            + numbered("fragment offset", [0, 1, 2, 0x1fff]) {
                Ethernet().ipv4(dontFragment: false, moreFragments: true, fragmentOffset: UInt16($0)).udp()
            }
            + numbered("total length", [0, 1, 19, 20, 21, 27, 28, 39, 40, 41, 43, 44, 45, 1500, 65535]) {
                Ethernet().ipv4(totalLength: UInt16($0)).tcp(flags: .rst).payload("gone")
            }
            + numbered("IPv6 payload length", [0, 1, 7, 8, 19, 20, 21, 23, 24, 25, 1500, 65535]) {
                Ethernet().ipv6(payloadLength: UInt16($0)).tcp(flags: .rst).payload("gone")
            }
            + numbered("extensions", 0...8) { count in
                (0..<count).reduce(Ethernet().ipv6(flowLabel: 0x12345)) { frame, index in
                    frame.ipv6Extension([0, 43, 60, 135, 139, 140, 60, 60][index])
                }.tcp(flags: .rst)
            }
            + numbered("extension words", [0, 1, 55, 56, 57, 58, 100, 255]) {
                Ethernet().ipv6().ipv6Extension(60, words: UInt8($0)).tcp(flags: .rst)
            }
            + numbered("IPv6 fragment offset", [0, 1, 0x1fff]) {
                Ethernet().ipv6().ipv6Fragment(offset: UInt16($0), more: true).tcp(flags: .rst)
            }
            + numbered("authentication words", [0, 3, 4, 200, 253]) {
                Ethernet().ipv4().authentication(integrityWords: UInt8($0)).tcp(flags: .rst)
            }
            + numbered("protocol", 0...255) {
                Ethernet().ipv4(protocolNumber: UInt8($0)).payload([UInt8](repeating: 0x45, count: 64))
            }
            + numbered("next header", 0...255) {
                Ethernet().ipv6(nextHeader: UInt8($0)).payload([UInt8](repeating: 0x06, count: 64))
            }
    }

    private static var transports: [NamedFrame] {
        let words = [UInt8](repeating: 1, count: 20)
        return numbered("doff", 0...15) {
            Ethernet().ipv4().tcp(flags: .rst, options: words, dataOffset: UInt8($0))
        }
            + numbered("IPv6 doff", 0...15) {
                Ethernet().ipv6().tcp(flags: .rst, options: words, dataOffset: UInt8($0)).payload(words)
            }
            + numbered("flags", 0...255) { Ethernet().ipv4().tcp(flags: TCPFlags(rawValue: UInt8($0))) }
            + numbered("text", [0, 1, 63, 64, 65, 900]) {
                Ethernet().ipv4().tcp(flags: .rst).payload([UInt8](repeating: 65, count: $0))
            }
            + numbered("ICMP type", 0...255) { Ethernet().ipv4().icmp(type: UInt8($0), code: 1, rest: 0x01020304) }
            + numbered("ICMPv6 type", 0...255) { Ethernet().ipv6().icmp(type: UInt8($0), code: 1, rest: 0x01020304) }
            + [
                NamedFrame("padding", Ethernet().ipv4(totalLength: 40).tcp(flags: .rst).payload([0, 0, 0, 0, 0, 0])),
                NamedFrame("UDP", Ethernet().ipv4().udp().payload("data")),
                NamedFrame("large", Ethernet().ipv4().tcp(flags: .ack).payload([UInt8](repeating: 1, count: 1400))),
            ]
    }

    private static var quotes: [NamedFrame] {
        let quoted = FrameBuilder.bareIP.ipv4(.client, .server).tcp(
            50992, 22, seq: 9, flags: .syn, options: [2, 4, 5, 180])
        let quoted6 = FrameBuilder.bareIP.ipv6(.client6, .server6).tcp(50992, 22, seq: 9, flags: .syn).payload("data")
        let target = [UInt8](repeating: 0xfe, count: 32)
        return [3, 4, 5, 11, 12].map {
            NamedFrame("error \($0)", Ethernet().ipv4().icmpError(type: $0, rest: 77, quoting: quoted, length: 28))
        }
            + [1, 2, 3, 4].map {
                NamedFrame("ICMPv6 error \($0)", Ethernet().ipv6().icmpError(type: $0, rest: 77, quoting: quoted6))
            }
            + numbered("quoted ihl", 0...15) {
                let packet = FrameBuilder.bareIP.ipv4(ihl: UInt8($0)).tcp(flags: .rst).payload([1, 2, 3, 4, 5, 6])
                return Ethernet().ipv4().icmpError(type: 3, quoting: packet)
            }
            + numbered("quoted extensions", 0...4) { count in
                let packet = (0..<count).reduce(FrameBuilder.bareIP.ipv6()) { frame, _ in frame.ipv6Extension(60) }
                return Ethernet().ipv6().icmpError(type: 3, quoting: packet.udp().payload("data"))
            }
            + [
                NamedFrame(
                    "quoted echo", Ethernet().ipv4().icmpError(type: 11, quoting: .bareIP.ipv4().echo(reply: false))),
                NamedFrame(
                    "quoted fragment",
                    Ethernet().ipv4().icmpError(type: 11, quoting: .bareIP.ipv4(fragmentOffset: 9).udp())),
                NamedFrame(
                    "redirect",
                    Ethernet().ipv6().icmp(type: 137).payload(
                        target + [2, 1, 2, 0, 0, 0, 0, 1, 4, 9, 0, 0, 0, 0, 0, 0] + quoted6.bytes)),
                NamedFrame(
                    "redirect with a long option",
                    Ethernet().ipv6().icmp(type: 137).payload(
                        target + [2, 200, 2, 0, 0, 0, 0, 1, 4, 9, 0, 0, 0, 0, 0, 0] + quoted6.bytes)),
                NamedFrame(
                    "redirect with many options",
                    Ethernet().ipv6().icmp(type: 137).payload(
                        target + [UInt8]([[UInt8]](repeating: [2, 1, 2, 0, 0, 0, 0, 1], count: 4).joined())
                            + [4, 9, 0, 0, 0, 0, 0, 0] + quoted6.bytes)),
            ]
    }
}
