// SPDX-License-Identifier: Apache-2.0

extension DoctorFacts {
    /// The checks derived from the facts, the machine's first.
    package var checks: [DoctorCheck] {
        [kernelCheck, btfCheck, privilegeCheck, loadCheck, tcCheck] + [clockCheck].compactMap { $0 }
            + interfaces.flatMap { checks(of: $0) }
            + (interfaces.isEmpty ? [] : [xdpLoadCheck].compactMap { $0 })
    }

    private var kernelCheck: DoctorCheck {
        guard kernel < .floor else {
            return DoctorCheck(
                "kernel", .ok, text: "Linux \(kernel), the oldest that is tested is \(KernelVersion.floor)")
        }
        return DoctorCheck(
            "kernel", .warn, text: "Linux \(kernel) is older than \(KernelVersion.floor), the oldest that is tested",
            cure: "Take a newer kernel if the kernel part does not load.")
    }

    /// The first kernel that gives a reason for each reset that it sends.
    private static let firstWithReasons = KernelVersion(6, 10)

    private var btfCheck: DoctorCheck {
        guard hasBTF else {
            return DoctorCheck(
                "btf", .warn,
                text: "without the kernel's types (BTF) nothing tells which part of this machine sent a reset",
                cure: "Take a kernel with CONFIG_DEBUG_INFO_BTF if this machine's own resets matter.")
        }
        let told =
            kernel < Self.firstWithReasons
            ? "before Linux \(Self.firstWithReasons) it reports only which resets of this machine an application sent"
            : "it reports which part of this machine sent a reset"
        return DoctorCheck("btf", .ok, text: "the kernel describes its types (BTF): \(told)")
    }

    private var privilegeCheck: DoctorCheck {
        missingPrivileges.isEmpty
            ? DoctorCheck("privilege", .ok, text: "this process may load and attach the BPF programs")
            : DoctorCheck(
                "privilege", .fail, text: "this process lacks \(missingPrivileges.joined(separator: ", "))",
                cure: "\(Privilege.advice).")
    }

    private var loadCheck: DoctorCheck {
        if !missingPrivileges.isEmpty {
            return DoctorCheck("load", .warn, text: "loading the BPF programs was not tried")
        }
        guard let loadProblem else { return DoctorCheck("load", .ok, text: "the BPF programs load") }
        return DoctorCheck(
            "load", .fail, text: "the BPF programs do not load: \(loadProblem.problem)",
            cure: Self.sentence(loadProblem.advice))
    }

    private var xdpLoadCheck: DoctorCheck? {
        xdpLoadProblem.map { problem in
            DoctorCheck(
                "load_xdp", .warn, text: "the XDP programs do not load: \(problem.problem)",
                cure: "Use the default hook, TC.")
        }
    }

    private var tcCheck: DoctorCheck {
        hasTCX
            ? DoctorCheck("tc", .ok, text: "TC through TCX: attaching disturbs nothing and vanishes with the process")
            : DoctorCheck(
                "tc", .ok, text: "TC through clsact, as there is no TCX (Linux 6.6) here; attaching disturbs nothing")
    }

    private func checks(of interface: Interface) -> [DoctorCheck] {
        let info = interface.info
        var checks = [Self.linkCheck(info)]
        guard info.framing != nil else { return checks }
        checks.append(Self.xdpCheck(interface))
        checks += [mtuCheck(interface), ringCheck(interface), Self.reversePathCheck(interface)].compactMap { $0 }
        if let program = info.xdpProgram {
            checks.append(
                DoctorCheck(
                    "foreign_xdp", .warn, interface: info.name,
                    text: "another XDP program (id \(program)) is attached; it is never replaced",
                    cure: "Use the default hook, TC, which sees the packets that the other program passes."))
        }
        if interface.hasLRO == true {
            checks.append(
                DoctorCheck(
                    "lro", .warn, interface: info.name,
                    text:
                        "large receive offload is on: LRO merges packets, and drivers refuse native XDP while it is on",
                    cure: "ethtool -K \(info.name) lro off"))
        }
        if interface.hasHardwareGRO == true {
            checks.append(
                DoctorCheck(
                    "gro_hw", .ok, interface: info.name,
                    text:
                        "the card merges packets (GRO-HW): TC counts the original packets, native XDP may be refused",
                    cure: "For --hook xdp: ethtool -K \(info.name) rx-gro-hw off"))
        }
        if interface.stripsVLAN == true {
            checks.append(
                DoctorCheck(
                    "rxvlan", .ok, interface: info.name,
                    text: "the card strips VLAN tags from frames: TC still sees them, XDP does not",
                    cure: "For --hook xdp with VLANs: ethtool -K \(info.name) rxvlan off"))
        }
        return checks
    }

    private static func linkCheck(_ info: InterfaceInfo) -> DoctorCheck {
        if info.framing == nil {
            return DoctorCheck(
                "link", .fail, interface: info.name,
                text: "link type ARPHRD \(info.hardware) is not supported",
                cure: "Capture on the interface below it.")
        }
        if !info.isUp {
            return DoctorCheck(
                "link", .warn, interface: info.name, text: "the interface is down: nothing passes it",
                cure: "ip link set \(info.name) up")
        }
        return DoctorCheck("link", .ok, interface: info.name, text: "up, MTU \(info.mtu)")
    }

    private static func sentence(_ advice: String) -> String? {
        advice.isEmpty ? nil : advice.hasSuffix(".") ? advice : "\(advice)."
    }
}
