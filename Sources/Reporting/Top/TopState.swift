// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// The state of `rstwho top`: the newest findings, resets by the minute, devices, and the ledger.
package struct TopState: Sendable {
    /// The category of a finding.
    enum Kind: Int, CaseIterable {
        case foreign, host, unknown, way
    }

    /// Minutes that are counted.
    static let minutes = 60
    /// Findings that are kept, and ids that a revision is known by.
    private static let bound = 200
    private static let idBound = 20_000
    private static let minute: UInt64 = 60_000_000_000

    /// The serving interfaces in one line: names and hooks.
    package var title = ""
    package var origins: [Origin] = []
    /// Says that nothing moves on the screen.
    package var isPaused = false
    /// Only what somebody has to look into.
    package var showsProblemsOnly = false
    private(set) var newest: [Finding] = []
    private(set) var ledger: (now: LedgerTotals, before: LedgerTotals, seconds: Double)?
    private var lastLedger: (totals: LedgerTotals, time: UInt64)?
    private var counts: [UInt64: [Int]] = [:]
    private var told: [String: (minute: UInt64, kind: Kind, count: Int)] = [:]
    private var ids: [String] = []
    private var oldestID = 0

    package init() {}

    /// Takes a finding, or a revision of one.
    package mutating func take(_ finding: Finding) {
        if let earlier = told[finding.id] {
            counts[earlier.minute]?[earlier.kind.rawValue] -= earlier.count
        } else {
            remember(finding.id)
        }
        let minute = (finding.time ?? 0) / Self.minute
        let kind = Self.kind(finding)
        told[finding.id] = (minute, kind, finding.count)
        counts[minute, default: [Int](repeating: 0, count: Kind.allCases.count)][kind.rawValue] += finding.count
        if counts.count > Self.minutes * 2, let first = counts.keys.min() { counts[first] = nil }
        if let place = newest.firstIndex(where: { $0.id == finding.id }) {
            newest[place] = finding
        } else {
            newest.insert(finding, at: 0)
            if newest.count > Self.bound { newest.removeLast() }
        }
    }

    /// Takes the ledger as it is at `time`, ns of any clock that only goes forward.
    package mutating func take(_ totals: LedgerTotals, at time: UInt64) {
        if let last = lastLedger, time > last.time {
            ledger = (totals, last.totals, Double(time - last.time) / 1e9)
        }
        lastLedger = (totals, time)
    }

    private mutating func remember(_ id: String) {
        if ids.count < Self.idBound {
            ids.append(id)
        } else {
            told[ids[oldestID]] = nil
            ids[oldestID] = id
            oldestID = (oldestID + 1) % Self.idBound
        }
    }

    static func kind(_ finding: Finding) -> Kind {
        guard let reset = finding.reset else { return .way }
        return reset.sender.isForeign ? .foreign : reset.sender == .undetermined ? .unknown : .host
    }

    /// Findings of a kind in the last `minutes` until `now`, ns since 1970.
    func count(_ kind: Kind, minutes: Int, now: UInt64) -> Int {
        let last = now / Self.minute
        return counts.reduce(0) { sum, entry in
            entry.key <= last && last - entry.key < UInt64(minutes) ? sum + entry.value[kind.rawValue] : sum
        }
    }

    /// Resets that were not their host's, for each minute until `now`, the oldest first.
    func foreignByMinute(now: UInt64) -> [Int] {
        let last = now / Self.minute
        return (0..<Self.minutes).reversed().map { back in
            guard last >= UInt64(back) else { return 0 }
            return counts[last - UInt64(back)]?[Kind.foreign.rawValue] ?? 0
        }
    }
}
