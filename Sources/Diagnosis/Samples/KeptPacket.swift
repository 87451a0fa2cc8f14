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

    /// Takes a packet over. What is not overwritten of the headers has no meaning.
    mutating func take(_ packet: ObservedPacket, role: EvidencePacket.Role) {
        record = packet.record
        time = packet.time
        frame = packet.frame
        self.role = role
        hasHeaders = packet.headers != nil
        if let source = packet.headers { headers = source.pointee }
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
