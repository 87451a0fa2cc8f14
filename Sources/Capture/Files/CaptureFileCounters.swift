// SPDX-License-Identifier: Apache-2.0
package import CPacket

/// Why the link layer of a captured frame was not opened.
///
/// The parser's own reasons are `enum packet_refusal`.
package enum LinkRefusal: UInt8, CaseIterable, Hashable, Sendable {
    /// The capture's link type is none that is looked into.
    case unknownLinkType
    /// 802.11: a management or control frame, or one without data.
    case wirelessNoData
    /// 802.11: the body is encrypted.
    case wirelessEncrypted
    /// 802.11: several packets in one frame (A-MSDU).
    case wirelessAggregated
    /// 802.11: received with a wrong checksum, so its content means nothing.
    case wirelessBadChecksum
}

/// The counts of a capture's frames, by outcome.
///
/// `frames` is the sum of everything else.
package struct CaptureFileCounters: Hashable, Sendable {
    /// Packets that the capture holds; the number of the last one, as Wireshark counts.
    package var frames: UInt64 = 0
    /// Packets that were handed over.
    package var parsed: UInt64 = 0
    /// Packets that the parser refused, indexed by `enum packet_refusal`; index 0 stays 0.
    package var refused = [UInt64](repeating: 0, count: Int(PACKET_REFUSAL_COUNT.rawValue))
    /// Packets whose link layer was not opened, indexed by the raw value of `LinkRefusal`.
    package var linkRefused = [UInt64](repeating: 0, count: LinkRefusal.allCases.count)

    package init() {}

    package subscript(reason: packet_refusal) -> UInt64 { refused[Int(reason.rawValue)] }
    package subscript(reason: LinkRefusal) -> UInt64 { linkRefused[Int(reason.rawValue)] }
}
