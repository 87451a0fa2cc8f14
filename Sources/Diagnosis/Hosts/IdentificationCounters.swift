// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// IP-ID counters that were seen running, by hop.
///
/// Many devices number all packets that they send with one counter (RFC 6864 does not ask for it any more). A reset whose IP-ID
/// fills the next place of another source's counter at the same hop was sent by that device. Fixed size: four counters a hop.
struct IdentificationCounters: ~Copyable {
    /// A counter goes on by at most this much between two packets seen here.
    static let window: UInt16 = 16
    /// A counter counts as running after this many steps.
    static let steps: UInt16 = 2
    private static let hops = 64
    private static let lanes = 4

    struct Counter: BitwiseCopyable, Sendable {
        var last: UInt16 = 0
        var steps: UInt16 = 0
        /// The source of the newest packet, folded.
        var source: UInt64 = 0
        /// The TTL of the newest packet.
        var ttl: UInt8 = 0
        /// Steps from one source to another: one device numbers for several addresses.
        var changes: UInt16 = 0

        /// The one source that it numbers for; `nil` where there are several.
        var address: IPAddress? { changes == 0 ? IPAddress(high: 0, low: source) : nil }

        /// One device numbers the packets of several addresses.
        var isShared: Bool { changes >= max(2, steps / 16) }
    }

    private let counters = FixedTable(repeating: Counter(), count: hops * lanes)

    /// Learns from a packet that is no reset.
    @inline(__always)
    mutating func learn(_ record: PacketRecord) {
        guard !record.isIPv6, record.identification != 0, let first = firstLane(of: record) else { return }
        let identification = UInt16(truncatingIfNeeded: record.identification)
        let source = record.src_low
        var weakest = first
        for lane in 0..<Self.lanes {
            let counter = first + lane
            let step = identification &- counter.pointee.last
            if counter.pointee.steps > 0, step >= 1, step <= Self.window {
                if counter.pointee.source != source {
                    counter.pointee.source = source
                    if counter.pointee.changes < .max { counter.pointee.changes &+= 1 }
                }
                counter.pointee.last = identification
                counter.pointee.ttl = record.ttl
                if counter.pointee.steps < .max { counter.pointee.steps &+= 1 }
                return
            }
            if counter.pointee.steps < weakest.pointee.steps { weakest = counter }
        }
        // A newcomer wears the weakest counter down and then takes its place.
        if weakest.pointee.steps > 1 {
            weakest.pointee.steps &-= 1
        } else {
            weakest.pointee = Counter(last: identification, steps: 1, source: source, ttl: record.ttl)
        }
    }

    /// The running counter whose next place the packet's IP-ID fills, and how many counters were compared.
    func continued(by record: PacketRecord) -> (counter: Counter, candidates: Int)? {
        guard !record.isIPv6, record.identification != 0, let first = firstLane(of: record) else { return nil }
        let identification = UInt16(truncatingIfNeeded: record.identification)
        let running = (0..<Self.lanes).map { first[$0] }.filter { $0.steps >= Self.steps }
        // A little behind counts too: packets of several CPUs are not always in order.
        let match = running.first { identification &- $0.last &+ 4 <= Self.window &+ 4 }
        return match.map { ($0, running.count) }
    }

    /// The first of the counters of the packet's hop.
    @inline(__always)
    private func firstLane(of record: PacketRecord) -> UnsafeMutablePointer<Counter>? {
        let hop = record.distance.hop
        guard hop >= 0, hop < Self.hops else { return nil }
        return counters[hop &* Self.lanes]
    }
}
