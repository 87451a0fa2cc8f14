// SPDX-License-Identifier: Apache-2.0

/// The time by which a packet may have come later than its time says.
///
/// In a file that is nothing: there each packet has a time of its own. Live it is true of resets, handshakes and ICMP;
/// but where there is much bulk it shares its CPU's last look at the clock, which is never one of an earlier tick
/// (`bulk_time` in bpf/rings.h): it came at its time or less than a tick later. Hence
///
/// - packets of one CPU are in order, whatever their times. Of two CPUs bulk may stand before what really came before
///   it; resets, handshakes and ICMP among each other are in order;
/// - from a reset to bulk it took at least as long as the times say: what comes later than reordering explains really
///   does;
/// - from bulk to a reset it took as long as the times say, or up to a step less;
/// - from bulk to bulk it took up to a step more or less.
///
/// A record does not tell its CPU, nor whether its time is shared. So whoever concludes something from an order or a
/// duration that a step could change abstains.
struct ClockStep: BitwiseCopyable, Sendable {
    /// All times are exact.
    static let exact = ClockStep(nanoseconds: 0)

    /// 0: all times are exact.
    ///
    /// In units of 1024 ns, as `PacketRecord.time`.
    let units: UInt32

    /// - Parameter nanoseconds: rounded up.
    init(nanoseconds: UInt64) {
        units = UInt32(clamping: (nanoseconds + 1023) / 1024)
    }

    /// True where either of two records may have come first, whatever their order here.
    @inline(__always)
    func isUnordered(_ left: UInt32, _ right: UInt32) -> Bool {
        units > 0 && Int32(bitPattern: left &- right).magnitude <= units
    }
}
