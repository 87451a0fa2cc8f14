// SPDX-License-Identifier: Apache-2.0
import Capture
import Fixtures
import Foundation
import LiveSupport
import Packets
import Testing

/// Interfaces that come, go and come back while they are watched.
@Suite(.serialized, .enabled(if: LiveRequirements.areMet, LiveRequirements.reason))
struct LiveInterfaceTests {
    private let reset = Ethernet().ipv4().tcp(flags: [.rst])

    private func options(_ interfaces: [String], awaits: Bool = true) -> LiveCapture.Options {
        var options = AttachWay.tcx.options(interfaces)
        options.awaitsInterfaces = awaits
        return options
    }

    private func slots(_ run: CaptureRun) -> [String] {
        run.capture.attachments.map { "\($0.slot) \($0.interface) \($0.isAttached)" }
    }

    @Test(
        "an interface that comes back is watched again, in its slot, and its counts go on",
        arguments: AttachWay.allCases)
    func comesBack(_ way: AttachWay) async throws {
        try await inNamespace { [reset] in
            var pair = try makePair("near", "far")
            let other = try makePair("other", "other-far")
            var options = way.options(["near", "other"])
            options.awaitsInterfaces = false
            let run = try CaptureRun(options)
            try reset.send(to: pair.right, count: 2)
            #expect(run.waits { $0.kept.count == 2 })
            try command("ip link delete near")
            #expect(run.waits { !$0.capture.attachments[0].isAttached })
            try reset.send(to: other.right)
            #expect(run.waits { $0.kept.count == 3 })
            pair = try makePair("near", "far")
            #expect(run.waits { $0.capture.attachments[0].isAttached })
            #expect(run.capture.attachments.map(\.slot) == [0, 1])
            #expect(run.capture.attachments[0].index == pair.left)
            try reset.send(to: pair.right, count: 3)
            #expect(run.waits { $0.kept.count == 6 })
            #expect(run.kept.map(\.record.interfaceSlot) == [0, 0, 1, 0, 0, 0])
            #expect(
                run.notices.map { "\($0.interface): \($0.text)" } == [
                    "near: the interface has gone; it is watched again if it comes back",
                    "near: watched from now on (\(run.capture.attachments[0].reason))",
                ])
            #expect(run.told.last?.map(\.interface) == ["near", "other"])
            guard case .success(.stopped) = run.stop() else {
                Issue.record("it did not end well")
                return
            }
            #expect(run.capture.ledger.isBalanced)
            #expect(run.capture.ledger.rows.map(\.count.seen) == [5, 0, 1, 0])
        }
    }

    @Test("a pattern gets a new member, but neither another name's nor what stands on a member")
    func patterns() async throws {
        try await inNamespace { [reset, self] in
            try makePair("wan0", "far0")
            let run = try CaptureRun(options(["wan*"]))
            try makePair("lan0", "far1")
            let member = try makePair("wan1", "far2")
            try command("ip link add link wan1 name wan1.5 type macvlan")
            #expect(run.waits { _ in slots(run) == ["0 wan0 true", "1 wan1 true"] })
            #expect(run.waits { $0.notices.contains { $0.text == "wan1.5 stands on wan1, which is watched" } })
            try reset.send(to: member.right)
            #expect(run.waits { $0.kept.count == 1 })
            // Longer than a round of housekeeping.
            usleep(700_000)
            #expect(slots(run) == ["0 wan0 true", "1 wan1 true"])
            #expect(run.notices.count == 2)
            #expect(run.kept.map(\.record.interfaceSlot) == [1])
            run.stop()
        }
    }

    @Test("what is not there is waited for, and only where that is wanted")
    func waiting() async throws {
        try await inNamespace { [reset, self] in
            try command("ip link set lo up")
            #expect(throws: CaptureError.self) { try LiveCapture(options(["late"], awaits: false)) }
            #expect(throws: CaptureError.self) { try LiveCapture(options(["late*"], awaits: false)) }
            let run = try CaptureRun(options(["late", "later*"]))
            #expect(run.capture.attachments.isEmpty)
            #expect(run.waits { $0.notices.count == 2 })
            #expect(
                run.notices.map(\.text) == [
                    "there is no such interface yet; it is watched when it appears",
                    "no interface matches yet; one that appears is watched",
                ])
            let pair = try makePair("late", "far")
            #expect(run.waits { _ in slots(run) == ["0 late true"] })
            try reset.send(to: pair.right)
            #expect(run.waits { $0.kept.count == 1 })
            // The last one goes, and the capture waits for it.
            try command("ip link delete late")
            #expect(run.waits { _ in slots(run) == ["0 late false"] })
            usleep(700_000)
            guard case .success(.stopped) = run.stop() else {
                Issue.record("it ended by itself")
                return
            }
        }
    }

    @Test("other interfaces can be asked for while it runs; those that stay are not disturbed")
    func otherInterfaces() async throws {
        try await inNamespace { [reset, self] in
            let first = try makePair("one", "far1")
            let second = try makePair("two", "far2")
            let third = try makePair("three", "far3")
            let run = try CaptureRun(options(["one", "two"]))
            run.capture.watch(["two", "three", "four"])
            #expect(run.waits { _ in slots(run) == ["0 one false", "1 two true", "2 three true"] })
            for pair in [first, second, third] { try reset.send(to: pair.right) }
            #expect(run.waits { $0.kept.count == 2 })
            #expect(run.kept.map(\.record.interfaceSlot) == [1, 2])
            #expect(run.notices.map(\.interface) == ["one", "three", "four"])
            #expect(run.notices.first?.text == "no longer watched")
            #expect(try LiveState.programs(on: first.left, "one") == 0)
            run.stop()
            #expect(run.capture.ledger.isBalanced)
        }
    }

    @Test("more names than slots: a new one takes the slot of one that has gone, and begins at zero")
    func manyNames() async throws {
        try await inNamespace { [reset, self] in
            let pair = try makePair("v0", "far")
            for number in 1..<LiveCapture.maximumInterfaces { try command("ip link add v\(number) type ifb") }
            let run = try CaptureRun(options(["v*"]))
            #expect(run.capture.attachments.filter(\.isAttached).count == LiveCapture.maximumInterfaces)
            try reset.send(to: pair.right, count: 3)
            #expect(run.waits { $0.kept.count == 3 })
            // One more than there are slots, which is not watched until one goes.
            try makePair("v32", "far32")
            #expect(run.waits { $0.notices.map(\.text) == ["v32 is not watched, as 32 interfaces are"] })
            try command("ip link delete v0")
            #expect(run.waits { _ in slots(run).first == "0 v32 true" })
            #expect(run.capture.attachments.count == LiveCapture.maximumInterfaces)
            try reset.send(to: Int32(if_nametoindex("far32")))
            #expect(run.waits { $0.kept.count == 4 })
            run.stop()
            let ledger = run.capture.ledger
            #expect(ledger.isBalanced && ledger.total.seen == 4)
            #expect(ledger.rows.first { $0.interface == "v32" && $0.way == .ingress }?.count.seen == 1)
            #expect(ledger.rows.first { $0.interface == Ledger.retiredName && $0.way == .ingress }?.count.seen == 3)
        }
    }
}
