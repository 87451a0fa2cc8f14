// SPDX-License-Identifier: Apache-2.0
import CLibbpf
import Capture
import Fixtures
import Foundation
import LiveSupport
import Packets
import Testing

/// Programs that somebody else takes off a watched interface.
@Suite(.serialized, .enabled(if: LiveRequirements.areMet, LiveRequirements.reason))
struct LiveDetachTests {
    private let reset = Ethernet().ipv4().tcp(flags: [.rst])

    /// Takes off everything that is on an interface, as `bpftool link detach` and `tc qdisc del` do.
    private static func detachAll(from index: Int32, _ name: String) throws {
        var id: UInt32 = 0
        while bpf_link_get_next_id(id, &id) == 0 {
            let link = bpf_link_get_fd_by_id(id)
            guard link >= 0 else { continue }
            defer { close(link) }
            var interface: UInt32 = 0
            if rstwho_link_interface(link, &interface) == 0, interface == UInt32(index) { _ = bpf_link_detach(link) }
        }
        _ = try? command("tc qdisc del dev \(name) clsact")
    }

    @Test(
        "programs that others take off are attached again within seconds, and that is told",
        arguments: AttachWay.allCases)
    func attachedAgain(_ way: AttachWay) async throws {
        try await inNamespace { [reset] in
            let pair = try makePair("near", "far")
            let run = try CaptureRun(way.options(["near"]))
            try reset.send(to: pair.right, count: 2)
            #expect(run.waits { $0.kept.count == 2 })
            try Self.detachAll(from: pair.left, "near")
            #expect(run.waits { $0.notices.count >= 2 })
            #expect(run.notices.first?.text.contains("taken rstwho's programs off this interface") == true)
            #expect(run.notices.dropFirst().first?.text.hasPrefix("watched from now on") == true)
            #expect(run.capture.attachments.map(\.isAttached) == [true])
            #expect(run.capture.attachments.map(\.isBlind) == [false])
            try reset.send(to: pair.right, count: 3)
            #expect(run.waits { $0.kept.count == 5 })
            _ = run.stop()
            #expect(run.capture.ledger.isBalanced)
            #expect(run.notices.count == 2)
        }
    }

    @Test("where another program has the place, the interface is blind, which is told once, until the place is free")
    func blind() async throws {
        try await inNamespace { [reset] in
            let pair = try makePair("near", "far")
            let run = try CaptureRun(AttachWay.xdpGeneric.options(["near"]))
            try reset.send(to: pair.right)
            #expect(run.waits { $0.kept.count == 1 })
            // It stands still meanwhile, so that it does not come first.
            #expect(run.pause())
            try Self.detachAll(from: pair.left, "near")
            let blocker = try LiveCapture(AttachWay.xdpGeneric.options(["near"]))
            run.resume()
            let isBlind = "not watched: another XDP program is attached"
            func told() -> [String] { run.notices.map(\.text).filter { !$0.hasPrefix("captured nothing") } }
            #expect(run.waits { _ in told().count >= 2 })
            #expect(told().last?.hasPrefix(isBlind) == true)
            #expect(run.waits { $0.told.last?.map(\.isBlind) == [true] })
            #expect(run.capture.attachments.map(\.isAttached) == [false])
            withExtendedLifetime(blocker) {}
            // The capture has gone on all the time.
            guard case .success(.stopped) = run.stop() else {
                Issue.record("it did not end well")
                return
            }
            #expect(told().count == 2)
        }
    }

    @Test("`detach` takes off what rstwho attached, and leaves the programs of others", arguments: AttachWay.allCases)
    func detach(_ way: AttachWay) async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            try makePair("other", "other-far")
            let foreign = [false, true].map { live_attach_accepting(pair.left, $0) }
            defer { for link in foreign where link >= 0 { close(link) } }
            try #require(foreign.allSatisfy { $0 >= 0 })
            let all = try LiveState.programs(on: pair.left, "near")
            let holders = try [Holder(interface: "near", way), Holder(interface: "other", way)]
            defer { holders.forEach { $0.kill() } }
            // They hang: otherwise they would attach again.
            for holder in holders { kill(holder.pid, SIGSTOP) }
            #expect(try LiveState.programs(on: pair.left, "near") == all + 2)
            #expect(try Detachment.detach(["near"]).map { "\($0.interface) \($0.programs)" } == ["near 2"])
            #expect(try LiveState.programs(on: pair.left, "near") == all)
            #expect(try AttachedPrograms.tcx(index: pair.left, way: .ingress).map(\.name) == ["accept_all"])
            // The other interface was not named.
            #expect(try Detachment.detach([]).map { "\($0.interface) \($0.programs)" } == ["other 2"])
            #expect(try Detachment.detach([]).isEmpty)
            #expect(throws: CaptureError.self) { try Detachment.detach(["nowhere"]) }
        }
    }
}
