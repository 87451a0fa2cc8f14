// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

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

extension Engine {
    /// What `observe` would do first with the packets: for whoever has them earlier, on whatever thread.
    package var hashing: PacketHashing {
        let hasher = PacketHasher(seed: options.seed)
        return { packets, hashes in hasher.hash(packets, into: hashes) }
    }
}
