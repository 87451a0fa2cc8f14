// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Glibc

/// The identity of this machine; baselines learned on another machine are not used.
enum MachineIdentity {
    /// A hash of machine-id(5), which as it is should not be told; of the host's name where there is none.
    static func current() -> String {
        let text = firstLine("/etc/machine-id") ?? firstLine("/proc/sys/kernel/hostname") ?? ""
        var hash = StableHash(seed: 0x7273_7477_686f)
        for byte in text.utf8 { hash.combine(byte) }
        return String(hash.value, radix: 16)
    }

    private static func firstLine(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = read(file, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let line = bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }
}
