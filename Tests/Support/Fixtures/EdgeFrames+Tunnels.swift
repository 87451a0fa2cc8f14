// SPDX-License-Identifier: Apache-2.0
internal import Packets

extension EdgeFrames {
    static var tunnels: [NamedFrame] {
        let outer = Ethernet().ipv4(IPAddress(v4: 0xc000_0201), IPAddress(v4: 0xc000_0202))
        let outer6 = Ethernet().ipv6()
        let inner: [(String, (FrameBuilder) -> FrameBuilder)] = [
            ("IPv4", { $0.ipv4(ttl: 61).tcp(flags: .rst).payload("gone") }),
            (
                "IPv6",
                { $0.ipv6(hopLimit: 61, flowLabel: 9).ipv6Extension(60).tcp(flags: .syn, options: [2, 4, 5, 180]) }
            ),
            ("a quote", { $0.ipv4().icmpError(type: 3, quoting: .bareIP.ipv4().tcp(flags: .syn), length: 28) }),
            ("a bad ihl", { $0.ipv4(ihl: 3).tcp(flags: .rst) }),
            ("a later fragment", { $0.ipv4(fragmentOffset: 7).tcp(flags: .rst) }),
            ("UDP", { $0.ipv4().udp(1, 4789).payload([8, 0, 0, 0, 0, 0, 1, 0]) }),
            ("GRE", { $0.ipv4().gre() }),
        ]
        let shells: [(String, FrameBuilder)] = [
            ("IPIP", outer), ("IP in IPv6", outer6), ("GRE", outer.gre()),
            ("GRE with options", outer6.gre(checksum: true, key: 7, sequence: 1)),
            ("Ethernet in GRE", outer.gre(key: 1).ethernet().vlan(5)), ("MPLS in GRE", outer.gre().mpls(16)),
            ("ERSPAN I", outer.erspan(version: 0).ethernet()), ("ERSPAN II", outer.erspan(version: 1).ethernet()),
            ("ERSPAN III", outer.erspan(version: 2).ethernet()),
            ("ERSPAN III with subheader", outer.erspan(version: 2, subheader: true).ethernet().vlan(3)),
            ("VXLAN", outer.vxlan(42).ethernet()), ("VXLAN on 8472", outer6.vxlan(42, port: 8472).ethernet().vlan(7)),
            ("VXLAN without flag", outer.vxlan(42, flags: 0).ethernet()), ("GENEVE", outer.geneve(42)),
            ("GENEVE with options", outer6.geneve(42, optionWords: 8).ethernet()),
            ("GENEVE with most options", outer.geneve(42, optionWords: 63).ethernet()),
            ("Teredo", outer.teredo()), ("Teredo with all", outer.teredo(authentication: true, origin: true)),
            ("GTP-U", outer.gtpu(9)), ("GTP-U with sequence", outer6.gtpu(9, sequence: 4)),
            (
                "GTP-U with extensions",
                outer.udp(2152, 2152).payload(
                    [0x34, 255, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0x85, 1, 0x10, 9, 0x40, 2, 0, 0, 0, 0, 0, 0, 0])
            ),
            (
                "GTP-U with too many extensions",
                outer.udp(2152, 2152).payload(
                    [0x34, 255, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0x85] + [UInt8](repeating: 1, count: 16))
            ),
        ]
        return shells.flatMap { shell in
            inner.map { NamedFrame("\($0.0) in \(shell.0)", $0.1(shell.1)) }
        }
    }
}
