// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf

/// The memory of this process.
package enum ProcessMemory {
    /// Gives what is free back to the kernel.
    ///
    /// Takes milliseconds, in which nobody else gets memory.
    package static func release() { rstwho_release_memory() }
}
