// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets

@testable import Diagnosis

/// A conversation between a client and a server, told packet by packet: time goes on by `step` (1 ms) with each.
struct Story {
    static let second: UInt64 = 1_000_000_000
    /// 2026-01-01T00:00:00Z.
    static let start: UInt64 = 1_767_225_600 * second

    var engine: Engine.Options
    var isLive = false
    var serverPort: UInt16 = 22
    var clientPort: UInt16 = 50992
    var serverTTL: UInt8 = 61
    var server = IPAddress.server
    private(set) var time = Story.start
    private(set) var trace = PacketTrace()
    /// The time between packets, in ns.
    var step: UInt64 = 1_000_000
    var isIPv6 = false
    private var pings: UInt16 = 0

    init(_ options: Engine.Options = Engine.Options(), isLive: Bool = false) {
        engine = options
        self.isLive = isLive
    }

    mutating func wait(_ seconds: Double) { time += UInt64(seconds * 1e9) }

    mutating func add(_ frame: FrameBuilder, interface: UInt8 = 0) {
        time += step
        trace.add(frame, time: time, interface: interface)
    }

    mutating func client(
        _ flags: TCPFlags, seq: UInt32 = 1000, ack: UInt32 = 0, ttl: UInt8 = 64, payload: String = ""
    ) {
        add(
            Ethernet().ipv4(.client, server, ttl: ttl)
                .tcp(clientPort, serverPort, seq: seq, ack: ack, flags: flags, window: 500).payload(payload))
    }

    mutating func server(
        _ flags: TCPFlags, seq: UInt32 = 0, ack: UInt32 = 0, ttl: UInt8? = nil, window: UInt16? = nil,
        identification: UInt16 = 0, payload: String = "", interface: UInt8 = 0
    ) {
        add(
            Ethernet().ipv4(server, .client, ttl: ttl ?? serverTTL, identification: identification)
                .tcp(
                    serverPort, clientPort, seq: seq, ack: ack, flags: flags,
                    window: window ?? (flags.contains(.rst) ? 0 : 500)
                ).payload(payload), interface: interface)
    }

    mutating func ping(_ count: Int, ttl: UInt8? = nil, identifier: UInt16 = 7, interface: UInt8 = 0) {
        for _ in 0..<count {
            pings += 1
            add(Ethernet().ipv4(.client, server).echo(reply: false, identifier: identifier, sequence: pings))
            add(
                Ethernet().ipv4(server, .client, ttl: ttl ?? serverTTL)
                    .echo(reply: true, identifier: identifier, sequence: pings), interface: interface)
        }
    }

    /// SYN, SYN-ACK, ACK.
    mutating func open(seq: UInt32 = 1000) {
        client(.syn, seq: seq)
        server([.syn, .ack], seq: 9000, ack: seq + 1)
        client(.ack, seq: seq + 1, ack: 9001)
    }

    /// A SYN and the RST that answers it.
    mutating func refuse(ttl: UInt8, seq: UInt32 = 1000) {
        client(.syn, seq: seq)
        server([.rst, .ack], ack: seq + 1, ttl: ttl)
    }

    /// Returns the engine's findings, fed in batches of `batch` packets, the end included.
    func findings(batch: Int = 512, isFinished: Bool = true) -> [Finding] {
        var engine = Engine(options: engine)
        engine.begin(file: nil, isLive: isLive)
        var all: [Finding] = []
        trace.packets.withUnsafeBufferPointer { packets in
            var index = 0
            while index < packets.count {
                let end = min(index + batch, packets.count)
                engine.observe(UnsafeBufferPointer(rebasing: packets[index..<end]), upTo: packets[end - 1].time)
                all += engine.takeFindings()
                index = end
            }
        }
        engine.observe(UnsafeBufferPointer(start: nil, count: 0), upTo: time)
        all += engine.takeFindings()
        if isFinished {
            engine.finish()
            all += engine.takeFindings()
        }
        return all
    }

    /// Returns the result of `body` on the engine after all packets, before the end of the capture.
    @discardableResult
    func engineAfterwards<Result>(_ body: (inout Engine) -> Result) -> Result {
        var engine = Engine(options: engine)
        trace.packets.withUnsafeBufferPointer { engine.observe($0, upTo: time) }
        return body(&engine)
    }

    /// The engine after all packets, for its statistics.
    func statistics() -> Engine.Statistics {
        var engine = Engine(options: engine)
        trace.packets.withUnsafeBufferPointer { engine.observe($0, upTo: time) }
        engine.finish()
        return engine.statistics
    }

    /// The devices that the engine found after all packets.
    func origins() -> [Origin] {
        var engine = Engine(options: engine)
        trace.packets.withUnsafeBufferPointer { engine.observe($0, upTo: time) }
        engine.finish()
        return engine.origins
    }

    /// A connection whose SYN-ACK takes `roundTrip` ms, and whose reset comes `delay` ms after the client's data and
    /// acknowledges them.
    mutating func resetAfterData(roundTrip: Double, delay: Double, ack: UInt32 = 1002) {
        step = 0
        client(.syn)
        wait(roundTrip / 1000)
        server([.syn, .ack], seq: 9000, ack: 1001)
        client(.ack, seq: 1001, ack: 9001)
        client([.psh, .ack], seq: 1001, ack: 9001, payload: "A")
        wait(delay / 1000)
        server([.rst, .ack], seq: 9001, ack: ack)
    }

    /// Returns the engine's hosts after all packets.
    func hosts() -> [HostSummary] {
        var engine = Engine(options: engine)
        trace.packets.withUnsafeBufferPointer { engine.observe($0, upTo: time) }
        return engine.hostSnapshot.summaries()
    }
}
