// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Capture

@Suite struct DoctorTests {
    private func facts(
        kernel: KernelVersion = KernelVersion(6, 12), hasTCX: Bool = true, missing: [String] = [],
        interfaces: [DoctorFacts.Interface] = []
    ) -> DoctorFacts {
        DoctorFacts(kernel: kernel, hasTCX: hasTCX, hasBTF: true, missingPrivileges: missing, interfaces: interfaces)
    }

    private func interface(
        _ driver: String, mtu: Int = 1500, hardware: UInt16 = 1, isUp: Bool = true, xdpProgram: UInt32? = nil,
        hasLRO: Bool? = nil, stripsVLAN: Bool? = nil
    ) -> DoctorFacts.Interface {
        DoctorFacts.Interface(
            info: InterfaceInfo(
                name: "eth0", index: 2, hardware: hardware, mtu: mtu, isUp: isUp, xdpProgram: xdpProgram),
            driver: driver, receiveQueues: 8, hasLRO: hasLRO, stripsVLAN: stripsVLAN)
    }

    private func check(_ name: String, _ facts: DoctorFacts) -> DoctorCheck? {
        facts.checks.first { $0.name == name }
    }

    private func check(_ name: String, _ interface: DoctorFacts.Interface) -> DoctorCheck? {
        check(name, facts(interfaces: [interface]))
    }

    @Test func aGoodMachineHasNothingInTheWay() {
        let checks = facts(interfaces: [interface("loopback")]).checks
        #expect(checks.allSatisfy { $0.status == .ok })
        #expect(Set(checks.map(\.name)).count == checks.count)
    }

    @Test func whatTheKernelTellsOfThisMachinesResetsIsSaid() {
        #expect(check("btf", facts())?.text.contains("which part of this machine sent a reset") == true)
        let older = check("btf", facts(kernel: KernelVersion(6, 1)))
        #expect(older?.status == .ok)
        #expect(older?.text.contains("before Linux 6.10") == true)
        var none = facts()
        none.hasBTF = false
        #expect(check("btf", none)?.status == .warn)
    }

    @Test func aMissingPrivilegeFailsAndSaysHow() {
        let check = check("privilege", facts(missing: ["CAP_BPF"]))
        #expect(check?.status == .fail)
        #expect(check?.text.contains("CAP_BPF") == true)
        #expect(check?.cure?.contains("sudo") == true)
        #expect(self.check("load", facts(missing: ["CAP_BPF"]))?.status == .warn)
    }

    @Test func aKernelPartThatDoesNotLoadFails() {
        var facts = facts()
        #expect(check("load", facts)?.status == .ok)
        facts.loadProblem = CaptureError(.unavailable, subject: "x", problem: "too old", advice: "Take a newer one")
        #expect(check("load", facts)?.status == .fail)
        #expect(check("load", facts)?.cure == "Take a newer one.")
    }

    @Test func anOldKernelIsSaid() {
        #expect(check("kernel", facts(kernel: KernelVersion(6, 0)))?.status == .warn)
        #expect(check("kernel", facts(kernel: KernelVersion(6, 1)))?.status == .ok)
        #expect(check("tc", facts(hasTCX: false))?.text.contains("clsact") == true)
        #expect(check("tc", facts())?.text.contains("through TCX") == true)
    }

    @Test(arguments: ["ixgbe", "mlx5_core", "ena", "virtio_net", "veth", "i40e", "somethingelse"])
    func nativeXDPThatDisturbsIsSaid(driver: String) {
        let check = check("native_xdp", interface(driver))
        #expect(check?.status == .warn)
        #expect(check?.text.contains(driver) == true)
        #expect(check?.cure != nil)
    }

    @Test func anMTUTooLargeForENAIsSaid() {
        #expect(check("mtu", interface("ena", mtu: 9001))?.text.contains("MTU of at most 3498") == true)
        #expect(check("mtu", interface("ena", mtu: 9001))?.cure?.contains("ip link set eth0 mtu 3498") == true)
        #expect(check("mtu", interface("ena", mtu: 3498)) == nil)
    }

    @Test func anMTUThatNeedsSeveralBuffersIsSaidWhereTheDriverTakesOne() {
        func mtu(_ driver: String, _ kernel: KernelVersion) -> String? {
            check("mtu", facts(kernel: kernel, interfaces: [interface(driver, mtu: 9000)]))?.text
        }
        #expect(mtu("ixgbe", KernelVersion(6, 12))?.contains("at most 3046") == true)
        #expect(mtu("i40e", KernelVersion(6, 3))?.contains("at most 3046") == true)
        #expect(mtu("i40e", KernelVersion(6, 4)) == nil)
        #expect(mtu("ice", KernelVersion(6, 2)) != nil)
        #expect(mtu("ice", KernelVersion(6, 3)) == nil)
        #expect(mtu("veth", KernelVersion(6, 1)) == nil)
    }

