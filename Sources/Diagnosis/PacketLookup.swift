// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Where a packet's flow and its source are in the tables: found out for packets ahead of the one that is looked at, in two steps, so
/// that the memory is there when it is needed.
struct PacketLookup: BitwiseCopyable {
    var key = FlowKey(lowHigh: 0, lowLow: 0, highHigh: 0, highLow: 0, ports: 0)
    var sourceIsHigh = false
    /// `FlowTable.hash` and `HostTable.hash`.
    var flow: UInt64 = 0
    var host: UInt64 = 0
    /// Places that have to be compared once more: packets in between may have changed what is there.
    var flowPlace: UnsafeMutablePointer<FlowEntry>?
    var hostPlace: UnsafeMutablePointer<HostEntry>?

    /// Packets ahead at which the hashes are made and the first line of what they prefer is asked for, and at which the entries are
    /// looked for and the rest of them is asked for. `ahead` is a power of two. More than the memory answers at once is of no use.
    static let ahead = 16
    static let found = 8
}

extension UnsafePointer<ObservedPacket> {
    /// The record in place: it is a packet's first member, which a test asserts. Fields are read where they are needed; a copy would
    /// be made of all of them.
    @inline(__always)
    var record: UnsafePointer<PacketRecord> {
        UnsafeRawPointer(self).assumingMemoryBound(to: PacketRecord.self)
    }
}

extension PacketRecord {
    /// What its source is known by.
    @inline(__always)
    var hostKey: HostKey { HostKey(address: source, domain: domain) }
}
