// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// One reset as it was seen, with what was known of its flow at that moment: everything that a verdict needs besides
/// the host's baseline.
struct ResetCase: Sendable {
    /// The passage of the reset at this capture point.
    enum Passage: Sendable {
        /// It arrived, or the capture does not tell.
        case arrived
        /// It was seen only on its way out, forwarded.
        case forwarded
        /// It left and this machine made it: the kernel said so.
        case madeHere
        /// A file shows it leaving with a whole initial TTL, and nothing like it arrived.
        case leftUndiminished
    }

    /// In which direction a forged reset had come before.
    enum AfterForeign: Sendable { case sameDirection, otherDirection }

    /// The kernel's event about a reset that left here.
    enum KernelTrace: Sendable, Equatable {
        /// Nothing, and that means nothing.
        case silent
        /// Its TCP stack sent it.
        indirect case sent(ResetTrace)
        /// Its TCP stack sent no such reset.
        case didNotSend
    }

    var record: PacketRecord
    /// ns since 1970; 0 where the source tells no time.
    var time: UInt64
    var frame: UInt64
    var file: String?
    var passage: Passage
    /// Its source was an address of this machine when it was seen.
    var isOwnAddress = false
    var flow: FlowContext?
    /// The precision of times.
    var clockStep = ClockStep.exact
    /// The shed parts of its connection, which `flow` may lack.
    var shed: ShedParts = []
    var headers = ResetHeaders()
    /// The IP-ID counter of that hop which the reset continues, and how many were compared.
    var counter: (counter: IdentificationCounters.Counter, candidates: Int)?
    var habit = ResetPattern()
    /// Its source has dropped a connection to that service in its handshake more than once.
    var isRepeatedlyHalfOpen = false
    /// Its next hop gives all packets one TTL.
    var isRewritten = false
    /// The station that answers for its source on the link sent its frame, and passes on nothing for others.
    var isFromNeighbour = false
    /// It came from as many hops nearer or farther than its host as the paths of others have just moved by.
    var isOfMovedPath = false
    /// The interface where it arrived; empty if it was seen leaving.
    var interface = InterfaceSet()
    /// It arrived on another interface, and from another next hop, than its connection's newest packet from there.
    var isFromElsewhere = false
    /// Another address under which its connection was opened.
    var otherAddress: IPAddress?
    /// The same reset seen once more, elsewhere: a copy.
    var copy: (ttl: UInt8, link: UInt16)?
    /// Duplicates of other packets come in the order of this reset and its copy.
    var isOrderUsual = true
    var aftermath = Aftermath()
    /// Resets that it stands for, in a flood or a burst.
    var count = 1
    /// The newest reset of the burst that this one leads.
    var burst: ResetBurst?
    /// The numbers of the resets before and after it in its connection (`PendingResets`).
    var previous: UInt32?
    var next: UInt32?
    /// The connection's reset before it was not the host's, and in whose direction it came.
    var afterForeign: AfterForeign?
    var id: String
    var packetKey: String
    var vantage: Finding.Vantage?
    var kernel = KernelTrace.silent

    var hostKey: HostKey { HostKey(address: record.source, domain: record.domain) }

    /// A forwarded reset has lost one to this machine already: its hop counts from the arrival.
    var distance: HopDistance { HopDistance(ttl: record.ttl, isEgress: passage != .arrived) }

    /// The sender's hop, unless the TTL is not known or one that an application has set.
    var hop: Int? { record.hasTTL && distance.hop <= EvidenceModel.longestPath ? distance.hop : nil }

    /// The state of the connection, as far as it follows from captured packets and not from missing ones.
    var stage: Finding.Stage {
        guard !shed.isEmpty else { return flow?.stage ?? .none }
        guard let flow else { return .unknown }
        switch flow.stage {
        case .afterClose: return .afterClose
        case .syn where !shed.contains(.handshake): return .syn
        default: return flow.source.hasData || flow.other.hasData ? .data : .unknown
        }
    }

    /// True where the connection's own answer came after the reset, from another distance: no machine behind the
    /// address sent the reset.
    var isAnsweredFromElsewhere: Bool {
        guard let answer = aftermath.synAck ?? aftermath.newData else { return false }
        return HopDistance(ttl: answer.ttl, isEgress: passage != .arrived).hop != distance.hop
    }

    /// The silence of the connection before, where it was seen and the reset's source answered what ended it with
    /// the reset.
    var idle: UInt64? { shed.isEmpty ? flow?.idle : nil }

    /// True where that silence can have run into a device's timer: the connection outlived none that was nearly as
    /// long, and its protocol has no timer of that length.
    ///
    /// A silence that equals a documented default needs only to be the longest.
    var isTimerLikely: Bool {
        guard let idle, let earlier = flow?.earlierGap else { return false }
        guard
            ![record.src_port, record.dst_port].contains(where: {
                KnownTimers.isHeld(at: $0, for: Double(idle) / 1e9)
            })
        else { return false }
        if idle > earlier + earlier / 5 { return true }
        return idle > earlier + 1_000_000_000 && !KnownTimers.resetting(after: Double(idle) / 1e9).isEmpty
    }

    /// The silence of the connection, where it is a part of the story: before the reset, or before its
    /// source's close.
    var silence: UInt64? {
        guard shed.isEmpty, let flow else { return nil }
        return flow.idle ?? (flow.source.sentFIN ? flow.gap : nil)
    }
}

