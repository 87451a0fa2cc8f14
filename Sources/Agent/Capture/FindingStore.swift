// SPDX-License-Identifier: Apache-2.0
package import Diagnosis

/// The newest findings in the order in which they were first told.
///
/// A revision takes the place of what it revises.
///
/// Holds at most `capacity`; when full, the oldest gives way and `forgotten` counts it.
package struct FindingStore: Sendable {
    package let capacity: Int
    /// Findings that gave way to newer ones.
    package private(set) var forgotten: UInt64 = 0
    private var slots: [Finding] = []
    /// The place of each finding in the order of telling, by id.
    private var places: [String: UInt64] = [:]
    /// The place of the next finding.
    private var next: UInt64 = 0

    package init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    package var count: Int { slots.count }

    /// Keeps `finding`.
    ///
    /// - Returns: what it revises; `nil` where that is not known, or not known any more.
    @discardableResult
    package mutating func add(_ finding: Finding) -> Finding? {
        if let place = places[finding.id] {
            let slot = slot(of: place)
            defer { slots[slot] = finding }
            return slots[slot]
        }
        if slots.count < capacity {
            slots.append(finding)
        } else {
            let slot = slot(of: next)
            places[slots[slot].id] = nil
            slots[slot] = finding
            forgotten += 1
        }
        places[finding.id] = next
        next += 1
        return nil
    }

    /// Removes the findings that `isUnwanted`.
    ///
    /// Returns their ids.
    package mutating func remove(where isUnwanted: (Finding) -> Bool) -> [String] {
        let all = newest(limit: .max) { _ in true }.findings.reversed()
        let unwanted = all.filter(isUnwanted).map(\.id)
        guard !unwanted.isEmpty else { return [] }
        let gone = Set(unwanted)
        var left = FindingStore(capacity: capacity)
        left.forgotten = forgotten
        for finding in all where !gone.contains(finding.id) { left.add(finding) }
        self = left
        return unwanted
    }

    /// The one that was told before all others that are kept.
    package var oldest: Finding? {
        slots.isEmpty ? nil : slots[slot(of: next - UInt64(slots.count))]
    }

    package subscript(id: String) -> Finding? {
        places[id].map { slots[slot(of: $0)] }
    }

    /// Findings from the newest to the oldest that `isWanted`, at most `limit`.
    ///
    /// - `older`: only findings told before the one with this id; none where it has been forgotten.
    /// - `newer`: only findings told after the one with this id; all where it has been forgotten.
    ///
    /// Returns the findings, and whether there are more.
    package func newest(
        limit: Int, olderThan older: String? = nil, newerThan newer: String? = nil, where isWanted: (Finding) -> Bool
    ) -> (findings: [Finding], hasMore: Bool) {
        var findings: [Finding] = []
        let first = newer.flatMap { places[$0] }.map { $0 + 1 } ?? next - UInt64(slots.count)
        let end = older.map { places[$0] ?? 0 } ?? next
        guard first < end else { return ([], false) }
        for place in (first..<end).reversed() {
            let finding = slots[slot(of: place)]
            guard isWanted(finding) else { continue }
            if findings.count == limit { return (findings, true) }
            findings.append(finding)
        }
        return (findings, false)
    }

    /// The places of the findings that are kept, told after the one with this id; of all where it has been forgotten.
    package func places(newerThan newer: String? = nil) -> Range<UInt64> {
        (newer.flatMap { places[$0] }.map { $0 + 1 } ?? next - UInt64(slots.count))..<next
    }

    /// Findings in the order of telling that `isWanted`, of the next `length` places that are still kept.
    ///
    /// - Returns: the findings, and the place to go on at.
    package func page(
        _ range: Range<UInt64>, length: Int, where isWanted: (Finding) -> Bool
    ) -> (findings: [Finding], next: UInt64) {
        let first = max(range.lowerBound, next - UInt64(slots.count))
        let end = min(range.upperBound, first + UInt64(length), next)
        guard first < end else { return ([], range.upperBound) }
        return ((first..<end).map { slots[slot(of: $0)] }.filter(isWanted), end)
    }

    private func slot(of place: UInt64) -> Int { Int(place % UInt64(capacity)) }
}
