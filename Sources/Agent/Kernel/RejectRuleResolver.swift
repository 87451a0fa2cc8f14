// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Dispatch
internal import FoundationEssentials
internal import Glibc
internal import Synchronization

/// Names the rule of this machine's packet filter that made a reset, beside the capture: findings that need it take a
/// turn here and come back with it, or without where it cannot be told.
///
/// At most `capacity` findings wait; what exceeds that is told without a rule. The rules are read at most five times a
/// second, and only when a finding asks for it. Nothing is ever changed.
package final class RejectRuleResolver: Sendable {
    private static let capacity = 256
    /// Between readings, in microseconds.
    private static let pause: UInt32 = 200_000
    private struct State {
        var waiting: [Finding] = []
        var done: [Finding] = []
        var isReading = false
        var readings = FilterRuleReadings()
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "rstwho-rules")
    private let list: @Sendable () -> String?

    /// - Parameter list: gives the listing, or `nil` where it cannot be had. Called on a queue of its own, first at
    ///   once.
    package init(list: @escaping @Sendable () -> String?) {
        self.list = list
        queue.async { [self] in read() }
    }

    /// Takes those findings that a rule can be named for, and returns the others with those that came back.
    package func exchange(_ findings: [Finding]) -> [Finding] {
        let wanting = findings.contains(where: Self.wantsRule)
        return state.withLock { state in
            var result = state.done
            state.done = []
            guard wanting else { return result + findings }
            for finding in findings {
                if Self.wantsRule(finding), state.waiting.count < Self.capacity {
                    state.waiting.append(finding)
                } else {
                    result.append(finding)
                }
            }
            if !state.waiting.isEmpty, !state.isReading {
                state.isReading = true
                queue.async { [self] in answer() }
            }
            return result
        }
    }

    /// The findings that still wait, once they are answered: within the time that a reading may take.
    package func finish() -> [Finding] {
        queue.sync {}
        return state.withLock { state in
            defer {
                state.waiting = []
                state.done = []
            }
            return state.done + state.waiting
        }
    }

    /// True for a reset that this machine's packet filter made.
    private static func wantsRule(_ finding: Finding) -> Bool {
        guard let reset = finding.reset, reset.sender == .thisMachine || reset.sender == .hostFirewall,
            reset.cause == .rejected
        else {
            return false
        }
        return finding.evidence.contains(.madeHere)
    }

    private func read() {
        let time = Self.now()
        guard let listing = list() else { return }
        let rules = FilterRule.resetting(listing: listing)
        state.withLock { $0.readings.add(rules, time: time) }
    }

    private func answer() {
        // What came while this reading was made waits for the next.
        let findings = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        read()
        state.withLock { state in
            state.done += findings.map { finding in
                var finding = finding
                if let evidence = state.readings.evidence(for: finding) { finding.evidence.append(evidence) }
                return finding
            }
        }
        usleep(Self.pause)
        state.withLock { state in
            state.isReading = !state.waiting.isEmpty
            if state.isReading { queue.async { [self] in answer() } }
        }
    }

    /// ns since 1970: packet times are of that clock.
    private static func now() -> UInt64 { UInt64(Date().timeIntervalSince1970 * 1e9) }
}
