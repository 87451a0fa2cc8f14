// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf

/// The names of loaded BPF programs.
enum ProgramName {
    /// The first 15 characters of a program's name, as the kernel keeps them; `nil` where there is no such program.
    static func of(id: UInt32) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(RSTWHO_PROGRAM_NAME_BYTES)) { name in
            guard let start = name.baseAddress, rstwho_program_name(id, start) == 0 else { return nil }
            return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// True for a program of ours, by its name; without CAP_SYS_ADMIN, which programs' names take, whatever has our
    /// place.
    static func isOurs(id: UInt32) -> Bool {
        guard let name = of(id: id) else { return !Privilege.current().has(.sysAdmin) }
        return name.hasPrefix(KernelProgram.prefix)
    }
}
