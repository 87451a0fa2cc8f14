// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Counts calls.
final class Calls: Sendable {
    private let count = Atomic<Int>(0)

    /// 1 at the first call, 2 at the second ….
    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}
