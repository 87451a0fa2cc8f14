// SPDX-License-Identifier: Apache-2.0

/// Interfaces by the slots of their records.
///
/// The members of one bond or bridge are one.
struct InterfaceSet: OptionSet, BitwiseCopyable, Sendable {
    var rawValue: UInt32

    init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// - Parameter slot: Below 32, as in a record.
    init(slot: UInt8) {
        rawValue = 1 << UInt32(slot & 31)
    }

    var isSeveral: Bool { rawValue.nonzeroBitCount > 1 }
}
