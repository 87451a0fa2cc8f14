// SPDX-License-Identifier: Apache-2.0

/// The capabilities that this program has a use for, by their numbers (`linux/capability.h`).
package enum Capability: Int, CaseIterable, Sendable {
    /// Reading and writing other accounts' files, which root does by it.
    case overridesFilePermissions = 1
    /// Attaching, and asking the packet filter and connection tracking.
    case netAdmin = 12
    /// The socket that makes a mirror port promiscuous, and probing.
    case netRaw = 13
    /// Stands for CAP_BPF and CAP_PERFMON.
    case sysAdmin = 21
    /// Programs that read the packet's memory, and tracepoints.
    case perfmon = 38
    /// Loading programs and making maps.
    case bpf = 39

    package var name: String {
        switch self {
        case .overridesFilePermissions: "CAP_DAC_OVERRIDE"
        case .netAdmin: "CAP_NET_ADMIN"
        case .netRaw: "CAP_NET_RAW"
        case .sysAdmin: "CAP_SYS_ADMIN"
        case .perfmon: "CAP_PERFMON"
        case .bpf: "CAP_BPF"
        }
    }

    /// The capabilities that loading and attaching the BPF programs need.
    package static let loading: Set<Capability> = [.bpf, .netAdmin, .perfmon]

    /// `CAP_BPF and CAP_PERFMON`, in the order of the names.
    package static func text(_ capabilities: Set<Capability>) -> String {
        let names = capabilities.map(\.name).sorted()
        guard let last = names.last, names.count > 1 else { return names.first ?? "none" }
        return "\(names.dropLast().joined(separator: ", ")) and \(last)"
    }
}
