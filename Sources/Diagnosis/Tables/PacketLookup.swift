// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The likely slots of a packet's flow and source, found ahead of the packet so that the memory is there when it is
/// needed.
///
/// Both have to be compared once more: packets in between may have changed what is there.
struct PacketLookup: BitwiseCopyable {
    var hashes: UnsafePointer<PacketHashes>
    var flow: UnsafeMutablePointer<FlowEntry>
    var host: UnsafeMutablePointer<HostEntry>

    /// Packets ahead at which the first line of what the hashes prefer is asked for, and at which the entries are
    /// looked for and the rest of them is asked for.
    ///
    /// More than the memory answers at once is of no use.
    static let ahead = 16
    static let found = 8
}

extension UnsafePointer<ObservedPacket> {
    /// The record in place: it is a packet's first member, which a test asserts.
    ///
    /// Fields are read where they are needed; a copy would be made of all of them.
    @inline(__always)
    var record: UnsafePointer<PacketRecord> {
        UnsafeRawPointer(self).assumingMemoryBound(to: PacketRecord.self)
    }
}

extension PacketRecord {
    /// The key of its source.
    @inline(__always)
    var hostKey: HostKey { HostKey(address: source, domain: domain) }
}
