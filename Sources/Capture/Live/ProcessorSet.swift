// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc

/// The CPUs of this machine, as far as they size memory that is shared with the kernel.
///
/// The only source of such sizes. Files about CPUs may be missing, masked or another container's (LXCFS), so the bound
/// comes from a system call, and files only add to what is known to be online.
package struct ProcessorSet: Sendable, Equatable {
    /// The number that every possible CPU's number is below.
    ///
    /// The kernel writes a value for each possible CPU into the answer to a look-up in a per-CPU map: never more than
    /// this.
    package let bound: Int
    /// The numbers of the CPUs that are online, in ascending order.
    package let online: [Int]

    /// The count of rings that gives each online CPU its own.
    package var ringCount: Int { (online.last ?? 0) + 1 }

    /// Combines what several sources tell.
    ///
    /// - Parameters:
    ///   - bound: the kernel's own limit of CPU numbers.
    ///   - allowed: the CPUs that this process may run on.
    ///   - list: the text of `/sys/devices/system/cpu/online`; `nil` where it cannot be read.
    ///   - statistics: the text of `/proc/stat`; `nil` where it cannot be read.
    /// - Throws: `unavailable` where neither file tells anything, or where one names a CPU that the kernel cannot have.
    package init(bound: Int, allowed: [Int], list: String?, statistics: String?) throws(CaptureError) {
        let listed = SystemText.list(list ?? "")
        let counted = Self.processors(ofStatistics: statistics ?? "")
        guard !listed.isEmpty || !counted.isEmpty else {
            throw CaptureError(
                .unavailable, subject: "the CPUs",
                problem: "neither \(Self.listPath) nor \(Self.statisticsPath) tells which are online",
                advice: "Mount /sys or /proc where this process sees it")
        }
        let all = Set(listed + counted + allowed)
        if let stranger = all.first(where: { $0 < 0 || $0 >= bound }) {
            throw CaptureError(
                .unavailable, subject: "the CPUs",
                problem: "CPU \(stranger) is said to be online, but the kernel's numbers end below \(bound)",
                advice: "Compare \(Self.listPath) with \(Self.statisticsPath); one of them is not this kernel's")
        }
        self.bound = bound
        online = all.sorted()
    }

    /// Reads this machine's.
    package static func current() throws(CaptureError) -> ProcessorSet {
        var words = [UInt64](repeating: 0, count: Int(RSTWHO_CPU_WORDS))
        let bound = rstwho_cpu_bound(&words)
        guard bound > 0 else {
            throw CaptureError(
                .unavailable, subject: "the CPUs", problem: "their number cannot be had: \(SystemError.text(-bound))",
                errno: -bound)
        }
        let allowed = (0..<Int(bound)).filter { words[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
        return try ProcessorSet(
            bound: Int(bound), allowed: allowed, list: SystemText.read(listPath),
            statistics: SystemText.read(statisticsPath))
    }

    private static let listPath = "/sys/devices/system/cpu/online"
    private static let statisticsPath = "/proc/stat"

    /// The numbers of the lines `cpuN` (proc_stat(5)), which are those of online CPUs.
    private static func processors(ofStatistics text: String) -> [Int] {
        text.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("cpu"), let name = line.split(separator: " ").first else { return nil }
            return Int(name.dropFirst(3))
        }
    }
}
