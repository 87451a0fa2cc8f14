// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The limits that the system sets this process, as far as a capture can run into them.
package enum ProcessLimits {
    /// Descriptors that an agent needs at least: libraries end the process where they get none.
    package static let descriptors: UInt64 = 128
    /// Descriptors that it asks for where it may: connections, interfaces, files.
    private static let wantedDescriptors: UInt64 = 4096

    /// Makes sure that there are enough descriptors, of those that the limit allows (getrlimit(2)).
    ///
    /// - Throws: `unavailable` where it allows too few.
    package static func raiseDescriptors() throws(CaptureError) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        if limit.rlim_cur < wantedDescriptors {
            limit.rlim_cur = rlim_t(min(wantedDescriptors, UInt64(limit.rlim_max)))
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        try check(descriptors: UInt64(limit.rlim_cur))
    }

    static func check(descriptors limit: UInt64) throws(CaptureError) {
        guard limit < descriptors else { return }
        throw CaptureError(
            .unavailable, subject: "descriptors",
            problem: "this process may have \(limit) open, and needs \(descriptors) at least",
            advice: "Raise the limit: `ulimit -n`, or LimitNOFILE= of the service", errno: EMFILE)
    }

    /// The memory that the control group of this process and those above it allow, in bytes; `nil` where there is no
    /// limit (cgroup v2, memory.max).
    package static func memory() -> UInt64? {
        memory(groups: SystemText.read("/proc/self/cgroup") ?? "") { SystemText.read("/sys/fs/cgroup\($0)/memory.max") }
    }

    /// - `groups`: the text of `/proc/self/cgroup`.
    /// - `read`: gives the text of a group's `memory.max` by the group's path.
    static func memory(groups: String, read: (String) -> String?) -> UInt64? {
        guard let line = groups.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return nil }
        var path = line.dropFirst(3)
        var least: UInt64?
        while true {
            let isRoot = path.allSatisfy { $0 == "/" }
            if let text = read(isRoot ? "" : String(path)), let bytes = UInt64(text.prefix { $0.isNumber }) {
                least = min(least ?? bytes, bytes)
            }
            guard !isRoot, let slash = path.lastIndex(of: "/") else { return least }
            path = path[..<slash]
        }
    }
}

extension LiveCapture {
    /// The memory of all rings with these options, in bytes.
    package static func ringMemory(_ wanted: Int?) throws(CaptureError) -> UInt64 {
        let processors = try ProcessorSet.current()
        let bytes = wanted ?? standardRingBytes(cpus: processors.online.count)
        return UInt64(bytes) * UInt64(processors.ringCount)
    }
}
