// SPDX-License-Identifier: Apache-2.0
import Packets

@testable import Diagnosis

// The packet path hands records on by their place; tests have them by value.

extension IdentificationCounters {
    mutating func learn(_ record: PacketRecord) {
        withUnsafePointer(to: record) { learn($0) }
    }
}

extension DuplicateFilter {
    mutating func isDuplicate(_ record: PacketRecord, now: UInt64) -> Bool {
        withUnsafePointer(to: record) { isDuplicate($0, now: now) }
    }
}
