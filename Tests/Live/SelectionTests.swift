// SPDX-License-Identifier: Apache-2.0
import Packets
import Testing

@testable import Capture

/// Tests of interface selection by names and patterns, and of error texts, without touching the machine.
struct SelectionTests {
    private let lo = InterfaceInfo(name: "lo", index: 1, hardware: 772)
    private let eth0 = InterfaceInfo(name: "eth0", index: 2)
    private let eth1 = InterfaceInfo(name: "eth1", index: 3)
    private let vlan = InterfaceInfo(name: "eth0.100", index: 4, kind: "vlan", lower: 2)

    private func names(_ wanted: [String], _ available: [InterfaceInfo]) throws -> [String] {
        try InterfaceSelection(wanted, from: available).interfaces.map(\.name)
    }

    @Test("names are taken as they are, patterns never with the loopback or with what stands on a chosen one")
    func patterns() throws {
        let all = [lo, eth0, eth1, vlan]
        #expect(try names(["eth0", "eth0.100"], all) == ["eth0", "eth0.100"])
        #expect(try names(["lo"], all) == ["lo"])
        #expect(try names(["eth*"], all) == ["eth0", "eth1"])
        #expect(try names(["*"], all) == ["eth0", "eth1"])
        #expect(try names(["eth?.100"], all) == ["eth0.100"])
        #expect(try names(["eth1", "eth*", "eth0"], all) == ["eth1", "eth0"])
        #expect(try InterfaceSelection(["eth*"], from: all).leftOut == ["eth0.100 stands on eth0, which is watched"])
        #expect(try InterfaceSelection(["eth[01]"], from: all).leftOut == [])
    }

    @Test("of a bond the bond stays, of a bridge its ports")
    func masters() throws {
        let bond = InterfaceInfo(name: "b0", index: 10, kind: "bond")
        let bridge = InterfaceInfo(name: "b1", index: 11, kind: "bridge")
        let slave = InterfaceInfo(name: "bx", index: 12, master: 10)
        let port = InterfaceInfo(name: "by", index: 13, master: 11)
        #expect(try names(["b*"], [bond, bridge, slave, port]) == ["b0", "by"])
        #expect(try names(["bx"], [bond, slave]) == ["bx"])
    }

    @Test("members of one bond or bridge show the same links, and so does that itself; a VLAN does not")
    func groups() {
        func attachment(_ slot: UInt8, _ index: Int32, master: Int32? = nil) -> AttachmentInfo {
            AttachmentInfo(
                interface: "e\(slot)", index: index, master: master, slot: slot, ingress: .tcx, egress: .tcx, reason: ""
            )
        }
        let attachments = [
            attachment(0, 2), attachment(1, 12, master: 10), attachment(2, 13, master: 10), attachment(3, 10),
            attachment(4, 14, master: 11),
        ]
        #expect(AttachmentInfo.groups(attachments) == [0, 1, 1, 1, 4])
    }

