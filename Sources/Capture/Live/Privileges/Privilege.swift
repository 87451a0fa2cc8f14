// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc

/// The effective capabilities of a thread (capabilities(7)).
package struct Privilege: Sendable, Equatable {
    /// The mask `CapEff` of `/proc/self/status`.
    package var effective: UInt64

    package init(effective: UInt64) {
        self.effective = effective
    }

    /// The calling thread's.
    ///
    /// Empty where `/proc` cannot be read.
    package static func current() -> Privilege {
        Privilege(status: SystemText.read("/proc/thread-self/status") ?? "")
    }

    /// Reads the text of a `/proc/PID/status`.
    package init(status: String) {
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        let mask = line?.split(separator: ":").last.flatMap { UInt64($0.drop { $0 == "\t" || $0 == " " }, radix: 16) }
        self.init(effective: mask ?? 0)
    }

    package func has(_ capability: Capability) -> Bool { effective & 1 << capability.rawValue != 0 }

    /// The names of what live capture needs and this process lacks.
    ///
    /// CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON.
    package var missing: [String] {
        [Capability.bpf, .netAdmin, .perfmon]
            .filter { !has($0) && ($0 == .netAdmin || !has(.sysAdmin)) }
            .map(\.name)
    }

    /// The advice for a missing privilege.
    package static let advice = """
        Loading the kernel part needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: run with sudo
        """

    /// Leaves every thread of this process with nothing but `kept`, for good: programs that it starts have no more
    /// either.
    ///
    /// - Throws: `unavailable` where a thread could not be reached; some may have what they had then.
    package static func keepOnly(_ kept: Set<Capability>) throws(CaptureError) {
        let failed = rstwho_keep_capabilities(kept.reduce(0) { $0 | 1 << UInt64($1.rawValue) })
        guard failed == 0 else {
            throw CaptureError(
                .unavailable, subject: "privileges", problem: "cannot be given up: \(SystemError.text(-failed))",
                errno: -failed)
        }
    }
}
