// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets

@testable import Diagnosis

/// A router that translates addresses and is captured on all of its interfaces, told packet by packet: what arrives
/// under one five-tuple leaves under another.
struct TranslatorStory: ~Copyable {
    /// The fields of a segment that a story varies.
    struct Segment {
        var flags: TCPFlags
        var seq: UInt32
        var ack: UInt32 = 0
        var length = 0
        var isFromServer = false
        var identification: UInt16 = 0
    }

    /// The connection as the client opens it, and as it leaves.
    var original = FiveTuple(
        source: .client, sourcePort: 50992, destination: .server, destinationPort: 443)
    var translated = FiveTuple(
        source: IPAddress("203.0.113.2") ?? .client, sourcePort: 50992, destination: .server, destinationPort: 443)
    /// The two halves that are captured: both interfaces of the router, or one only.
    var seesInside = true
    var seesOutside = true
    private(set) var time = Story.start
    private var engine: Engine
    private(set) var findings: [Finding] = []
    private let isLive: Bool

    init(isLive: Bool = false) {
        var options = Engine.Options()
        options.egressIsMarked = isLive
        options.clockStep = isLive ? 50_000 : 0
        options.interfaceNames = ["inside", "outside"]
        engine = Engine(options: options)
        engine.begin(file: nil, isLive: isLive)
        self.isLive = isLive
    }

    mutating func wait(_ seconds: Double) {
        let end = time + UInt64(seconds * 1e9)
        while time < end {
            time = min(end, time + 100_000_000)
            observe(PacketTrace())
        }
    }

    /// A segment that arrives and leaves.
    mutating func pass(_ segment: Segment) {
        arrive(segment)
        leave(segment)
    }

    mutating func arrive(_ segment: Segment) {
        guard segment.isFromServer ? seesOutside : seesInside else { return }
        add(
            segment, segment.isFromServer ? translated.reversed : original, ttl: segment.isFromServer ? 61 : 64, slot: 0
        )
    }

    mutating func leave(_ segment: Segment) {
        guard segment.isFromServer ? seesInside : seesOutside else { return }
        // The kernel part skips bulk that is forwarded.
        guard !isLive || segment.flags.contains(.syn) || segment.flags.contains(.fin) else { return }
        add(
            segment, segment.isFromServer ? original.reversed : translated, ttl: segment.isFromServer ? 60 : 63,
            slot: UInt8(PACKET_INTERFACE_EGRESS))
    }

    private mutating func add(_ segment: Segment, _ tuple: FiveTuple, ttl: UInt8, slot: UInt8) {
        time += 20_000
        let isOutside = tuple.source == translated.source || tuple.destination == translated.source
        let trace = PacketTrace()
        trace.add(
            Ethernet().ipv4(tuple.source, tuple.destination, ttl: ttl, identification: segment.identification)
                .tcp(
                    tuple.sourcePort, tuple.destinationPort, seq: segment.seq, ack: segment.ack, flags: segment.flags,
                    window: 500
                ).payload([UInt8](repeating: 0x61, count: segment.length)),
            time: time, interface: slot | (isOutside ? 1 : 0))
        observe(trace)
    }

    private mutating func observe(_ trace: PacketTrace) {
        trace.packets.withUnsafeBufferPointer { engine.observe($0, upTo: time) }
        findings += engine.takeFindings()
    }

    mutating func finish() {
        engine.finish()
        findings += engine.takeFindings()
    }

    /// The ways of networks and servers.
    func ways() -> [PathSummary] { engine.pathSnapshot.summaries() }

    mutating func open(seq: UInt32 = 1000) {
        pass(Segment(flags: .syn, seq: seq, identification: 77))
        pass(Segment(flags: [.syn, .ack], seq: 9000, ack: seq &+ 1, isFromServer: true))
        pass(Segment(flags: .ack, seq: seq &+ 1, ack: 9001))
    }

    /// A request and its answer, in the middle of a connection.
    mutating func talk(_ rounds: UInt32 = 3, from seq: UInt32 = 1001) {
        for round in 0..<rounds {
            pass(Segment(flags: [.psh, .ack], seq: seq &+ 10 * round, ack: 9001 &+ 20 * round, length: 10))
            pass(
                Segment(
                    flags: [.psh, .ack], seq: 9001 &+ 20 * round, ack: seq &+ 10 * (round + 1), length: 20,
                    isFromServer: true))
        }
    }

    /// Connections that are opened and used, each from another port.
    mutating func work(_ count: UInt16) {
        for number in 0..<count {
            original.sourcePort = 40_000 + number
            translated.sourcePort = 20_000 + number
            open(seq: 1000 + 7919 * UInt32(number))
            talk(from: 1001 + 7919 * UInt32(number))
        }
    }
}
