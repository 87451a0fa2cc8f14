// SPDX-License-Identifier: Apache-2.0

/// Why a parsed packet has no record: `enum packet_loss` of `bpf/counters.h`.
package enum LossReason: UInt32, CaseIterable, Hashable, Sendable {
    /// The rest of the ring is kept for more precious classes.
    case headroom = 0
    /// Not even a reset had room.
    case ringFull
    /// The CPU has no ring.
    case noRing

    /// The name in metrics and texts.
    package var label: String {
        switch self {
        case .headroom: "headroom"
        case .ringFull: "ring_full"
        case .noRing: "no_ring"
        }
    }
}
