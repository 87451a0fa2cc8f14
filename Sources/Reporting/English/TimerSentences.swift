// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis

/// The words about a silence that equals a documented default.
enum TimerSentences {
    /// `equals the default of AWS Network Load Balancer (60 to 6000 s configurable) or AWS NAT gateway`; `nil` where
    /// there is none.
    static func equals(_ timers: [KnownTimers.Timer]) -> String? {
        guard !timers.isEmpty else { return nil }
        return "equals the default of " + timers.map(\.device).joined(separator: " or ")
    }
}
