// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Standard input, output and error of a process that may have been started without some of them (`>&-`).
enum StandardDescriptors {
    /// Gives closed ones to `/dev/null`, the wrong way round, as the C library does for programs with privileges: what
    /// is opened later does not become standard output, and whoever uses one is told that it is closed.
    static func hold() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest free number is this one: those below are taken.
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}
