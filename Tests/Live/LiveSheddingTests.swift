// SPDX-License-Identifier: Apache-2.0
import CPacket
import Capture
import Fixtures
import Glibc
import Packets
import Testing

/// More packets than the consumer can take: what it leaves out and what it loses is counted, and resets are neither.
@Suite(.serialized, .enabled(if: LiveRequirements.areMet, LiveRequirements.reason))
struct LiveSheddingTests {
    /// A consumer that sleeps 20 ms after each batch takes about this much in 10 ms.
    private static let capacity: UInt32 = 500
    private static let ticks: UInt32 = 80

    /// One of many flows, from either end.
    private static func frame(
        _ port: UInt16, _ flags: TCPFlags, isAnswer: Bool = false
    ) -> FrameBuilder {
        isAnswer
            ? Ethernet().ipv4(.server, .client).tcp(443, port, flags: flags)
            : Ethernet().ipv4(.client, .server).tcp(port, 443, flags: flags)
    }

    private static let key = FlowHashKey(ends: 1, flow: 2)

    private static func hash(_ port: UInt16) -> UInt32 {
        FiveTuple(source: .client, sourcePort: port, destination: .server, destinationPort: 443).flowHash(Self.key)
    }

    /// The ledger after a while of `times` as much as the slow consumer can take, with a reset every 10 ms.
    private func overload(
        _ times: UInt32, _ shedding: SheddingController.Options
    ) throws -> (ledger: Ledger, sent: UInt64, resets: UInt64, notices: [LiveCapture.Notice]) {
        let pair = try makePair("near", "far")
        var options = AttachWay.tcx.options(["near"])
        options.ringBytes = 1 << 16
        options.shedding = shedding
        let run = try CaptureRun(options, keeps: false, delay: 20_000)
        let begun = ContinuousClock.now
        var sent: UInt64 = 0
        for tick in 0..<Self.ticks {
            // Each tick other flows; most of it is data.
            for part in UInt32(0)..<5 {
                let port = UInt16(2000 + (tick * 5 + part) % 512)
                let count = Self.capacity / 5 * times
                try Self.frame(port, part == 0 ? .syn : .ack).send(to: pair.right, count: count)
                sent += UInt64(count)
            }
            try Self.frame(1999, .rst).send(to: pair.right)
            sent += 1
            let left = ContinuousClock.now.duration(to: begun + .milliseconds(10 * Int(tick + 1)))
            // On this thread: the namespace belongs to it.
            if left > .zero { usleep(UInt32(left / .microseconds(1))) }
        }
        #expect(run.waits { $0.capture.ledger.total.seen == sent })
        let notices = run.notices
        _ = run.stop()
        return (run.capture.ledger, sent, UInt64(Self.ticks), notices)
    }