/// The fields of a reset's headers beyond its record; empty if there was no snapshot.
struct ResetHeaders: Sendable {
    /// False for a text: then nothing can be said of options.
    var isKnown = false
    var sourceMAC: String?
    var vlan: UInt16?
    var timestamps: (value: UInt32, echo: UInt32)?
    /// Reason of an MP_TCPRST option (RFC 8684, 3.6).
    var multipathReason: UInt8?
    /// The reset's own payload as text (RFC 9293, 3.5.3), printable part.
    var text: String?

    init() {}

    /// Reason of a diagnostic payload (draft-ietf-tcpm-rst-diagnostic-payload).
    var diagnosticCode: UInt16?

    init(_ snapshot: HeaderSnapshot) {
        isKnown = true
        sourceMAC = snapshot.sourceMAC
        vlan = snapshot.vlanID
        timestamps = snapshot.tcpTimestamps
        multipathReason = snapshot.multipathResetReason
        text = snapshot.resetText
        diagnosticCode = snapshot.resetDiagnosticCode
    }
}

/// The state of a reset's flow when the reset arrived.
struct FlowContext: Sendable {
    /// A connection counts as idle after a silence of this long, ns: 10 s.
    static let idleTime: UInt64 = 10_000_000_000

    /// The direction that the reset was sent in.
    var source: FlowSide
    /// The direction towards the reset's source.
    var other: FlowSide
    /// ns for which the flow had been silent before the reset, or before the packet that drew it; `nil` if no such gap
    /// was seen.
    var gap: UInt64?
    /// The longest gap (ns) before that one, which the connection outlived.
    var earlierGap: UInt64 = 0
    /// The reset's source has sent nothing since the gap: it answered what ended the gap with the reset.
    var isSilentSinceGap = true

    /// The gap, where the connection stood open in it and nothing but the reset came from its source afterwards.
    var idle: UInt64? {
        guard isSilentSinceGap else { return nil }
        return source.sentSYN || other.sentSYN ? (hasAnswer ? gap : nil) : gap
    }

    /// Takes back what a forged reset seemed to have closed.
    mutating func reopen(_ direction: ResetCase.AfterForeign) {
        switch direction {
        case .sameDirection: source.flags &= ~TCPFlags.rst.rawValue
        case .otherDirection: other.flags &= ~TCPFlags.rst.rawValue
        }
    }

    /// True where the newest packet towards the reset's source brought something new: it is no old segment, which an
    /// end would have answered with an acknowledgement.
    var isDrawnByNewData: Bool { other.hasData && other.time == other.seqTime }

    /// True where a bare reset answers a segment that its source had accepted nothing of before, in numbers of no
    /// connection that was seen: an ACK of other numbers in answer to a SYN (RFC 9293, 3.5.1).
    var isOfStaleConnection: Bool {
        source.sentSYN && !source.sentSYNACK && !other.sentSYN && other.packets > 0 && other.hasAck
            && other.ack != source.initialSeq &+ 1
    }

    /// True where the other side's answer was refused that had not begun to arrive before.
    var isAnswerLost: Bool { source.sentFIN && other.dataSegments == 1 && !other.sentFIN }

    /// True where a reset's sequence number is beyond all that its source has sent: a stack that follows the rules
    /// never does that.
    ///
    /// Abstains where the other side has acknowledged more than was seen: then packets are missing here.
    func isBeyondAllSent(_ seq: UInt32) -> Bool {
        guard source.hasSeq, SequenceNumber.isAfter(seq, source.nextSeq) else { return false }
        return !other.hasAck || !SequenceNumber.isAfter(other.ack, source.nextSeq)
    }

    /// True where a reset acknowledges more than the other side has sent, by less than a jump of the whole number
    /// space.
    ///
    /// Abstains where its source had acknowledged more than was seen before, or no handshake was seen: then packets are
    /// missing here. Text without TTLs seldom shows all segments with their lengths (packet lists, FortiGate's
    /// sniffer): of it nothing is concluded.
    func acksUnsent(_ reset: PacketRecord) -> Bool {
        guard reset.hasTTL, reset.tcpFlags.contains(.ack), other.hasSeq, other.sentSYN, source.hasAck,
            SequenceNumber.isAfter(reset.ack, other.nextSeq)
        else { return false }
        return !SequenceNumber.isAfter(source.ack, other.nextSeq)
    }

    /// True where the newest packet towards the reset's source drew it, as far as times and numbers tell: it came
    /// before the reset, or the reset answers it (RFC 9293, 3.5.2).
    func isDrawnByNewest(_ reset: PacketRecord, _ clockStep: ClockStep) -> Bool {
        guard clockStep.isUnordered(other.time, reset.time) else { return true }
        return reset.tcpFlags.contains(.ack) ? reset.ack == other.nextSeq : reset.seq == other.ack
    }

    /// True where the reset's source is the side that was connected to, by its SYN-ACK or the other's SYN; `nil` where
    /// neither side's was seen.
    var serverIsSource: Bool? {
        if source.sentSYNACK != other.sentSYNACK { return source.sentSYNACK }
        return source.sentSYN == other.sentSYN ? nil : other.sentSYN
    }

    private var hasAnswer: Bool { source.packets > 0 && other.packets > 0 }

    /// The state of the connection.
    var stage: Finding.Stage {
        // A FIN alone closes nothing that was seen: a scan, or a capture that began late.
        let isBare = source.packets == 0 && !source.sentRST && !other.sentRST && !other.sentSYN && !other.hasData
        if !isBare, source.sentFIN || other.sentFIN || source.sentRST || other.sentRST { return .afterClose }
        if let idle, idle >= Self.idleTime { return .idle }
        if source.hasData || other.hasData { return .data }
        if source.packets == 0 { return other.sentSYN ? .syn : .none }
        if source.sentSYN || other.sentSYN { return .handshake }
        return .data
    }
}
