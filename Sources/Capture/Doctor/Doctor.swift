// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc
internal import Packets

/// Looks whether this machine can capture, without attaching anything.
package enum Doctor {
    /// The checks for the machine and for some interfaces.
    ///
    /// - `interfaces`: names and patterns; none for the machine alone.
    ///
    /// Throws `notFound` for an unknown interface.
    package static func checks(_ interfaces: [String]) throws(CaptureError) -> [DoctorCheck] {
        try facts(interfaces).checks
    }

    /// Reads what the machine is like.
    ///
    /// Loads the kernel part where that is allowed, and lets it go at once.
    package static func facts(_ interfaces: [String]) throws(CaptureError) -> DoctorFacts {
        let selection = try interfaces.isEmpty ? [] : select(interfaces)
        let missing = Privilege.current().missing
        let kernel = KernelVersion.current()
        var facts = DoctorFacts(
            kernel: kernel, hasTCX: missing.isEmpty ? hasTCX() : kernel >= firstWithTCX,
            hasBTF: access("/sys/kernel/btf/vmlinux", R_OK) == 0, missingPrivileges: missing,
            loadProblem: missing.isEmpty ? loadProblem([.ingress, .egress, .renewLease]) : nil,
            xdpLoadProblem: missing.isEmpty ? loadProblem([.xdp, .xdpFrags]) : nil,
            interfaces: selection.map { Self.facts(of: $0) })
        let synchronised = rstwho_clock_is_synchronised()
        facts.isClockSynchronised = synchronised < 0 ? nil : synchronised == 1
        if let processors = try? ProcessorSet.current() {
            facts.cpus = processors.online.count
            facts.ringBytes = LiveCapture.standardRingBytes(cpus: facts.cpus)
        }
        return facts
    }

    /// The first kernel with TCX, for where nobody may ask.
    private static let firstWithTCX = KernelVersion(6, 6)

    /// Asks for the programs on the loopback interface, whose index is 1 in every namespace (net/core/dev.c).
    private static func hasTCX() -> Bool {
        (try? AttachedPrograms.tcx(index: 1, way: .ingress)) != nil
    }

    /// An interface of a kind that is not understood is no error here: that is what doctor tells.
    private static func select(_ names: [String]) throws(CaptureError) -> [InterfaceInfo] {
        let all = try InterfaceInfo.all()
        let understood = all.filter { $0.framing != nil }
        var selected: [InterfaceInfo] = []
        for name in names {
            if let info = all.first(where: { $0.name == name }) {
                selected.append(info)
            } else {
                selected += try InterfaceSelection([name], from: understood).interfaces
            }
        }
        var seen: Set<Int32> = []
        return selected.filter { seen.insert($0.index).inserted }
    }

    private static func loadProblem(_ programs: Set<KernelProgram>) -> CaptureError? {
        do {
            _ = try BPFObject(
                settings: BPFObject.Settings(slot: 0, ringBytes: 65_536, hashKey: .random()), programs: programs,
                rings: try ProcessorSet.current())
            return nil
        } catch {
            return error
        }
    }

    private static func facts(of info: InterfaceInfo) -> DoctorFacts.Interface {
        let flags = EthtoolFlags(interface: info.name)
        var facts = DoctorFacts.Interface(
            info: info, driver: driver(of: info), receiveQueues: receiveQueues(of: info.name), hasLRO: flags?.hasLRO,
            stripsVLAN: flags?.stripsVLAN, reversePathFilter: reversePathFilter(of: info.name))
        let control = rstwho_control_socket()
        guard control >= 0 else { return facts }
        defer { close(control) }
        let merges = rstwho_feature_is_on(control, info.name, "rx-gro-hw")
        facts.hasHardwareGRO = merges < 0 ? nil : merges == 1
        let megabits = rstwho_link_megabits(control, info.name)
        facts.megabits = megabits < 0 ? nil : Int(megabits)
        return facts
    }

    /// The larger of what is set for the interface and for all: that is in force.
    private static func reversePathFilter(of interface: String) -> Int? {
        let values = ["all", interface].map { name in
            SystemText.read("/proc/sys/net/ipv4/conf/\(name)/rp_filter").flatMap { Int($0.prefix { $0.isNumber }) }
        }
        guard let all = values[0], let own = values[1] else { return nil }
        return max(all, own)
    }

    private static func driver(of info: InterfaceInfo) -> String {
        if info.isLoopback { return "loopback" }
        if !info.kind.isEmpty { return info.kind }
        var target = [CChar](repeating: 0, count: 4096)
        let count = readlink("/sys/class/net/\(info.name)/device/driver", &target, target.count)
        guard count > 0 else { return "" }
        return String(
            String(decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: "/")
                .last ?? "")
    }

    private static func receiveQueues(of interface: String) -> Int {
        guard let directory = opendir("/sys/class/net/\(interface)/queues") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while let entry = readdir(directory) {
            let isReceive = withUnsafeBytes(of: entry.pointee.d_name) { $0.starts(with: "rx-".utf8) }
            if isReceive { count += 1 }
        }
        return count
    }
}
