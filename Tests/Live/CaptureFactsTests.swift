// SPDX-License-Identifier: Apache-2.0
import Capture
import Testing

/// What `doctor` says of a machine, from facts that are made up, and that it can look at this one.
struct CaptureFactsTests {
    private var good: CaptureFacts {
        var facts = CaptureFacts()
        facts.kernel = KernelVersion(6, 12)
        facts.hasRingBuffer = .yes
        facts.hasTCX = .yes
        facts.hasBTF = true
        facts.interfaces = [.init(info: InterfaceInfo(name: "eth0", index: 2))]
        return facts
    }

    private func level(_ name: String, _ facts: CaptureFacts, _ hook: LiveCapture.Hook = .tc) -> CaptureCheck.Level? {
        facts.checks(hook: hook).first { $0.name == name }?.level
    }

    @Test("a good machine has nothing but ok at the TC hook")
    func fine() {
        #expect(good.checks().allSatisfy { $0.level == .ok && $0.cure.isEmpty })
        #expect(good.checks().contains { $0.subject == "eth0" })
    }

    @Test("each thing that stands in the way fails its own check and no other")
    func failures() {
        var facts = good
        facts.missingPrivileges = ["CAP_BPF"]
        #expect(level("privileges", facts) == .fail)
        #expect(level("kernel_part", facts) == .warn)
        facts = good
        facts.kernel = KernelVersion(5, 10)
        #expect(level("kernel", facts) == .warn)
        facts = good
        facts.hasRingBuffer = .no
        #expect(level("ring_buffer", facts) == .fail)
        facts = good
        facts.loadProblem = "the verifier"
        #expect(level("kernel_part", facts) == .fail)
        facts = good
        facts.selectionProblem = CaptureError(.notFound, subject: "eth9", problem: "there is no such interface")
        #expect(facts.checks().filter { $0.level == .fail }.map(\.subject) == ["eth9"])
        facts = good
        facts.interfaces[0].info.isUp = false
        #expect(facts.checks().filter { $0.level != .ok }.map(\.name) == ["link"])
        facts = good
        facts.interfaces[0].info.hardware = 280
        #expect(level("framing", facts) == .fail)
    }

    @Test("drivers are judged only where native XDP is asked for")
    func drivers() {
        var facts = good
        for (driver, expected) in [
            ("ixgbe", CaptureCheck.Level.warn), ("tun", .ok), ("e1000e", .fail), ("newnic", .warn),
        ] {
            facts.interfaces[0].driver = driver
            #expect(level("native_xdp", facts, .xdp) == expected)
            #expect(level("native_xdp", facts, .tc) == .ok)
        }
        facts.interfaces[0].driver = "ena"
        #expect(level("native_xdp", facts, .xdp) == .warn)
        facts.interfaces[0].info.mtu = 9001
        #expect(level("native_xdp", facts, .xdp) == .fail)
        #expect(facts.checks(hook: .xdp).first { $0.name == "native_xdp" }?.text.contains("9001") == true)
    }

    @Test("offloads that hide something are named for the hook that they hide it from")
    func offloads() {
        var facts = good
        facts.interfaces[0].takesTagsOut = true
        #expect(level("rxvlan", facts, .tc) == nil)
        #expect(level("rxvlan", facts, .xdp) == .warn)
        facts.interfaces[0].hasLRO = true
        #expect(level("lro", facts, .tc) == .warn)
        #expect(level("lro", good, .tc) == nil)
    }

    @Test("this machine can be looked at, with and without privileges")
    func here() {
        let facts = CaptureFacts.measure(["lo"])
        #expect(facts.interfaces.map(\.info.name) == ["lo"])
        #expect(facts.kernel > KernelVersion(0, 0))
        #expect(facts.checks().count >= 8)
        #expect(CaptureFacts.measure(["no-such-interface"]).selectionProblem?.code == .notFound)
    }

    @Test("on a machine that can capture nothing fails", .enabled(if: LiveRequirements.areMet, LiveRequirements.reason))
    func privileged() async throws {
        try await inNamespace {
            try makePair("near", "far")
            let facts = CaptureFacts.measure(["near"])
            #expect(facts.loadProblem == nil)
            #expect(facts.hasRingBuffer == .yes)
            #expect(facts.interfaces.first?.driver == "veth")
            #expect(facts.interfaces.first?.xdpProgram == nil)
            #expect(facts.checks().filter { $0.level == .fail } == [])
            let capture = try LiveCapture(AttachWay.xdp.options(["near"]))
            let busy = CaptureFacts.measure(["near"])
            #expect(busy.interfaces.first?.xdpProgram?.isOurs == true)
            #expect(busy.checks(hook: .xdp).first { $0.name == "xdp_program" }?.level == .fail)
            _ = capture
        }
    }
}
