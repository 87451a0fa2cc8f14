// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

/// Packets in time order, and how far time has come.
///
/// The packets and their header snapshots are valid only during the call that hands the batch over.
package struct PacketBatch {
    /// The packets, oldest first.
    ///
    /// Empty for a tick.
    package var packets: UnsafeBufferPointer<ObservedPacket>
    /// The precomputed hashes, one for each packet; `nil` if there are none.
    package var hashes: UnsafePointer<PacketHashes>?
    /// The time (ns since 1970) that every source has passed: no older packet will follow.
    ///
    /// 0 where there is no time.
    package var watermark: UInt64
    /// The time of the first packet, ns since 1970; `nil` for a tick.
    package var firstTime: UInt64? { packets.first?.time }
    /// Bytes of the source read so far, for showing progress; 0 live.
    package var bytesRead: UInt64 = 0
    /// Stations on the link that named themselves since the batch before: the senders of ARP packets of a capture, the
    /// neighbour table of a watched machine.
    package var neighbours: [Neighbour] = []
    /// Names that stand in a text in the place of addresses: the packets have addresses of 100::/64 instead.
    package var hostNames: [IPAddress: String] = [:]

    /// The kernel's events about resets that this machine sent; to be handled before the packets.
    ///
    /// Only a live capture has it.
    package var traces: [ResetTrace] = []
    /// False where more was said than could be handed over, up to the watermark.
    package var hasAllTraces = true
    /// The kernel's events about dropped packets of focused flows; to be handled before the packets.
    package var drops: [DropTrace] = []
    /// Other flows than before are shed: to be taken before the packets.
    ///
    /// Only a live capture has it.
    package var shedding: SheddingChange?

    /// The attachments by slot, if they changed; to be handled before the packets.
    package var attachments: [AttachmentInfo]?

    /// The time in which a live capture looked at nothing, because this process stood still, in ns since 1970; to be
    /// handled before the packets.
    package var gap: Range<UInt64>?
    /// The correction (ns) that turns packet times into the time of day as it is now.
    ///
    /// Packet time does not follow where the time of day is set; 0 as long as nobody sets it.
    package var clockCorrection: Int64 = 0

    package init(packets: UnsafeBufferPointer<ObservedPacket>, watermark: UInt64) {
        self.packets = packets
        self.watermark = watermark
    }
}
