// SPDX-License-Identifier: Apache-2.0
import CPacket
import Capture
import Fixtures
import Foundation
import LiveSupport
import Packets
import Synchronization
import Testing

/// Tests of agents that hang, die or stop, and of interfaces that vanish.
@Suite(.serialized, .enabled(if: LiveRequirements.areMet, LiveRequirements.reason))
struct LiveLifetimeTests {
    @Test("a hung consumer's programs return at once after two seconds, and work again when it comes back")
    func lease() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            let frame = Ethernet().ipv4().tcp(flags: [.rst])
            let capture = try LiveCapture(AttachWay.tcx.options(["near"]))
            let isHung = Mutex(false)
            let comesBack = DispatchSemaphore(value: 0)
            let ended = DispatchSemaphore(value: 0)
            let count = Mutex(0)
            let notices = Mutex<[String]>([])
            Thread {
                _ = try? capture.run(notice: { notice in notices.withLock { $0.append(notice.text) } }) { batch in
                    count.withLock { $0 += batch.packets.count }
                    if isHung.withLock({ $0 }) { comesBack.wait() }
                }
                ended.signal()
            }.start()
            func waits(for expected: Int) -> Bool {
                for _ in 0..<500 where count.withLock({ $0 }) != expected { usleep(5000) }
                return count.withLock { $0 } == expected
            }
            try frame.send(to: pair.right, count: 2)
            #expect(waits(for: 2))
            isHung.withLock { $0 = true }
            usleep(2_100_000)
            try frame.send(to: pair.right, count: 50)
            isHung.withLock { $0 = false }
            comesBack.signal()
            // Longer than a round of housekeeping: the lease holds again.
            usleep(200_000)
            try frame.send(to: pair.right, count: 3)
            #expect(waits(for: 5))
            capture.stop()
            #expect(ended.wait(timeout: .now() + 5) == .success)
            // For as long as the lease was over nothing was captured, which is told.
            #expect(capture.ledger.blindTime >= 50_000_000)
            #expect(notices.withLock { $0 }.filter { $0.hasPrefix("captured nothing for ") }.count == 1)
            // What came while the lease was over is counted as lost for that reason.
            #expect(capture.ledger.total.seen == 55)
            #expect(capture.ledger.total.idle == 50)
            #expect(capture.ledger.total.allLost == 50)
            #expect(capture.ledger.isBalanced)
        }
    }

    @Test("nothing of a stopped capture stays, whichever way it was attached", arguments: AttachWay.allCases)
    func stopped(_ way: AttachWay) async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            let run = try CaptureRun(way.options(["near"]))
            #expect(try LiveState.programs(on: pair.left, "near") == 2)
            guard case .success(.stopped) = run.stop() else {
                Issue.record("it did not end well")
                return
            }
            // The kernel detaches a TCX program when its link's last reference is gone, a moment after the close.
            var left = try LiveState.programs(on: pair.left, "near")
            for _ in 0..<100 where left != 0 {
                usleep(10_000)
                left = try LiveState.programs(on: pair.left, "near")
            }
            #expect(left == 0)
            #expect(try !command("tc qdisc show dev near").contains("clsact"))
            #expect(throws: CaptureError.self) { try run.capture.run { _ in } }
        }
    }

    @Test("a capture that never ran leaves nothing either")
    func neverRan() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            do {
                let capture = try LiveCapture(AttachWay.tcx.options(["near"]))
                #expect(try LiveState.programs(on: pair.left, "near") == 2)
                _ = capture
            }
            #expect(try LiveState.programs(on: pair.left, "near") == 0)
        }
    }

    @Test("an interface that vanishes ends its own capture with a notice; the last one ends all")
    func vanishing() async throws {
        try await inNamespace {
            let first = try makePair("near", "far")
            try makePair("other", "other-far")
            let run = try CaptureRun(AttachWay.tcx.options(["near", "other"]))
            try command("ip link delete other")
            #expect(run.waits { !$0.notices.isEmpty })
            #expect(run.notices.map(\.interface) == ["other"])
            try Ethernet().ipv4().tcp(flags: [.rst]).send(to: first.right)
            #expect(run.waits { $0.kept.count == 1 })
            try command("ip link delete near")
            guard case .success(.interfacesGone) = run.end() else {
                Issue.record("it did not end by itself")
                return
            }
            #expect(run.notices.map(\.interface) == ["other", "near"])
            #expect(run.capture.ledger.isBalanced)
            #expect(run.capture.ledger.allConsumed == 1)
        }
    }

    @Test("an idle link ticks, and time moves on")
    func ticks() async throws {
        try await inNamespace {
            try makePair("near", "far")
            let run = try CaptureRun(AttachWay.tcx.options(["near"]))
            #expect(run.waits { $0.ticks >= 20 })
            #expect(abs(Double(run.watermark) / 1e9 - Date.now.timeIntervalSince1970) < 5)
            _ = run.stop()
            #expect(run.disorder == 0)
            #expect(run.kept.isEmpty)
        }
    }

    @Test("what passes before the first look has its time too, also long after boot")
    func beforeTheFirstLook() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            let capture = try LiveCapture(AttachWay.tcx.options(["near"]))
            // Bulk records, which carry 32 bits of time.
            try Ethernet().ipv4().tcp(flags: [.ack]).send(to: pair.right, count: 3)
            let times = Mutex<[UInt64]>([])
            let ended = DispatchSemaphore(value: 0)
            Thread {
                _ = try? capture.run { batch in times.withLock { $0 += batch.packets.map(\.time) } }
                ended.signal()
            }.start()
            for _ in 0..<1000 where times.withLock({ $0.count }) < 3 { usleep(5000) }
            capture.stop()
            #expect(ended.wait(timeout: .now() + 5) == .success)
            let now = Date.now.timeIntervalSince1970
            #expect(times.withLock { $0.count } == 3)
            #expect(times.withLock { $0 }.allSatisfy { abs(Double($0) / 1e9 - now) < 10 })
        }
    }

    @Test("a foreign TCX program that accepts all hides nothing, and goes on to see what it saw")
    func foreignTCX() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            let foreign = [false, true].map { live_attach_accepting(pair.left, $0) }
            defer { for link in foreign where link >= 0 { close(link) } }
            try #require(foreign.allSatisfy { $0 >= 0 })
            let run = try CaptureRun(AttachWay.tcx.options(["near"]))
            for way in PacketWay.allCases {
                let names = try AttachedPrograms.tcx(index: pair.left, way: way).map(\.name)
                #expect(names == [way == .ingress ? "rstwho_ingress" : "rstwho_egress", "accept_all"])
            }
            try Ethernet().ipv4().tcp(flags: [.rst]).send(to: pair.right)
            try Ethernet().ipv4().tcp(flags: [.rst]).send(to: pair.left)
            #expect(run.waits { $0.kept.count == 2 })
            _ = run.stop()
        }
    }

    @Test("an interface whose lower one is in another namespace stands on nothing here")
    func lowerElsewhere() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            try command("ip link add link near name upper type macvlan")
            try command("ip link add link near name leaving type macvlan")
            #expect(try InterfaceInfo.all().first { $0.name == "upper" }?.lower == pair.left)
            let home = open("/proc/thread-self/ns/net", O_RDONLY)
            try #require(home >= 0)
            defer { close(home) }
            try #require(live_new_namespace() == 0)
            let here = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
            let thread = try #require(here.split(separator: "/").last)
            try command("nsenter --net=/proc/\(getpid())/fd/\(home) ip link set leaving netns \(thread)")
            let moved = try #require(try InterfaceInfo.all().first { $0.name == "leaving" })
            #expect(moved.kind == "macvlan")
            #expect(moved.lower == nil)
        }
    }

    @Test("a foreign XDP program is not replaced, and named")
    func foreignXDP() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            let foreign = try LiveCapture(AttachWay.xdp.options(["near"]))
            for way in [AttachWay.xdp, .xdpGeneric] {
                do {
                    _ = try LiveCapture(way.options(["near"]))
                    Issue.record("a second XDP program was attached")
                } catch let error as CaptureError {
                    #expect(error.code == .unavailable)
                    #expect(error.description.contains("another XDP program is attached: id "))
                    #expect(error.description.contains("rstwho_xdp_fra"))
                }
            }
            // TC works beside it, and what failed left nothing.
            #expect(try LiveState.programs(on: pair.left, "near") == 2)
            let beside = try LiveCapture(AttachWay.tcx.options(["near"]))
            #expect(try LiveState.programs(on: pair.left, "near") == 4)
            _ = (foreign, beside)
        }
    }

    @Test("after a kill links are gone, and the next start takes a clsact filter away", arguments: AttachWay.allCases)
    func killed(_ way: AttachWay) async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            let holder = try Holder(interface: "near", way)
            #expect(try LiveState.programs(on: pair.left, "near") == 2)
            holder.kill()
            // Links go with the last reference to them, which the kernel may drop a moment after the process.
            for _ in 0..<200 where try LiveState.programs(on: pair.left, "near") > 0 && way != .clsact { usleep(5000) }
            #expect(try LiveState.programs(on: pair.left, "near") == (way == .clsact ? 2 : 0))
            let run = try CaptureRun(way.options(["near"]))
            #expect(try LiveState.programs(on: pair.left, "near") == 2)
            try Ethernet().ipv4().tcp(flags: [.rst]).send(to: pair.right)
            #expect(run.waits { $0.kept.count == 1 })
            _ = run.stop()
            #expect(try LiveState.programs(on: pair.left, "near") == 0)
        }
    }

    @Test("the next start takes it away with the service's privileges, too")
    func killedService() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            let killed = try Holder(interface: "near", .clsact, asService: true)
            killed.kill()
            #expect(try LiveState.programs(on: pair.left, "near") == 2)
            let next = try Holder(interface: "near", .clsact, asService: true)
            #expect(try LiveState.programs(on: pair.left, "near") == 2)
            next.kill()
        }
    }

    @Test("leftovers of a killed run can be removed without a new one; what is alive stays")
    func leftovers() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            let holder = try Holder(interface: "near", .clsact)
            #expect(try LiveCapture.removeLeftovers() == 0)
            #expect(try LiveState.programs(on: pair.left, "near") == 2)
            holder.kill()
            #expect(try LiveCapture.removeLeftovers() == 2)
            #expect(try LiveState.programs(on: pair.left, "near") == 0)
        }
    }

    @Test("a start removes what a killed run left on another interface, not what is alive")
    func leftoversAtStart() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            try makePair("other", "other-far")
            let holder = try Holder(interface: "near", .clsact)
            _ = try LiveCapture(AttachWay.clsact.options(["other"]))
            #expect(try LiveState.programs(on: pair.left, "near") == 2)
            holder.kill()
            _ = try LiveCapture(AttachWay.clsact.options(["other"]))
            #expect(try LiveState.programs(on: pair.left, "near") == 0)
        }
    }

    @Test("a tap without CAP_NET_RAW is refused, and nothing of it stays")
    func tapWithoutRaw() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            var options = AttachWay.tcx.options(["near"])
            options.isTap = true
            // Capabilities are a thread's own, and this thread is the test's.
            try #require(live_drop_net_raw() == 0)
            do {
                _ = try LiveCapture(options)
                Issue.record("it watches an interface that is not promiscuous")
            } catch let error as CaptureError {
                #expect(error.code == .noPermission)
                #expect(error.advice.contains("CAP_NET_RAW"))
            }
            #expect(try LiveState.programs(on: pair.left, "near") == 0)
            options.isTap = false
            #expect(throws: Never.self) { try LiveCapture(options) }
        }
    }

    @Test("a tap is promiscuous as long as it runs, and looks at nothing on its way out")
    func tap() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            var options = AttachWay.tcx.options(["near"])
            options.isTap = true
            let run = try CaptureRun(options)
            #expect(try command("ip -d link show dev near").contains("promiscuity 1"))
            try Ethernet().ipv4().tcp(flags: [.rst]).send(to: pair.left)
            try Ethernet().ipv4().tcp(flags: [.rst]).send(to: pair.right)
            #expect(run.waits { $0.kept.count == 1 })
            _ = run.stop()
            #expect(run.kept.map(\.record.direction) == [.ingress])
            #expect(run.capture.ledger.rows.map(\.count.seen) == [1, 0])
            #expect(try command("ip -d link show dev near").contains("promiscuity 0"))
        }
    }

    @Test("a second capture through clsact is refused while the first lives")
    func secondClsact() async throws {
        try await inNamespace {
            try makePair("near", "far")
            let first = try CaptureRun(AttachWay.clsact.options(["near"]))
            do {
                _ = try LiveCapture(AttachWay.clsact.options(["near"]))
                Issue.record("the first one's filter was replaced")
            } catch let error as CaptureError {
                #expect(error.problem == "another rstwho watches it")
            }
            _ = first.stop()
            #expect(throws: Never.self) { try LiveCapture(AttachWay.clsact.options(["near"])) }
        }
    }

    @Test("somebody else's clsact filters stay")
    func foreignFilters() async throws {
        try await inNamespace {
            try makePair("near", "far")
            try command("tc qdisc add dev near clsact")
            let passAll = "1,6 0 0 4294967295"
            try command(["tc", "filter", "add", "dev", "near", "ingress", "bpf", "bytecode", passAll])
            let run = try CaptureRun(AttachWay.clsact.options(["near"]))
            #expect(try command("tc filter show dev near ingress").contains("rstwho_ingress"))
            _ = run.stop()
            let left = try command("tc filter show dev near ingress")
            #expect(left.contains("bytecode"))
            #expect(!left.contains("rstwho"))
        }
    }

    @Test("an unknown interface and a bad ring size are told")
    func refusals() async throws {
        try await inNamespace {
            try makePair("near", "far")
            #expect(throws: CaptureError.self) { try LiveCapture(AttachWay.tcx.options(["nowhere"])) }
            #expect(throws: CaptureError.self) { try LiveCapture(AttachWay.tcx.options([])) }
            for bytes in [0, 4096, 100_000, 3 << 20] {
                var options = AttachWay.tcx.options(["near"])
                options.ringBytes = bytes
                #expect(throws: CaptureError.self) { try LiveCapture(options) }
            }
        }
    }
}
