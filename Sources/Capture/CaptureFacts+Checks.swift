// SPDX-License-Identifier: Apache-2.0

extension CaptureFacts {
    /// What follows for capturing at `hook`: the machine's checks, then each interface's.
    package func checks(hook: LiveCapture.Hook = .tc) -> [CaptureCheck] {
        var checks = machineChecks()
        if let problem = selectionProblem {
            checks.append(CaptureCheck(.fail, "interface", of: problem.subject, problem.problem, cure: problem.advice))
        }
        for interface in interfaces { checks += Self.checks(interface, hook) }
        return checks
    }

    private func machineChecks() -> [CaptureCheck] {
        var checks: [CaptureCheck] = []
        checks.append(
            missingPrivileges.isEmpty
                ? CaptureCheck(.ok, "privileges", "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are there")
                : CaptureCheck(
                    .fail, "privileges", "this process lacks \(missingPrivileges.joined(separator: ", "))",
                    cure: Privilege.advice))
        checks.append(
            kernel < .floor
                ? CaptureCheck(
                    .warn, "kernel", "Linux \(kernel) is older than what is tested",
                    cure: "Use Linux \(KernelVersion.floor) or later")
                : CaptureCheck(.ok, "kernel", "Linux \(kernel)"))
        switch hasRingBuffer {
        case .yes: checks.append(CaptureCheck(.ok, "ring_buffer", "BPF ring buffers are there"))
        case .no:
            checks.append(
                CaptureCheck(
                    .fail, "ring_buffer", "this kernel has no BPF ring buffers",
                    cure: "Use Linux \(KernelVersion.floor) or later"))
        case .unknown: checks.append(Self.untold("ring_buffer", "BPF ring buffers"))
        }
        if let loadProblem {
            checks.append(
                CaptureCheck(
                    .fail, "kernel_part", "it does not load: \(loadProblem)",
                    cure: "Please report this with the kernel's version (\(kernel))"))
        } else if missingPrivileges.isEmpty {
            checks.append(CaptureCheck(.ok, "kernel_part", "the verifier takes it"))
        } else {
            checks.append(Self.untold("kernel_part", "whether the kernel part loads"))
        }
        switch hasTCX {
        case .yes:
            checks.append(CaptureCheck(.ok, "tcx", "TC programs are attached as links, which vanish with the process"))
        case .no:
            checks.append(
                CaptureCheck(
                    .ok, "tcx",
                    "this kernel has no TCX (before 6.6): clsact is used; after a kill its filters idle until the next start"
                ))
        case .unknown: checks.append(Self.untold("tcx", "TCX"))
        }
        checks.append(
            hasBTF
                ? CaptureCheck(.ok, "btf", "the kernel describes its types")
                : CaptureCheck(.ok, "btf", "the kernel does not describe its types; capture does not need it"))
        return checks
    }

    private static func untold(_ name: String, _ what: String) -> CaptureCheck {
        CaptureCheck(.warn, name, "\(what): not told without the privilege to ask", cure: "Run doctor with sudo")
    }

    private static func checks(_ interface: Interface, _ hook: LiveCapture.Hook) -> [CaptureCheck] {
        let name = interface.info.name
        var checks: [CaptureCheck] = []
        checks.append(
            interface.info.isUp
                ? CaptureCheck(.ok, "link", of: name, "up, MTU \(interface.info.mtu)")
                : CaptureCheck(.warn, "link", of: name, "down", cure: "ip link set \(name) up"))
        guard interface.info.framing != nil else {
            checks.append(
                CaptureCheck(
                    .fail, "framing", of: name,
                    "frames of its kind (ARPHRD \(interface.info.hardware)) are not understood",
                    cure: "Watch the interface that it stands on"))
            return checks
        }
        checks += offloads(interface, hook)
        checks.append(foreignXDP(interface, hook))
        checks.append(nativeXDP(interface, hook))
        return checks
    }

    private static func offloads(_ interface: Interface, _ hook: LiveCapture.Hook) -> [CaptureCheck] {
        let name = interface.info.name
        var checks: [CaptureCheck] = []
        if interface.hasLRO {
            checks.append(
                CaptureCheck(
                    .warn, "lro", of: name,
                    "LRO merges packets in the device: lengths and times are those of the merged ones, and many drivers "
                        + "refuse native XDP",
                    cure: "ethtool -K \(name) lro off"))
        }
        if interface.takesTagsOut, hook != .tc {
            checks.append(
                CaptureCheck(
                    .warn, "rxvlan", of: name, "the device takes VLAN tags out of the bytes: XDP does not see them",
                    cure: "ethtool -K \(name) rxvlan off, or the TC hook, which sees them"))
        }
        checks.append(
            CaptureCheck(
                .ok, "gro", of: name,
                interface.hasGRO && hook == .tc
                    ? "GRO merges data packets before TC sees them; they are counted as on the wire"
                    : "packets are seen one by one"))
        return checks
    }

    private static func foreignXDP(_ interface: Interface, _ hook: LiveCapture.Hook) -> CaptureCheck {
        let name = interface.info.name
        guard let program = interface.xdpProgram else {
            return CaptureCheck(.ok, "xdp_program", of: name, "no XDP program is attached")
        }
        if program.isOurs {
            return CaptureCheck(
                hook == .tc ? .ok : .fail, "xdp_program", of: name,
                "another rstwho watches it by XDP (id \(program.id))",
                cure: hook == .tc ? "" : "Ask that one, or stop it")
        }
        let what = "another XDP program is attached (id \(program.id), name \(program.name))"
        return hook == .tc
            ? CaptureCheck(
                .warn, "xdp_program", of: name, "\(what): TC does not see what it drops or redirects",
                cure: "Know what it does")
            : CaptureCheck(
                .fail, "xdp_program", of: name, "\(what), and is never replaced",
                cure: "Use the TC hook (the default), which works beside it")
    }

    private static func nativeXDP(_ interface: Interface, _ hook: LiveCapture.Hook) -> CaptureCheck {
        let name = interface.info.name
        let driver = interface.driver.isEmpty ? "no driver that tells its name" : "driver \(interface.driver)"
        let note = DriverNote.of(driver: interface.driver)
        let problem = note.problem(interface)
        let text = "native XDP, \(driver): \(problem ?? note.text)"
        guard hook == .xdp else {
            // Nothing follows for the other hooks: it is told because doctor is asked before XDP is switched on.
            return CaptureCheck(.ok, "native_xdp", of: name, text)
        }
        if problem != nil || note.cost == .impossible {
            return CaptureCheck(.fail, "native_xdp", of: name, text, cure: "Use the TC hook (the default)")
        }
        return note.cost == .none
            ? CaptureCheck(.ok, "native_xdp", of: name, text)
            : CaptureCheck(
                .warn, "native_xdp", of: name, text, cure: "Use the TC hook (the default) unless line rate needs it")
    }
}
