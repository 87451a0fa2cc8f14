// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// One direction of a flow: what its sender's packets looked like, and its newest one in more detail, which may be what
/// draws a reset.
struct FlowSide: BitwiseCopyable, Sendable {
    /// The TCP flags of its packets, or-ed.
    var flags: UInt8 = 0
    /// The newest packet's TOS or traffic class.
    var tos: UInt8 = 0
    var ttls = FlowTTLs()
    /// Initial sequence number, where `flags` has SYN.
    var initialSeq: UInt32 = 0
    /// The highest sequence number after a segment, where `hasSeq`.
    var nextSeq: UInt32 = 0
    /// The highest acknowledgement sent, where `hasAck`.
    var ack: UInt32 = 0
    /// The acknowledgement of its newest segment with data, where it sent one after an ACK of the other side's.
    var dataAck: UInt32 = 0
    /// IP-ID or flow label of the newest packet.
    var identification: UInt32 = 0
    /// When the newest packet was seen, and when its SYN or SYN-ACK was (`PacketRecord.time`: units of 1024 ns).
    var time: UInt32 = 0
    var openTime: UInt32 = 0
    /// The shortest time it took to acknowledge the other side's newest segment, units of 1024 ns; `.max` where unknown.
    var roundTrip: UInt32 = .max
    /// TSval of its SYN or SYN-ACK, where `usesTimestamps`.
    var timestamp: UInt32 = 0
    var packets: UInt32 = 0
    /// VLAN or tunnel of the first packet; the fingerprint holds packets of that domain only.
    var domain: UInt16 = 0
    /// Domain and source MAC address of the newest packet.
    var linkHash: UInt16 = 0
    /// The newest packet's window.
    var window: UInt16 = 0
    var usesTimestamps = false
    /// Its SYN acknowledged one: this is the server's side.
    var sentSYNACK = false
    var hasSeq = false
    var hasAck = false
    /// Segments with data, 255 meaning that or more.
    var dataSegments: UInt8 = 0
    /// An echo or UDP request was sent that an answer can be told by.
    var hasRequest = false

    var hasData: Bool { dataSegments > 0 }
    var sentSYN: Bool { flags & TCPFlags.syn.rawValue != 0 }
    var sentFIN: Bool { flags & TCPFlags.fin.rawValue != 0 }
    var sentRST: Bool { flags & TCPFlags.rst.rawValue != 0 }

    /// Counts a packet, and its TTL if it came the way of the side's first packet.
    @inline(__always)
    mutating func count(_ record: PacketRecord) {
        if packets == 0 { domain = record.domain }
        if packets < .max { packets += 1 }
        if record.domain == domain { ttls.add(record.ttl) }
        identification = record.identification
        time = record.time
        tos = record.tos
        window = record.window
        linkHash = record.link_hash
    }

    /// Moves sequence and acknowledgement numbers on. Returns true where the segment proves that its sender lives: it
    /// acknowledges something new that the other side really sent.
    @inline(__always)
    mutating func advance(_ record: PacketRecord, other: FlowSide) -> Bool {
        let flags = record.tcpFlags
        self.flags |= record.flags
        var end = record.seq &+ UInt32(record.payload_length)
        if flags.contains(.syn) {
            initialSeq = record.seq
            openTime = record.time
            sentSYNACK = flags.contains(.ack)
            end &+= 1
        }
        if flags.contains(.fin) { end &+= 1 }
        if record.payload_length > 0, dataSegments < .max { dataSegments += 1 }
        if !hasSeq || SequenceNumber.isAfter(end, nextSeq) { nextSeq = end }
        hasSeq = true
        guard flags.contains(.ack) else { return false }
        if record.payload_length > 0 { dataAck = record.ack }
        let isNew = !hasAck || SequenceNumber.isAfter(record.ack, ack)
        if isNew {
            ack = record.ack
            if other.hasSeq, record.ack == other.nextSeq { roundTrip = min(roundTrip, record.time &- other.time) }
        }
        hasAck = true
        return isNew && other.hasSeq && !SequenceNumber.isAfter(record.ack, other.nextSeq)
            && Int32(bitPattern: other.nextSeq &- record.ack) < 1 << 20
    }
}

/// The TTLs of one direction of one flow: the first value, and how many packets had it or another.
struct FlowTTLs: BitwiseCopyable, Sendable {
    private(set) var first: UInt8 = 0
    private(set) var count: UInt16 = 0
    private(set) var others: UInt16 = 0

    @inline(__always)
    mutating func add(_ ttl: UInt8) {
        if count == 0 { first = ttl }
        if ttl == first {
            if count < .max { count += 1 }
        } else if others < .max {
            others += 1
        }
    }

    /// True where there were packets and all had the same TTL.
    var isConstant: Bool { count > 0 && others == 0 }
}
