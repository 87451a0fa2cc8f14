// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

extension Engine {
    /// Packets of one capture are never this much (ns) out of order: a minute.
    private static var backwardStep: UInt64 { 60_000_000_000 }

    /// Takes a batch in time order, then moves time on to `watermark` (ns since 1970).
    ///
    /// - `hashes`: what `hashing` made of the packets, where that was done.
    mutating func take(
        _ packets: UnsafeBufferPointer<ObservedPacket>, hashes: UnsafePointer<PacketHashes>?,
        upTo watermark: UInt64
    ) {
        evidence.begin(packets)
        context.nextDue = 0
        if let hashes {
            observe(packets, hashes)
        } else {
            let hasher = PacketHasher(seed: context.options.seed)
            for first in stride(from: 0, to: packets.count, by: Self.hashed) {
                let part = UnsafeBufferPointer(rebasing: packets[first..<min(first + Self.hashed, packets.count)])
                hasher.hash(part, into: self.hashes[0])
                observe(part, UnsafePointer(self.hashes[0]))
            }
        }
        evidence.end()
        if watermark > context.now {
            context.now = watermark
            settleDue()
        }
    }

    private mutating func observe(
        _ packets: UnsafeBufferPointer<ObservedPacket>, _ hashes: UnsafePointer<PacketHashes>
    ) {
        guard let first = packets.baseAddress else { return }
        let count = packets.count
        for index in 0..<min(PacketLookup.ahead, count) { prefetch(hashes + index) }
        for index in 0..<min(PacketLookup.found, count) { find(lookups[index], first + index, hashes + index) }
        for index in 0..<count {
            let packet = first + index
            let (ahead, found) = (index &+ PacketLookup.ahead, index &+ PacketLookup.found)
            if ahead < count { prefetch(hashes + ahead) }
            if found < count { find(lookups[found], first + found, hashes + found) }
            moveOn(to: packet.pointee.time)
            observe(packet, UnsafePointer(lookups[index]))
        }
    }

    /// Moves time on to that of a packet.
    @inline(__always)
    private mutating func moveOn(to time: UInt64) {
        if time > context.now {
            context.now = time
            if time >= context.nextDue { settleDue() }
        } else if time != 0, context.now &- time > Self.backwardStep {
            // An older capture follows a newer one.
            stalls.settleAll(&context, icmp, forwarding)
            settlePending()
            context.now = time
            context.nextDue = 0
        }
    }

    /// The first step of looking up a packet.
    @inline(__always)
    private func prefetch(_ hashes: UnsafePointer<PacketHashes>) {
        context.flows.prefetch(hash: hashes.pointee.flow)
        context.hosts.prefetch(hash: hashes.pointee.host)
    }

    /// The second step.
    @inline(__always)
    private func find(
        _ lookup: UnsafeMutablePointer<PacketLookup>, _ packet: UnsafePointer<ObservedPacket>,
        _ hashes: UnsafePointer<PacketHashes>
    ) {
        let record = packet.record
        // A handshake or a reset is kept with its headers.
        if let headers = packet.pointee.headers {
            rstwho_prefetch(headers)
            rstwho_prefetch(UnsafeRawPointer(headers) + 64)
        }
        let key = FlowKey(record.pointee, sourceIsHigh: hashes.pointee.sourceIsHigh)
        lookup.pointee = PacketLookup(
            hashes: hashes, flow: context.flows.findAhead(key, hash: hashes.pointee.flow),
            host: context.hosts.findAhead(record.pointee.hostKey, hash: hashes.pointee.host))
    }
}
