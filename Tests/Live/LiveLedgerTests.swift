// SPDX-License-Identifier: Apache-2.0
import Capture
import Fixtures
import Packets
import Testing

/// Every packet is accounted for, exactly.
@Suite(.serialized, .enabled(if: LiveRequirements.areMet, LiveRequirements.reason))
struct LiveLedgerTests {
    private static let data = Ethernet().ipv4().tcp(flags: [.ack]).payload("data")
    private static let syn = Ethernet().ipv4().tcp(flags: [.syn])
    private static let reset = Ethernet().ipv4().tcp(flags: [.rst, .ack])
    private static let fragment = Ethernet().ipv4(fragmentOffset: 100).payload("later")
    private static let cut = Ethernet().ipv4().tcp(flags: [.ack]).captured(40)

    @Test("of a million packets of all classes each ends in exactly one place")
    func million() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            var options = AttachWay.tcx.options(["near"])
            options.ringBytes = nil
            let run = try CaptureRun(options, keeps: false)
            for _ in 0..<100 {
                try Self.data.send(to: pair.right, count: 8000)
                try Self.syn.send(to: pair.right, count: 1000)
                try Self.reset.send(to: pair.right, count: 500)
                try Self.fragment.send(to: pair.right, count: 300)
                try Self.cut.send(to: pair.right, count: 200)
            }
            #expect(run.waits { $0.capture.ledger.total.seen == 1_000_000 })
            _ = run.stop()
            let ledger = run.capture.ledger
            let total = ledger.total
            #expect(total.seen == 1_000_000)
            #expect(ledger.isBalanced)
            #expect(ledger.inRing == 0)
            #expect(ledger.allConsumed == total.allRecorded)
            #expect(total.refused(.laterFragment) == 30_000)
            #expect(total.refused(.truncatedTransport) == 20_000)
            #expect(total.recorded(.bulk) + total.allLost(.bulk) == 800_000)
            #expect(total.recorded(.handshake) + total.allLost(.handshake) == 100_000)
            #expect(total.recorded(.reset) == 50_000)
            #expect(run.disorder == 0)
        }
    }

    @Test("where the consumer is slow, bulk gives way to resets, and what is lost is counted")
    func slow() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            var options = AttachWay.tcx.options(["near"])
            options.ringBytes = 65_536
            let run = try CaptureRun(options, keeps: false, delay: 20_000)
            for _ in 0..<20 {
                try Self.data.send(to: pair.right, count: 5000)
                try Self.reset.send(to: pair.right)
            }
            #expect(run.waits { $0.capture.ledger.total.seen == 100_020 })
            _ = run.stop()
            let ledger = run.capture.ledger
            #expect(ledger.isBalanced)
            #expect(ledger.total.lost(.bulk, .headroom) > 10_000)
            #expect(ledger.total.lost(.bulk, .ringFull) == 0)
            #expect(ledger.total.recorded(.reset) == 20)
            #expect(ledger.consumed(.reset) == 20)
            #expect(ledger.allConsumed == ledger.total.allRecorded)
        }
    }

    @Test("handshakes may fill seven eighths of a ring, resets all of it")
    func headroom() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            let near = Int64(65_536)
            for (frame, limit) in [(Self.data, near / 4 * 3), (Self.syn, near / 8 * 7), (Self.reset, near)] {
                var options = AttachWay.tcx.options(["near"])
                options.ringBytes = Int(near)
                // Not drained until it is stopped: what fits is what was recorded.
                let capture = try LiveCapture(options)
                try frame.send(to: pair.right, count: 2000)
                capture.stop()
                _ = try capture.run { _ in }
                let total = capture.ledger.total
                #expect(capture.ledger.isBalanced)
                let entry: Int64 = frame == Self.data ? 64 : 192
                // Packets are sent and seen on one CPU or another: at least one ring is filled to its limit.
                #expect(Int64(total.allRecorded) >= limit / entry - 1)
                #expect(total.seen == 2000)
                if frame == Self.reset {
                    #expect(total.lost(.reset, .headroom) == 0)
                    #expect(total.lost(.reset, .ringFull) > 0)
                } else {
                    #expect(total.allLost > 0)
                    #expect(total.allLost == total.lost(frame == Self.data ? .bulk : .handshake, .headroom))
                }
            }
        }
    }
}

extension Ledger.Count {
    /// Returns the losses of one class.
    fileprivate func allLost(_ packetClass: PacketClass) -> UInt64 {
        LossReason.allCases.reduce(0) { $0 + lost(packetClass, $1) }
    }
}