    @Test func hardwareThatPutsPacketsTogetherIsSaid() {
        var card = interface("bnxt_en")
        #expect(check("gro_hw", card) == nil)
        card.hasHardwareGRO = false
        #expect(check("gro_hw", card) == nil)
        card.hasHardwareGRO = true
        #expect(check("gro_hw", card)?.cure == "For --hook xdp: ethtool -K eth0 rx-gro-hw off")
    }

    @Test func aStrictSourceCheckIsSaid() {
        func check(_ filter: Int?) -> DoctorCheck? {
            var router = interface("veth")
            router.reversePathFilter = filter
            return self.check("rp_filter", router)
        }
        #expect(check(nil) == nil)
        #expect(check(0)?.status == .ok)
        #expect(check(2)?.status == .ok)
        #expect(check(1)?.status == .warn)
        #expect(check(1)?.cure?.hasSuffix("sysctl -w net.ipv4.conf.eth0.rp_filter=2") == true)
        var tagged = interface("vlan")
        tagged.info.name = "eth0.100"
        tagged.reversePathFilter = 1
        #expect(self.check("rp_filter", tagged)?.cure?.hasSuffix("net.ipv4.conf.eth0/100.rp_filter=2") == true)
    }

    @Test func aClockThatNothingKeepsInStepIsSaid() {
        var facts = facts()
        #expect(check("clock", facts) == nil)
        facts.isClockSynchronised = true
        #expect(check("clock", facts)?.status == .ok)
        facts.isClockSynchronised = false
        #expect(check("clock", facts)?.status == .warn)
        #expect(check("clock", facts)?.cure == "timedatectl set-ntp true")
    }

    @Test func aRingIsMeasuredByTheLinksRate() {
        // 14.88 million frames a second at 10 Gbit/s.
        let one = DoctorFacts.milliseconds(ofRing: 4 << 20, megabits: 10_000, queues: 1, cpus: 8)
        #expect(abs(one - 49_152 / 14_880.95) < 0.001)
        #expect(DoctorFacts.milliseconds(ofRing: 4 << 20, megabits: 10_000, queues: 16, cpus: 8) > one * 7.99)
        func ring(_ megabits: Int?, queues: Int = 8) -> DoctorCheck? {
            var card = interface("ixgbe")
            card.megabits = megabits
            card.receiveQueues = queues
            var facts = facts(interfaces: [card])
            facts.cpus = 8
            return check("ring", facts)
        }
        #expect(ring(nil) == nil)
        #expect(ring(10_000)?.status == .ok)
        #expect(ring(10_000)?.text.contains("holds 26.4 ms") == true)
        #expect(ring(100_000)?.status == .warn)
        #expect(ring(100_000)?.cure?.contains("--ring-size 16MiB") == true)
        #expect(ring(10_000, queues: 1)?.cure?.contains("--ring-size 16MiB") == true)
    }

    @Test func aForeignProgramIsSaidAndNeverReplaced() {
        #expect(check("foreign_xdp", interface("veth", xdpProgram: 7))?.text.contains("id 7") == true)
        #expect(check("foreign_xdp", interface("veth")) == nil)
    }

    @Test func offloadsThatHideTrafficAreSaid() {
        #expect(check("lro", interface("mlx5_core", hasLRO: true))?.cure == "ethtool -K eth0 lro off")
        #expect(check("lro", interface("mlx5_core", hasLRO: false)) == nil)
        #expect(check("rxvlan", interface("mlx5_core", stripsVLAN: true)) != nil)
        #expect(check("rxvlan", interface("mlx5_core", stripsVLAN: nil)) == nil)
    }

    @Test func aLinkThatIsDownOrNotUnderstoodIsSaid() {
        #expect(check("link", interface("veth"))?.status == .ok)
        #expect(check("link", interface("veth", isUp: false))?.status == .warn)
        #expect(check("link", interface("ib", hardware: 32))?.status == .fail)
        #expect(check("native_xdp", interface("ib", hardware: 32)) == nil)
    }

    @Test func thisMachineIsLookedAt() throws {
        let checks = try Doctor.checks(["lo"])
        #expect(checks.contains { $0.name == "native_xdp" && $0.interface == "lo" })
        #expect(throws: CaptureError.self) { try Doctor.checks(["no-such-interface"]) }
    }
}
