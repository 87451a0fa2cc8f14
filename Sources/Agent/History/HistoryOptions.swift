// SPDX-License-Identifier: Apache-2.0

/// The location and limits of the history.
package struct HistoryOptions: Sendable, Equatable {
    /// The state directory.
    ///
    /// It is made (mode 0750) where its parent is there.
    package var directory: String
    /// Seconds for which findings with their evidence files, origins, hosts and paths are kept; a week by default.
    package var maximumAge: UInt64 = 7 * 86_400
    /// Bytes of the history's files, with 10 % more at most for moments; beyond that the oldest findings go.
    package var maximumBytes = standardBytes

    package static let standardBytes = 256 << 20

    /// Days and bytes that `maximumAge` and `maximumBytes` may be set to.
    package static let dayLimits = 1...3650
    package static let byteLimits = 1 << 20...1 << 36

    package init(directory: String) {
        self.directory = directory
    }
}
