// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

extension PacketSamples {
    /// Packets of its connection that a finding without packets put aside is shown with.
    private static var connectionLimit: Int { 24 }

    /// The packets behind a finding, as far as they are still kept, oldest first: the reset and what drew it, the
    /// connection's handshake, what came after, ICMP errors about it, and samples of the host's distance.
    ///
    /// - Returns: nothing where none are kept (`Engine.Options.evidenceBytes`), or not any more.
    func evidence(of finding: Finding) -> [EvidencePacket] {
        let key = FlowKey.of(finding.fiveTuple).key
        var kept = bundle(finding.id)
        let reset = kept.first { $0.role == .reset }
        for packet in packets(of: key, limit: Self.connectionLimit) where !kept.contains(where: packet.isSame) {
            guard let reset else {
                kept.append(packet)
                continue
            }
            guard packet.time > reset.time, kept.count < EvidenceBundles.packetsEach else { continue }
            kept.append(packet)
            if packet.role == .connection { kept[kept.count - 1].role = .after }
        }
        guard !kept.isEmpty else { return [] }
        // A host may have spoken after the reset, and settled who sent it.
        for sample in hostSamples(finding, beside: kept) where !kept.contains(where: sample.isSame) {
            kept.append(sample)
        }
        kept.sort { ($0.time, $0.frame) < ($1.time, $1.frame) }
        if let reset { Self.markTrigger(of: reset, in: &kept) }
        return kept.map(\.evidence)
    }

    /// Samples of the host that a finding is about: the reset's source, or the server.
    private func hostSamples(_ finding: Finding, beside packets: [KeptPacket]) -> [KeptPacket] {
        let tuple = finding.fiveTuple
        let address = finding.kind == .reset || finding.kind == .pathChange ? tuple.source : tuple.destination
        let domain = packets.first { $0.record.source == address }?.record.domain ?? 0
        return samples(of: HostKey(address: address, domain: domain))
    }

    /// The newest packet of the other direction before the reset is what drew it.
    private static func markTrigger(of reset: KeptPacket, in packets: inout [KeptPacket]) {
        let trigger = packets.lastIndex { packet in
            packet.role == .connection && packet.record.packetClass != .reset
                && packet.record.source == reset.record.destination && packet.record.src_port == reset.record.dst_port
                && packet.record.dst_port == reset.record.src_port && !reset.isSame(packet)
                && (packet.time, packet.frame) <= (reset.time, reset.frame)
        }
        if let trigger { packets[trigger].role = .trigger }
    }

    /// Takes a sample of a host's distance now and then: of its first packets that prove life, and then more and more
    /// rarely.
    @inline(__always)
    mutating func observe(proof packet: UnsafePointer<ObservedPacket>, of host: UnsafeMutablePointer<HostEntry>) {
        guard packet.record.pointee.packetClass != .bulk || host.pointee.newestRun <= 2 else { return }
        if host.pointee.provenSamples.isRound { addSample(packet, of: host.pointee.key) }
    }
}
