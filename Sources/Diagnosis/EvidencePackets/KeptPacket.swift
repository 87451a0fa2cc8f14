// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// A packet in memory that is allocated once: plain bytes.
struct KeptPacket: BitwiseCopyable {
    var record = PacketRecord()
    /// Meaningful where `hasHeaders`.
    var headers = HeaderSnapshot()
    var time: UInt64 = 0
    var frame: UInt64 = 0
    /// The number of the one before it with the same hash (`PacketRing`).
    var previous: UInt32 = 0
    var hasHeaders = false
    var role = EvidencePacket.Role.connection

    /// Takes a packet over.
    ///
    /// What is not overwritten of the headers has no meaning.
    @inline(__always)
    mutating func take(_ packet: UnsafePointer<ObservedPacket>, role: EvidencePacket.Role) {
        record = packet.pointee.record
        time = packet.pointee.time
        frame = packet.pointee.frame
        self.role = role
        hasHeaders = packet.pointee.headers != nil
        if let source = packet.pointee.headers { headers.take(source) }
    }

    var evidence: EvidencePacket {
        EvidencePacket(record: record, time: time, frame: frame, headers: hasHeaders ? headers : nil, role: role)
    }

    /// The same packet, and not one that looks like it.
    func isSame(_ other: KeptPacket) -> Bool {
        time == other.time && frame == other.frame && record.seq == other.record.seq && record.ack == other.record.ack
            && record.flags == other.record.flags && record.src_port == other.record.src_port
            && record.src_low == other.record.src_low && record.interface == other.record.interface
    }
}

extension HeaderSnapshot {
    /// Takes over what is valid of another: mostly a third of it.
    @inline(__always)
    fileprivate mutating func take(_ other: UnsafePointer<HeaderSnapshot>) {
        let length = Self.descriptionBytes + min(Int(other.pointee.length), Int(HEADER_SNAPSHOT_BYTES))
        withUnsafeMutableBytes(of: &self) { bytes in
            // In bounds of both: the description and `bytes` are all of it.
            bytes.copyMemory(from: UnsafeRawBufferPointer(start: other, count: length))
        }
    }

    /// The size of the fields before `bytes`.
    private static var descriptionBytes: Int { MemoryLayout<HeaderSnapshot>.size - Int(HEADER_SNAPSHOT_BYTES) }
}
