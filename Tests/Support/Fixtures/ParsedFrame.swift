// SPDX-License-Identifier: Apache-2.0
package import CPacket
package import Packets

/// The host parser's result for a frame.
package enum ParsedFrame: Sendable {
    /// The record, and the snapshot of the headers where the packet's class has one.
    case parsed(PacketRecord, header_snapshot?)
    /// The reason why there is none (`enum packet_refusal`).
    case refused(packet_refusal)

    /// The record, or `nil` where the frame was refused.
    package var record: PacketRecord? {
        if case .parsed(let record, _) = self { record } else { nil }
    }

    /// The snapshot, or `nil` where there is none.
    package var snapshot: header_snapshot? {
        if case .parsed(_, let snapshot) = self { snapshot } else { nil }
    }

    /// The reason of refusal, or `nil` where the frame was parsed.
    package var refusal: packet_refusal? {
        if case .refused(let reason) = self { reason } else { nil }
    }

    /// Runs the host build of the parser over `bytes`.
    /// - `time`: nanoseconds since 1970.
    /// - `wireLength`: the length on the wire, where it is not that of `bytes`.
    /// - `interface`: `PACKET_INTERFACE_*`.
    package init(
        _ bytes: [UInt8], time: UInt64 = 0, wireLength: Int? = nil, link: UInt8 = 0, ethertype: UInt16 = 0,
        vlan: UInt16 = 0, interface: UInt8 = 0
    ) {
        var description = frame_description(
            time: time, wire_length: UInt32(wireLength ?? bytes.count), ethertype: ethertype, vlan: vlan, link: link,
            interface: interface)
        var record = packet_record()
        var snapshot = header_snapshot()
        var hasSnapshot = false
        let refusal = bytes.withUnsafeBufferPointer { buffer in
            rstwho_parse_frame(
                buffer.baseAddress, UInt32(buffer.count), &description, &record, &snapshot, &hasSnapshot)
        }
        self =
            refusal == 0
            ? .parsed(record, hasSnapshot ? snapshot : nil) : .refused(packet_refusal(rawValue: refusal))
    }
}

extension FrameBuilder {
    /// Returns the host parser's result for this frame.
    package func parsed(time: UInt64 = 0, interface: UInt8 = 0) -> ParsedFrame {
        ParsedFrame(
            bytes, time: time, wireLength: wireLength, link: link, ethertype: layers.first?.ethertype ?? 0,
            vlan: tagBeside.map { $0 & 0xfff | UInt16(HEADER_SNAPSHOT_VLAN_PRESENT) } ?? 0, interface: interface)
    }
}
