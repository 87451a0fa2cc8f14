// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// IP-ID counters that were seen running, by hop.
///
/// Many devices number all packets that they send with one counter (RFC 6864 does not ask for it any more). A reset
/// whose IP-ID fills the next place of another source's counter at the same hop was sent by that device. Fixed size:
/// four counters a hop.
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

        /// The next packet of those that it numbers.
        @inline(__always)
        fileprivate mutating func goOn(_ record: UnsafePointer<PacketRecord>, _ identification: UInt16) {
            if source != record.pointee.src_low {
                source = record.pointee.src_low
                if changes < .max { changes &+= 1 }
            }
            last = identification
            ttl = record.pointee.ttl
            if steps < .max { steps &+= 1 }
        }

        /// One device numbers the packets of several addresses.
        var isShared: Bool { changes >= max(2, steps / 16) }
    }

    private let counters = FixedTable(repeating: Counter(), count: hops * lanes)

    /// Learns from a packet that is no reset.
    @inline(__always)
    mutating func learn(_ record: UnsafePointer<PacketRecord>) {
        let id = record.pointee.identification
        guard !record.pointee.isIPv6, id != 0, let first = firstLane(of: record.pointee.distance) else { return }
        let identification = UInt16(truncatingIfNeeded: id)
        // All four are looked at without a branch for each: which one it is cannot be foreseen.
        var fitting: UInt32 = 0
        var weakest = UInt32.max
        for lane in 0..<UInt32(Self.lanes) {
            let counter = first + Int(lane)
            let steps = counter.pointee.steps
            let isNext = identification &- counter.pointee.last &- 1 < Self.window
            fitting |= ((isNext ? 1 : 0) & (steps != 0 ? 1 : 0)) << lane
            weakest = min(weakest, UInt32(steps) << 2 | lane)
        }
        if fitting != 0 {
            (first + fitting.trailingZeroBitCount).pointee.goOn(record, identification)
        } else if weakest >> 2 > 1 {
            // A newcomer wears the weakest counter down and then takes its place.
            (first + Int(weakest & 3)).pointee.steps &-= 1
        } else {
            (first + Int(weakest & 3)).pointee = Counter(
                last: identification, steps: 1, source: record.pointee.src_low, ttl: record.pointee.ttl)
        }
    }

    /// The running counter whose next place the packet's IP-ID fills, and how many counters were compared.
    func continued(by record: PacketRecord) -> (counter: Counter, candidates: Int)? {
        guard !record.isIPv6, record.identification != 0, let first = firstLane(of: record.distance) else { return nil }
        let identification = UInt16(truncatingIfNeeded: record.identification)
        let running = (0..<Self.lanes).map { first[$0] }.filter { $0.steps >= Self.steps }
        // A little behind counts too: packets of several CPUs are not always in order.
        let match = running.first { identification &- $0.last &+ 4 <= Self.window &+ 4 }
        return match.map { ($0, running.count) }
    }

    /// The first of the counters of the packet's hop.
    @inline(__always)
    private func firstLane(of distance: HopDistance) -> UnsafeMutablePointer<Counter>? {
        let hop = distance.hop
        guard hop >= 0, hop < Self.hops else { return nil }
        return counters[hop &* Self.lanes]
    }
}
