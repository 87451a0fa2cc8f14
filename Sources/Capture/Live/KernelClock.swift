// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf

/// The kernel's own word about its clock.
package enum KernelClock {
    /// Returns the offset and its estimated error in microseconds, as adjtimex(2) has them; an error of -1 where
    /// nothing keeps the clock in step, or where the kernel does not tell.
    package static func offset() -> (offset: Int32, error: Int32) {
        var (offset, error): (Int32, Int32) = (0, 0)
        return rstwho_clock_offset(&offset, &error) == 0 ? (offset, error) : (0, -1)
    }
}
