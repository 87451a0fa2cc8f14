// SPDX-License-Identifier: Apache-2.0

extension Ledger {
    /// Stands in a row for interfaces that have gone and whose slot another has now.
    ///
    /// No interface can have a slash in its name.
    package static let retiredName = "n/a"
}

extension Ledger.Count {
    /// Subtracts `other`, an earlier reading of the same counters.
    package static func -= (count: inout Ledger.Count, other: Ledger.Count) {
        count.seen &-= other.seen
        count.segments &-= other.segments
        count.missed &-= other.missed
        count.idle &-= other.idle
        count.skipped &-= other.skipped
        for index in count.recorded.indices { count.recorded[index] &-= other.recorded[index] }
        for index in count.shed.indices { count.shed[index] &-= other.shed[index] }
        for index in count.refused.indices { count.refused[index] &-= other.refused[index] }
        for row in count.lost.indices {
            for index in count.lost[row].indices { count.lost[row][index] &-= other.lost[row][index] }
        }
    }
}
