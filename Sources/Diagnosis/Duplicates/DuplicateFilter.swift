// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The newest packets that are no resets, for recognising copies: a mirror port shows what a router forwards twice, and
/// with two TTLs.
///
/// The first is taken, as of resets (`RecentResets`), so that all that is compared was seen in one place.
///
/// A fixed table of 8192 places by the packet's content; a newer packet overwrites an older one in its place.
/// Handshakes and echoes are always looked up, bulk only one packet in sixteen until a copy is seen, then all for a
/// minute.
struct DuplicateFilter: ~Copyable {
    private static let places = 8192
    /// Duplicates come within 10 ms, in units of 1024 ns.
    private static let window: UInt32 = 9766
    /// A router's queue may lie between two copies with one IP-ID, in units of 1024 ns: 100 ms.
    ///
    /// What is sent again after less has another.
    private static let queue: UInt32 = 97_656
    /// The time (ns) for which bulk is looked up after a duplicate was seen.
    private static let alertness: UInt64 = 60_000_000_000

    struct Sighting: BitwiseCopyable {
        var hash: UInt64 = 0
        /// Units of 1024 ns.
        var time: UInt32 = 0
        var link: UInt16 = 0
        var ttl: UInt8 = 0
        var interface: UInt8 = 0
    }

    private let sightings = FixedTable(repeating: Sighting(), count: places)
    private var alertUntil: UInt64 = 0
    private let seed: UInt64
    private let clockStep: ClockStep
    /// The order in which duplicates arrive.
    private(set) var order = DuplicateOrder()

    init(seed: UInt64, clockStep: ClockStep = .exact) {
        self.seed = seed
        self.clockStep = clockStep
    }

    /// True where the packet was seen a moment ago: between the same ends, with the same numbers, flags, length and
    /// IP-ID, and the TTL one apart, or another next hop or interface, or an IP-ID that is not 0: a packet that is sent
    /// again gets another.
    ///
    /// Without an IP-ID what came the same way is another packet: a segment that is sent again, or a second
    /// acknowledgement, may be equal to the first. UDP has no numbers: without an IP-ID both the TTL and the next hop
    /// have to differ.
    ///
    /// - `now`: ns since 1970.
    @inline(__always)
    mutating func isDuplicate(_ record: UnsafePointer<PacketRecord>, now: UInt64) -> Bool {
        guard record.pointee.packetClass != .bulk || now < alertUntil || Self.isSample(record) else { return false }
        return lookUp(record, now: now)
    }

    /// One packet in sixteen, by what its copies share.
    @inline(__always)
    private static func isSample(_ record: UnsafePointer<PacketRecord>) -> Bool {
        let sum = record.pointee.seq &+ record.pointee.ack &+ record.pointee.identification
        return (sum &* 0x9e37_79b1) >> 28 == 0
    }

    @inline(never)
    private mutating func lookUp(_ packet: UnsafePointer<PacketRecord>, now: UInt64) -> Bool {
        let record = packet.pointee
        let hash = contentHash(record)
        let place = sightings[Int(truncatingIfNeeded: hash)]
        let earlier = place.pointee
        // Of two CPUs the copy may have the smaller time.
        let delay = record.time &- earlier.time &+ clockStep.units
        let window = Self.isIdentified(record) ? Self.queue : Self.window
        if earlier.hash == hash, delay <= window &+ 2 &* clockStep.units, Self.isDuplicate(record, of: earlier) {
            alertUntil = now + Self.alertness
            order.note(first: (earlier.ttl, earlier.link), copy: (record.ttl, record.link_hash))
            return true
        }
        place.pointee = Sighting(
            hash: hash, time: record.time, link: record.link_hash, ttl: record.ttl, interface: record.interface)
        return false
    }

    private static func isDuplicate(_ record: PacketRecord, of earlier: Sighting) -> Bool {
        let step = abs(Int(record.ttl) - Int(earlier.ttl))
        guard step <= 1 else { return false }
        if record.transport == .udp, record.isIPv6 || record.identification == 0 {
            return step == 1 && record.link_hash != earlier.link
        }
        return step == 1 || record.link_hash != earlier.link || record.interface != earlier.interface
            || isIdentified(record)
    }

    /// Its IP-ID tells it from other packets; 1 is what some generators give to all of theirs.
    @inline(__always)
    private static func isIdentified(_ record: PacketRecord) -> Bool { !record.isIPv6 && record.identification > 1 }

    /// True where a copy was seen a short while ago.
    func isAlert(now: UInt64) -> Bool { now < alertUntil }

    /// Of everything that routers and mirrors leave alone.
    @inline(__always)
    private func contentHash(_ record: PacketRecord) -> UInt64 {
        var hash = TableHash(seed: seed)
        hash.combine(record.source)
        hash.combine(record.destination)
        hash.combine(UInt64(record.seq) << 32 | UInt64(record.ack))
        hash.combine(
            UInt64(record.src_port) << 48 | UInt64(record.dst_port) << 32 | UInt64(record.identification) << 8
                | UInt64(record.flags))
        hash.combine(
            UInt64(record.payload_length) << 32 | UInt64(record.window) << 16
                | UInt64(record.layers & UInt8(PACKET_LAYERS_PROTOCOL_MASK | PACKET_LAYERS_IPV6)))
        return hash.value
    }
}
