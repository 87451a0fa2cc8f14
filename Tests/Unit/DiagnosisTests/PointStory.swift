// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets

@testable import Diagnosis

/// Packets on their way past several points, each with a clock and a view of its own.
///
/// The points stand in a line; the client is before the first and the server behind the last. Between two points is one
/// router, and a packet takes `delay` from one to the next.
struct PointStory {
    static let start = Story.start
    static let millisecond: UInt64 = 1_000_000
    static let second: UInt64 = 1_000_000_000

    /// One point's clock: how far it is ahead, and what it gains per ns.
    struct Clock {
        var offset: Int64 = 0
        var drift = 0.0
    }

    var clocks: [Clock]
    var client = IPAddress.client
    var server = IPAddress.server
    var clientPort: UInt16 = 50992
    var serverPort: UInt16 = 22
    var delay: UInt64 = 2_000_000
    private(set) var time = PointStory.start
    private(set) var traces: [PacketTrace]
    /// The IP-ID of the newest segment.
    private(set) var newest: UInt16 = 100

    init(points: Int = 2) {
        clocks = Array(repeating: Clock(), count: points)
        traces = (0..<points).map { _ in PacketTrace() }
    }

    mutating func wait(_ seconds: Double) { time += UInt64(seconds * 1e9) }

    /// A segment of the connection.
    struct Segment {
        var flags: TCPFlags
        var seq: UInt32
        var ack: UInt32
        var payload = 0
        var isFromClient = true
        var options: [UInt8] = []
        var ttl: UInt8 = 64
        var hasIdentification = true
    }

    /// Sends a segment past the points `seen`, in the order of its way.
    ///
    /// - `seen`: The points that capture it; all where `nil`. What does not get farther is not in it.
    /// - `change`: What a device does to it before a point.
    mutating func send(
        _ segment: Segment, seen: [Int]? = nil, isIPv6: Bool = false, extraDelay: UInt64 = 0,
        change: (Int, inout Segment) -> Void = { _, _ in },
        addresses: (Int) -> (client: IPAddress, port: UInt16)? = { _ in nil }
    ) {
        time += Self.millisecond
        newest &+= 1
        let order = segment.isFromClient ? Array(clocks.indices) : clocks.indices.reversed()
        for (step, point) in order.enumerated() where seen?.contains(point) ?? true {
            var seenSegment = segment
            change(point, &seenSegment)
            let (client, port) = addresses(point) ?? (client, clientPort)
            let ends = seenSegment.isFromClient ? (client, server) : (server, client)
            let ports = seenSegment.isFromClient ? (port, serverPort) : (serverPort, port)
            let ttl = seenSegment.ttl - UInt8(step)
            let network =
                isIPv6
                ? Ethernet().ipv6(ends.0, ends.1, hopLimit: ttl)
                : Ethernet().ipv4(
                    ends.0, ends.1, ttl: ttl, identification: segment.hasIdentification ? newest : 0)
            let frame = network.tcp(
                ports.0, ports.1, seq: seenSegment.seq, ack: seenSegment.ack, flags: seenSegment.flags, window: 500,
                options: seenSegment.options
            ).payload([UInt8](repeating: 0x61, count: seenSegment.payload))
            record(frame, at: point, time: time + UInt64(step) * delay + (step == 0 ? 0 : extraDelay))
        }
    }

    /// Puts a frame into one point's capture.
    mutating func record(_ frame: FrameBuilder, at point: Int, time: UInt64, interface: UInt8 = 0) {
        let drift = Int64(Double(time - Self.start) * clocks[point].drift)
        traces[point].add(
            frame, time: UInt64(Int64(time) + clocks[point].offset + drift), interface: interface)
    }

    mutating func client(_ flags: TCPFlags, seq: UInt32 = 1001, ack: UInt32 = 0, payload: Int = 0, seen: [Int]? = nil) {
        send(Segment(flags: flags, seq: seq, ack: ack, payload: payload), seen: seen)
    }

    mutating func server(_ flags: TCPFlags, seq: UInt32 = 9001, ack: UInt32 = 0, payload: Int = 0, seen: [Int]? = nil) {
        send(Segment(flags: flags, seq: seq, ack: ack, payload: payload, isFromClient: false), seen: seen)
    }

    /// SYN, SYN-ACK, ACK past all points.
    mutating func open() {
        client(.syn, seq: 1000)
        server([.syn, .ack], seq: 9000, ack: 1001)
        client(.ack, ack: 9001)
    }

    /// Requests and answers past all points.
    mutating func talk(_ rounds: Int, from first: UInt32 = 0, apart seconds: Double = 0.01) {
        for round in first..<first + UInt32(rounds) {
            client([.psh, .ack], seq: 1001 + round * 100, ack: 9001 + round * 200, payload: 100)
            server([.psh, .ack], seq: 9001 + round * 200, ack: 1101 + round * 100, payload: 200)
            wait(seconds)
        }
    }

    /// Returns the captures of the points, ordered by time.
    func captures(capacity: Int = 1 << 20) -> [ComparedCapture] {
        traces.enumerated().map { point, trace in
            let capture = ComparedCapture(name: "p\(point + 1)", seed: 7, capacity: capacity)
            let packets = trace.packets.sorted { $0.time < $1.time }
            packets.withUnsafeBufferPointer { capture.add($0, upTo: packets.last?.time ?? 0) }
            return capture
        }
    }

    func resets() -> [[UInt64: Finding]] {
        traces.map { trace in
            var engine = Engine()
            engine.begin(file: nil, isLive: false)
            let packets = trace.packets.sorted { $0.time < $1.time }
            packets.withUnsafeBufferPointer { engine.observe($0, upTo: packets.last?.time ?? 0) }
            engine.finish()
            var found: [UInt64: Finding] = [:]
            for finding in engine.takeFindings() {
                if let frame = finding.frame { found[frame] = finding }
            }
            return found
        }
    }

    func compare() -> Comparison { Comparison(captures(), resets: resets(), seed: 7) }
}

extension Comparison {
    func leg(_ from: Int, _ to: Int) -> Leg? { legs.first { $0.from == from && $0.to == to } }

    /// The path findings' causes and what did not arrive first.
    var causes: [String] {
        findings.map { finding in
            guard let path = finding.path, let crossing = path.crossing else { return finding.causeName ?? "" }
            return "\(path.cause.rawValue) \(crossing.firstKind.label) \(crossing.from)>\(crossing.to)"
        }
    }
}
