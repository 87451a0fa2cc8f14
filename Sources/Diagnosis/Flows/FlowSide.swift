// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// One direction of a flow: what its sender's packets looked like, and its newest one in more detail, which may be what
/// draws a reset.
struct FlowSide: BitwiseCopyable, Sendable {
    // The widest fields first: there are two of these in each entry of a large table.

    /// Initial sequence number, where `flags` has SYN.
    var initialSeq: UInt32 = 0
    /// The highest sequence number after a segment, where `hasSeq`, and when it moved on last.
    var nextSeq: UInt32 = 0
    var seqTime: UInt32 = 0
    /// The highest acknowledgement sent, where `hasAck`.
    var ack: UInt32 = 0
    /// The acknowledgement of its newest segment with data, where it sent one after an ACK of the other side's.
    var dataAck: UInt32 = 0
    /// IP-ID or flow label of the newest packet.
    var identification: UInt32 = 0
    /// The times of the newest packet, and of its SYN or SYN-ACK (`PacketRecord.time`: units of 1024 ns).
    var time: UInt32 = 0
    var openTime: UInt32 = 0
    /// The shortest time it took to acknowledge the other side's newest segment, units of 1024 ns; `.max` where
    /// unknown.
    var roundTrip: UInt32 = .max
    /// TSval of its SYN or SYN-ACK, where `usesTimestamps`.
    var timestamp: UInt32 = 0
    /// Packets seen, 65,535 meaning that or more.
    var packets: UInt16 = 0
    /// VLAN or tunnel of the first packet; the TTLs are those of packets of that domain only.
    var domain: UInt16 = 0
    /// Domain and source MAC address of the newest packet.
    var linkHash: UInt16 = 0
    /// The newest packet's window.
    var window: UInt16 = 0
    /// The TTLs of its packets from the first on that only the real sender could have sent: what could be forged is not
    /// the connection's.
    var ttls = FlowTTLs()
    /// The first packet's TTL, forged or not.
    var firstTTL: UInt8 = 0
    /// The interface slot of the newest packet.
    var interface: UInt8 = 0
    /// The TCP flags of its packets, or-ed.
    var flags: UInt8 = 0
    /// The newest packet's TOS or traffic class.
    var tos: UInt8 = 0
    /// Segments with data, 255 meaning that or more.
    var dataSegments: UInt8 = 0
    private var marks: Marks = []

    private struct Marks: OptionSet, BitwiseCopyable {
        var rawValue: UInt8

        static let usesTimestamps = Marks(rawValue: 1)
        static let sentSYNACK = Marks(rawValue: 2)
        static let hasSeq = Marks(rawValue: 4)
        static let hasAck = Marks(rawValue: 8)
        static let hasRequest = Marks(rawValue: 16)
        static let isAlive = Marks(rawValue: 32)
        static let hasLeft = Marks(rawValue: 64)
        static let isAlone = Marks(rawValue: 128)

        subscript(mark: Marks) -> Bool {
            get { contains(mark) }
            set { if newValue { insert(mark) } else { remove(mark) } }
        }
    }

    /// Its SYN or SYN-ACK had the timestamps option.
    var usesTimestamps: Bool {
        get { marks[.usesTimestamps] }
        set { marks[.usesTimestamps] = newValue }
    }

    /// Its SYN acknowledged one: this is the server's side.
    var sentSYNACK: Bool {
        get { marks[.sentSYNACK] }
        set { marks[.sentSYNACK] = newValue }
    }

    var hasSeq: Bool {
        get { marks[.hasSeq] }
        set { marks[.hasSeq] = newValue }
    }

    var hasAck: Bool {
        get { marks[.hasAck] }
        set { marks[.hasAck] = newValue }
    }

    /// An echo or UDP request was sent that an answer can be told by.
    var hasRequest: Bool {
        get { marks[.hasRequest] }
        set { marks[.hasRequest] = newValue }
    }

