// SPDX-License-Identifier: Apache-2.0

/// Resets that wait for their settle time, oldest first.
///
/// Each has a number that counts up and never changes.
struct PendingResets {
    private var cases: [ResetCase] = []
    private var start = 0
    /// The number of `cases[0]`.
    private var base: UInt32 = 0

    var isEmpty: Bool { start == cases.count }

    /// The time when the oldest was seen, in ns; `.max` if there is none.
    private(set) var firstTime = UInt64.max
    /// Returns the time (ns) when the oldest will have waited for `settleTime`; `.max` if there is none.
    func due(after settleTime: UInt64) -> UInt64 { firstTime.saturatingSum(settleTime) }

    /// Time and frame of the oldest; `nil` where there is none.
    var first: (time: UInt64, frame: UInt64)? { isEmpty ? nil : (cases[start].time, cases[start].frame) }

    /// The number of the oldest.
    var firstNumber: UInt32 { base &+ UInt32(truncatingIfNeeded: start) }

    /// Appends a reset and returns its number.
    mutating func append(_ reset: ResetCase) -> UInt32 {
        if isEmpty { firstTime = reset.time }
        cases.append(reset)
        return base &+ UInt32(truncatingIfNeeded: cases.count - 1)
    }

    /// Takes out the oldest; there must be one.
    mutating func removeFirst() -> ResetCase {
        let reset = cases[start]
        start += 1
        if start == cases.count || (start > 1024 && start * 2 > cases.count) {
            cases.removeFirst(start)
            base &+= UInt32(truncatingIfNeeded: start)
            start = 0
        }
        firstTime = isEmpty ? .max : cases[start].time
        return reset
    }

    /// Changes the reset of that number.
    ///
    /// Returns false where it no longer waits.
    @discardableResult
    mutating func update(_ number: UInt32, _ body: (inout ResetCase) -> Void) -> Bool {
        let index = Int(number &- base)
        guard index >= start, index < cases.count else { return false }
        body(&cases[index])
        return true
    }
}
