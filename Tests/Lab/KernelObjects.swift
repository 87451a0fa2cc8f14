// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The BPF programs and maps that a process holds; asked by their numbers, which tell them from those of any other
/// process, also when it is dead.
struct KernelObjects {
    let programs: Set<Int>
    private let counters: Int

    /// - Throws: `LabError` where it holds none.
    init(of pid: pid_t) throws {
        let directory = "/proc/\(pid)/fdinfo"
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: directory)
        // A descriptor may be closed by now.
        let lines = descriptors.compactMap { try? String(contentsOfFile: "\(directory)/\($0)", encoding: .utf8) }
            .flatMap { $0.split(separator: "\n") }
        func numbers(_ name: String) -> Set<Int> {
            Set(lines.filter { $0.hasPrefix("\(name):") }.compactMap { Int($0.split(separator: "\t")[1]) })
        }
        programs = numbers("prog_id")
        let counters = try numbers("map_id").first { number in
            try Namespace.host(["bpftool", "map", "show", "id", "\(number)"]).contains("name counters ")
        }
        guard let counters, !programs.isEmpty else { throw LabError("process \(pid) has no programs") }
        self.counters = counters
    }

    /// The programs that the kernel still has.
    func living() -> Set<Int> {
        programs.filter { (try? Namespace.host(["bpftool", "prog", "show", "id", "\($0)"])) != nil }
    }

    /// All that the programs have counted, but for packets after the lease; throws once the kernel has it no longer.
    func counted() throws -> String {
        try Namespace.host(["bpftool", "map", "dump", "id", "\(counters)"]).split(separator: "\n")
            .filter { !$0.contains("\"idle\"") }.joined(separator: "\n")
    }
}
