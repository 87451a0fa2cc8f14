// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The common properties of resets in one host's name over several connections.
struct ResetPattern: BitwiseCopyable, Sendable {
    private var identification: UInt16 = 0
    private var lastPorts: UInt32 = 0
    /// Resets of different connections in a row with the same IP-ID that is not 0, this one included.
    private(set) var equalIdentifications: UInt8 = 0

    mutating func note(_ record: PacketRecord) {
        let ports = UInt32(record.src_port) << 16 | UInt32(record.dst_port)
        guard ports != lastPorts else { return }
        lastPorts = ports
        let identification = record.isIPv6 ? 0 : UInt16(truncatingIfNeeded: record.identification)
        equalIdentifications = Self.count(
            equalIdentifications, isEqual: identification == self.identification, value: identification)
        self.identification = identification
    }

    private static func count(_ count: UInt8, isEqual: Bool, value: UInt16) -> UInt8 {
        guard value != 0 else { return 0 }
        return isEqual ? Swift.min(count, .max - 1) + 1 : 1
    }
}
