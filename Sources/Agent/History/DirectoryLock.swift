// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Holds a directory for one process at a time; the kernel lets it go when the process ends, however it ends.
///
/// The corresponding C function is `flock(2)`.
package struct DirectoryLock: ~Copyable, Sendable {
    private let descriptor: Int32

    /// - Throws: `locked` where another process holds it; else what opening it says.
    package init(_ directory: String) throws(HistoryFault) {
        descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw HistoryFault(errno: errno, path: directory) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            if code == EWOULDBLOCK {
                throw HistoryFault(.locked, path: directory, problem: "the directory is in use")
            }
            throw HistoryFault(errno: code, path: directory)
        }
    }

    deinit { close(descriptor) }
}
