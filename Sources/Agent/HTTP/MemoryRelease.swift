// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Synchronization

/// Gives memory back after large answers, once for all that end within a second.
final class MemoryRelease: Sendable {
    private let isScheduled = Atomic(false)

    /// To be called when a large answer has been written.
    func schedule() {
        guard !isScheduled.exchange(true, ordering: .relaxed) else { return }
        Task {
            try? await Task.sleep(for: .seconds(1))
            isScheduled.store(false, ordering: .relaxed)
            ProcessMemory.release()
        }
    }
}
