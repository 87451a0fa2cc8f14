// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

/// The packets of one point, reduced to the needs of a comparison: 40 bytes a packet, 56 a flow, 24 a new connection.
///
/// Pure: packets are handed over as they are read. A class, so that several can be filled at once, each by one thread.
package final class ComparedCapture {
    /// A SYN or SYN-ACK with a sequence number that is new in its direction.
    struct Opening: BitwiseCopyable {
        /// As `ComparedPacket.direction`.
        var direction: UInt32
        var seq: UInt32
        /// The number that a SYN-ACK acknowledges, otherwise 0.
        var ack: UInt32
        /// TSval (RFC 7323, 3.2), 0 where there is none.
        var timestamp: UInt32
        /// The number of its first packet.
        var packet: UInt32
        var isSYNACK: Bool
        /// `SYNOptions`, and ECN's ECE and CWR in the highest bits but one; 0 where its headers are not known.
        var options: UInt16 = 0
    }

    /// A five-tuple, apart by whether its packets arrive at the machine that captures or leave it: who changes sequence
    /// numbers and captures on both sides has both kinds of numbers.
    struct Flow: BitwiseCopyable {
        var key: FlowKey
        /// The same five-tuple in the other kind, or itself.
        var twin: UInt32
        /// The numbers of its newest openings from the low and the high end, plus 1.
        var opening = (UInt32(0), UInt32(0))
    }

    /// The name of this point.
    package let name: String
    /// Packets that fit; what comes then is counted in `refused`.
    package let capacity: Int
    /// Packets that did not fit.
    package private(set) var refused: UInt64 = 0
    /// False for the text of tcpdump, which tells no sequence number of a segment without payload.
    package let hasAllSequenceNumbers: Bool
    /// The first and the last time (ns since 1970) that the capture covers; 0 where it tells no times.
    package private(set) var firstTime: UInt64 = 0
    package private(set) var lastTime: UInt64 = 0
    /// Packets of loopback and link-local addresses, which are other hosts at each point: they are left out.
    package private(set) var localPackets: UInt64 = 0
    /// False where packets came without a time.
    package private(set) var hasTimes = true

    private(set) var packets: [ComparedPacket] = []
    private(set) var flows: [Flow] = []
    private(set) var openings: [Opening] = []
    private var index = HashIndex()
    private let seed: UInt64
    private var newest = 0

    /// - `seed`: Seeds the table of flows: any number that who wrote the capture does not know.
    /// - `capacity`: Packets at the most.
    package init(name: String, seed: UInt64, capacity: Int, hasAllSequenceNumbers: Bool = true) {
        self.name = name
        self.seed = seed
        self.capacity = min(capacity, Int(UInt32.max >> 2))
        self.hasAllSequenceNumbers = hasAllSequenceNumbers
    }

    package var packetCount: Int { packets.count }

    /// Takes packets in the capture's order.
    ///
    /// - `watermark`: The time up to which the capture goes, ns since 1970.
    package func add(_ batch: UnsafeBufferPointer<ObservedPacket>, upTo watermark: UInt64) {
        for packet in batch { add(packet) }
        // What did not fit is as if the capture had ended before.
        if refused == 0 { lastTime = max(lastTime, watermark) }
    }

    private func add(_ packet: ObservedPacket) {
        guard packets.count < capacity else {
            refused += 1
            return
        }
        let record = packet.record
        guard !record.source.isOfOneLink, !record.destination.isOfOneLink else {
            localPackets += 1
            return
        }
        var (key, sourceIsHigh) = FlowKey.of(record)
        if record.direction != .ingress { key.ports |= FlowKey.leaving }
        let flow = flowNumber(of: key)
        let direction = UInt32(truncatingIfNeeded: flow) << 1 | (sourceIsHigh ? 1 : 0)
        let kind = PacketKind(record)
        var compared = ComparedPacket(
            time: packet.time, seq: record.seq, ack: record.tcpFlags.contains(.ack) || !kind.isTCP ? record.ack : 0,
            direction: direction, frame: UInt32(truncatingIfNeeded: packet.frame),
            identification: record.identification, payload: record.payload_length, segmentSize: 0, ttl: record.ttl,
            lastTTL: record.ttl, tos: record.tos, flags: record.flags, kindValue: kind.rawValue,
            interface: record.interface, copies: 0)
        if kind == .syn || kind == .synACK {
            compared.segmentSize = packet.headers?.pointee.maximumSegmentSize ?? 0
            open(
                record, direction: direction, timestamp: packet.headers?.pointee.tcpTimestamps?.value ?? 0,
                options: packet.headers.map { $0.pointee.synOptions.rawValue | UInt16(record.flags & 0xc0) << 6 } ?? 0)
        } else if kind == .icmp {
            // Type and code tell one error from another.
            compared.seq = record.seq ^ UInt32(record.window) << 16
        }
        packets.append(compared)
        if packet.time == 0 {
            hasTimes = false
        } else {
            if firstTime == 0 || packet.time < firstTime { firstTime = packet.time }
            if packet.time > lastTime { lastTime = packet.time }
        }
    }

    /// Notes a SYN or SYN-ACK whose sequence number is not that of the direction's one before: a copy is no new
    /// connection.
    private func open(_ record: PacketRecord, direction: UInt32, timestamp: UInt32, options: UInt16) {
        let flow = Int(direction >> 1)
        let isHigh = direction & 1 == 1
        let last = isHigh ? flows[flow].opening.1 : flows[flow].opening.0
        let isSYNACK = record.tcpFlags.contains(.ack)
        if last > 0, openings[Int(last) - 1].seq == record.seq, openings[Int(last) - 1].isSYNACK == isSYNACK { return }
        openings.append(
            Opening(
                direction: direction, seq: record.seq, ack: isSYNACK ? record.ack : 0, timestamp: timestamp,
                packet: UInt32(truncatingIfNeeded: packets.count), isSYNACK: isSYNACK,
                options: options))
        let number = UInt32(truncatingIfNeeded: openings.count)
        if isHigh { flows[flow].opening.1 = number } else { flows[flow].opening.0 = number }
    }

    private func flowNumber(of key: FlowKey) -> Int {
        // Packets of one flow come in trains.
        if newest < flows.count, flows[newest].key.isSame(as: key) { return newest }
        let seed = seed
        let found = flows.withUnsafeBufferPointer { flows in
            index.find(key.hash(seed: seed)) { flows[$0].key.isSame(as: key) }
        }
        if let found {
            newest = found
            return found
        }
        newest = flows.count
        var other = key
        other.ports ^= FlowKey.leaving
        let twin = flows.withUnsafeBufferPointer { flows in
            index.find(other.hash(seed: seed)) { flows[$0].key.isSame(as: other) }
        }
        if let twin { flows[twin].twin = UInt32(newest) }
        flows.append(Flow(key: key, twin: UInt32(twin ?? newest)))
        flows.withUnsafeBufferPointer { flows in
            index.insert(newest) { flows[$0].key.hash(seed: seed) }
        }
        return newest
    }

    /// Gives up the table that only `add` needs.
    func finish() {
        index = HashIndex()
    }

    /// The direction of the flow that a packet's acknowledgement number belongs to.
    ///
    /// A machine that captures on both sides sees one side's packets arrive and the same side's answers leave.
    func opposite(of packet: ComparedPacket) -> UInt32 {
        flows[packet.flow].twin << 1 | (packet.direction & 1 ^ 1)
    }

    /// The options of the SYN or SYN-ACK with that number; `nil` where they are not known, and for copies.
    func options(of number: Int) -> UInt16? {
        var (low, high) = (0, openings.count)
        while low < high {
            let middle = (low + high) / 2
            if openings[middle].packet < number { low = middle + 1 } else { high = middle }
        }
        guard low < openings.count, openings[low].packet == number, openings[low].options != 0 else { return nil }
        return openings[low].options
    }

    /// Notes at packet `number` that the point saw it once more.
    func noteDuplicate(of number: Int, ttl: UInt8) {
        packets[number].lastTTL = min(packets[number].lastTTL, ttl)
        if packets[number].copies < .max { packets[number].copies += 1 }
    }
}

