// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc

extension CaptureFacts {
    /// Looks at this machine. Changes nothing that lasts: the kernel part is loaded and let go, never attached.
    ///
    /// - Parameter names: interfaces or patterns; empty for all.
    package static func measure(_ names: [String]) -> CaptureFacts {
        var facts = CaptureFacts()
        facts.kernel = .current()
        facts.missingPrivileges = Privilege.current().missing
        facts.hasBTF = access("/sys/kernel/btf/vmlinux", R_OK) == 0
        facts.onlineCPUs = LiveCapture.onlineCPUs().count
        rstwho_quiet_libbpf()
        if facts.missingPrivileges.isEmpty {
            facts.hasRingBuffer = answer(libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, nil))
            // The loopback interface, which is there in every namespace.
            do {
                _ = try AttachedPrograms.tcx(index: 1, way: .ingress)
                facts.hasTCX = .yes
            } catch {
                facts.hasTCX = error.code == .unavailable ? .no : .unknown
            }
            do {
                _ = try BPFObject(
                    settings: .init(slot: 0, ringBytes: 65_536), programs: Set(KernelProgram.allCases), ringSlots: 1)
            } catch {
                facts.loadProblem = error.problem
            }
        }
        do throws(CaptureError) {
            let all = try InterfaceInfo.all()
            let chosen = names.isEmpty ? all : try InterfaceSelection(names, from: all).interfaces
            facts.interfaces = chosen.map { measure($0) }
        } catch {
            facts.selectionProblem = error
        }
        return facts
    }

    private static func answer(_ result: Int32) -> Answer {
        result < 0 ? .unknown : result > 0 ? .yes : .no
    }

    private static func measure(_ info: InterfaceInfo) -> Interface {
        var interface = Interface(info: info)
        interface.xdpProgram = try? AttachedPrograms.xdp(index: info.index)
        let control = rstwho_control_socket()
        guard control >= 0 else { return interface }
        defer { close(control) }
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(RSTWHO_DRIVER_BYTES)) { name in
            guard let start = name.baseAddress, rstwho_driver(control, info.name, start) == 0 else { return }
            interface.driver = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        // Of linux/ethtool.h: ETHTOOL_GGRO, ETHTOOL_GFLAGS and its bits.
        var value: UInt32 = 0
        if rstwho_ethtool_value(control, info.name, 0x2b, &value) == 0 { interface.hasGRO = value != 0 }
        if rstwho_ethtool_value(control, info.name, 0x25, &value) == 0 {
            interface.hasLRO = value & 1 << 15 != 0
            interface.takesTagsOut = value & 1 << 8 != 0
        }
        return interface
    }
}
