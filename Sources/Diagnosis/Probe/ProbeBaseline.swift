// SPDX-License-Identifier: Apache-2.0
package import Packets

/// What is known of a host without asking it: the distance that its packets come from.
package struct ProbeBaseline: Sendable, Equatable {
    package var distance: HopDistance
    /// Packets that prove life, of all classes.
    package var samples: Int

    package init(distance: HopDistance, samples: Int) {
        self.distance = distance
        self.samples = samples
    }
}
