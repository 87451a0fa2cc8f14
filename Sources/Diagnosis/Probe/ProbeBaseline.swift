// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The known distance of a host, from its other packets.
package struct ProbeBaseline: Sendable, Equatable {
    package var distance: HopDistance
    /// Packets that prove life, of all classes.
    package var samples: Int

    package init(distance: HopDistance, samples: Int) {
        self.distance = distance
        self.samples = samples
    }
}
