// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What this process may do, read from its effective capabilities (capabilities(7)).
package struct Privilege: Sendable, Equatable {
    /// The mask `CapEff` of `/proc/self/status`.
    package var effective: UInt64

    package init(effective: UInt64) {
        self.effective = effective
    }

    /// This process's. Empty where `/proc` cannot be read.
    package static func current() -> Privilege {
        Privilege(status: SystemText.read("/proc/self/status") ?? "")
    }

    /// Reads the text of a `/proc/PID/status`.
    package init(status: String) {
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        let mask = line?.split(separator: ":").last.flatMap { UInt64($0.drop { $0 == "\t" || $0 == " " }, radix: 16) }
        self.init(effective: mask ?? 0)
    }

    private static let netAdmin = 12
    private static let sysAdmin = 21
    private static let perfmon = 38
    private static let bpf = 39

    private func has(_ capability: Int) -> Bool { effective & 1 << capability != 0 }

    /// The names of what live capture needs and this process lacks. CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON.
    package var missing: [String] {
        var missing: [String] = []
        if !has(Self.bpf), !has(Self.sysAdmin) { missing.append("CAP_BPF") }
        if !has(Self.netAdmin) { missing.append("CAP_NET_ADMIN") }
        if !has(Self.perfmon), !has(Self.sysAdmin) { missing.append("CAP_PERFMON") }
        return missing
    }

    /// What to do about a missing privilege.
    package static let advice = """
        Loading the kernel part needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: run with sudo
        """
}
