// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Capture

@Suite("What a capture needs of its capabilities once it is attached")
struct PrivilegeNeedsTests {
    private static func attachment(
        _ name: String, _ mechanism: AttachMechanism = .tcx, isAttached: Bool = true
    ) -> AttachmentInfo {
        AttachmentInfo(
            interface: name, index: 2, slot: 0, ingress: mechanism, egress: mechanism == .clsact ? .clsact : .tcx,
            reason: "", isAttached: isAttached)
    }

    private static func needs(
        _ interfaces: [String], _ attachments: [AttachmentInfo], isTap: Bool = false
    ) -> PrivilegeNeeds {
        PrivilegeNeeds(interfaces: interfaces, attachments: attachments, isTap: isTap)
    }

    @Test("Named interfaces that are there need nothing", arguments: [AttachMechanism.tcx, .xdp, .xdpGeneric])
    func nothing(mechanism: AttachMechanism) {
        let needs = Self.needs(
            ["eth0", "eth1"], [Self.attachment("eth0", mechanism), Self.attachment("eth1", mechanism)])
        #expect(needs.kept.isEmpty)
        #expect(needs.reasons.isEmpty)
    }

    @Test("A pattern keeps what loading takes, also where it matches something now")
    func pattern() {
        let needs = Self.needs(["eth*"], [Self.attachment("eth0")])
        #expect(needs.kept == [.bpf, .netAdmin, .perfmon])
        #expect(needs.reasons == ["eth* may match an interface that appears later"])
    }

    @Test("A name that nothing has keeps it, and one whose interface has gone")
    func missing() {
        #expect(Self.needs(["ppp0"], []).reasons == ["ppp0 is not there yet"])
        #expect(Self.needs(["ppp0"], [Self.attachment("ppp0", isAttached: false)]).kept == Capability.loading)
        #expect(Self.needs(["ppp0"], [Self.attachment("ppp0")]).kept.isEmpty)
    }

    @Test("A tap that may be attached later needs its socket; one that is attached does not")
    func tap() {
        #expect(Self.needs(["mirror*"], [], isTap: true).kept == Capability.loading.union([.netRaw]))
        #expect(Self.needs(["mirror0"], [Self.attachment("mirror0")], isTap: true).kept.isEmpty)
    }

    @Test("What clsact has is taken off at the end")
    func clsact() {
        let needs = Self.needs(["eth0"], [Self.attachment("eth0", .clsact)])
        #expect(needs.kept == [.netAdmin])
        #expect(needs.reasons.count == 1)
        #expect(Self.needs([], [Self.attachment("eth0", .clsact, isAttached: false)]).kept.isEmpty)
    }

    @Test("Capabilities are named as capabilities(7) does")
    func names() {
        #expect(Capability.text([]) == "none")
        #expect(Capability.text([.bpf]) == "CAP_BPF")
        #expect(Capability.text(Capability.loading) == "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON")
        #expect(Privilege(effective: 1 << 12).has(.netAdmin))
        #expect(!Privilege(effective: 1 << 12).has(.bpf))
    }
}
