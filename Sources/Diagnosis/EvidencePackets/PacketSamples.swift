// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Packets that are kept to be shown as evidence: recent resets, handshakes and ICMP by flow, samples of hosts'
/// distances by source, and what was put aside for each reset when it came.
///
/// Everything is bounded by `Engine.Options.evidenceBytes` and allocated once. Bulk is not kept as it comes
/// (`BulkTail`). A flood takes the places of recent packets; samples are taken of a host more and more rarely, so they
/// stay long, and what belongs to a reset is put aside at once.
struct PacketSamples: ~Copyable {
    /// Packets of the connection, of its bulk, and samples that are put aside with a reset.
    private static var connectionLimit: Int { 7 }
    private static var bulkLimit: Int { 4 }
    private static var sampleLimit: Int { 8 }

    let isOn: Bool
    private var recent: PacketRing
    private var samples: PacketRing
    private var bundles: EvidenceBundles
    private var bulk = BulkTail()
    private let seed: UInt64

    /// - `bytes`: what all of it may take; 0 keeps nothing.
    init(bytes: Int, seed: UInt64) {
        isOn = bytes > 0
        self.seed = seed
        let size = MemoryLayout<KeptPacket>.stride
        recent = PacketRing(capacity: bytes / 4 / size)
        samples = PacketRing(capacity: bytes / 4 / size)
        bundles = EvidenceBundles(capacity: isOn ? bytes / 2 / (size * EvidenceBundles.packetsEach) : 1)
    }

    /// Takes a batch: its packets are looked through until `end`.
    mutating func begin(_ batch: UnsafeBufferPointer<ObservedPacket>) { bulk.begin(batch) }

    mutating func end() { bulk.end() }

    /// Keeps a packet that is no bulk.
    mutating func add(_ packet: UnsafePointer<ObservedPacket>) {
        guard isOn else { return }
        guard packet.record.pointee.packetClass == .icmp else {
            recent.add(packet, hash: hash(FlowKey.of(packet.record.pointee).key), role: .connection)
            return
        }
        let quoted = packet.pointee.headers?.pointee.quote?.fiveTuple
        let key = quoted.map { FlowKey.of($0).key } ?? FlowKey.of(packet.record.pointee).key
        recent.add(packet, hash: hash(key), role: .error)
    }

    /// Keeps a packet that proved how far away its source is, with what it answers.
    mutating func addSample(_ packet: UnsafePointer<ObservedPacket>, of host: HostKey) {
        guard isOn else { return }
        let record = packet.record.pointee
        let key = FlowKey.of(record).key
        var request: UnsafePointer<KeptPacket>?
        recent.search(hash: hash(key)) { kept in
            let isAnswered =
                record.transport == .tcp
                ? kept.pointee.record.tcpFlags.contains(.syn) && kept.pointee.record.seq &+ 1 == record.ack
                : kept.pointee.record.seq == record.seq
            guard kept.pointee.record.source == record.destination, isAnswered,
                FlowKey.of(kept.pointee.record).key == key
            else { return true }
            request = kept
            return false
        }
        let hash = hash(host)
        if let request { samples.add(request, hash: hash, role: .request) }
        samples.add(packet, hash: hash, role: .sample)
    }

    /// Puts aside what is known of a reset's connection and of its host.
    ///
    /// - `hasFlow`: packets of its connection were seen.
    mutating func putAside(_ reset: ObservedPacket, id: String, of host: HostKey, hasFlow: Bool) {
        guard isOn else { return }
        let key = FlowKey.of(reset.record).key
        bundles.begin(id: StableHash(of: id).value, key: key)
        bundles.add(reset, role: .reset)
        let connection = packets(of: key, limit: Self.connectionLimit)
        for packet in connection { bundles.add(packet, role: packet.role) }
        if hasFlow {
            for packet in bulk.find(key, before: reset, limit: Self.bulkLimit) {
                bundles.add(packet, role: .connection)
            }
        }
        for packet in samples(of: host) where !connection.contains(where: packet.isSame) {
            bundles.add(packet, role: packet.role)
        }
        withUnsafePointer(to: reset) { add($0) }
    }

    /// Keeps a packet of a connection that a reset was seen of.
    mutating func addAfter(_ packet: ObservedPacket) {
        guard isOn, packet.record.packetClass == .bulk else { return }
        bundles.addAfter(packet, key: FlowKey.of(packet.record).key)
    }

    /// Returns the packets put aside for the finding with that id.
    func bundle(_ id: String) -> [KeptPacket] { bundles.packets(id: StableHash(of: id).value) }

    /// Recent packets of a flow, and ICMP errors about it, the newest first.
    func packets(of key: FlowKey, limit: Int) -> [KeptPacket] {
        var found: [KeptPacket] = []
        guard isOn else { return found }
        recent.search(hash: hash(key)) { kept in
            let isAbout =
                kept.pointee.role == .error
                ? kept.pointee.headers.quote?.fiveTuple.map { FlowKey.of($0).key == key } ?? false
                : FlowKey.of(kept.pointee.record).key == key
            if isAbout { found.append(kept.pointee) }
            return found.count < limit
        }
        return found
    }

    /// Samples of a host's distance with their requests, the newest first.
    func samples(of host: HostKey) -> [KeptPacket] {
        var found: [KeptPacket] = []
        guard isOn else { return found }
        samples.search(hash: hash(host)) { kept in
            let source = kept.pointee.role == .sample ? kept.pointee.record.source : kept.pointee.record.destination
            if source == host.address { found.append(kept.pointee) }
            return found.count < Self.sampleLimit
        }
        return found
    }

    private func hash(_ key: FlowKey) -> UInt64 {
        var hash = TableHash(seed: seed)
        hash.combine(key)
        return hash.value
    }

    private func hash(_ key: HostKey) -> UInt64 {
        var hash = TableHash(seed: seed)
        hash.combine(key)
        return hash.value
    }
}

extension StableHash {
    /// The hash of a text's bytes.
    init(of text: String) {
        self.init()
        for byte in text.utf8 { combine(byte) }
    }
}
