// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// A connection whose addresses or ports this machine translates: both of its five-tuples, client first.
struct TranslatedConnection: Equatable, Sendable {
    /// As the client's packets arrive.
    var original: FiveTuple
    /// As they leave.
    var translated: FiveTuple
}

/// Both halves of the connections that this machine translates, joined by packets that were seen arriving and leaving.
///
/// A router that translates shows each connection under two five-tuples, and of each only one direction arrives. An
/// arrival and a departure within 10 ms are one packet where sequence and acknowledgement numbers, flags and payload
/// length are equal, the TTL is equal or one less, and one end is the same; where both ends differ (DNAT with SNAT,
/// hairpin NAT), the IP-ID or the acknowledgement number has to agree as well. Changed sequence numbers (SYN proxies)
/// are not joined.
///
/// Bounded: 4,096 arrivals by content, the newest 16,384 connections.
struct TranslatedFlows {
    static let capacity = 16_384
    private static let places = 4096
    /// Units of 1024 ns: 10 ms.
    private static let window: UInt32 = 9766

    private struct Sighting {
        var record: PacketRecord
        var isLeaving: Bool
    }

    private var sightings: [Sighting?] = []
    private var connections: [FlowKey: TranslatedConnection] = [:]
    /// Originals in the order in which they were joined, a ring once it is full.
    private var order: [FlowKey] = []
    private var oldest = 0
    private let seed: UInt64
    private let clockStep: ClockStep

    init(seed: UInt64, clockStep: ClockStep) {
        self.seed = seed
        self.clockStep = clockStep
    }

    /// This machine was seen forwarding.
    private(set) var isForwarding = false
    var isEmpty: Bool { connections.isEmpty }

    /// The connection that a flow is one half of.
    func connection(of key: FlowKey) -> TranslatedConnection? {
        connections.isEmpty ? nil : connections[key]
    }

    /// Takes a TCP segment that arrived or left forwarded, and joins it with the same segment on its other way.
    mutating func note(_ record: PacketRecord, isLeaving: Bool) {
        if isLeaving { isForwarding = true }
        if sightings.isEmpty { sightings = [Sighting?](repeating: nil, count: Self.places) }
        let place = Int(truncatingIfNeeded: hash(record) >> 40) & (Self.places - 1)
        if let known = sightings[place], known.isLeaving != isLeaving {
            let (arrived, left) = isLeaving ? (known.record, record) : (record, known.record)
            if isSamePacket(arrived, left) {
                join(arrived, left)
                return
            }
        }
        // A departure is seen before its arrival only where two CPUs' packets are merged.
        if !isLeaving || clockStep.units > 0 { sightings[place] = Sighting(record: record, isLeaving: isLeaving) }
    }

    private func hash(_ record: PacketRecord) -> UInt64 {
        var hash = TableHash(seed: seed)
        hash.combine(UInt64(record.seq) << 32 | UInt64(record.ack))
        hash.combine(UInt64(record.payload_length) << 8 | UInt64(record.flags))
        return hash.value
    }

    private func isSamePacket(_ arrived: PacketRecord, _ left: PacketRecord) -> Bool {
        guard arrived.seq == left.seq, arrived.ack == left.ack, arrived.flags == left.flags,
            arrived.payload_length == left.payload_length, arrived.isIPv6 == left.isIPv6,
            arrived.ttl == left.ttl || arrived.ttl == left.ttl &+ 1,
            left.time &- arrived.time &+ clockStep.units <= Self.window &+ 2 &* clockStep.units
        else { return false }
        let isSameSource = arrived.src_port == left.src_port && arrived.source == left.source
        let isSameDestination = arrived.dst_port == left.dst_port && arrived.destination == left.destination
        if isSameSource && isSameDestination { return false }
        if isSameSource || isSameDestination { return true }
        let hasIdentification = !arrived.isIPv6 && arrived.identification != 0
        return arrived.identification == left.identification && (hasIdentification || arrived.tcpFlags.contains(.ack))
    }

    private mutating func join(_ arrived: PacketRecord, _ left: PacketRecord) {
        let flags = arrived.tcpFlags
        let isFromClient =
            flags.contains(.syn) ? flags.isDisjoint(with: .ack) : left.dst_port <= left.src_port
        let connection =
            isFromClient
            ? TranslatedConnection(original: arrived.fiveTuple, translated: left.fiveTuple)
            : TranslatedConnection(original: left.fiveTuple.reversed, translated: arrived.fiveTuple.reversed)
        let key = FlowKey.of(connection.original).key
        if let known = connections[key] {
            if known == connection { return }
            remove(key)
        } else {
            makeRoom(for: key)
        }
        let twin = FlowKey.of(connection.translated).key
        if let known = connections[twin] { remove(FlowKey.of(known.original).key) }
        connections[key] = connection
        connections[twin] = connection
    }

    private mutating func makeRoom(for key: FlowKey) {
        guard order.count == Self.capacity else {
            order.append(key)
            return
        }
        remove(order[oldest])
        order[oldest] = key
        oldest = (oldest + 1) % Self.capacity
    }

    private mutating func remove(_ key: FlowKey) {
        guard let known = connections.removeValue(forKey: key) else { return }
        for tuple in [known.original, known.translated] {
            let half = FlowKey.of(tuple).key
            if connections[half] == known { connections[half] = nil }
        }
    }
}

extension TranslatedConnection {
    /// The other five-tuple of `tuple`, in its direction; `nil` where that is none of the two.
    func other(of tuple: FiveTuple) -> FiveTuple? {
        switch tuple {
        case original: translated
        case translated: original
        case original.reversed: translated.reversed
        case translated.reversed: original.reversed
        default: nil
        }
    }
}

/// A flow with what its other half shows, where this machine translates it.
struct WholeFlow {
    /// Each direction as it was seen arriving, under either five-tuple.
    var entry: FlowEntry
    var connection: TranslatedConnection?
}

extension EngineContext {
    /// The flow with its other half's direction, where it is one half of a translated connection.
    func whole(_ flow: FlowEntry) -> WholeFlow {
        guard let connection = translations.connection(of: flow.key) else { return WholeFlow(entry: flow) }
        let original = FlowKey.of(connection.original)
        let translated = FlowKey.of(connection.translated)
        let isOriginal = flow.key == original.key
        let clientIsHigh = isOriginal ? original.sourceIsHigh : translated.sourceIsHigh
        let twinClientIsHigh = isOriginal ? translated.sourceIsHigh : original.sourceIsHigh
        guard let twin = flows.find(isOriginal ? translated.key : original.key) else {
            return WholeFlow(entry: flow, connection: connection)
        }
        let isCrossed = clientIsHigh != twinClientIsHigh
        var entry = flow
        let (low, high) =
            isCrossed ? (twin.pointee.high, twin.pointee.low) : (twin.pointee.low, twin.pointee.high)
        if entry.low.packets == 0, low.packets > 0 { entry.low = low }
        if entry.high.packets == 0, high.packets > 0 { entry.high = high }
        return WholeFlow(entry: entry, connection: connection)
    }
}
