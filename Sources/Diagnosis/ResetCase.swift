// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// One reset as it was seen, with what was known of its flow at that moment: everything that a verdict needs besides the
/// host's baseline.
struct ResetCase: Sendable {
    /// Which way the reset came past this vantage.
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

    var record: PacketRecord
    /// ns since 1970; 0 where the source tells no time.
    var time: UInt64
    var frame: UInt64
    var file: String?
    var passage: Passage
    var flow: FlowContext?
    var id: String
    var packetKey: String
    var sourceMAC: String?
    var vlan: UInt16?
    var vantage: Finding.Vantage?

    var hostKey: HostKey { HostKey(address: record.source, domain: record.domain) }

    /// A forwarded reset has lost one to this machine already: its hop counts from the arrival.
    var distance: HopDistance { HopDistance(ttl: record.ttl, isEgress: passage != .arrived) }
}

/// What was known of a reset's flow when the reset came.
struct FlowContext: Sendable {
    /// The direction that the reset was sent in.
    var source: FlowSide
    /// The direction towards the reset's source.
    var other: FlowSide
    /// ns for which the flow had been silent before the reset, or before the packet that drew it; `nil` if no such gap was
    /// seen.
    var idle: UInt64?

    /// What the connection had come to.
    var stage: Finding.Stage {
        if source.sentFIN || other.sentFIN || source.sentRST || other.sentRST { return .afterClose }
        if idle != nil { return .idle }
        if source.hasData || other.hasData { return .data }
        if source.packets == 0, other.sentSYN { return .syn }
        if source.sentSYN, other.packets == 0 { return .syn }
        if source.sentSYN || other.sentSYN { return .handshake }
        return .data
    }
}
