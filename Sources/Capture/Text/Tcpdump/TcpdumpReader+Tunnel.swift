// SPDX-License-Identifier: Apache-2.0
internal import CPacket

/// Tunnels that tcpdump prints the inside of.
///
/// As in bpf/parse.h, one level, and the record is the inner packet's. (Teredo, GTP-U and ERSPAN it does not look into;
/// their records are the outer packet's, if any.)
extension TcpdumpReader {
    /// `VXLAN, flags [I] (0x08), vni 1111`, `Geneve, Flags [none], vni 0x2a, proto TEB (0x6558)`.
    static func udpTunnel(_ cursor: inout TextCursor) -> (tunnel: packet_tunnel, identifier: UInt32)? {
        if cursor.starts(with: "VXLAN, flags [I"), let found = cursor.find("vni ") {
            cursor.move(to: found + 4)
            guard let identifier = cursor.number(limit: 0xff_ffff) else { return nil }
            return (PACKET_TUNNEL_VXLAN, UInt32(identifier))
        }
        if cursor.starts(with: "Geneve, Flags ["), let found = cursor.find("vni ") {
            cursor.move(to: found + 4)
            guard let identifier = cursor.hexadecimal() else { return nil }
            return (PACKET_TUNNEL_GENEVE, identifier)
        }
        return nil
    }

    /// `GREv0, Flags [key present], key=0x7, proto IPv4 (0x0800), length 88`.
    mutating func readGRE(_ text: TextCursor, layer: Layer, _ output: inout TextOutput) -> TextRefusal? {
        guard text.starts(with: "GREv0") else { return .otherProtocol }
        var cursor = text
        var key: UInt32 = 0
        if let found = cursor.find("key=") {
            cursor.move(to: found + 4)
            key = cursor.hexadecimal() ?? 0
        }
        // Before 4.1 the inner packet stands in the same line.
        if let found = cursor.find(": ") { cursor.move(to: found + 2) } else { cursor.move(to: cursor.end) }
        return enter(PACKET_TUNNEL_GRE, identifier: key, cursor, layer: layer, &output)
    }

    /// The inner packet begins in this line or in the next.
    mutating func enter(
        _ kind: packet_tunnel, identifier: UInt32, _ text: TextCursor, layer: Layer,
        _ output: inout TextOutput
    ) -> TextRefusal? {
        guard layer == .outer else { return .otherProtocol }
        tunnel = kind
        domain.add(tunnel: UInt8(truncatingIfNeeded: kind.rawValue), identifier: identifier)
        var cursor = text
        if let link = TcpdumpLink(&cursor, domain: domain) {
            readInside(link, cursor, layer: .inner, &output)
        } else {
            expectation = .header(.inner)
        }
        return nil
    }
}