    /// It acknowledged what only a real receiver of the other side's packets knows.
    var isAlive: Bool {
        get { marks[.isAlive] }
        set { marks[.isAlive] = newValue }
    }

    /// Packets of it were seen leaving this machine, forwarded.
    var hasLeft: Bool {
        get { marks[.hasLeft] }
        set { marks[.hasLeft] = newValue }
    }

    /// It was counted as the only direction of its flow that comes past here.
    var isAlone: Bool {
        get { marks[.isAlone] }
        set { marks[.isAlone] = newValue }
    }

    /// Its first packet had lost some of its TTL on the way.
    ///
    /// False where the TTL is not known.
    var isFromBehindRouter: Bool { firstTTL != 0 && HopDistance(ttl: firstTTL).decrements > 0 }

    /// As a server's side it took the connection: it sent data, or acknowledged the client's.
    @inline(__always)
    func hasTaken(_ client: FlowSide) -> Bool {
        dataSegments > 0 || (hasAck && client.sentSYN && SequenceNumber.isAfter(ack, client.initialSeq &+ 1))
    }

    /// The age of its newest packet at `time` (units of 1024 ns), ms.
    func age(at time: UInt32) -> UInt32 { UInt32(UInt64(time &- self.time) * 1024 / 1_000_000) &+ 1 }

    var hasData: Bool { dataSegments > 0 }
    var sentSYN: Bool { flags & TCPFlags.syn.rawValue != 0 }
    var sentFIN: Bool { flags & TCPFlags.fin.rawValue != 0 }
    var sentRST: Bool { flags & TCPFlags.rst.rawValue != 0 }

    /// Counts a packet.
    @inline(__always)
    mutating func count(_ record: PacketRecord) {
        if packets == 0 {
            domain = record.domain
            firstTTL = record.ttl
        }
        if packets < .max { packets += 1 }
        if record.hasTTL { ttls.lowestOfAll = min(ttls.lowestOfAll, record.ttl) }
        identification = record.identification
        time = record.time
        tos = record.tos
        window = record.window
        linkHash = record.link_hash
        interface = record.interfaceSlot
    }

    /// Remembers the timestamp of a SYN or SYN-ACK that has one.
    @inline(never)
    mutating func noteTimestamps(_ packet: UnsafePointer<ObservedPacket>) {
        guard let timestamps = packet.pointee.headers?.pointee.tcpTimestamps else { return }
        usesTimestamps = true
        timestamp = timestamps.value
    }

    /// Moves sequence and acknowledgement numbers on.
    ///
    /// Returns true where the segment proves that its sender lives: it acknowledges something new that the other side
    /// really sent.
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
        if !hasSeq || SequenceNumber.isAfter(end, nextSeq) {
            nextSeq = end
            seqTime = record.time
        }
        hasSeq = true
        guard flags.contains(.ack) else { return false }
        if record.payload_length > 0 { dataAck = record.ack }
        let isNew = !hasAck || SequenceNumber.isAfter(record.ack, ack)
        if isNew {
            ack = record.ack
            if other.hasSeq, record.ack == other.nextSeq { roundTrip = min(roundTrip, record.time &- other.seqTime) }
        }
        hasAck = true
        let isKnown =
            other.hasSeq && !SequenceNumber.isAfter(record.ack, other.nextSeq)
            && Int32(bitPattern: other.nextSeq &- record.ack) < 1 << 20
        if isKnown { isAlive = true }
        return isNew && isKnown
    }
}

/// The TTLs of one direction of one flow: the first value, and how many packets had it or another.
struct FlowTTLs: BitwiseCopyable, Sendable {
    private(set) var first: UInt8 = 0
    /// The lowest of all packets' TTLs, of those too that could be forged and are not counted here.
    var lowestOfAll: UInt8 = .max
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

    /// True where `ttl` is the first other one after enough packets with one TTL.
    func isLeft(by ttl: UInt8) -> Bool {
        ttl != first && others == 0 && count >= PathChanges.samples && ttl != 0 && first != 0
    }
}
