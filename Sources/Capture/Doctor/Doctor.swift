// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Looks whether this machine can capture, without attaching anything.
package enum Doctor {
    /// The checks for the machine and for some interfaces.
    ///
    /// - Parameter interfaces: names and patterns; none for the machine alone.
    /// - Throws: `notFound` for an unknown interface.
    package static func checks(_ interfaces: [String]) throws(CaptureError) -> [DoctorCheck] {
        try facts(interfaces).checks
    }

    /// Reads what the machine is like. Loads the kernel part where that is allowed, and lets it go at once.
    package static func facts(_ interfaces: [String]) throws(CaptureError) -> DoctorFacts {
        let selection = try interfaces.isEmpty ? [] : select(interfaces)
        let missing = Privilege.current().missing
        let kernel = KernelVersion.current()
        return DoctorFacts(
            kernel: kernel, hasTCX: missing.isEmpty ? hasTCX() : kernel >= firstWithTCX,
            hasBTF: access("/sys/kernel/btf/vmlinux", R_OK) == 0, missingPrivileges: missing,
            loadProblem: missing.isEmpty ? loadProblem([.ingress, .egress, .renewLease]) : nil,
            xdpLoadProblem: missing.isEmpty ? loadProblem([.xdp, .xdpFrags]) : nil,
            interfaces: selection.map { facts(of: $0) })
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
                settings: BPFObject.Settings(slot: 0, ringBytes: 65_536), programs: programs, ringCount: 1)
            return nil
        } catch {
            return error
        }
    }

    private static func facts(of info: InterfaceInfo) -> DoctorFacts.Interface {
        let flags = EthtoolFlags(interface: info.name)
        return DoctorFacts.Interface(
            info: info, driver: driver(of: info), receiveQueues: receiveQueues(of: info.name), hasLRO: flags?.hasLRO,
            stripsVLAN: flags?.stripsVLAN)
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
