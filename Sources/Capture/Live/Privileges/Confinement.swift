// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc

/// The limits of this process from now on, for good: the files that it can open and the system calls that it can make
/// (Landlock, seccomp).
///
/// For the case that a parser is taken over. What the agent does by itself is not affected.
package struct Confinement: Sendable {
    /// Files and directories that are read and written.
    package var writable: [String]
    /// Those that are read only.
    package var readable: [String]
    /// True where this process starts programs (`nft`).
    package var startsPrograms: Bool

    package init(writable: [String], readable: [String], startsPrograms: Bool) {
        self.writable = writable
        self.readable = readable
        self.startsPrograms = startsPrograms
    }

    /// Files that every run reads: the kernel's files, the system's configuration and its time zones.
    private static let system = ["/proc", "/sys", "/etc", "/usr/share/zoneinfo"]
    /// Directories that starting a program needs.
    private static let programs = ["/usr", "/bin", "/sbin", "/lib", "/lib64"]

    /// Confines every thread.
    ///
    /// - Returns: sentences on what is not confined and why; empty where everything is.
    package func apply() -> [String] {
        // Devices that programs and libraries take for granted.
        let files = Self.withPaths(writable + ["/dev/null"]) { writable in
            Self.withPaths(readable + Self.system + ["/dev/urandom"]) { readable in
                Self.withPaths(startsPrograms ? Self.programs : []) { rstwho_confine_files(writable, readable, $0) }
            }
        }
        let calls = rstwho_confine_calls(startsPrograms)
        return [
            files == 0 ? nil : "files are not confined: \(Self.reason(files, "Landlock"))",
            calls == 0 ? nil : "system calls are not confined: \(Self.reason(calls, "seccomp"))",
        ].compactMap { $0 }
    }

    private static func reason(_ failed: Int32, _ mechanism: String) -> String {
        failed == -EOPNOTSUPP ? "this kernel has no \(mechanism)" : SystemError.text(-failed)
    }

    /// Calls `body` with C strings, `nil` at the end.
    private static func withPaths<Result>(
        _ paths: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
    ) -> Result {
        let list = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: paths.count + 1)
        let copies = paths.map { strdup($0) }
        defer {
            copies.forEach { free($0) }
            list.deallocate()
        }
        for (index, copy) in copies.enumerated() { (list + index).initialize(to: copy.map { UnsafePointer($0) }) }
        (list + copies.count).initialize(to: nil)
        return body(list)
    }
}
