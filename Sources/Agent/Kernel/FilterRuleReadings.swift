// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// The rules of this machine that counted packets between two readings of their counters.
///
/// Remembers the last `capacity` readings. Reading is all that it rests on: the ruleset is never changed.
package struct FilterRuleReadings: Sendable {
    private static let capacity = 32
    /// Rules that are named where it may have been any of several.
    private static let maximumNamed = 3

    private struct Reading {
        /// ns since 1970.
        var time: UInt64
        var moved: [FilterRule]
    }

    private var counters: [FilterRule.Key: UInt64] = [:]
    private var readings: [Reading] = []
    /// Rules that do not count, as of the last reading.
    private var silent: [FilterRule] = []

    package init() {}

    /// Takes a reading that was begun at `time` (ns since 1970).
    package mutating func add(_ rules: [FilterRule], time: UInt64) {
        let isFirst = readings.isEmpty
        let moved = rules.filter { rule in
            guard !isFirst, let packets = rule.packets, packets > 0 else { return false }
            return packets != counters[rule.key]
        }
        readings.append(Reading(time: time, moved: moved))
        if readings.count > Self.capacity { readings.removeFirst() }
        counters = Dictionary(
            rules.compactMap { rule in rule.packets.map { (rule.key, $0) } }, uniquingKeysWith: { first, _ in first })
        silent = rules.filter { $0.packets == nil }
    }

    /// The evidence of which rule made a reset that this machine's packet filter made; `nil` where it cannot be told.
    ///
    /// - `finding`: with a time before the last reading.
    package func evidence(for finding: Finding) -> Evidence? {
        guard let time = finding.time, let reading = readings.first(where: { $0.time >= time }) else { return nil }
        let moved = narrow(reading.moved, to: finding)
        if let rule = moved.first, moved.count == 1 {
            return Self.evidence([rule], of: 1)
        }
        if !moved.isEmpty {
            return Self.evidence(moved.prefix(Self.maximumNamed), of: moved.count)
        }
        let candidates = silent.filter { Self.canAnswer($0, finding) }
        guard let rule = candidates.first, candidates.count == 1 else { return nil }
        return Self.evidence([rule], of: 1, hasCounters: false)
    }

    private static func evidence(
        _ rules: some Sequence<FilterRule>, of count: Int, hasCounters: Bool = true
    ) -> Evidence {
        let rules = Evidence.Value.Rules(named: rules.map(\.description), count: count, hasCounters: hasCounters)
        return Evidence(.filterRule, weight: 0, observed: .rules(rules))
    }

    /// Leaves out what does not fit the reset; where several fit, those that name its port are preferred.
    private func narrow(_ rules: [FilterRule], to finding: Finding) -> [FilterRule] {
        let fitting = rules.filter { Self.canAnswer($0, finding) }
        guard fitting.count > 1 else { return fitting }
        let words = ["dport \(finding.fiveTuple.sourcePort)", "sport \(finding.fiveTuple.destinationPort)"]
        let naming = fitting.filter { rule in words.contains { Self.contains(rule.text, words: $0) } }
        return naming.isEmpty ? fitting : naming
    }

    /// A packet to this machine passes no forward chain, and one through it no input chain.
    private static func canAnswer(_ rule: FilterRule, _ finding: Finding) -> Bool {
        switch rule.hook {
        case "forward": finding.reset?.sender == .thisMachine
        case "input", "output": finding.reset?.sender == .hostFirewall
        default: true
        }
    }

    private static func contains(_ text: String, words: String) -> Bool { " \(text) ".contains(" \(words) ") }
}