    @Test("Without shedding, what the consumer cannot take is lost, and counted exactly", arguments: [1, 2, 3])
    func lost(times: UInt32) async throws {
        try await inNamespace {
            let (ledger, sent, resets, _) = try overload(times, .init(most: 0))
            #expect(ledger.isBalanced)
            #expect(ledger.total.seen == sent)
            #expect(ledger.inRing == 0)
            #expect(ledger.total.allShed == 0)
            // Where the sender is held up, twice as much is not too much.
            if times > 2 { #expect(ledger.total.allLost > 0) }
            #expect(ledger.total.recorded(.reset) == resets && ledger.consumed(.reset) == resets)
        }
    }

    @Test(
        "A consumer that stands still loses what its rings do not hold: once, twice and three times as much as they could",
        arguments: [1, 2, 3])
    func still(times: Int) async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            var options = AttachWay.tcx.options(["near"])
            options.ringBytes = 1 << 16
            options.shedding = .init(most: 0)
            let run = try CaptureRun(options, keeps: false)
            let isPaused = run.pause()
            #expect(isPaused)
            // Each CPU has a ring of 1024 records, of which bulk may take three quarters.
            let cpus = sysconf(Int32(_SC_NPROCESSORS_ONLN))
            let data = 1024 * cpus * times
            try Self.frame(2000, .ack).send(to: pair.right, count: UInt32(data))
            try Self.frame(1999, .rst).send(to: pair.right, count: 16)
            run.resume()
            #expect(run.waits { $0.capture.ledger.total.seen == UInt64(data + 16) })
            _ = run.stop()
            let ledger = run.capture.ledger
            print("\(times) times what rings hold: lost \(ledger.total.allLost) of \(data + 16)")
            #expect(ledger.isBalanced)
            #expect(ledger.inRing == 0)
            #expect(ledger.total.allShed == 0)
            #expect(ledger.total.allLost >= UInt64(data - 768 * cpus))
            #expect(ledger.total.recorded(.reset) == 16 && ledger.consumed(.reset) == 16)
        }
    }

    @Test("With shedding, whole flows are left out instead, and counted exactly", arguments: [1, 2, 3])
    func shed(times: UInt32) async throws {
        try await inNamespace {
            let (ledger, sent, resets, notices) = try overload(times, .init(cpuBudget: nil))
            print("\(times) times: shed \(ledger.total.allShed), lost \(ledger.total.allLost) of \(sent)")
            #expect(ledger.isBalanced)
            #expect(ledger.total.seen == sent)
            #expect(ledger.total.recorded(.reset) == resets && ledger.consumed(.reset) == resets)
            #expect(ledger.total.shed(.reset) == 0 && ledger.total.shed(.icmp) == 0)
            if times > 2 {
                #expect(ledger.total.allShed > 0)
                #expect(ledger.shedding != .none)
                #expect(notices.count <= 1)
            }
        }
    }

    @Test("A flow is kept whole or not at all, both directions, but for its resets")
    func whole() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            for count in [1, 4, 32] {
                var options = AttachWay.tcx.options(["near"])
                let levels = try #require(SheddingLevels(keepingOneOf: count))
                options.shedding = .init(cpuBudget: nil, least: levels)
                options.hashKey = Self.key
                let run = try CaptureRun(options)
                let ports = UInt16(3000)..<3064
                for port in ports {
                    try Self.frame(port, .syn).send(to: pair.right)
                    try Self.frame(port, [.syn, .ack], isAnswer: true).send(to: pair.right)
                    try Self.frame(port, .ack).send(to: pair.right, count: 3)
                    try Self.frame(port, .ack, isAnswer: true).send(to: pair.right, count: 2)
                    try Self.frame(port, [.fin, .ack]).send(to: pair.right)
                    try Self.frame(port, .rst).send(to: pair.right)
                }
                #expect(run.waits { $0.capture.ledger.total.seen == 9 * 64 })
                _ = run.stop()
                #expect(run.capture.ledger.isBalanced)
                #expect(run.capture.ledger.total.allLost == 0)
                var seen: [UInt16: Int] = [:]
                for kept in run.kept {
                    seen[kept.record.src_port == 443 ? kept.record.dst_port : kept.record.src_port, default: 0] += 1
                }
                for port in ports {
                    #expect(seen[port] == (levels.sheds(.bulk, hash: Self.hash(port)) ? 1 : 9))
                }
                let whole = ports.count { seen[$0] == 9 }
                #expect(count == 1 ? whole == 64 : (1..<64).contains(whole))
            }
        }
    }

    @Test("Resets that find no room are told on the spot")
    func resets() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            var options = AttachWay.tcx.options(["near"])
            options.ringBytes = 65_536
            let run = try CaptureRun(options, keeps: false, delay: 50_000)
            try Self.frame(1999, .rst).send(to: pair.right, count: 4000)
            #expect(run.waits { $0.notices.contains { $0.text.contains("were lost") } })
            _ = run.stop()
            #expect(run.capture.ledger.isBalanced)
            #expect(run.capture.ledger.total.lost(.reset, .ringFull) > 0)
        }
    }
}
