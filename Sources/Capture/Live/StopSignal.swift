// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc

/// Ends a capture from another thread.
package final class StopSignal: Sendable {
    /// An eventfd; readable once `stop` was called.
    private let descriptor: Int32

    package init() throws(CaptureError) {
        descriptor = rstwho_event_create()
        if descriptor < 0 {
            throw CaptureError(
                .ioError, subject: "eventfd", problem: "cannot be made: \(SystemError.text(-descriptor))",
                errno: -descriptor)
        }
    }

    deinit {
        close(descriptor)
    }

    /// Returns at once; the capture ends after the batch it is at.
    package func stop() {
        var one: UInt64 = 1
        // Fails only where the counter is full, which says the same.
        _ = write(descriptor, &one, 8)
    }

    /// Sleeps until `stop` or for `nanoseconds`.
    ///
    /// True if stopped.
    func wait(nanoseconds: Int) -> Bool {
        rstwho_event_wait(descriptor, UInt64(nanoseconds))
    }
}
