// SPDX-License-Identifier: Apache-2.0
import CPacket
import Capture
import Fixtures
import Packets
import Testing

/// The outermost VLAN tag stands in the bytes for XDP and beside them for TC: the record must be the same.
@Suite(.serialized, .enabled(if: LiveRequirements.areMet, LiveRequirements.reason))
struct LiveTagTests {
    /// A frame, the identifier of its outermost tag, and the frame without it.
    private struct Tagged: Sendable {
        var whole: FrameBuilder
        var tag: UInt16?
        var rest: FrameBuilder

        init(_ tag: UInt16?, tpid: UInt16 = 0x8100, _ build: (FrameBuilder) -> FrameBuilder) {
            self.tag = tag
            rest = build(Ethernet())
            whole = tag.map { build(Ethernet().vlan($0, tpid: tpid)) } ?? rest
        }
    }

    private static let frames: [Tagged] = [
        Tagged(nil) { $0.ipv4(ttl: 61).tcp(flags: .rst) },
        Tagged(100) { $0.ipv4(ttl: 62).tcp(flags: .rst) },
        Tagged(0) { $0.ipv4(ttl: 63).tcp(flags: .rst) },
        Tagged(100) { $0.vlan(200).ipv4(ttl: 64).tcp(flags: .rst) },
        Tagged(100, tpid: 0x88a8) { $0.vlan(200).ipv6(hopLimit: 65).tcp(flags: .rst) },
        Tagged(7) { $0.vlan(8).vlan(9).vlan(10).ipv6(hopLimit: 66).ipv6Extension(60).tcp(flags: .syn) },
        Tagged(7) { $0.mpls(16).ipv4(ttl: 67).tcp(flags: .fin) },
        Tagged(7) { $0.pppoe().ipv4(ttl: 68).echo(reply: true) },
        Tagged(7) { $0.ipv4().vxlan(42).ethernet().vlan(3).ipv4(ttl: 69).tcp(flags: .rst).payload("gone") },
    ]
    private static let tooManyTags = Tagged(1) { $0.vlan(2).vlan(3).vlan(4).vlan(5).ipv4(ttl: 70).tcp(flags: .rst) }

    /// Time and interface are the capture's own.
    private static func bytes(_ record: PacketRecord?) -> [UInt8] {
        guard var record else { return [] }
        record.time = 0
        record.interface = 0
        return withUnsafeBytes(of: record) { Array($0) }
    }

    @Test("tags in the bytes and beside them give the same record", arguments: AttachWay.allCases)
    func tags(_ way: AttachWay) async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            let run = try CaptureRun(way.options(["near"]))
            for frame in Self.frames + [Self.tooManyTags] { try frame.whole.send(to: pair.right) }
            #expect(run.waits { $0.kept.count == Self.frames.count })
            #expect(run.waits { $0.capture.ledger.total.seen == UInt64(Self.frames.count + 1) })
            run.stop()
            let kept = run.kept.sorted { $0.record.ttl < $1.record.ttl }
            try #require(kept.count == Self.frames.count)
            let isBeside = way == .tcx || way == .clsact
            for (frame, packet) in zip(Self.frames, kept) {
                #expect(Self.bytes(packet.record) == Self.bytes(frame.whole.parsed().record))
                let tag = isBeside ? frame.tag : nil
                let inBytes = tag == nil ? frame.whole : frame.rest
                #expect(packet.vlan == tag.map { $0 | UInt16(HEADER_SNAPSHOT_VLAN_PRESENT) } ?? 0)
                let length = inBytes.parsed().snapshot.map { Int($0.length) } ?? 0
                #expect(length > 0)
                #expect(packet.headers == Array(inBytes.bytes.prefix(length)))
            }
            let refused = run.capture.ledger.total.refused(.tooManyTags)
            #expect(refused == 1)
        }
    }
}
