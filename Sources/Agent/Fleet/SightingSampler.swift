// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Fleet
package import Packets

/// One packet that is to be reported, as the capture thread saw it.
package struct SeenPacket: Sendable {
    package var record: PacketRecord
    /// ns since 1970.
    package var time: UInt64
    package var packet: FleetSighting.Packet
    package var reason: FleetSighting.Reason
    /// 0 where it is not known.
    package var clientISN: UInt32
    package var isFromClient: Bool
    package var timestamps: (value: UInt32, echo: UInt32)?
}

/// Picks the handshakes and resets of the flows with the lowest keyed hashes: agents with one key report the same
/// flows, whatever their shares, and shedding gives up these flows last.
///
/// On the capture thread: for a packet that is neither of a handshake nor a reset it costs two comparisons.
package struct SightingSampler: ~Copyable {
    /// Handshakes whose last acknowledgement is waited for: a newer one takes the place of an older.
    private static let places = 256

    private struct Awaited: BitwiseCopyable {
        var source: (UInt64, UInt64)
        var destination: (UInt64, UInt64)
        var ports: UInt32
        var ack: UInt32
        var clientISN: UInt32
    }

    private let key: FlowHashKey
    private let awaited = UnsafeMutablePointer<Awaited?>.allocate(capacity: places)
    private var waiting = 0

    package init(key: FlowHashKey) {
        self.key = key
        awaited.initialize(repeating: nil, count: Self.places)
    }

    deinit { awaited.deallocate() }

    /// Returns the packets to report.
    ///
    /// - `share`: The part of flows, 0 to 1.
    package mutating func pick(_ packets: UnsafeBufferPointer<ObservedPacket>, share: Double) -> [SeenPacket] {
        guard share > 0 else { return [] }
        let cut = UInt32(min(share, 1) * Double(UInt32.max))
        var picked: [SeenPacket] = []
        for packet in packets {
            switch packet.record.packetClass {
            case .bulk:
                guard waiting > 0, packet.record.flags == TCPFlags.ack.rawValue, packet.record.payload_length == 0,
                    let seen = acknowledgement(packet)
                else { continue }
                picked.append(seen)
            case .handshake, .reset:
                guard packet.record.transport == .tcp, packet.record.flowHash(key) <= cut, let seen = opening(packet)
                else { continue }
                picked.append(seen)
            case .icmp: continue
            }
        }
        return picked
    }

    private mutating func opening(_ packet: ObservedPacket) -> SeenPacket? {
        let record = packet.record
        let flags = record.tcpFlags
        var seen = SeenPacket(
            record: record, time: packet.time, packet: .reset, reason: .sampled, clientISN: 0,
            isFromClient: record.src_port > record.dst_port, timestamps: packet.headers?.pointee.tcpTimestamps)
        if flags.contains(.rst) { return seen }
        // A FIN is of this class as well.
        guard flags.contains(.syn) else { return nil }
        if flags.contains(.ack) {
            (seen.packet, seen.clientISN, seen.isFromClient) = (.synACK, record.ack &- 1, false)
            wait(record)
        } else {
            (seen.packet, seen.clientISN, seen.isFromClient) = (.syn, record.seq, true)
        }
        return seen
    }

    private static func place(_ one: UInt16, _ other: UInt16) -> Int { Int(one &* 31 ^ other) & (places - 1) }

    private mutating func wait(_ record: PacketRecord) {
        let place = Self.place(record.dst_port, record.src_port)
        if awaited[place] == nil { waiting += 1 }
        awaited[place] = Awaited(
            source: (record.dst_high, record.dst_low), destination: (record.src_high, record.src_low),
            ports: UInt32(record.dst_port) << 16 | UInt32(record.src_port), ack: record.seq &+ 1,
            clientISN: record.ack &- 1)
    }

    private mutating func acknowledgement(_ packet: ObservedPacket) -> SeenPacket? {
        let record = packet.record
        let place = Self.place(record.src_port, record.dst_port)
        guard let expected = awaited[place], expected.ack == record.ack, expected.clientISN &+ 1 == record.seq,
            expected.ports == UInt32(record.src_port) << 16 | UInt32(record.dst_port),
            expected.source == (record.src_high, record.src_low),
            expected.destination == (record.dst_high, record.dst_low)
        else { return nil }
        awaited[place] = nil
        waiting -= 1
        return SeenPacket(
            record: record, time: packet.time, packet: .ack, reason: .sampled, clientISN: expected.clientISN,
            isFromClient: true, timestamps: nil)
    }
}
