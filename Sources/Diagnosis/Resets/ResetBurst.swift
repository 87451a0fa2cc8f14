// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Forged resets of one device that came at once, each made a little different from the one before: TTL, IP-ID and
/// window go on.
///
/// They are one event, and how far away the device is none of them tells.
struct ResetBurst: Sendable {
    /// They come within this time of each other, units of 1024 ns: 10 ms.
    private static let window: UInt32 = 9766
    /// A TTL differs from the one before by at most this much.
    private static let step = 2

    var newest: PacketRecord

    /// True where `record` goes on what `first` began: the same direction and flags, another TTL close to the last, and
    /// a window or IP-ID that is not the last one's.
    ///
    /// A copy, or the resets of a device and of a host in front of each other, are alike in one of them.
    static func isContinued(_ last: PacketRecord, by record: PacketRecord) -> Bool {
        guard record.time &- last.time <= window, record.flags == last.flags, record.source == last.source,
            record.src_port == last.src_port, record.identification != 0, last.identification != 0
        else { return false }
        let difference = abs(Int(record.ttl) - Int(last.ttl))
        return difference > 0 && difference <= step && record.identification != last.identification
    }
}
