// SPDX-License-Identifier: Apache-2.0

/// Other flows than before are shed from some moment on.
package struct SheddingChange: Sendable, Equatable {
    package var levels: SheddingLevels
    /// It came into force between these two, ns since 1970.
    package var earliest: UInt64
    package var latest: UInt64

    package init(levels: SheddingLevels, earliest: UInt64, latest: UInt64) {
        self.levels = levels
        self.earliest = earliest
        self.latest = latest
    }
}
