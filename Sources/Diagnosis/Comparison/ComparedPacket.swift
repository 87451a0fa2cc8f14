// SPDX-License-Identifier: Apache-2.0

/// The kept fields of one packet at one point: 40 bytes, nothing to allocate.
struct ComparedPacket: BitwiseCopyable {
    /// ns since 1970 by that point's clock; 0 where the source tells no time.
    var time: UInt64
    var seq: UInt32
    var ack: UInt32
    /// Number of its flow << 1, and 1 where it comes from the flow's high end.
    var direction: UInt32
    var frame: UInt32
    /// IP-ID or flow label.
    var identification: UInt32
    var payload: UInt16
    /// Of a SYN or SYN-ACK; 0 where there is none.
    var segmentSize: UInt16
    var ttl: UInt8
    /// The lowest TTL of its copies at that point: what a router's capture shows of a packet that went out again.
    var lastTTL: UInt8
    var tos: UInt8
    var flags: UInt8
    /// `PacketKind`.
    var kindValue: UInt8
    /// `packet_record.interface`.
    var interface: UInt8
    /// Duplicates of it at that point that were taken for the same packet, itself not counted.
    var copies: UInt8

    var kind: PacketKind { PacketKind(rawValue: kindValue) ?? .ack }
    var flow: Int { Int(direction >> 1) }

    /// The first sequence number behind it (RFC 9293, 3.3.1).
    var nextSeq: UInt32 { seq &+ UInt32(payload) &+ (flags & 0x03 != 0 ? 1 : 0) }
}
