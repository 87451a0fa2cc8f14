// SPDX-License-Identifier: Apache-2.0
import CPacket
import Packets

/// Packets of many connections in a realistic mix: data, acknowledgements, handshakes, some resets; both directions,
/// four fifths IPv4.
///
/// Always the same for the same parameters.
///
/// A connection opens, carries data in segments that are acknowledged, and now and then closes and opens anew, or is
/// reset by its server.
struct Traffic: ~Copyable {
    /// The distribution from which connections are drawn: uniform, or Zipf with exponent 1.
    enum Distribution: String, CaseIterable {
        case uniform
        case zipf
    }

    /// Parts of all packets, in millionths.
    struct Mix {
        /// SYNs, SYN-ACKs and FINs.
        var handshakes: UInt64 = 10_000
        var resets: UInt64 = 1_000
        /// Segments that are sent a second time.
        var copies: UInt64 = 0
        /// Segments of open connections have random numbers: every second one looks sent again.
        var isRandom = false
    }

    private enum State: UInt8 {
        case closed, synSent, synReceived, established, finSent, finReceived, reset
    }

    private struct Connection {
        var seq: (client: UInt32, server: UInt32)
        var acked: (client: UInt32, server: UInt32) = (0, 0)
        var ports: (client: UInt16, server: UInt16)
        var client: UInt32
        var server: UInt32
        var number: UInt16 = 0
        var state = State.closed
    }

    private var connections: [Connection]
    /// Cumulated weights of the connections, for Zipf's law.
    private var weights: [Double] = []
    private let mix: Mix
    private var random: UInt64
    /// ns since 1970 of the next packet.
    private(set) var time: UInt64 = 1_700_000_000_000_000_000
    private var frame: UInt64 = 0
    private let snapshot: UnsafeMutablePointer<header_snapshot>

    /// ns from one packet to the next: a million a second.
    static var step: UInt64 { 1000 }

    init(flows: Int, _ distribution: Distribution, _ mix: Mix, seed: UInt64 = 1) {
        self.mix = mix
        random = seed
        snapshot = .allocate(capacity: 1)
        snapshot.initialize(to: header_snapshot())
        connections = (0..<flows).map { Self.connection($0) }
        if distribution == .zipf {
            var sum = 0.0
            // Neighbours in the table are no neighbours in rank.
            weights = (0..<flows).map { number in
                sum += 1 / Double((number &* 7919) % flows + 1)
                return sum
            }
        }
    }

    deinit {
        snapshot.deallocate()
    }

    /// Four connections a client, and 4096 servers.
    private static func connection(_ number: Int) -> Connection {
        let serial = UInt32(truncatingIfNeeded: number)
        return Connection(
            seq: (serial &* 77_777, serial &* 99_991),
            ports: (UInt16(32_768 + number % 28_000), number % 3 == 0 ? 80 : 443), client: serial / 4,
            server: (serial &* 2_654_435_761) >> 8 & 4095)
    }

    private mutating func next() -> UInt64 {
        // SplitMix64.
        random &+= 0x9e37_79b9_7f4a_7c15
        var value = random
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }

