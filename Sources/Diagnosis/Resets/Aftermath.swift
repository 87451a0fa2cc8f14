// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The events in a flow between a reset and its verdict.
struct Aftermath: Sendable {
    /// A segment may overtake another by this much (units of 1024 ns): 3 ms.
    static let reordering: UInt32 = 2930

    /// A packet of the reset's source, later than reordering explains.
    struct Sighting: Sendable {
        var ttl: UInt8
        /// After the reset, units of 1024 ns.
        var delay: UInt32
    }

    /// New data of the same connection from the reset's source.
    var newData: Sighting?
    /// The answer to the SYN that the reset had seemed to refuse.
    var synAck: Sighting?
    /// The source's packets still come from the next hop that they came from before the reset.
    var usesOldLink = false
    /// A packet of the source has the reset's IP-ID that is not 0, or that and its window: what the reset copied from
    /// the packet that drew it, the host copies as well.
    var repeatsIdentification = false
    var repeatsWindow = false
    /// The time of each side's first packet after the reset, in units of 1024 ns.
    private var sourceTalks: UInt32?
    private var otherTalks: UInt32?
    /// The next reset in the same direction.
    var secondReset: (hasACK: Bool, ack: UInt32)?
    /// A second reset in the same direction: its sequence number is above the first's and above all that was sent.
    var hasTwin = false
    /// A reset of the same making in the other direction within 5 ms.
    var isMirrored = false

    /// Both sides went on as if there had been no reset.
    var bothTalk: Bool { sourceTalks != nil && otherTalks != nil }

    /// The number of observed signs that could change a verdict.
    var signs: Int { [newData != nil, synAck != nil, usesOldLink, bothTalk].count { $0 } }

    /// Takes note of a packet that followed in the same connection.
    ///
    /// Returns true where its numbers and its next hop may say something as well: then `noteSource` wants to know.
    mutating func note(
        _ record: PacketRecord, after reset: PacketRecord, isFromSource: Bool, clockStep: ClockStep
    ) -> Bool {
        let delay = record.time &- reset.time
        if isFromSource, delay < .max / 2 || clockStep.isUnordered(record.time, reset.time), !record.isIPv6,
            reset.identification != 0, record.identification == reset.identification
        {
            repeatsIdentification = true
            if record.window == reset.window { repeatsWindow = true }
        }
        guard delay >= Self.reordering, delay < .max / 2 else { return false }
        guard isFromSource else {
            if otherTalks == nil { otherTalks = delay }
            return false
        }
        if sourceTalks == nil { sourceTalks = delay }
        let isSYNACK = record.tcpFlags.isSuperset(of: [.syn, .ack])
        return !usesOldLink || (newData == nil && record.payload_length > 0) || (synAck == nil && isSYNACK)
    }

    /// Takes note of a packet of the reset's source, for which `note` was true.
    ///
    /// - `context`: The flow as it was before the reset.
    mutating func noteSource(_ record: PacketRecord, after reset: PacketRecord, context: FlowContext) {
        let delay = record.time &- reset.time
        let side = context.source
        let sighting = Sighting(ttl: record.ttl, delay: delay)
        if side.packets > 0, record.link_hash == side.linkHash { usesOldLink = true }
        let end = record.seq &+ UInt32(record.payload_length)
        if record.payload_length > 0, side.hasSeq, SequenceNumber.isAfter(end, side.nextSeq),
            Int32(bitPattern: record.seq &- side.nextSeq) < 1 << 20, newData == nil
        {
            newData = sighting
        }
        if record.tcpFlags.isSuperset(of: [.syn, .ack]), !side.sentSYN, context.other.sentSYN,
            record.ack == context.other.initialSeq &+ 1, synAck == nil
        {
            synAck = sighting
        }
    }

    /// Forgets what came so long (units of 1024 ns) after the reset, or later: it may belong to another connection.
    ///
    /// That the source is still heard from its old next hop stays true.
    mutating func forget(from delay: UInt32) {
        if let first = newData, first.delay >= delay { newData = nil }
        if let first = sourceTalks, first >= delay { sourceTalks = nil }
        if let first = otherTalks, first >= delay { otherTalks = nil }
    }
}