extension FlowKey {
    /// The bit of `ports` that marks what leaves the machine that captures.
    static var leaving: UInt64 { 1 }

    /// The key without that mark.
    var plain: FlowKey {
        var key = self
        key.ports &= ~Self.leaving
        return key
    }

    @inline(__always)
    func isSame(as other: FlowKey) -> Bool {
        ports == other.ports && lowLow == other.lowLow && highLow == other.highLow && lowHigh == other.lowHigh
            && highHigh == other.highHigh
    }

    @inline(__always)
    func hash(seed: UInt64) -> UInt64 {
        var hash = TableHash(seed: seed)
        hash.combine(self)
        return hash.value
    }

    /// The low end's address or the high end's.
    func address(isHigh: Bool) -> IPAddress {
        isHigh ? IPAddress(high: highHigh, low: highLow) : IPAddress(high: lowHigh, low: lowLow)
    }

    func port(isHigh: Bool) -> UInt16 {
        UInt16(truncatingIfNeeded: isHigh ? ports >> 8 : ports >> 24)
    }

    var transport: TransportProtocol { TransportProtocol(rawValue: UInt8(truncatingIfNeeded: ports) >> 1 & 3) ?? .tcp }

    /// The five-tuple of packets from the low or from the high end.
    func fiveTuple(fromHigh isHigh: Bool) -> FiveTuple {
        FiveTuple(
            source: address(isHigh: isHigh), sourcePort: port(isHigh: isHigh), destination: address(isHigh: !isHigh),
            destinationPort: port(isHigh: !isHigh), transport: transport)
    }
}

extension IPAddress {
    /// 127.0.0.0/8 and ::1, 169.254.0.0/16 and fe80::/10: addresses that every machine or link has for itself.
    var isOfOneLink: Bool {
        if isIPv4 {
            let address = UInt32(truncatingIfNeeded: low)
            return address >> 24 == 127 || address >> 16 == 0xa9fe
        }
        return (high == 0 && low == 1) || isLinkLocalV6
    }
}
