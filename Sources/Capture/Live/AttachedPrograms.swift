// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc

/// BPF programs that are attached to interfaces, by whomever.
package enum AttachedPrograms {
    /// One of them.
    package struct Program: Sendable, Equatable {
        package var id: UInt32
        /// The first 15 characters, as the kernel keeps them; empty where it was not told.
        package var name: String

        /// True for a program of ours.
        package var isOurs: Bool { name.hasPrefix(KernelProgram.prefix) }

        init(id: UInt32) {
            self.id = id
            name = ProgramName.of(id: id) ?? ""
        }
    }

    /// Those on an interface's TCX hook.
    ///
    /// - Throws: `unavailable` where the kernel has no TCX (before 6.6), `ioError`.
    package static func tcx(index: Int32, way: PacketWay) throws(CaptureError) -> [Program] {
        var ids = [UInt32](repeating: 0, count: 64)
        let count = rstwho_tcx_programs(index, way == .egress, &ids, UInt32(ids.count))
        guard count >= 0 else {
            throw CaptureError(
                count == -EINVAL ? .unavailable : .ioError, subject: "TCX", problem: SystemError.text(-count),
                errno: -count)
        }
        return ids[..<Int(count)].map { Program(id: $0) }
    }

    /// The XDP program of an interface.
    package static func xdp(index: Int32) throws(CaptureError) -> Program? {
        var id: UInt32 = 0
        let failed = rstwho_xdp_program(index, &id)
        guard failed == 0 else {
            throw CaptureError(.ioError, subject: "XDP", problem: SystemError.text(-failed), errno: -failed)
        }
        return id == 0 ? nil : Program(id: id)
    }
}
