// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The kind of retransmission that a TCP segment is, from the segment and the flow before it.
enum RetransmissionKind {
    case none
    /// A first SYN or SYN-ACK.
    case opening
    case repeatedSYN
    case repeatedSYNACK
    /// The client's bare ACK of a SYN-ACK that never came past here, once more.
    case repeatedACK
    /// Data that was sent before and not acknowledged since.
    case repeatedData

    /// The sign of `record`, for the packet path: nothing but comparisons.
    ///
    /// - `side`: The segment's own direction before it.
    /// - `other`: The direction towards its sender.
    @inline(__always)
    static func of(_ record: PacketRecord, side: FlowSide, other: FlowSide) -> RetransmissionKind {
        let flags = record.tcpFlags
        if flags.contains(.syn) {
            guard side.sentSYN, side.initialSeq == record.seq, side.packets > 0 else { return .opening }
            return flags.contains(.ack) ? .repeatedSYNACK : .repeatedSYN
        }
        guard record.payload_length > 0 else {
            // A keep-alive is one below, a window update follows data.
            guard other.packets == 0, side.sentSYN, side.hasAck, record.flags == TCPFlags.ack.rawValue,
                record.seq == side.initialSeq &+ 1, record.ack == side.ack
            else { return .none }
            return .repeatedACK
        }
        guard side.hasSeq, !SequenceNumber.isAfter(record.seq &+ UInt32(record.payload_length), side.nextSeq) else {
            return .none
        }
        // A full window is probed with data that nobody takes (RFC 9293, 3.8.6.1).
        if other.hasAck, SequenceNumber.isAfter(other.ack, record.seq) || other.window == 0 { return .none }
        return .repeatedData
    }
}