    @Test("what cannot be watched is told with what could be")
    func errors() {
        #expect(throws: CaptureError.self) { try names(["eth7"], [lo, eth0]) }
        do {
            _ = try names(["eth7"], [lo, eth0])
        } catch let error as CaptureError {
            #expect(error.code == .notFound)
            #expect(error.description == "eth7: there is no such interface. There are: lo, eth0")
        } catch {
            Issue.record("\(error)")
        }
        #expect(throws: CaptureError.self) { try names(["wlan*"], [lo, eth0]) }
        let can = InterfaceInfo(name: "can0", index: 9, hardware: 280)
        #expect(throws: CaptureError.self) { try names(["can0"], [can]) }
        #expect(throws: CaptureError.self) { try names(["can0", "eth*"], [can, eth0]) }
        #expect(throws: CaptureError.self) { try names(["can*"], [can, eth0]) }
        #expect(throws: Never.self) {
            let selection = try InterfaceSelection(["*"], from: [eth0, can])
            #expect(selection.interfaces.map(\.name) == ["eth0"])
            #expect(selection.leftOut == ["can0 has frames of a kind (ARPHRD 280) that is not understood"])
        }
        let many = (1...33).map { InterfaceInfo(name: "e\($0)", index: Int32($0)) }
        #expect(throws: CaptureError.self) { try names(["e*"], many) }
        #expect(throws: Never.self) { try names(["e*"], Array(many.dropLast())) }
    }

    @Test("frames of tunnels begin with IP, those of hardware with Ethernet")
    func framing() {
        func framing(_ hardware: UInt16) -> InterfaceInfo.Framing? {
            InterfaceInfo(name: "x", index: 1, hardware: hardware).framing
        }
        #expect([1, 772].map { framing($0) } == [.ethernet, .ethernet])
        #expect([512, 519, 768, 776, 65534].allSatisfy { framing($0) == .ip })
        #expect(framing(280) == nil)
    }

    @Test("privileges are read from the mask, CAP_SYS_ADMIN stands for the BPF ones")
    func privilege() {
        func missing(_ mask: String) -> [String] {
            Privilege(status: "Name:\tx\nCapEff:\t\(mask)\nCapBnd:\t0\n").missing
        }
        #expect(missing("000001ffffffffff") == [])
        #expect(missing("000000c000001000") == [])
        #expect(missing("0000000000201000") == [])
        #expect(missing("0000000000001000") == ["CAP_BPF", "CAP_PERFMON"])
        #expect(missing("0000000000000000") == ["CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON"])
        #expect(Privilege(status: "").missing.count == 3)
    }

    @Test("releases of kernels are read and compared")
    func versions() {
        #expect(KernelVersion(release: "6.1.0-42-amd64") == KernelVersion.floor)
        #expect(KernelVersion(release: "6.18.44-fc\n") == KernelVersion(6, 18))
        #expect(KernelVersion(release: "unknown") == nil)
        #expect(KernelVersion(5, 19) < KernelVersion.floor)
        #expect(!(KernelVersion(6, 10) < KernelVersion(6, 9)))
    }

    @Test("a refused load names privilege, an old kernel, or what the verifier said last")
    func loading() {
        let now = KernelVersion(6, 12)
        let log = (1...20).map { "line \($0)" }.joined(separator: "\n")
        let refused = BPFObject.loadError(errno: 13, verifierLog: log, kernel: now)
        #expect(refused.code == .unavailable)
        #expect(refused.problem.contains("line 20"))
        #expect(!refused.problem.contains("line 14\n"))
        #expect(refused.advice.contains("6.12"))
        #expect(BPFObject.loadError(errno: 1, verifierLog: "", kernel: now).code == .noPermission)
        let old = BPFObject.loadError(errno: 22, verifierLog: log, kernel: KernelVersion(5, 4))
        #expect(old.problem.hasPrefix("Linux 5.4 does not take it"))
        #expect(old.advice.contains("6.1"))
    }

    @Test("a ledger balances only if every packet is in one place")
    func ledger() {
        var ledger = Ledger()
        var count = Ledger.Count()
        count.seen = 10
        count.skipped = 1
        count.recorded[3] = 4
        count.refused[1] = 3
        count.lost[0][0] = 2
        ledger.rows = [Ledger.Row(slot: 0, interface: "eth0", way: .ingress, count: count)]
        ledger.consumed[3] = 3
        ledger.inRing = 1
        #expect(ledger.isBalanced)
        #expect(count.lost(.bulk, .headroom) == 2)
        #expect(count.refused(.notIP) == 3)
        ledger.inRing = 0
        #expect(!ledger.isBalanced)
        ledger.inRing = 1
        ledger.rows[0].count.seen = 11
        #expect(!ledger.isBalanced)
    }

    @Test("names of reasons are as many as the kernel part's, and differ")
    func reasons() {
        #expect(Set(RefusalReason.allCases.map(\.label)).count == RefusalReason.allCases.count)
        #expect(Ledger.Count().refused.count == RefusalReason.allCases.count + 1)
        #expect(LossReason.allCases.map(\.label) == ["headroom", "ring_full", "no_ring"])
    }
}
