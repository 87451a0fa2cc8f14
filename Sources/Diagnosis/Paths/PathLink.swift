// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The link that packets of one direction used: the interface, and the MAC addresses of their frames.
package struct PathLink: Sendable, BitwiseCopyable, Hashable {
    /// Slot of the interface.
    package var interface: UInt8 = 0
    /// True where they left this machine, false where they arrived or the capture does not tell.
    package var isOutgoing = false
    /// Made by this machine, as far as the kernel said so.
    package var isMadeHere = false
    /// 48 bits; 0 where the capture has none.
    package var from: UInt64 = 0
    package var to: UInt64 = 0
    /// Connections whose opening packet of this direction was seen; 0: none.
    package var packets: UInt32 = 0

    package init() {}

    init(_ packet: ObservedPacket) {
        interface = packet.record.interfaceSlot
        isOutgoing = packet.record.direction != .ingress
        isMadeHere = packet.record.direction == .egressMadeHere
        if let addresses = packet.headers?.pointee.linkAddresses { (from, to) = addresses }
        packets = 1
    }

    /// The next hop: the destination of an outgoing frame, the source of an incoming one.
    package var nextHop: UInt64 { isOutgoing ? to : from }

    /// True for the addresses that routers share (RFC 9568, 7.3; HSRP, GLBP): their answers carry their own.
    private static func isShared(_ address: UInt64) -> Bool {
        address >> 8 == 0x5e_0001 || address >> 8 == 0x5e_0002 || address >> 8 == 0x0c_07ac
            || address >> 12 == 0xc_9ff || address >> 16 == 0x7_b400
    }

    /// Whether the two directions take different ways here; `nil` where that cannot be told.
    package static func differ(_ forward: PathLink, _ back: PathLink) -> Bool? {
        guard forward.packets > 0, back.packets > 0 else { return nil }
        guard forward.interface == back.interface else {
            // On a router they do so by nature.
            return forward.isMadeHere || back.isMadeHere ? true : nil
        }
        let addresses = [forward.from, forward.to, back.from, back.to]
        // Both to this machine: it forwards both.
        guard addresses.allSatisfy({ $0 != 0 && !isShared($0) }), forward.to != back.to else { return nil }
        return forward.to != back.from || forward.from != back.to
    }
}

extension PathLink {
    /// A MAC address as `02:00:00:00:00:01`.
    package static func text(_ address: UInt64) -> String {
        (0..<6).map { index in
            let byte = address >> UInt64(40 - 8 * index) & 0xff
            return byte < 16 ? "0" + String(byte, radix: 16) : String(byte, radix: 16)
        }.joined(separator: ":")
    }
}