    private mutating func draw() -> Int {
        guard let last = weights.last else { return Int(next() % UInt64(connections.count)) }
        let wanted = Double(next() >> 11) / Double(1 << 53) * last
        var (low, high) = (0, weights.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if weights[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Opens every connection and lets both sides send, five packets each: what comes after this is the steady state.
    ///
    /// - Returns: How many packets of the `count` connections from `first` on these are.
    mutating func opening(
        from first: Int, _ count: Int, into packets: UnsafeMutableBufferPointer<ObservedPacket>
    ) -> Int {
        var filled = 0
        for index in first..<min(first + count, connections.count) {
            for _ in 0..<5 {
                packets[filled] = packet(of: index, allowing: false)
                filled += 1
            }
        }
        return filled
    }

    /// Fills `packets` with the next ones.
    mutating func fill(_ packets: UnsafeMutableBufferPointer<ObservedPacket>) {
        for index in packets.indices { packets[index] = packet(of: draw(), allowing: true) }
    }

    private mutating func packet(of index: Int, allowing changes: Bool) -> ObservedPacket {
        let chance = next()
        var connection = connections[index]
        var flags = TCPFlags.ack
        var isFromClient = chance & 1 == 0
        var length: UInt16 = 0
        var copied: UInt32 = 0
        if changes, connection.state == .established {
            // Four handshake packets follow one change of state.
            let part = (chance >> 8) % 1_000_000
            if part < mix.resets {
                connection.state = .reset
            } else if part < mix.resets + mix.handshakes / 4 {
                connection.state = .finSent
            } else if part < mix.resets + mix.handshakes / 4 + mix.copies {
                copied = 1448
            }
        }
        switch connection.state {
        case .closed:
            connection.seq.client &+= 1_000_003
            connection.seq.server &+= 2_000_003
            (isFromClient, flags, connection.state) = (true, .syn, .synSent)
        case .synSent: (isFromClient, flags, connection.state) = (false, [.syn, .ack], .synReceived)
        case .synReceived: (isFromClient, connection.state) = (true, .established)
        case .established:
            // Two segments, then an acknowledgement, as a rule.
            if copied > 0 || (chance >> 32) % 5 < 3 {
                length = copied > 0 ? 1448 : UInt16(100 + (chance >> 40) % 1349)
                flags = [.ack, .psh]
            }
        case .finSent: (isFromClient, flags, connection.state) = (true, [.fin, .ack], .finReceived)
        case .finReceived: (isFromClient, flags, connection.state) = (false, [.fin, .ack], .closed)
        case .reset: (isFromClient, flags, connection.state) = (false, [.rst, .ack], .closed)
        }
        var record = header(connection, isFromClient: isFromClient)
        let own = isFromClient ? connection.seq.client : connection.seq.server
        record.seq = own &- (copied > 0 ? UInt32(length) : 0)
        record.ack = flags.contains(.ack) ? (isFromClient ? connection.seq.server : connection.seq.client) : 0
        if changes, mix.isRandom, connection.state == .established {
            record.seq = UInt32(truncatingIfNeeded: next())
            record.ack = UInt32(truncatingIfNeeded: next())
        }
        record.flags = flags.rawValue
        record.payload_length = length
        connection.number &+= 1
        record.id = UInt32(connection.number)
        let moved = (copied > 0 ? 0 : UInt32(length)) &+ (flags.isDisjoint(with: [.syn, .fin]) ? 0 : 1)
        if isFromClient { connection.seq.client &+= moved } else { connection.seq.server &+= moved }
        record.class = Self.packetClass(flags).rawValue
        connections[index] = connection
        return observed(record)
    }

    private static func packetClass(_ flags: TCPFlags) -> PacketClass {
        if flags.contains(.rst) { return .reset }
        return flags.isDisjoint(with: [.syn, .fin]) ? .bulk : .handshake
    }

    private func header(_ connection: Connection, isFromClient: Bool) -> PacketRecord {
        let isIPv6 = connection.client % 5 == 0
        let client = IPAddress(v4: 0x0a00_0000 | connection.client)
        let server = IPAddress(v4: 0xc612_0000 | connection.server)
        let prefix: UInt64 = isIPv6 ? 0x2001_0db8_0000_0000 : 0
        var record = PacketRecord()
        let (source, destination) = isFromClient ? (client, server) : (server, client)
        record.src_high = prefix
        record.src_low = source.low
        record.dst_high = prefix
        record.dst_low = destination.low
        (record.src_port, record.dst_port) =
            isFromClient
            ? (connection.ports.client, connection.ports.server) : (connection.ports.server, connection.ports.client)
        record.ttl = isFromClient ? 128 - UInt8(connection.client % 16) : 64 - UInt8(connection.server % 24)
        record.window = 501
        record.link_hash = isFromClient ? 17 : 4711
        record.layers = isIPv6 ? UInt8(PACKET_LAYERS_IPV6) : UInt8(PACKET_LAYERS_DF)
        return record
    }

    private mutating func observed(_ record: PacketRecord) -> ObservedPacket {
        var packet = ObservedPacket()
        frame += 1
        time += Self.step
        packet.record = record
        packet.record.time = UInt32(truncatingIfNeeded: time >> 10)
        packet.time = time
        packet.frame = frame
        packet.headers = record.packetClass == .bulk ? nil : UnsafePointer(snapshot)
        return packet
    }
}
