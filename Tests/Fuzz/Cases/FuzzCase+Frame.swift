// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

extension FuzzCase {
    /// Bytes before the frame: link, Ethertype, tag beside, wire length.
    static let frameHeader = 8

    /// Four bytes of what the parser is told, then the frame.
    static func checkFrame(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.count >= frameHeader else { return nil }
        let length = bytes.count - frameHeader
        // Memory of its own and of the exact size: a sanitizer sees the first byte that is read beyond.
        let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 1)
        defer { frame.deallocate() }
        frame.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[frameHeader...]))
        var description = frame_description(
            time: 0x0123_4567_89ab_cdef,
            wire_length: UInt32(truncatingIfNeeded: length) + UInt32(bytes[6]) << 8 + UInt32(bytes[7]),
            ethertype: UInt16(bytes[1]) << 8 | UInt16(bytes[2]),
            vlan: (UInt16(bytes[3]) << 8 | UInt16(bytes[4])) & 0x1fff,
            link: bytes[0] % 3, interface: bytes[5])
        var record = PacketRecord()
        var snapshot = header_snapshot()
        var hasSnapshot = false
        let start = frame.baseAddress.map { UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) }
        let outcome = rstwho_parse_frame(
            start, UInt32(truncatingIfNeeded: length), &description, &record, &snapshot, &hasSnapshot)
        guard outcome < PACKET_REFUSAL_COUNT.rawValue else { return "refusal \(outcome) has no name" }
        if outcome != PACKET_PARSED.rawValue {
            return hasSnapshot ? "a refused frame has a snapshot" : nil
        }
        if record.interface != bytes[5] { return "the interface is not the caller's" }
        if record.class >= UInt8(PACKET_CLASS_COUNT.rawValue) { return "class \(record.class) is none" }
        let isReset = record.transport == .tcp && record.tcpFlags.contains(.rst)
        if isReset != (record.packetClass == .reset) { return "class \(record.class) with flags \(record.flags)" }
        guard hasSnapshot else { return isReset ? "a reset has no snapshot" : nil }
        if Int(snapshot.length) > min(length, Int(HEADER_SNAPSHOT_BYTES)) { return "the snapshot exceeds the frame" }
        if Int(snapshot.transport_offset) > length { return "the L4 header begins beyond the frame" }
        if snapshot.network_offset >= snapshot.transport_offset { return "the L4 header begins before the IP header" }
        if Int(snapshot.quote_offset) > length { return "the quote begins beyond the frame" }
        return nil
    }
}
