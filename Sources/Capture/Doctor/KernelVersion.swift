// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A kernel's major and minor version.
///
/// Features are probed; the version only explains a failure.
package struct KernelVersion: Sendable, Equatable, Comparable, CustomStringConvertible {
    package var major: Int
    package var minor: Int

    package init(_ major: Int, _ minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// The oldest that is tested.
    package static let floor = KernelVersion(6, 1)

    /// Reads a release such as `6.1.0-42-amd64`.
    ///
    /// `nil` where it does not begin with two numbers.
    package init?(release: String) {
        let parts = release.split(separator: ".", maxSplits: 2).map { $0.prefix { $0.isNumber } }
        guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1]) else { return nil }
        self.init(major, minor)
    }

    /// The running one's; 0.0 where the kernel does not tell.
    package static func current() -> KernelVersion {
        SystemText.read("/proc/sys/kernel/osrelease").flatMap { KernelVersion(release: $0) } ?? KernelVersion(0, 0)
    }

    /// PREEMPT_RT: what handles packets on a CPU may be preempted by what handles others.
    package static var isRealTime: Bool { SystemText.read("/sys/kernel/realtime")?.hasPrefix("1") ?? false }

    package static func < (left: KernelVersion, right: KernelVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }

    package var description: String { "\(major).\(minor)" }
}
