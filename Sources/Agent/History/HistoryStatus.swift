// SPDX-License-Identifier: Apache-2.0

/// The state of the history, for metrics.
package struct HistoryStatus: Sendable, Equatable {
    /// False while nothing can be stored.
    package var isUp = false
    /// The number of failures, by reason.
    package var errors: [HistoryFault.Reason: UInt64] = [:]
    /// Findings that were not stored.
    package var dropped: UInt64 = 0
    /// Findings that were stored, revisions included.
    package var stored: UInt64 = 0
    /// Bytes of its files.
    package var bytes: UInt64 = 0

    package init() {}
}
