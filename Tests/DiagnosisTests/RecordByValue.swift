// SPDX-License-Identifier: Apache-2.0
import Packets

@testable import Diagnosis

// The packet path hands records on by their place; tests have them by value.

extension IdentificationCounters {
    mutating func learn(_ record: PacketRecord) {
        withUnsafePointer(to: record) { learn($0) }
    }
}

extension RecentPackets {
    mutating func isCopy(_ record: PacketRecord, now: UInt64) -> Bool {
        withUnsafePointer(to: record) { isCopy($0, now: now) }
    }
}
