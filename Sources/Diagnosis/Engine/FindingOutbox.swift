// SPDX-License-Identifier: Apache-2.0

/// Findings and revisions on their way out of the engine, in the order in which they are reported.
///
/// In a finished file that is the order of the packets: a finding about a later packet waits for the resets that were
/// seen before it and have no verdict yet. Resets are known here by numbers that count up.
struct FindingOutbox {
    private var ready: [Finding] = []
    /// The place in `ready` of the next one.
    private var next = 0
    /// Findings that wait for the reset of that number.
    private var held: [(after: UInt32, finding: Finding)] = []
    /// The newest reset that waits for its verdict.
    private var newestReset: UInt32?

    mutating func emit(_ finding: Finding) { ready.append(finding) }

    mutating func emit(_ findings: [Finding]) { ready += findings }

    /// Emits a finding after the resets that were seen before.
    mutating func emitInOrder(_ finding: Finding) {
        if let newestReset { held.append((newestReset, finding)) } else { ready.append(finding) }
    }

    /// Says that a reset waits for its verdict.
    mutating func await(reset number: UInt32) { newestReset = number }

    /// Says that the verdict on a reset was emitted, the oldest of those that waited.
    mutating func settle(reset number: UInt32) {
        if newestReset == number { newestReset = nil }
        while let first = held.first, newestReset == nil || Int32(bitPattern: first.after &- number) <= 0 {
            ready.append(first.finding)
            held.removeFirst()
        }
    }

    /// Takes out the next finding.
    mutating func take() -> Finding? {
        guard next < ready.count else { return nil }
        let finding = ready[next]
        next += 1
        if next == ready.count {
            ready = []
            next = 0
        }
        return finding
    }
}
