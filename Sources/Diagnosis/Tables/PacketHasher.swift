// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Makes the hashes that the tables of one engine look packets up by.
struct PacketHasher: BitwiseCopyable, Sendable {
    let seed: UInt64

    /// There is room for one of each packet.
    func hash(_ packets: UnsafeBufferPointer<ObservedPacket>, into hashes: UnsafeMutablePointer<PacketHashes>) {
        guard let first = packets.baseAddress else { return }
        for index in 0..<packets.count {
            let record = (first + index).record
            let (key, sourceIsHigh) = FlowKey.of(record.pointee)
            (hashes + index).pointee = PacketHashes(
                flow: FlowTable.hash(key, seed: seed), host: HostTable.hash(record.pointee.hostKey, seed: seed),
                sourceIsHigh: sourceIsHigh)
        }
    }
}
