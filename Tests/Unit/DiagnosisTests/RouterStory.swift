// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets

@testable import Diagnosis

/// A router that is watched live, told packet by packet: what arrives, what leaves, and what its kernel says.
///
/// It answers the engine as the capture does: what is asked for comes into focus at once, and facts come back from
/// `facts`.
struct RouterStory: ~Copyable {
    /// The conntrack entry of every flow.
    var tracking = ForwardingFacts.Tracking.absent
    var counters = LocalCounters()
    /// False: nobody answers questions.
    var answers = true
    var engine: Engine
    private(set) var findings: [Finding] = []
    private(set) var changes: [FocusChange] = []
    private(set) var time = Story.start

    var client = IPAddress.client
    var server = IPAddress.server
    var clientPort: UInt16 = 50992
    var serverPort: UInt16 = 22

    init(tellsDrops: Bool = false, local: Set<IPAddress> = [], clockStep: UInt64 = 0, groups: [UInt8] = [0, 1]) {
        var options = Engine.Options()
        options.egressIsMarked = true
        options.localAddresses = local
        options.tellsDrops = tellsDrops
        options.clockStep = clockStep
        options.interfaceNames = ["in", "out"]
        options.interfaceGroups = groups
        engine = Engine(options: options)
        engine.begin(file: nil, isLive: true)
    }

    /// One packet's numbers, in the direction that they have.
    struct Segment {
        var flags: TCPFlags
        var seq: UInt32
        var ack: UInt32 = 0
        var length = 0
        var isFromServer = false
    }

    // MARK: Packets

    enum Way {
        case arrives, leaves, madeHere
    }

    mutating func wait(_ seconds: Double) {
        // In steps, as ticks come.
        let end = time + UInt64(seconds * 1e9)
        while time < end {
            time = min(end, time + 10_000_000)
            observe([])
        }
    }

    mutating func pass(_ segment: Segment) {
        see(segment, .arrives)
        see(segment, .leaves)
    }

    mutating func see(_ segment: Segment, _ way: Way) {
        let (source, sourcePort, destination, destinationPort) =
            segment.isFromServer
            ? (server, serverPort, client, clientPort) : (client, clientPort, server, serverPort)
        add(
            Ethernet().ipv4(source, destination, ttl: way == .leaves ? 63 : 64)
                .tcp(sourcePort, destinationPort, seq: segment.seq, ack: segment.ack, flags: segment.flags, window: 500)
                .payload([UInt8](repeating: 0x78, count: segment.length)), way,
            isOutside: segment.isFromServer != (way != .arrives))
    }

    mutating func add(_ frame: FrameBuilder, _ way: Way, isOutside: Bool) {
        add(frame, way, slot: isOutside ? 1 : 0)
    }

    mutating func add(_ frame: FrameBuilder, _ way: Way, slot: UInt8) {
        time += 100_000
        let trace = PacketTrace()
        let marks: Int32 =
            switch way {
            case .arrives: 0
            case .leaves: PACKET_INTERFACE_EGRESS
            case .madeHere: PACKET_INTERFACE_EGRESS | PACKET_INTERFACE_MADE_HERE
            }
        trace.add(frame, time: time, interface: slot | UInt8(marks))
        observe(trace.packets)
    }

    /// The kernel says that it dropped the packet that arrived last.
    mutating func drop(_ segment: Segment, reason: String? = "NETFILTER_DROP") {
        let there = FiveTuple(
            source: client, sourcePort: clientPort, destination: server, destinationPort: serverPort)
        engine.observe(
            drop: DropTrace(
                time: time, fiveTuple: segment.isFromServer ? there.reversed : there, seq: segment.seq,
                ack: segment.ack, flags: segment.flags, reason: reason))
    }

    private mutating func observe(_ packets: [ObservedPacket]) {
        packets.withUnsafeBufferPointer { engine.observe($0, upTo: time) }
        while let output = engine.poll() {
            switch output {
            case .finding(let finding): findings.append(finding)
            case .focus(let change):
                changes.append(change)
                if case .begin(let flow) = change { engine.handle(.focus(flow, since: time)) }
            case .lookUp(let flow):
                guard answers else { continue }
                engine.handle(.facts(ForwardingFacts(flow: flow, tracking: tracking, counters: counters)))
            }
        }
    }

    // MARK: What happens often

    /// The client's SYN passes; the SYN-ACK takes another way.
    mutating func openOneWay() {
        pass(Segment(flags: .syn, seq: 1000))
        wait(0.001)
        see(Segment(flags: .ack, seq: 1001, ack: 9001), .arrives)
    }

    /// Data that the client sends again and again, the way retransmission timers do.
    mutating func repeatData(_ times: Int = 5, seq: UInt32 = 1001, _ way: (inout RouterStory, Segment) -> Void) {
        var pause = 0.2
        for _ in 0..<times {
            way(&self, Segment(flags: [.psh, .ack], seq: seq, ack: 9001, length: 100))
            wait(pause)
            pause *= 2
        }
    }
}
