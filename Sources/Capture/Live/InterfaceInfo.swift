// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc

/// A network interface of this network namespace.
package struct InterfaceInfo: Sendable, Equatable {
    package var name: String
    package var index: Int32
    /// `veth`, `bond`, `vlan` …; empty for hardware.
    package var kind: String
    /// ARPHRD_* of `linux/if_arp.h`.
    package var hardware: UInt16
    package var mtu: Int
    package var isUp: Bool
    /// The bond, team or bridge that it belongs to.
    package var master: Int32?
    /// The interface that it stands on: a VLAN's, a tunnel's.
    package var lower: Int32?
    /// The id of the XDP program that is attached.
    package var xdpProgram: UInt32?

    package init(
        name: String, index: Int32, kind: String = "", hardware: UInt16 = 1, mtu: Int = 1500, isUp: Bool = true,
        master: Int32? = nil, lower: Int32? = nil, xdpProgram: UInt32? = nil
    ) {
        self.name = name
        self.index = index
        self.kind = kind
        self.hardware = hardware
        self.mtu = mtu
        self.isUp = isUp
        self.master = master
        self.lower = lower
        self.xdpProgram = xdpProgram
    }

    /// The framing of the interface; `nil` for a kind that the parser does not read.
    package enum Framing: Sendable {
        /// Ethernet, or the loopback's imitation of it.
        case ethernet
        /// The IP header: tun, WireGuard, PPP, IP in IP.
        case ip
    }

    package var framing: Framing? {
        switch hardware {
        case Hardware.ether, Hardware.loopback: .ethernet
        case Hardware.ppp, Hardware.tunnel, Hardware.tunnel6, Hardware.sit, Hardware.none, Hardware.rawIP: .ip
        default: nil
        }
    }

    package var isLoopback: Bool { hardware == Hardware.loopback }

    /// ARPHRD_* of linux/if_arp.h.
    private enum Hardware {
        static let ether: UInt16 = 1
        static let ppp: UInt16 = 512
        static let rawIP: UInt16 = 519
        static let tunnel: UInt16 = 768
        static let tunnel6: UInt16 = 769
        static let loopback: UInt16 = 772
        static let sit: UInt16 = 776
        static let none: UInt16 = 0xfffe
    }

    /// All interfaces, in the order of their indices.
    package static func all() throws(CaptureError) -> [InterfaceInfo] {
        var links = [rstwho_link](repeating: rstwho_link(), count: 64)
        while true {
            let found = rstwho_list_links(&links, UInt32(links.count), 0)
            guard found >= 0 else {
                throw CaptureError(
                    .ioError, subject: "the list of interfaces", problem: "cannot be read: \(SystemError.text(-found))",
                    errno: -found)
            }
            if Int(found) <= links.count {
                return apartFromRouting(links[..<Int(found)].map { InterfaceInfo($0) }.sorted { $0.index < $1.index })
            }
            links = [rstwho_link](repeating: rstwho_link(), count: Int(found) * 2)
        }
    }

    /// A VRF is the master of interfaces that have no more than their routing table in common.
    private static func apartFromRouting(_ interfaces: [InterfaceInfo]) -> [InterfaceInfo] {
        let tables = Set(interfaces.filter { $0.kind == "vrf" }.map(\.index))
        return interfaces.map { interface in
            var interface = interface
            if let master = interface.master, tables.contains(master) { interface.master = nil }
            return interface
        }
    }

    private init(_ link: rstwho_link) {
        self.init(
            name: Self.text(link.name), index: link.index, kind: Self.text(link.kind), hardware: link.hardware,
            mtu: Int(link.mtu), isUp: link.flags & UInt32(IFF_UP) != 0,
            master: link.master == 0 ? nil : link.master,
            lower: link.lower == 0 ? nil : link.lower, xdpProgram: link.xdp_program == 0 ? nil : link.xdp_program)
    }

    private static func text<Tuple>(_ characters: Tuple) -> String {
        withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
